"""What JazzGAN's networks are told at each step."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models import jazz
from tfmusicgan.models.jazzgan import phrases as reading
from tfmusicgan.models.jazzgan.features import History, NoteReader, advance, histories
from tfmusicgan.recipes.jazzgan import ABOVE_ROOT, PITCH_CLASSES
from tfmusicgan.representations.jazz_phrases import REST

# Two phrases of five notes; the second begins with a rest.
PITCHES = [[24, 24, REST, 24, 31], [REST, REST, 40, 33, 33]]
RHYTHMS = [[6, 12, 18, 24, 24], [3, 3, 9, 15, 27]]
DURATIONS = [[6, 6, 6, 6, 48], [3, 48, 6, 6, 12]]
ROOTS = [[0, 7, 7, 2, 2], [0, 0, 5, 5, 11]]


def of(*values):
    return [tf.constant(value, tf.int32) for value in values]


def test_what_is_known_after_each_note_by_hand():
    found = histories(*of(PITCHES, RHYTHMS, DURATIONS, ROOTS))
    assert found.pitches[0, 3].numpy().tolist() == [24, REST, 24, 24]
    assert found.pitches[0, 0].numpy().tolist() == [24, REST, REST, REST]
    assert found.rhythms[1, 4].numpy().tolist() == [27, 15, 9, 3]
    assert found.rhythms[1, 1].numpy().tolist() == [3, 3, 0, 0]
    repeats = found.repeats.numpy()
    assert repeats[0, :, 0].tolist() == [1, 2, 1, 1, 1]  # pitches
    assert repeats[0, :, 1].tolist() == [1, 1, 1, 1, 2]  # rhythm tokens
    assert repeats[0, :, 2].tolist() == [1, 2, 3, 4, 1]  # durations
    assert repeats[1].tolist() == [[1, 1, 1], [2, 2, 1], [1, 1, 1], [1, 1, 2], [2, 1, 1]]
    assert found.sounding.numpy().tolist() == [[24, 24, 24, 24, 31], [REST, REST, 40, 33, 33]]
    # A rest keeps the pitch before it, and is no interval itself.
    assert found.interval.numpy().tolist() == [[0, 0, 0, 0, 7], [0, 0, 0, -7, 0]]
    assert found.above_root.numpy().tolist() == [[0, 5, 12, 10, 5], [12, 12, 11, 4, 10]]


def test_one_note_more_is_the_history_of_one_more_note():
    rng = np.random.default_rng(5)
    notes = of(
        rng.choice([3, 4, 60, REST], (7, 12)),
        rng.choice([0, 6, 12], (7, 12)),
        rng.choice([6, 48], (7, 12)),
        rng.integers(0, 12, (7, 12)),
    )
    whole = histories(*notes)
    known = History(*(part[:, 0] for part in whole))
    for place in range(1, 12):
        known = advance(known, *(values[:, place] for values in notes))
        for name in History._fields:
            expected = getattr(whole, name)[:, place]
            np.testing.assert_array_equal(getattr(known, name), expected, err_msg=name)


@pytest.mark.parametrize(
    ("encoding", "rest_class", "size"),
    [
        ("beat_position", False, 868),
        ("beat_position", True, 869),
        ("time_step", False, 386),
        ("time_step", True, 387),
        ("duration", False, 868 - 96 - 1),
    ],
)
def test_the_published_sizes(encoding, rest_class, size):
    reader = NoteReader(encoding, 72, 96, 24, rest_class, ABOVE_ROOT, seed=0, stddev=0.1)
    assert reader.input_size == size
    known = histories(*of(PITCHES, RHYTHMS, DURATIONS, ROOTS))
    tones, left = tf.zeros([2, 5, 12], tf.int32), tf.ones([2, 5], tf.int32)
    assert reader(known, of(ROOTS)[0], tones, left).shape == (2, 5, size)


@pytest.mark.parametrize("chord_tones", [ABOVE_ROOT, PITCH_CLASSES])
def test_the_numbers_one_after_the_other(chord_tones):
    reader = NoteReader("beat_position", 2, 3, 5, True, chord_tones, seed=0, stddev=1.0)
    known = histories(*of(PITCHES, RHYTHMS, DURATIONS, ROOTS))
    known = History(*(part[0, 2:4] for part in known))  # after the rest, and after the note behind
    tones = np.array([[1, 0, 0, 1] + [0] * 8, [1, 0, 1, 0] + [0] * 8])
    found = reader(known, *of([7, 2], tones, [48, 49])).numpy()
    pitch, rhythm, duration, root = (
        weight.numpy()
        for weight in (
            reader.pitch_embedding,
            reader.rhythm_embedding,
            reader.duration_embedding,
            reader.root_embedding,
        )
    )
    above, countdown = np.zeros(13), np.zeros(48)
    above[12] = countdown[47] = 1
    last = [pitch[[REST, 24, 24, REST]].ravel(), rhythm[[18, 12, 6, 0]].ravel(), duration[5]]
    # Of a G: G and B flat.
    sounding = np.eye(12)[7] + np.eye(12)[10]
    chord = tones[0] if chord_tones == ABOVE_ROOT else sounding
    expected = [chord, root[7], [1, 1, 3], [0], above, countdown, *last]
    np.testing.assert_allclose(found[0], np.concatenate(expected), rtol=1e-6)
    # More than a bar from the end, the countdown is empty.
    begin = 12 + 5 + 3 + 1 + 13
    assert not found[1, begin : begin + 48].any()
    assert found[1, 21:34].argmax() == 10


@pytest.mark.parametrize("name", ["jazzgan", "jazzgan_duration", "jazzgan_time_step"])
def test_inputs_of_a_phrase_note_by_note(name):
    """Chords, countdowns and histories are those of the right notes."""
    model = jazz.make_model(name)
    rep = model.representation
    examples = jazz.make_phrases(rep, 3, seed=2)
    phrases = jazz.read(model, examples)
    of_generator = reading.generator_inputs(model.generator.reader, phrases, rep)
    of_discriminator = [
        reading.discriminator_inputs(model.discriminator.reader, phrases, rep, lag)
        for lag in (0, 1)
    ]
    for row in range(3):
        count, time = int(examples["num_notes"][row]), 0
        place = int(examples["first_step"][row])
        lengths, roots = [], []
        for note in range(count):
            token = int(examples["rhythm"][row, note])
            length = {"beat_position": (token - place - 1) % 48 + 1, "duration": token + 1}
            lengths.append(length.get(rep.encoding, 1))
            roots.append(int(examples["chord_roots"][row, time]))
            if note >= rep.primer_notes:
                chord = roots[-1], examples["chord_tones"][row, time]
                before = _history(examples, row, note, lengths, roots)
                up_to = _history(examples, row, note + 1, lengths, roots)
                step, steps = note - rep.primer_notes, int(examples["num_steps"][row]) - time
                expected = model.generator.reader(before, *of(*chord, steps))
                np.testing.assert_allclose(of_generator[row, step], expected, rtol=1e-6)
                reader = model.discriminator.reader
                for lag, known in enumerate((up_to, before)):
                    expected = reader(known, *of(*chord, count - note))
                    found = of_discriminator[lag][row, step]
                    np.testing.assert_allclose(found, expected, rtol=1e-6)
            time, place = time + lengths[-1], (place + lengths[-1]) % 48
        assert time == examples["num_steps"][row]


def _history(examples, row, count, lengths, roots):
    """What is known after the first notes of a phrase."""
    parts = (examples["pitches"][row, :count], examples["rhythm"][row, :count])
    known = histories(*of(*(np.array([part]) for part in (*parts, lengths[:count], roots[:count]))))
    return History(*(part[0, -1] for part in known))
