"""Controls out of their range: taken as the nearer bound by a model, refused by a command."""

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.bulk_sampling import make_plan
from tfmusicgan.errors import ConfigError
from tfmusicgan.note_sequences.proto import NoteSequence

RECIPE = "musegan_hybrid_chorales"
NUMBERS = {"seed": 0, "num": 1, "batch_size": 2, "shard_size": 1, "midi": False}


def _pieces(generate, threshold, qpm):
    rows = len(qpm)
    outputs = generate(
        seed=tf.constant([5] * rows, tf.int64),
        threshold=tf.constant(threshold, tf.float32),
        qpm=tf.constant(qpm, tf.float32),
    )
    return [NoteSequence.FromString(piece) for piece in outputs["note_sequence"].numpy()]


def test_one_bad_row_does_not_fail_its_batch(tiny_export):
    generate = tf.saved_model.load(str(tiny_export(RECIPE))).signatures["generate"]
    qpm = [90.0, -5.0, 1e30, np.nan, np.inf, 0.0]
    pieces = _pieces(generate, [0.0] * 6, qpm)
    assert [piece.tempos[0].qpm for piece in pieces] == [90.0, 20.0, 300.0, 80.0, 300.0, 20.0]
    expected = _pieces(generate, [0.0] * 6, [90.0] * 6)
    assert pieces[0] == expected[0] and len(pieces[0].notes) > 0
    # tanh stays within the bounds of the threshold: nothing is above 1, everything above -1.
    counts = [len(piece.notes) for piece in _pieces(generate, [0.0, np.nan, 9.0], [90.0] * 3)]
    assert counts[0] == counts[1] > counts[2] == 0


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        (("qpm=-5", "threshold=0"), "'qpm': expected 20 to 300. Received: -5.0."),
        (("qpm=nan", "threshold=0"), "'qpm': expected 20 to 300. Received: nan."),
        (("qpm=90", "threshold=1.5"), "'threshold': expected -1 to 1. Received: 1.5."),
    ],
)
def test_bulk_sampling_refuses_what_is_out_of_range(tiny_export, controls, message):
    with pytest.raises(ConfigError, match=message):
        make_plan(tiny_export(RECIPE), "generate", controls, **NUMBERS)
