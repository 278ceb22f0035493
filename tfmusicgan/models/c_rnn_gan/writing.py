"""The generator's loop over time: every event is read again by the step after it.

`write` is for sampling. `write_and_learn` writes the same and has a gradient of its own: its loop
goes back through the states alone, and the gradient of each kernel is one product of all steps,
where TensorFlow's would make and add up one of each step.
"""

import typing
from collections.abc import Callable

import tensorflow as tf

from tfmusicgan.layers import time_loops
from tfmusicgan.models.c_rnn_gan import bounds, lstm

Masks = tuple[tf.Tensor, ...]
_CELLS = 2


class Weights(typing.NamedTuple):
    """Of the loop, ready to compute with; of the gates `lstm.prepared`.

    Attributes:
      fed_back: [features, hidden size], from the event before to what both cells read.
      lower: [2 * hidden size, 4 * hidden size], from input and hidden state to the gates.
      lower_bias: [4 * hidden size].
      upper: As `lower`.
      upper_bias: As `lower_bias`.
      out: [hidden size, features].
      out_bias: [features].
    """

    fed_back: tf.Tensor
    lower: tf.Tensor
    lower_bias: tf.Tensor
    upper: tf.Tensor
    upper_bias: tf.Tensor
    out: tf.Tensor
    out_bias: tf.Tensor


class Given(typing.NamedTuple):
    """Events that pieces begin with.

    Attributes:
      events: [most, batch, features], from the first on.
      lengths: int32 [batch], how many of each row there are.
    """

    events: tf.Tensor
    lengths: tf.Tensor


def write(
    driven: tf.Tensor,
    first: tf.Tensor,
    weights: Weights,
    masks: Masks | None = None,
    given: Given | None = None,
    least: tf.Tensor | None = None,
) -> tf.Tensor:
    """Writes events.

    Args:
      driven: [steps, batch, hidden size], what noise and bias give to each step.
      first: [batch, features], what stands before the first event.
      weights: The loop's.
      masks: Dropout of both cells' outputs, two of [steps, batch, hidden size]; None for none.
      given: Events that stand in place of what is written; None for none.
      least: [features], see `bounds.bounded`; None for no bounds.

    Returns:
      [steps, batch, features].
    """
    steps = tf.shape(driven)[0]
    reads = (driven, *(masks or ()))
    if given is not None:
        # One more, which is read where there is nothing given.
        begin, most = tf.pad(given.events, [[0, 1], [0, 0], [0, 0]]), tf.shape(given.events)[0]

    def body(t: tf.Tensor, event: tf.Tensor, states: tuple, array: tf.TensorArray) -> tuple:
        event, _, found = _step([values[t] for values in reads], event, states, weights, least)
        if given is not None:
            known = (t < given.lengths)[:, tf.newaxis]
            event = tf.where(known, begin[tf.minimum(t, most)], event)
        return (
            t + 1,
            event,
            tuple((cell.hidden, cell.cell) for cell in found),
            array.write(t, event),
        )

    loop = (tf.constant(0), first, _zero_states(driven), _written(driven, first))
    *_, array = tf.while_loop(lambda t, *_: t < steps, body, loop, maximum_iterations=steps)
    return tf.ensure_shape(array.stack(), [driven.shape[0], None, first.shape[1]])


def write_and_learn(
    driven: tf.Tensor,
    first: tf.Tensor,
    weights: Weights,
    masks: Masks | None = None,
    least: tf.Tensor | None = None,
) -> tf.Tensor:
    """The same, keeping what a gradient by all but masks needs; the number of steps is known."""

    @tf.custom_gradient
    def apply(*given: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        driven, first, *values = map(tf.stop_gradient, given)
        events, below, cells = _forward(driven, first, Weights(*values), masks, least)

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
            weights = Weights(*given[2:])
            by_first, by_steps = _backward(upstream, weights, events, below, cells, masks, least)
            return (
                by_steps.driven,
                by_first,
                *_by_weights(by_steps, first, events, below, cells, masks),
            )

        return events, gradient

    return apply(driven, first, *weights)


class _BySteps(typing.NamedTuple):
    """Gradients by what each step makes: [steps, batch, ...]."""

    event: tf.Tensor
    upper: tf.Tensor  # the prepared gates
    lower: tf.Tensor
    driven: tf.Tensor


def _step(
    reads: list[tf.Tensor],
    event: tf.Tensor,
    states: tuple,
    weights: Weights,
    least: tf.Tensor | None,
) -> tuple[tf.Tensor, tf.Tensor, list[lstm.Step]]:
    """The next event, what the lower cell has read, and both cells.

    Args:
      reads: What noise gives to the step, and both masks, if there are any.
      event: [batch, features], the one before.
      states: Hidden and cell state of both cells.
      weights: The loop's.
      least: See `bounds.bounded`.
    """
    below = first = tf.nn.relu(reads[0] + tf.matmul(event, weights.fed_back))
    found = []
    for number, (kernel, bias) in enumerate(
        ((weights.lower, weights.lower_bias), (weights.upper, weights.upper_bias))
    ):
        hidden, cell = states[number]
        gates = tf.matmul(tf.concat([below, hidden], axis=1), kernel)
        found.append(lstm.step(tf.nn.bias_add(gates, bias), cell))
        below = found[-1].hidden
        if len(reads) > 1:
            below *= reads[1 + number]
    event = tf.nn.bias_add(tf.matmul(below, weights.out), weights.out_bias)
    return event if least is None else tf.maximum(event, least), first, found


def _forward(
    driven: tf.Tensor,
    first: tf.Tensor,
    weights: Weights,
    masks: Masks | None,
    least: tf.Tensor | None,
) -> tuple[tf.Tensor, tf.Tensor, list[lstm.Step]]:
    """Events, what the lower cell has read, and both cells, of all steps."""
    steps, kept = driven.shape[0], len(lstm.Step._fields)
    reads = (driven, *(masks or ()))

    def body(t: tf.Tensor, event: tf.Tensor, states: tuple, arrays: tuple) -> tuple:
        reads_now = [values[t] for values in reads]
        event, below, found = _step(reads_now, event, states, weights, least)
        values = (event, below, *found[0], *found[1])
        arrays = tuple(array.write(t, x) for array, x in zip(arrays, values, strict=True))
        return t + 1, event, tuple((cell.hidden, cell.cell) for cell in found), arrays

    arrays = tuple(time_loops.empty(driven.dtype, steps) for _ in range(1 + _CELLS * kept))
    loop = (tf.constant(0), first, _zero_states(driven), (_written(driven, first), *arrays))
    *_, arrays = tf.while_loop(lambda t, *_: t < steps, body, loop, maximum_iterations=steps)
    events, below, *cells = (time_loops.stacked(array, steps) for array in arrays)
    return events, below, [lstm.Step(*cells[:kept]), lstm.Step(*cells[kept:])]


def _backward(
    upstream: tf.Tensor,
    weights: Weights,
    events: tf.Tensor,
    below: tf.Tensor,
    cells: list[lstm.Step],
    masks: Masks | None,
    least: tf.Tensor | None,
) -> tuple[tf.Tensor, _BySteps]:
    """Gradients by the first event, and by what each step makes."""
    steps, size = upstream.shape[0], weights.out.shape[0]
    opened = tf.cast(below > 0, below.dtype)
    slopes = [lstm.slopes(cell) for cell in cells]
    # Transposed once, not by every product.
    out, upper, lower, fed_back = map(
        tf.transpose, (weights.out, weights.upper, weights.lower, weights.fed_back)
    )

    def body(
        t: tf.Tensor, event: tf.Tensor, states: tuple, arrays: tuple[tf.TensorArray, ...]
    ) -> tuple:
        event += upstream[t]
        if least is not None:
            event = bounds.way_back(event, events[t], least)
        by_input, found, after = tf.matmul(event, out), [event], []
        for number, kernel in ((1, upper), (0, lower)):
            hidden, cell = states[number]
            if masks:
                by_input *= masks[number][t]
            here = lstm.Slopes(*(values[t] for values in slopes[number]))
            of_gates, cell = lstm.step_back(hidden + by_input, cell, here)
            by_input, hidden = tf.split(tf.matmul(of_gates, kernel), 2, axis=1)
            found.append(of_gates)
            after.insert(0, (hidden, cell))
        found.append(by_input * opened[t])
        event = tf.matmul(found[-1], fed_back)
        arrays = tuple(array.write(t, x) for array, x in zip(arrays, found, strict=True))
        return t - 1, event, tuple(after), arrays

    zeros = tf.zeros([tf.shape(upstream)[1], size], upstream.dtype)
    arrays = tuple(time_loops.empty(upstream.dtype, steps) for _ in _BySteps._fields)
    loop = (tf.constant(steps - 1), tf.zeros_like(upstream[0]), ((zeros, zeros),) * _CELLS, arrays)
    _, event, _, arrays = tf.while_loop(lambda t, *_: t >= 0, body, loop, maximum_iterations=steps)
    return event, _BySteps(*(time_loops.stacked(array, steps) for array in arrays))


def _by_weights(
    by_steps: _BySteps,
    first: tf.Tensor,
    events: tf.Tensor,
    below: tf.Tensor,
    cells: list[lstm.Step],
    masks: Masks | None,
) -> Weights:
    """Gradients by the weights, a product of all steps each."""
    outputs = [cell.hidden for cell in cells]
    if masks:
        outputs = [hidden * mask for hidden, mask in zip(outputs, masks, strict=True)]
    before = tf.concat([first[tf.newaxis], events[:-1]], axis=0)
    lower, upper = (
        tf.concat([read, lstm.shifted(cell.hidden)], axis=-1)
        for read, cell in zip((below, outputs[0]), cells, strict=True)
    )
    return Weights(
        fed_back=time_loops.product_of_steps(before, by_steps.driven),
        lower=time_loops.product_of_steps(lower, by_steps.lower),
        lower_bias=tf.reduce_sum(by_steps.lower, axis=[0, 1]),
        upper=time_loops.product_of_steps(upper, by_steps.upper),
        upper_bias=tf.reduce_sum(by_steps.upper, axis=[0, 1]),
        out=time_loops.product_of_steps(outputs[1], by_steps.event),
        out_bias=tf.reduce_sum(by_steps.event, axis=[0, 1]),
    )


def _zero_states(driven: tf.Tensor) -> tuple:
    zeros = tf.zeros([tf.shape(driven)[1], driven.shape[2]], driven.dtype)
    return ((zeros, zeros),) * _CELLS


def _written(driven: tf.Tensor, first: tf.Tensor) -> tf.TensorArray:
    return time_loops.empty(
        driven.dtype,
        driven.shape[0] or tf.shape(driven)[0],
        element_shape=[None, first.shape[1]],
    )
