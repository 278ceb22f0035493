"""JazzGAN's music over given chords and after given music."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models import jazz
from tests.representations.lead_sheets import lead_sheet
from tfmusicgan.models.jazzgan import given, pieces
from tfmusicgan.models.jazzgan.phrases import Phrases
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.jazz_phrases import REST
from tfmusicgan.representations.jazz_phrases_chords import chord_numbers
from tfmusicgan.representations.packing import unpack_numbers

ENCODINGS = ["jazzgan", "jazzgan_duration", "jazzgan_time_step"]


def make(name="jazzgan"):
    model = jazz.make_model(name)
    model.prepare(jazz.make_phrases(model.representation, 20, seed=4))
    return model


def ask(model, signature, rows=1, **given):
    """A signature's answers, its defaults for what is not given."""
    described = model.signatures()[signature]
    inputs = {}
    for name, spec in described.inputs.items():
        value = given.get(name, described.defaults[name])
        value = tf.convert_to_tensor(value, spec.dtype)
        shape = [rows, *(value.shape[-spec.shape.rank + 1 :] if spec.shape.rank > 1 else ())]
        inputs[name] = tf.broadcast_to(value, shape)
    found = {name: value.numpy() for name, value in described.function(**inputs).items()}
    return found, [NoteSequence.FromString(text) for text in found["note_sequence"]]


def symbols(sequence):
    return [(text.time, text.text) for text in sequence.text_annotations]


def test_progressions_are_read_and_what_is_none_is_named():
    chords = tf.constant([["C", "Am7/G"], ["N.C.", ""]])
    found = given.read_chords(chords, tf.constant([2, 4]), 8)
    assert found.count.numpy().tolist() == [2, 1] and found.bars.numpy().tolist() == [1, 1]
    assert found.steps.numpy().tolist() == [24, 48]
    expected = [chord_numbers("C"), chord_numbers("Am7/G"), (0, 0)]
    numbers = np.stack([found.bass, found.tones], axis=-1).reshape(-1, 2)
    assert numbers[:3].tolist() == [list(pair) for pair in expected]
    for texts, message in (
        ([["C", "H7"]], "expected symbols such as.*Received:.*H7"),
        ([["", "C"]], "no empty text in front of a symbol"),
        ([["C"] * 9], "at most 8 bars of them. Received rows of bars:.*9"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"(?s){message}"):
            given.read_chords(tf.constant(texts), tf.constant([4]), 8)
    with pytest.raises(tf.errors.InvalidArgumentError, match="one symbol at least for every row"):
        ask(make(), "harmonize", chords=[""])


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_progression_is_filled_from_its_first_step_to_its_last(name):
    model = make(name)
    chords = [["Dm7", "G7", "C"], ["Bb", "", ""], ["F#m7b5", "B7", ""]]
    found, sequences = ask(
        model,
        "harmonize",
        rows=3,
        seed=[1, 2, 3],
        chords=chords,
        beats_per_chord=[4, 2, 4],
        num_bars=[0, 0, 3],
        qpm=120.0,
        sound_chords=[True, False, False],
    )
    assert [sequence.total_time for sequence in sequences] == [6.0, 2.0, 6.0]
    names = [[text for _, text in symbols(sequence)] for sequence in sequences]
    assert names == [["Dm7", "G7", "C"], ["Bb"], ["F#m7b5", "B7", "F#m7b5"]]
    assert [max(note.instrument for note in s.notes) for s in sequences] == [1, 0, 0]
    assert found["first_step"].tolist() == [0, 0, 0]
    fields = [unpack_numbers(found["pitches"][row]) for row in range(3)]
    assert all(len(pitches) and pitches.max() <= REST for pitches in fields)


def test_a_primer_that_does_not_sound_ends_where_the_music_begins():
    """Moved to the first chord's root, so that every note stands to its chord as it did."""
    model = make()
    rep = model.representation
    own = jazz.read(model, jazz.make_phrases(rep, 3, seed=6))
    own = own._replace(pitches=own.pitches[:, :4], rhythms=own.rhythms[:, :4])
    nothing, zeros = tf.zeros([3, 1], tf.int32), tf.zeros([3], tf.int32)
    tones = tf.ones([3, 96, 12], tf.int32)
    music = Phrases(nothing, nothing, zeros, zeros + 17, tf.fill([3, 96], 9), tones, zeros + 96)
    begun = given.begin(music, own, rep)
    assert begun.silent.numpy().tolist() == begun.phrases.num_notes.numpy().tolist() == [4] * 3
    assert begun.phrases.rhythms.numpy()[:, 3].tolist() == [17] * 3
    assert given.music_begins(begun, rep.encoding).numpy().tolist() == [17] * 3
    lengths = (np.diff(own.rhythms.numpy(), axis=1) - 1) % 48
    moved = begun.phrases.rhythms.numpy()[:, :4]
    np.testing.assert_array_equal((np.diff(moved, axis=1) - 1) % 48, lengths)
    for row in range(3):
        total = int(
            sum(lengths[row]) + 3 + (own.rhythms[row, 0] - own.first_step[row] - 1) % 48 + 1
        )
        root = int(own.chord_roots[row, total])
        pairs = own.pitches[row].numpy(), begun.phrases.pitches[row].numpy()[:4]
        for before, after in zip(*pairs, strict=True):
            if before == REST:
                assert after == REST
            else:
                assert (after - 9) % 12 == (before - root) % 12 and 0 <= after < REST


@pytest.mark.parametrize(
    ("name", "count"),
    [(ENCODINGS[0], 0), (ENCODINGS[0], 6), (ENCODINGS[1], 2), (ENCODINGS[2], 2)],
)
def test_given_music_is_kept_whatever_its_length(name, count):
    model = make(name)
    notes = [(60 + 2 * place, 1 + place / 2, 0.5) for place in range(count)]
    chords = [(0, "Dm7"), (1.5, "G7")] if count else []
    sheet = lead_sheet(notes, chords, bars=None if count else 1)
    text = sheet.SerializeToString()
    _, (sequence,) = ask(model, "continue", note_sequence=text, seed=5, num_bars=1)
    seconds = 60 / (sheet.tempos[0].qpm if sheet.tempos else 120.0)
    begins = [(note.pitch, note.start_time / seconds) for note in sequence.notes]
    expected = [(pitch, start) for pitch, start, _ in notes]
    assert [(p, pytest.approx(s)) for p, s in expected] == begins[:count]
    # Up to a bar line, and one bar more.
    bars = -(-(1 + count / 2) // 4) if count else 0
    assert sequence.total_time == pytest.approx((bars + 1) * 4 * seconds)
    if count:
        assert [text for _, text in symbols(sequence)][:2] == ["Dm7", "G7"]
        assert [s for s, t in symbols(sequence) if t == "Dm7"][1:] == [
            pytest.approx(4 * bars * seconds)
        ]


def test_given_chords_lie_under_the_given_music():
    model = make()
    sheet = lead_sheet([(60, 1, 1), (62, 2, 1), (64, 3, 2)], [(0, "F")])
    given_music = {"note_sequence": sheet.SerializeToString(), "qpm": 120.0}
    for chords, expected in (
        (["C", "Am7", "Dm7"], ["C", "Am7", "Dm7"]),
        (["C", "Am7"], ["C", "Am7", "C"]),  # two bars are given: one more
    ):
        _, (sequence,) = ask(model, "continue", chords=chords, **given_music)
        assert [text for _, text in symbols(sequence)] == expected
        assert symbols(sequence)[0][0] == pytest.approx(60 / sequence.tempos[0].qpm)


def test_longer_music_than_is_read_is_kept_from_its_last_bars():
    model = make()
    notes = [(60 + bar % 12, 4 * bar, 4) for bar in range(20)]
    _, (sequence,) = ask(
        model, "continue", note_sequence=lead_sheet(notes).SerializeToString(), num_bars=1
    )
    kept = [note.pitch for note in sequence.notes][: pieces.READ_BARS]
    assert kept == [pitch for pitch, *_ in notes[-pieces.READ_BARS :]]


def test_music_in_another_meter_is_named():
    text = lead_sheet([(60, 0, 3)], numerator=3).SerializeToString()
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"(?s)in 4/4. Received.*3/4"):
        ask(make(), "continue", note_sequence=text)
