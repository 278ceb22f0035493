"""Polyphonic SeqGAN goes on with music whose words it does not know: from the nearest ones."""

import numpy as np
import pytest

from tests.models.echo import traced
from tests.models.tiny import make_model
from tests.validity import assert_valid
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.packing import unpack_numbers

# C major of four quarters; the white keys from C5 on, as quarters without chords; C5
# with the chord; E5 with it, as an eighth; a rest of a quarter; the chord alone.
C_MAJOR = (96, 333, 145)
WHITE = (1, 3, 5, 6, 8, 10, 12)
WORDS = (
    *((24, 5, pitch, 0, 0, 0) for pitch in WHITE),
    (24, 5, 1, *C_MAJOR),
    (12, 5, 5, *C_MAJOR),
    (24, 0, 0, 0, 0, 0),
    (0, 0, 0, *C_MAJOR),
)
LENGTH = 8
SEEDS = np.array([3, 4, 5], np.int64)
G_MAJOR, F_MAJOR = (55, 59, 62), (53, 57, 60)


@pytest.fixture(scope="module")
def model():
    grid = {"length": LENGTH, "words": WORDS}
    return make_model("polyphonic_seqgan", grid=grid, hidden_size=32, embedding_size=32)


@pytest.fixture(scope="module")
def go_on(model):
    ask = traced(model, "continue")

    def answer(seeds, music, **controls):
        texts = [m if isinstance(m, bytes) else m.SerializeToString() for m in music]
        return ask(seeds, note_sequence=np.array(texts, object), **controls)

    return answer


def tune(pitches, chords=(), quarters=1.0):
    """Notes of one duration after each other, at 60 quarters a minute, over triads of four each."""
    sequence = NoteSequence()
    sequence.tempos.add(qpm=60)
    for place, pitch in enumerate(pitches):
        start = place * quarters
        sequence.notes.add(
            pitch=pitch, velocity=80, start_time=start, end_time=start + quarters, instrument=0
        )
    for bar, chord in enumerate(chords):
        for pitch in chord:
            start = 4.0 * bar
            sequence.notes.add(
                pitch=pitch, velocity=80, start_time=start, end_time=start + 4, instrument=1
            )
    return sequence


def begun(outputs, row, count):
    """The notes of the first words of an answer: (start in quarters, MIDI pitch) by instrument."""
    sequence = NoteSequence.FromString(outputs["note_sequence"][row])
    assert_valid(sequence, 24)
    parts = [
        [(note.start_time, note.pitch) for note in sequence.notes if note.instrument == part]
        for part in (0, 1)
    ]
    return parts[0][:count], parts[1]


def tokens(outputs):
    return [unpack_numbers(text).tolist() for text in outputs["tokens"]]


DOWN = [84, 83, 81, 79, 77, 76, 74, 72]


def test_an_eight_note_tune_over_chords_keeps_its_notes(model, go_on):
    music = tune(DOWN, (G_MAJOR, F_MAJOR))
    outputs = go_on(SEEDS[:1], [music], length=9)
    # C6 over G major is C5 over C major, whose chord is as long; F5 over F major has no chord.
    assert tokens(outputs)[0][:8] == [9, 8, 7, 6, 5, 4, 3, 2]
    assert outputs["tokens_replaced"].tolist() == [2]
    melody, chords = begun(outputs, 0, 8)
    assert melody == [(float(place), pitch) for place, pitch in enumerate([72, *DOWN[1:]])]
    assert chords[:3] == [(0.0, 48), (0.0, 52), (0.0, 55)]


def test_a_tune_of_unknown_words_alone_keeps_its_notes(go_on):
    # An octave lower, each note a fourth longer than a known one, some of them black keys; the
    # second chord begins while the fourth note sounds.
    pitches = [60, 61, 63, 64, 66, 67, 69, 70]
    music = tune(pitches, (G_MAJOR, F_MAJOR), quarters=1.25)
    outputs = go_on(SEEDS[:1], [music], length=10)
    assert tokens(outputs)[0][:9] == [9, 2, 2, 4, 12, 2, 6, 7, 2]
    assert outputs["tokens_replaced"].tolist() == [9]
    melody, chords = begun(outputs, 0, 8)
    # Black keys are no word's: the nearest one above them is C5.
    known = [72, 72, 72, 76, 72, 79, 81, 72]
    assert melody == [(float(place), pitch) for place, pitch in enumerate(known)]
    assert [pitch for start, pitch in chords if start == 4.0] == [48, 52, 55]


def test_known_words_stay_as_they_are(model, go_on):
    given = [9, 3, 11, 4, 10, 5, 6, 7, 2, 12]  # the last chord begins while the last note sounds
    music = model.representation.decode({"tokens": np.array(given)})
    outputs = go_on(SEEDS[:1], [music], length=11)
    assert tokens(outputs)[0][:10] == given
    assert outputs["tokens_replaced"].tolist() == [0] and outputs["tokens_replaced"].dtype == "i4"


def test_a_row_is_its_own_whatever_it_is_batched_with(go_on):
    music = [
        tune(DOWN, (G_MAJOR, F_MAJOR)),
        b"no music",
        tune([60, 61, 63], (F_MAJOR,), quarters=0.4),
        NoteSequence(),
        tune([72, 74, 76]),
    ]
    seeds = np.arange(5)
    together = go_on(seeds, music)
    assert together["tokens_replaced"].tolist() == [2, 0, 3, 0, 0]
    for rows in ([0], [2], [4, 2], [3, 0, 1]):
        alone = go_on(seeds[rows], [music[row] for row in rows])
        for name, values in together.items():
            np.testing.assert_array_equal(alone[name], values[rows], err_msg=name)


def test_words_that_are_left_out_of_long_music_do_not_count(model, go_on):
    most = model.max_length - model.length
    assert most == 56
    music = [tune([61] * 10 + [72] * 50), tune([72] * 50 + [61] * 10)]
    outputs = go_on(SEEDS[:2], music)
    assert outputs["tokens_replaced"].tolist() == [6, 10]
    assert [piece[:most] for piece in tokens(outputs)] == [[2] * most] * 2
