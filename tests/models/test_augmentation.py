"""Transposition of training phrases."""

import numpy as np
import tensorflow as tf

from tests.models.tiny import make_batch, make_model
from tfmusicgan.models import augmentation

BARS, TIME, PITCHES = 1, 4, 12
IS_DRUM = [False, True, False]


def _phrase(*notes):
    roll = np.zeros((BARS, TIME, PITCHES, 3), bool)
    for time, pitch, track in notes:
        roll[0, time, pitch, track] = True
    return roll


def _transposed(rolls, uniforms, most):
    rolls = tf.constant(np.stack(rolls))
    moved = augmentation.transpose(rolls, tf.constant(uniforms, tf.float32), most, IS_DRUM)
    return moved.numpy()


def test_notes_move_together_and_drums_stay():
    roll = _phrase((0, 3, 0), (1, 5, 2), (2, 4, 1), (3, 11, 1))
    up = _phrase((0, 5, 0), (1, 7, 2), (2, 4, 1), (3, 11, 1))
    down = _phrase((0, 1, 0), (1, 3, 2), (2, 4, 1), (3, 11, 1))
    # Five choices from -2 to 2: a fifth of the draws each.
    moved = _transposed([roll] * 3, [0.81, 0.59, 0.01], 2)
    np.testing.assert_array_equal(moved, [up, roll, down])


def test_no_note_leaves_the_range():
    high = _phrase((0, 2, 0), (1, 10, 2))  # one semitone of room above, two below
    full = _phrase((0, 0, 0), (1, 11, 0), (2, 7, 1))
    moved = _transposed([high, high, full, full], [0.999999, 1e-7, 0.99, 0.01], 5)
    expected = [_phrase((0, 3, 0), (1, 11, 2)), _phrase((0, 0, 0), (1, 8, 2)), full, full]
    np.testing.assert_array_equal(moved, expected)
    silent = _phrase((1, 4, 1))
    np.testing.assert_array_equal(_transposed([silent], [0.9], 5)[0], silent)


def test_every_transposition_is_as_likely():
    roll = _phrase((0, 6, 0))
    uniforms = (np.arange(700) + 0.5) / 700
    moved = _transposed([roll] * 700, uniforms, 3)
    pitches = moved[:, 0, 0, :, 0].argmax(axis=1)
    np.testing.assert_array_equal(np.bincount(pitches, minlength=12)[3:10], 100)
    # The largest float32 below 1 is still within the range.
    last = _transposed([roll], [np.nextafter(np.float32(1), np.float32(0))], 5)
    assert last[0, 0, 0, 11, 0]


def test_training_phrases_are_transposed_each_by_itself_anew_at_every_step():
    model = make_model("musegan_hybrid", max_transposition_semitones=4)
    plain = make_model("musegan_hybrid")
    is_drum = np.array([track.is_drum for track in model.representation.tracks])
    batch = make_batch(model, rows=6, share=0.001)
    rolls = plain.real_examples(batch).numpy()
    seen = []
    for step in (0, 1):
        model.step.assign(step)
        moved = model.real_examples(batch).numpy()
        np.testing.assert_array_equal(moved[..., is_drum], rolls[..., is_drum])
        assert (moved > 0).sum() == (rolls > 0).sum()
        shifts = set()
        for example, original in zip(moved.reshape(12, -1), rolls.reshape(12, -1), strict=True):
            shape = model.representation.spec["piano_roll"].shape
            after, before = (x.reshape(shape)[..., ~is_drum] for x in (example, original))
            fits = [s for s in range(-4, 5) if np.array_equal(np.roll(before, s, axis=2), after)]
            assert fits
            shifts.add(fits[0])
        assert len(shifts) > 2
        seen.append(moved)
    assert not np.array_equal(*seen)
