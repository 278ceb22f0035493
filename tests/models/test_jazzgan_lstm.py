"""JazzGAN's LSTM against a slow NumPy version, finite differences, and Keras's plain one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.models.jazzgan.lstm import PeepholeLSTM, Recurrence, run

STEPS, ROWS, INPUTS, HIDDEN = 5, 3, 4, 6


def numbers(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def slow(gates, hidden, cell, of_hidden, of_cell, of_new_cell):
    """One unit after the other, as the reference page has it."""
    found = []
    size = hidden.shape[1]
    for step in gates:
        new_hidden, new_cell = np.empty_like(hidden), np.empty_like(cell)
        for row in range(len(hidden)):
            sums = [
                [
                    step[row, gate * size + unit]
                    + sum(hidden[row] * of_hidden[:, gate * size + unit])
                    + (sum(cell[row] * of_cell[:, gate * size + unit]) if gate < 3 else 0)
                    for unit in range(size)
                ]
                for gate in range(4)
            ]
            inward, forget = sigmoid(np.array(sums[0])), sigmoid(np.array(sums[1]))
            new_cell[row] = forget * cell[row] + inward * np.tanh(np.array(sums[2]))
            outward = sigmoid(np.array(sums[3]) + new_cell[row] @ of_new_cell)
            new_hidden[row] = outward * np.tanh(new_cell[row])
        hidden, cell = new_hidden, new_cell
        found.append(hidden)
    return np.stack(found)


def parts(steps=STEPS, peepholes=True):
    given = [
        numbers(steps, ROWS, 4 * HIDDEN, seed=1),
        numbers(ROWS, HIDDEN, seed=2),
        numbers(ROWS, HIDDEN, seed=3),
        numbers(HIDDEN, 4 * HIDDEN, seed=4),
    ]
    if peepholes:
        given += [numbers(HIDDEN, 3 * HIDDEN, seed=5), numbers(HIDDEN, HIDDEN, seed=6)]
    return given


def call(*given):
    weights = given[3:] if len(given) == 6 else (given[3], None, None)
    return run(*given[:3], Recurrence(*weights))


def test_states_are_those_of_the_slow_version():
    given = parts()
    found = call(*map(tf.constant, given))
    assert found.shape == (STEPS, ROWS, HIDDEN)
    np.testing.assert_allclose(found, slow(*given), rtol=1e-12)


@pytest.mark.parametrize(("steps", "peepholes"), [(1, True), (4, True), (4, False)])
def test_gradients_by_finite_differences(steps, peepholes):
    given = [tf.constant(part) for part in parts(steps, peepholes)]
    factor = numbers(steps, ROWS, HIDDEN, seed=9)

    @tf.function
    def loss(*given):
        return tf.reduce_sum(call(*given) * factor)

    with tf.GradientTape() as tape:
        tape.watch(given)
        value = loss(*given)
    gradients = tape.gradient(value, given)
    assert len(gradients) == (6 if peepholes else 4)
    for place, gradient in enumerate(gradients):
        for seed in range(3):
            step = 1e-5 * numbers(*given[place].shape, seed=20 + seed)
            ends = []
            for sign in (1, -1):
                moved = list(given)
                moved[place] = given[place] + sign * step
                ends.append(float(loss(*moved)))
            expected = float(tf.reduce_sum(gradient * step))
            assert (ends[0] - ends[1]) / 2 == pytest.approx(expected, rel=1e-6, abs=1e-12), place


def test_without_peepholes_it_is_the_lstm_of_keras():
    layer = PeepholeLSTM(INPUTS, HIDDEN, seed=1, stddev=0.4, peepholes=False)
    cell = keras.layers.LSTM(HIDDEN, return_sequences=True)
    cell.build((ROWS, STEPS, INPUTS))
    cell.set_weights([layer.kernel, layer.recurrent_kernel, layer.bias])
    inputs = tf.constant(numbers(STEPS, ROWS, INPUTS, dtype=np.float32))
    state = [tf.constant(numbers(ROWS, HIDDEN, seed=s, dtype=np.float32)) for s in (7, 8)]
    expected = cell(tf.transpose(inputs, [1, 0, 2]), initial_state=state)
    found = layer(inputs, tuple(state))
    np.testing.assert_allclose(found, tf.transpose(expected, [1, 0, 2]), atol=1e-6)


def test_it_begins_as_documented():
    layer = PeepholeLSTM(60, 40, seed=1, stddev=0.1)
    weights = layer.trainable_variables
    assert [tuple(w.shape) for w in weights] == [(60, 160), (40, 160), (40, 120), (40, 40), (160,)]
    for weight in weights[:4]:
        assert np.std(weight) == pytest.approx(0.1, rel=0.05)
        assert np.mean(weight) == pytest.approx(0.0, abs=0.01)
    np.testing.assert_array_equal(layer.bias, np.repeat([-1, 1, -1, -1], 40))
