"""LSTM layers side by side: loops over time of states alone, with a gradient of their own.

The gates' products with all steps' inputs are one product, and so is the gradient of each kernel.
What the gradient multiplies by is worked out for all steps at once: its loop has one product and
six operations to a step. Weights have their gates in Keras's order (input, forget, candidate,
output), with an offset of 1 to the forget gate at first (`keras.layers.LSTM(unit_forget_bias)`);
what is computed with is `prepared`.
"""

import typing
from collections.abc import Callable

import keras
import tensorflow as tf

from tfmusicgan.layers.initializers import seeded_glorot
from tfmusicgan.layers.time_loops import empty, flat, product_of_steps, stacked


class StackedLSTM(keras.layers.Layer):
    """Several LSTM layers of one size, each with weights of its own and inputs of its own.

    Args:
      num_layers: How many lie side by side.
      input_size: Numbers of an input.
      hidden_size: Units of each.
      seed: Of the initial weights.

    Input shape:
      float [num_layers, steps, batch, input size], the number of steps known.

    Output shape:
      float [num_layers, steps, batch, hidden size].
    """

    def __init__(self, num_layers: int, input_size: int, hidden_size: int, seed: int, **kwargs):
        super().__init__(**kwargs)
        self.num_layers, self.hidden_size = num_layers, hidden_size
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

    def call(self, inputs: tf.Tensor, learnt: tf.Tensor | int | None = None) -> tf.Tensor:
        """Reads sequences from zero states.

        Args:
          inputs: See above.
          learnt: The gradients of weights are those of the first so many sequences; None: of all.
        """
        # One loop for each: they run at the same time, and products of matrices are faster than
        # one of a batch of matrices.
        found = [run(inputs[n], *self.values(n), learnt) for n in range(self.num_layers)]
        return tf.stack(found)

    def values(self, number: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """One layer's kernel, recurrent kernel and bias, ready to compute with (`prepared`)."""
        weights = (self.kernel, self.recurrent_kernel, self.bias)
        return tuple(
            prepared(tf.cast(tf.convert_to_tensor(w)[number], self.compute_dtype)) for w in weights
        )


class Step(typing.NamedTuple):
    """What a step of an LSTM makes, or all of its steps.

    Attributes:
      hidden: [..., hidden size], the hidden state after it.
      cell: [..., hidden size], the cell state after it.
      bent: [..., 4 * hidden size], the hyperbolic tangents of the prepared gates.
    """

    hidden: tf.Tensor
    cell: tf.Tensor
    bent: tf.Tensor


def prepared(weights: tf.Tensor) -> tf.Tensor:
    """Weights whose products with inputs are what `step` takes: [..., 4 * hidden size].

    A sigmoid is (1 + tanh(x / 2)) / 2, and TensorFlow's tanh the quicker one on a CPU: the columns
    of three gates are halved, so that one tanh does for all four.
    """
    inward, forget, candidate, outward = tf.split(weights, 4, axis=-1)
    return tf.concat([inward / 2, forget / 2, candidate, outward / 2], axis=-1)


def step(gates: tf.Tensor, cell: tf.Tensor) -> Step:
    """One step of an LSTM.

    Args:
      gates: [..., 4 * hidden size], sums of products with `prepared` weights.
      cell: [..., hidden size], the cell state before.
    """
    bent = tf.tanh(gates)
    inward, forget, candidate, outward = tf.split(bent, 4, axis=-1)
    cell = (0.5 + forget / 2) * cell + (0.5 + inward / 2) * candidate
    return Step((0.5 + outward / 2) * tf.tanh(cell), cell, bent)


class Slopes(typing.NamedTuple):
    """What gradients are multiplied by on their way back through a step, or all steps.

    Attributes:
      gates: [..., 4 * hidden size], from the cell state (of the output gate: from the hidden one)
        to the prepared gates.
      hidden: [..., hidden size], from the hidden to the cell state.
      forget: [..., hidden size], from the cell state to that before.
    """

    gates: tf.Tensor
    hidden: tf.Tensor
    forget: tf.Tensor


def slopes(steps: Step) -> Slopes:
    """Those of all steps, [steps, batch, ...], which began from zero states."""
    inward, forget, candidate, outward = tf.split(steps.bent, 4, axis=-1)
    before, shown = shifted(steps.cell), tf.tanh(steps.cell)
    gates = [candidate / 2, before / 2, 0.5 + inward / 2, shown / 2]
    gates = tf.concat(gates, axis=-1) * (1 - steps.bent * steps.bent)
    return Slopes(gates, (0.5 + outward / 2) * (1 - shown * shown), 0.5 + forget / 2)


def step_back(hidden: tf.Tensor, cell: tf.Tensor, slopes: Slopes) -> tuple[tf.Tensor, tf.Tensor]:
    """The way back through one step.

    Args:
      hidden: [batch, hidden size], the gradient by the hidden state after the step.
      cell: [batch, hidden size], that by the cell state, by all that comes later.
      slopes: The step's.

    Returns:
      The gradient by the prepared gates, and by the cell state before the step.
    """
    cell += hidden * slopes.hidden
    of_gates = tf.concat([cell, cell, cell, hidden], axis=-1) * slopes.gates
    return of_gates, cell * slopes.forget


def run(
    inputs: tf.Tensor,
    kernel: tf.Tensor,
    recurrent: tf.Tensor,
    bias: tf.Tensor,
    learnt: tf.Tensor | int | None = None,
) -> tf.Tensor:
    """Runs an LSTM over time from zero states.

    Args:
      inputs: [steps, batch, input size]; the number of steps is known.
      kernel: [input size, 4 * hidden size], prepared.
      recurrent: [hidden size, 4 * hidden size], prepared.
      bias: [4 * hidden size], prepared.
      learnt: The gradients of the weights are those of the first so many rows; None: of all.

    Returns:
      Hidden states [steps, batch, hidden size].
    """

    @tf.custom_gradient
    def apply(*given: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        # Else TensorFlow would keep what its own gradient of the loop needs, which nobody asks for.
        inputs, kernel, recurrent, bias = map(tf.stop_gradient, given)
        gates = tf.nn.bias_add(tf.matmul(flat(inputs), kernel), bias)
        shape = tf.concat([tf.shape(inputs)[:2], tf.shape(bias)], axis=0)
        gates = tf.ensure_shape(tf.reshape(gates, shape), [inputs.shape[0], None, bias.shape[0]])
        found = _forward(gates, recurrent)

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
            of_gates = _backward(upstream, recurrent, slopes(found))
            by_inputs = tf.matmul(flat(of_gates), kernel, transpose_b=True)
            by_inputs = tf.reshape(by_inputs, tf.shape(inputs))
            read, hidden, counted = (x[:, :learnt] for x in (inputs, found.hidden, of_gates))
            return (
                by_inputs,
                product_of_steps(read, counted),
                product_of_steps(hidden[:-1], counted[1:]),
                tf.reduce_sum(counted, axis=[0, 1]),
            )

        return found.hidden, gradient

    return apply(inputs, kernel, recurrent, bias)


def shifted(values: tf.Tensor) -> tf.Tensor:
    """Each step's value one step later, zeros at first: [steps, ...]."""
    return tf.concat([tf.zeros_like(values[:1]), values[:-1]], axis=0)


def _forward(inputs: tf.Tensor, recurrent: tf.Tensor) -> Step:
    """All steps."""
    steps, size = inputs.shape[0], recurrent.shape[0]
    zeros = tf.zeros_like(inputs[0, :, :size])

    def body(t: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, *arrays: tf.TensorArray) -> tuple:
        found = step(inputs[t] + tf.matmul(hidden, recurrent), cell)
        written = [array.write(t, value) for array, value in zip(arrays, found, strict=True)]
        return t + 1, found.hidden, found.cell, *written

    loop = (tf.constant(0), zeros, zeros, *(empty(inputs.dtype, steps) for _ in Step._fields))
    _, _, _, *arrays = tf.while_loop(lambda t, *_: t < steps, body, loop, maximum_iterations=steps)
    return Step(*(stacked(array, steps) for array in arrays))


def _backward(upstream: tf.Tensor, recurrent: tf.Tensor, slopes: Slopes) -> tf.Tensor:
    """The gradient by the prepared gates, of all steps."""
    steps, zeros = upstream.shape[0], tf.zeros_like(upstream[0])
    # Transposed once, not by every product.
    turned = tf.transpose(recurrent)

    def body(t: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, array: tf.TensorArray) -> tuple:
        here = Slopes(*(values[t] for values in slopes))
        of_gates, cell = step_back(hidden + upstream[t], cell, here)
        return t - 1, tf.matmul(of_gates, turned), cell, array.write(t, of_gates)

    loop = (tf.constant(steps - 1), zeros, zeros, empty(upstream.dtype, steps))
    *_, array = tf.while_loop(lambda t, *_: t >= 0, body, loop, maximum_iterations=steps)
    return stacked(array, steps)


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
