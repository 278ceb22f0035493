"""Controls out of their range: taken as the nearer bound by a model, refused by a command."""

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.bulk_sampling import make_plan
from tfmusicgan.errors import ConfigError
from tfmusicgan.note_sequences.proto import NoteSequence

RECIPE = "musegan_hybrid_chorales"
NUMBERS = {"seed": 0, "num": 1, "batch_size": 2, "shard_size": 1}


def _pieces(generate, threshold, qpm, num_phrases=1):
    rows = len(qpm)
    outputs = generate(
        seed=tf.constant([5] * rows, tf.int64),
        threshold=tf.constant(threshold, tf.float32),
        temperature=tf.zeros([rows]),
        qpm=tf.constant(qpm, tf.float32),
        num_phrases=tf.constant(
            [num_phrases] * rows if isinstance(num_phrases, int) else num_phrases
        ),
    )
    return [NoteSequence.FromString(piece) for piece in outputs["note_sequence"].numpy()]


def test_one_bad_row_does_not_fail_its_batch(tiny_export):
    generate = tf.saved_model.load(str(tiny_export(RECIPE))).signatures["generate"]
    qpm = [90.0, -5.0, 1e30, np.nan, np.inf, 0.0]
    pieces = _pieces(generate, [0.5] * 6, qpm)
    assert [piece.tempos[0].qpm for piece in pieces] == [90.0, 20.0, 300.0, 80.0, 300.0, 20.0]
    expected = _pieces(generate, [0.5] * 6, [90.0] * 6)
    assert pieces[0] == expected[0] and len(pieces[0].notes) > 0
    # No note is more probable than 1.
    counts = [len(piece.notes) for piece in _pieces(generate, [0.5, np.nan, 9.0], [90.0] * 3)]
    assert counts[0] == counts[1] > counts[2] == 0


def test_a_number_of_phrases_out_of_range(tiny_export):
    generate = tf.saved_model.load(str(tiny_export(RECIPE))).signatures["generate"]
    asked = [1, -3, 0, 65, 2**31 - 1]
    pieces = _pieces(generate, [0.5] * 5, [60.0] * 5, asked)
    # Seconds are beats at this tempo: two bars of four in each phrase.
    assert [piece.total_time / pieces[0].total_time for piece in pieces] == [1, 1, 1, 64, 64]


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        (("qpm=-5",), "'qpm': expected 20 to 300. Received: -5.0."),
        (("threshold=0", "qpm=nan"), "'qpm': expected 20 to 300. Received: nan."),
        (("qpm=90", "threshold=1.5"), "'threshold': expected 0 to 1. Received: 1.5."),
        (("temperature=-1",), "'temperature': expected 0 to 10. Received: -1.0."),
        (("num_phrases=65",), "'num_phrases': expected 1 to 64. Received: 65."),
        (("num_phrases=1.5",), "'num_phrases': expected a value of type int32. Received: '1.5'."),
    ],
)
def test_bulk_sampling_refuses_what_is_out_of_range(tiny_export, controls, message):
    with pytest.raises(ConfigError, match=message):
        make_plan(tiny_export(RECIPE), "generate", controls, **NUMBERS)


def test_bulk_sampling_fills_in_what_is_left_out(tiny_export):
    plan = make_plan(tiny_export(RECIPE), "generate", ("num_phrases=3",), **NUMBERS)
    assert plan.controls == {"num_phrases": 3, "qpm": 80.0, "temperature": 0.0, "threshold": 0.5}
