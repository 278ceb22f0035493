"""An LSTM whose gates see the cell state through whole matrices, with a gradient of its own.

The input, the forget gate and the candidate read the input, the hidden state and the cell state of
the step before; the output gate reads the input, the hidden state and the new cell state. Gers and
Schmidhuber's peepholes, and those of most libraries, are diagonal; these are full matrices, as in
JazzGAN's code and its ancestor, github.com/ofirnachum/sequence_gan.

Gates are in Keras's order: input, forget, candidate, output. The products of all steps' inputs are
one product, and so is the gradient of each matrix; the loop over time multiplies states alone.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan.layers.initializers import seeded_plain_normal
from tfmusicgan.layers.time_loops import empty, product_of_steps, stacked

State = tuple[tf.Tensor, tf.Tensor]
"""Hidden and cell state, [rows, hidden size] each."""


class Recurrence(NamedTuple):
    """What a step multiplies states by.

    Attributes:
      hidden: [hidden size, 4 * hidden size], for the hidden state before it.
      cell: [hidden size, 3 * hidden size], for the cell state before it; None without peepholes.
      new_cell: [hidden size, hidden size], for the output gate; None without peepholes.
    """

    hidden: tf.Tensor
    cell: tf.Tensor | None
    new_cell: tf.Tensor | None


class PeepholeLSTM(keras.layers.Layer):
    """One LSTM layer.

    Args:
      input_size: Numbers of an input.
      hidden_size: Units.
      seed: Of the initial weights.
      stddev: Of the initial matrices; the bias begins as 1 of the forget gate and -1 of the rest.
      peepholes: Whether gates see the cell state; a plain LSTM otherwise.

    Input shape:
      float [steps, rows, input size], the number of steps known.

    Output shape:
      float [steps, rows, hidden size].
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        seed: int,
        stddev: float,
        peepholes: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.input_size, self.hidden_size = input_size, hidden_size
        shapes = {"kernel": (input_size, 4), "recurrent_kernel": (hidden_size, 4)}
        if peepholes:
            shapes |= {"cell_kernel": (hidden_size, 3), "new_cell_kernel": (hidden_size, 1)}
        self.cell_kernel = self.new_cell_kernel = None
        for name, (rows, gates) in shapes.items():
            initializer = seeded_plain_normal(seed, f"{self.name}/{name}", stddev)
            weight = self.add_weight(
                name=name, shape=(rows, gates * hidden_size), initializer=initializer
            )
            setattr(self, name, weight)
        self.bias = self.add_weight(
            name="bias", shape=(4 * hidden_size,), initializer=_offsets_of_gates
        )
        self.built = True

    def call(self, inputs: tf.Tensor, state: State) -> tf.Tensor:
        """Reads sequences.

        Args:
          inputs: float [steps, rows, input size], the number of steps known.
          state: Before the first step.

        Returns:
          Hidden states, float [steps, rows, hidden size].
        """
        steps, rows = inputs.shape[0], tf.shape(inputs)[1]
        flat = tf.reshape(inputs, [steps * rows, self.input_size])
        gates = tf.reshape(self.project(flat), [steps, rows, 4 * self.hidden_size])
        hidden, cell = (tf.cast(part, self.compute_dtype) for part in state)
        return run(gates, hidden, cell, self.recurrence())

    def project(self, inputs: tf.Tensor) -> tf.Tensor:
        """What inputs add to the gates: [rows, input size] to [rows, 4 * hidden size]."""
        inputs = tf.cast(inputs, self.compute_dtype)
        return tf.nn.bias_add(tf.matmul(inputs, self._value(self.kernel)), self._value(self.bias))

    def recurrence(self) -> Recurrence:
        """The matrices of states as tensors of the dtype that is computed in."""
        peepholes = (self.cell_kernel, self.new_cell_kernel)
        values = (None if weight is None else self._value(weight) for weight in peepholes)
        return Recurrence(self._value(self.recurrent_kernel), *values)

    def _value(self, variable: keras.Variable) -> tf.Tensor:
        # Keras casts in `call` alone.
        return tf.cast(tf.convert_to_tensor(variable), self.compute_dtype)


def step(
    inputs: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, weights: Recurrence
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """One step.

    Args:
      inputs: [rows, 4 * hidden size], from `PeepholeLSTM.project`.
      hidden: [rows, hidden size], before the step.
      cell: [rows, hidden size], before the step.
      weights: The layer's.

    Returns:
      The hidden and the cell state after it, and the gates after their functions.
    """
    size = hidden.shape[-1]
    first, last = tf.split(inputs + tf.matmul(hidden, weights.hidden), [3 * size, size], axis=-1)
    if weights.cell is not None:
        first += tf.matmul(cell, weights.cell)
    inward, forget, candidate = tf.split(first, 3, axis=-1)
    inward, forget, candidate = tf.sigmoid(inward), tf.sigmoid(forget), tf.tanh(candidate)
    cell = forget * cell + inward * candidate
    if weights.new_cell is not None:
        last += tf.matmul(cell, weights.new_cell)
    outward = tf.sigmoid(last)
    opened = tf.concat([inward, forget, candidate, outward], axis=-1)
    return outward * tf.tanh(cell), cell, opened


def run(inputs: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, weights: Recurrence) -> tf.Tensor:
    """Runs an LSTM over time.

    Args:
      inputs: [steps, rows, 4 * hidden size], the inputs' products and biases; the number of steps
        is known.
      hidden: [rows, hidden size], before the first step.
      cell: [rows, hidden size], before the first step.
      weights: The layer's.

    Returns:
      Hidden states [steps, rows, hidden size].
    """

    @tf.custom_gradient
    def apply(
        inputs: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, *given: tf.Tensor
    ) -> tuple[tf.Tensor, Callable]:
        # Else TensorFlow would keep what its own gradient of the loop needs, which nobody asks for.
        tensors = [tf.stop_gradient(part) for part in (inputs, hidden, cell, *given)]
        own = _recurrence(tensors[3:])
        states, cells, gates = _forward(*tensors[:3], own)

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
            before = tf.concat([tensors[2][tf.newaxis], cells[:-1]], axis=0)
            of_gates, of_hidden, of_cell = _backward(upstream, own, before, cells, gates)
            # One product of all steps for each matrix: what it had multiplied, and what came of it.
            size = tensors[1].shape[-1]
            read = tf.concat([tensors[1][tf.newaxis], states[:-1]], axis=0)
            of_weights = [product_of_steps(read, of_gates)]
            if own.cell is not None:
                of_weights.append(product_of_steps(before, of_gates[..., : 3 * size]))
                of_weights.append(product_of_steps(cells, of_gates[..., 3 * size :]))
            return of_gates, of_hidden, of_cell, *of_weights

        return states, gradient

    return apply(inputs, hidden, cell, *(part for part in weights if part is not None))


def _recurrence(given: list[tf.Tensor]) -> Recurrence:
    return Recurrence(*given) if len(given) == 3 else Recurrence(given[0], None, None)


def _forward(
    inputs: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, weights: Recurrence
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Hidden states, cell states and gates of all steps."""
    steps = inputs.shape[0]
    reads = empty(inputs.dtype, steps).unstack(inputs)
    arrays = [empty(inputs.dtype, steps) for _ in range(3)]

    def body(t: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, *arrays: tf.TensorArray) -> tuple:
        found = step(reads.read(t), hidden, cell, weights)
        written = [array.write(t, value) for array, value in zip(arrays, found, strict=True)]
        return t + 1, found[0], found[1], *written

    loop = (tf.constant(0), hidden, cell, *arrays)
    _, _, _, *arrays = tf.while_loop(lambda t, *_: t < steps, body, loop, maximum_iterations=steps)
    return tuple(stacked(array, steps) for array in arrays)


def _backward(
    upstream: tf.Tensor, weights: Recurrence, before: tf.Tensor, cells: tf.Tensor, gates: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The gradients by the gates before their functions, of all steps, and by the first states."""
    steps, zeros = upstream.shape[0], tf.zeros_like(upstream[0])
    reads = [empty(x.dtype, steps).unstack(x) for x in (upstream, before, cells, gates)]

    def body(t: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, array: tf.TensorArray) -> tuple:
        above, cell_before, cell_after, opened = (read.read(t) for read in reads)
        inward, forget, candidate, outward = tf.split(opened, 4, axis=-1)
        hidden, bent = hidden + above, tf.tanh(cell_after)
        of_outward = hidden * bent * outward * (1 - outward)
        cell += hidden * outward * (1 - bent * bent)
        if weights.new_cell is not None:
            cell += tf.matmul(of_outward, weights.new_cell, transpose_b=True)
        of_first = tf.concat(
            [
                cell * candidate * inward * (1 - inward),
                cell * cell_before * forget * (1 - forget),
                cell * inward * (1 - candidate * candidate),
            ],
            axis=-1,
        )
        cell *= forget
        if weights.cell is not None:
            cell += tf.matmul(of_first, weights.cell, transpose_b=True)
        of_gates = tf.concat([of_first, of_outward], axis=-1)
        hidden = tf.matmul(of_gates, weights.hidden, transpose_b=True)
        return t - 1, hidden, cell, array.write(t, of_gates)

    loop = (tf.constant(steps - 1), zeros, zeros, empty(upstream.dtype, steps))
    _, hidden, cell, array = tf.while_loop(
        lambda t, *_: t >= 0, body, loop, maximum_iterations=steps
    )
    return stacked(array, steps), hidden, cell


def _offsets_of_gates(shape: tuple[int, ...], dtype: str | None = None) -> tf.Tensor:
    offsets = np.repeat(np.array([-1.0, 1.0, -1.0, -1.0]), shape[0] // 4)
    return keras.ops.convert_to_tensor(offsets, dtype)
