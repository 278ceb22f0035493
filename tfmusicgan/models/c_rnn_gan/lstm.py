"""LSTM layers side by side: one loop over time for all of them, with a gradient of its own.

The gates' products with all steps' inputs are one product, and so is the gradient of each kernel;
the loop over time multiplies states alone. Gates are in Keras's order (input, forget, candidate,
output), with an offset of 1 to the forget gate at first (`keras.layers.LSTM(unit_forget_bias)`).
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from tfmusicgan.layers.initializers import seeded_glorot

State = tuple[tf.Tensor, tf.Tensor]


class StackedLSTM(keras.layers.Layer):
    """Several LSTM layers of one size, each with weights of its own and inputs of its own.

    Args:
      num_layers: How many lie side by side.
      input_size: Numbers of an input.
      hidden_size: Units of each.
      seed: Of the initial weights.

    Input shape:
      float [num_layers, steps, batch, input size].

    Output shape:
      float [num_layers, steps, batch, hidden size].
    """

    def __init__(self, num_layers: int, input_size: int, hidden_size: int, seed: int, **kwargs):
        super().__init__(**kwargs)
        self.hidden_size = hidden_size
        shapes = {
            "kernel": (num_layers, input_size, 4 * hidden_size),
            "recurrent_kernel": (num_layers, hidden_size, 4 * hidden_size),
        }
        for name, shape in shapes.items():
            initializer = _of_each(seeded_glorot, seed, f"{self.name}/{name}")
            setattr(self, name, self.add_weight(name=name, shape=shape, initializer=initializer))
        self.bias = self.add_weight(
            name="bias", shape=(num_layers, 4 * hidden_size), initializer=_forget_bias
        )
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Reads sequences from zero states."""
        layers, steps, size = inputs.shape[0], inputs.shape[1], inputs.shape[3]
        rows = tf.shape(inputs)[2]
        kernel, recurrent, bias = self.values()
        flat = tf.reshape(inputs, [layers, steps * rows, size])
        gates = tf.matmul(flat, kernel) + bias[:, tf.newaxis]
        gates = tf.reshape(gates, [layers, steps, rows, 4 * self.hidden_size])
        hidden = run(tf.transpose(gates, [1, 0, 2, 3]), recurrent)
        return tf.transpose(hidden, [1, 0, 2, 3])

    def values(self) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Kernel, recurrent kernel and bias as tensors of the dtype that is computed in."""
        weights = (self.kernel, self.recurrent_kernel, self.bias)
        return tuple(tf.cast(tf.convert_to_tensor(w), self.compute_dtype) for w in weights)


def run(inputs: tf.Tensor, recurrent: tf.Tensor) -> tf.Tensor:
    """Runs LSTMs over time from zero states.

    Args:
      inputs: [steps, layers, batch, 4 * hidden size], the inputs' products and biases; the number
        of steps is known.
      recurrent: [layers, hidden size, 4 * hidden size].

    Returns:
      Hidden states [steps, layers, batch, hidden size].
    """

    @tf.custom_gradient
    def apply(inputs: tf.Tensor, recurrent: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        # Else TensorFlow would keep what its own gradient of the loop needs, which nobody asks for.
        hidden, cells, gates = _forward(tf.stop_gradient(inputs), tf.stop_gradient(recurrent))

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            steps = inputs.shape[0]
            of_gates = _backward(upstream, recurrent, cells, gates)
            # One product of all steps: what each step had read is the state before it.
            before, after = (
                tf.transpose(values, [1, 0, 2, 3]) for values in (hidden[:-1], of_gates[1:])
            )
            layers, rows, size = before.shape[0], tf.shape(before)[2], before.shape[3]
            before = tf.reshape(before, [layers, (steps - 1) * rows, size])
            after = tf.reshape(after, [layers, (steps - 1) * rows, 4 * size])
            return of_gates, tf.matmul(before, after, transpose_a=True)

        return hidden, gradient

    return apply(inputs, recurrent)


def step(gates: tf.Tensor, cell: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """One step of an LSTM.

    Args:
      gates: [..., 4 * hidden size], before their functions.
      cell: [..., hidden size], the cell state before.

    Returns:
      The hidden and the cell state after it, and the gates after their functions.
    """
    inward, forget, candidate, outward = tf.split(gates, 4, axis=-1)
    inward, forget, outward = tf.sigmoid(inward), tf.sigmoid(forget), tf.sigmoid(outward)
    candidate = tf.tanh(candidate)
    cell = forget * cell + inward * candidate
    opened = tf.concat([inward, forget, candidate, outward], axis=-1)
    return outward * tf.tanh(cell), cell, opened


def _forward(inputs: tf.Tensor, recurrent: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Hidden states, cell states and gates of all steps."""
    steps, zeros = inputs.shape[0], tf.zeros_like(inputs[0, ..., : recurrent.shape[1]])
    reads = _array(inputs.dtype, steps).unstack(inputs)
    arrays = [_array(inputs.dtype, steps) for _ in range(3)]

    def body(t: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, *arrays: tf.TensorArray) -> tuple:
        found = step(reads.read(t) + tf.matmul(hidden, recurrent), cell)
        written = [array.write(t, value) for array, value in zip(arrays, found, strict=True)]
        return t + 1, found[0], found[1], *written

    loop = (tf.constant(0), zeros, zeros, *arrays)
    _, _, _, *arrays = tf.while_loop(lambda t, *_: t < steps, body, loop, maximum_iterations=steps)
    return tuple(_whole(array, steps) for array in arrays)


def _backward(
    upstream: tf.Tensor, recurrent: tf.Tensor, cells: tf.Tensor, gates: tf.Tensor
) -> tf.Tensor:
    """The gradient by the gates before their functions, of all steps."""
    steps, zeros = upstream.shape[0], tf.zeros_like(upstream[0])
    before = tf.concat([zeros[tf.newaxis], cells[:-1]], axis=0)
    reads = [_array(x.dtype, steps).unstack(x) for x in (upstream, before, cells, gates)]

    def body(t: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, array: tf.TensorArray) -> tuple:
        above, cell_before, cell_after, opened = (read.read(t) for read in reads)
        inward, forget, candidate, outward = tf.split(opened, 4, axis=-1)
        hidden, bent = hidden + above, tf.tanh(cell_after)
        cell += hidden * outward * (1 - bent * bent)
        of_gates = tf.concat(
            [
                cell * candidate * inward * (1 - inward),
                cell * cell_before * forget * (1 - forget),
                cell * inward * (1 - candidate * candidate),
                hidden * bent * outward * (1 - outward),
            ],
            axis=-1,
        )
        hidden = tf.matmul(of_gates, recurrent, transpose_b=True)
        return t - 1, hidden, cell * forget, array.write(t, of_gates)

    loop = (tf.constant(steps - 1), zeros, zeros, _array(upstream.dtype, steps))
    *_, array = tf.while_loop(lambda t, *_: t >= 0, body, loop, maximum_iterations=steps)
    return _whole(array, steps)


def _array(dtype: tf.DType, steps: int) -> tf.TensorArray:
    return tf.TensorArray(dtype, steps, clear_after_read=False)


def _whole(array: tf.TensorArray, steps: int) -> tf.Tensor:
    """All that an array holds, its first axis known."""
    stacked = array.stack()
    return tf.ensure_shape(stacked, [steps, *stacked.shape[1:]])


def _of_each(make: Callable, seed: int, name: str) -> Callable:
    """An initializer that draws the matrices of several layers each by itself."""

    def draw(shape: tuple[int, ...], dtype: str | None = None) -> tf.Tensor:
        parts = [make(seed, f"{name}/{n}")(shape[1:], dtype) for n in range(shape[0])]
        return keras.ops.stack(parts)

    return draw


def _forget_bias(shape: tuple[int, ...], dtype: str | None = None) -> tf.Tensor:
    layers, gates = shape
    one = keras.ops.ones((layers, gates // 4), dtype)
    zeros = keras.ops.zeros((layers, gates // 4), dtype)
    return keras.ops.concatenate([zeros, one, zeros, zeros], axis=1)
