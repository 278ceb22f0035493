"""The script that sets what training gains beside what a lower temperature gains."""

import importlib.util
import pathlib
import types

import numpy as np
import pytest
import tensorflow as tf

SCRIPT = pathlib.Path(__file__).parent.parent / "scripts/reproduce/temperatures.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("temperatures", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _generator(tokens):
    """Three tokens with probabilities 1/7, 2/7 and 4/7, whatever was before."""
    logits = tf.constant(np.log([1.0, 2.0, 4.0]), tf.float32)
    return tf.broadcast_to(logits, [*tokens.shape, 3])


def test_held_out_likelihood_at_a_temperature(script):
    model = types.SimpleNamespace(generator=_generator)
    tokens = np.array([[0, 2, 2], [1, 2, 0]] * 150, np.int32)  # more than a batch
    counts = np.array([2, 1, 3]) / 6
    for temperature in (1.0, 0.5):
        power = np.array([1.0, 2.0, 4.0]) ** (1 / temperature)
        expected = -(counts * np.log(power / power.sum())).sum()
        assert script.held_out_nll(model, tokens, temperature) == pytest.approx(expected, rel=1e-6)


def test_a_line_for_each_temperature(script):
    def sample(seeds, temperature):
        # Below 1 all sequences are one.
        row = tf.cast(seeds if temperature == 1 else 0 * seeds, tf.int32)
        return {"tokens": tf.stack([row, row + 1, row + 2], axis=1)}

    model = types.SimpleNamespace(generator=_generator, sample=sample)
    oracle = types.SimpleNamespace(negative_log_likelihood=lambda tokens: tokens.astype(float))
    found = script.lines(model, oracle, np.array([[0, 1, 2]], np.int32), (1.0, 0.5), 5)
    # Means of 1 to 5, and of 1; ten and two 2-grams, of which six and two are different.
    assert found[2:] == ["| 1 | 3.000 | 1.253 | 0.600 |", "| 0.5 | 1.000 | 1.658 | 0.200 |"]
