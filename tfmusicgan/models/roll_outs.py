"""Writing sequences, and completing prefixes of given ones: Monte-Carlo roll-outs.

Yu et al., SeqGAN, AAAI 2017, arXiv 1609.05473, equation 4 and algorithm 1. All completions of all
prefixes are one batch: the states after every prefix come from one reading of the sequences, and
at each position all rows that are under way draw together. Rows that start from the same prefix
share its logits.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfmusicgan.layers.token_lstm import State, TokenLSTM
from tfmusicgan.models import noise, token_draws

# Rows that draw at a time: their logits stay near the processor.
_ROWS_AT_A_TIME = 1024


def sample(
    generator: TokenLSTM, keys: noise.Key, length: int, temperature: float = 1.0
) -> tf.Tensor:
    """Draws sequences.

    Args:
      generator: The language model.
      keys: Of the rows, two uint32 [rows].
      length: Tokens of each.
      temperature: Above 0; logits are divided by it.

    Returns:
      int32 [rows, length].
    """
    rows = tf.shape(keys[0])[0]
    uniforms = noise.uniforms(keys, length)
    table, output = generator.gate_table(), _output(generator, temperature)
    state = generator.zero_state(rows)
    token, tokens = tf.fill([rows], generator.start_token), []
    for position in range(length):
        state = generator.step(token, state, table)
        token = _draw(state[0], uniforms[:, position : position + 1], output)[:, 0]
        tokens.append(token)
    return tf.stack(tokens, axis=1)


def drawer(generator: TokenLSTM) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Draws the tokens that follow hidden states, temperature 1.

    Args:
      generator: The language model, as it is now.

    Returns:
      (float [rows, hidden size], float32 [rows] in (0, 1)) -> int32 [rows].
    """
    output = _output(generator)
    return lambda hidden, uniforms: _draw(hidden, uniforms[:, tf.newaxis], output)[:, 0]


def complete(
    generator: TokenLSTM,
    sequences: tf.Tensor,
    keys: noise.Key,
    roll_outs: int,
    temperature: float = 1.0,
) -> tf.Tensor:
    """Completes every proper prefix of sequences, several times.

    Args:
      generator: The roll-out policy.
      sequences: int32 [rows, length], the length known and at least 2.
      keys: Of the rows, two uint32 [rows].
      roll_outs: Completions of each prefix.
      temperature: Above 0; logits are divided by it.

    Returns:
      int32 [length - 1, rows, roll_outs, length]: at p the first p + 1 tokens are the sequence's.
    """
    length, rows = sequences.shape[1], tf.shape(sequences)[0]
    hidden, cell = generator.read(sequences)
    numbers = uniforms(keys, length, roll_outs)  # [length - 1, rows, roll_outs, length]
    table, output = generator.gate_table(), _output(generator, temperature)
    given = tf.repeat(sequences[:, tf.newaxis], roll_outs, axis=1)  # [rows, roll_outs, length]
    columns = [tf.repeat(given[tf.newaxis, :, :, 0], length - 1, axis=0)]
    state = drawn = None
    for position in range(1, length):
        # Of the prefix that ends here: one row of logits for all its draws.
        new = _draw(hidden[:, position], numbers[position - 1, ..., position], output)[tf.newaxis]
        new_state = [tf.repeat(part[:, position], roll_outs, axis=0) for part in (hidden, cell)]
        if state is not None:
            state = generator.step(tf.reshape(drawn, [-1]), state, table)
            flat = tf.reshape(numbers[: position - 1, ..., position], [-1, 1])
            old = _draw(state[0], flat, output)
            new = tf.concat([tf.reshape(old, [position - 1, rows, roll_outs]), new], axis=0)
            new_state = [tf.concat(parts, axis=0) for parts in zip(state, new_state, strict=True)]
        state, drawn = tuple(new_state), new
        longer = tf.repeat(given[tf.newaxis, ..., position], length - 1 - position, axis=0)
        columns.append(tf.concat([drawn, longer], axis=0))
    return tf.stack(columns, axis=-1)


def uniforms(keys: noise.Key, length: int, roll_outs: int) -> tf.Tensor:
    """The numbers that completions are drawn with, each completion's from a key of its own.

    Args:
      keys: Of the rows, two uint32 [rows].
      length: Tokens of a sequence.
      roll_outs: Completions of each prefix.

    Returns:
      float32 [length - 1, rows, roll_outs, length]; the last axis counts all positions, also those
      that a prefix gives.
    """
    prefixes = np.arange(length - 1, dtype=np.int64)[:, np.newaxis, np.newaxis]
    numbers = prefixes * roll_outs + np.arange(roll_outs, dtype=np.int64)
    own = noise.fold(tuple(part[tf.newaxis, :, tf.newaxis] for part in keys), tf.constant(numbers))
    flat = noise.uniforms(tuple(tf.reshape(part, [-1]) for part in own), length)
    return tf.reshape(flat, [length - 1, -1, roll_outs, length])


def write(
    generator: TokenLSTM,
    keys: noise.Key,
    lengths: tf.Tensor,
    most: int,
    limits: token_draws.Limits | None = None,
    begin: tuple[tf.Tensor, tf.Tensor] | None = None,
) -> tf.Tensor:
    """Writes sequences of the lengths that are asked for; without limits those of `sample`.

    Args:
      generator: The language model.
      keys: Of the rows, two uint32 [rows].
      lengths: int32 [rows], tokens of each, from 1.
      most: No length is above it.
      limits: Of the draws.
      begin: The tokens that rows begin with, int32 [rows, any], and how many of them, int32 [rows].

    Returns:
      int32 [rows, the highest length]; beyond a row's own length 0.
    """
    uniforms = noise.uniforms(keys, most)
    table, output = generator.gate_table(), _output(generator)
    longest = tf.reduce_max(tf.concat([lengths, [1]], axis=0))  # there may be no rows
    tokens = tf.TensorArray(tf.int32, longest, element_shape=[None])
    start = tf.fill(tf.shape(lengths), generator.start_token)

    def body(position: tf.Tensor, token: tf.Tensor, state: State, tokens: tf.TensorArray):
        state = generator.step(token, state, table)
        numbers = tf.gather(uniforms, [position], axis=1)
        token = _draw(state[0], numbers, output, limits)[:, 0]
        if begin is not None:
            place = tf.minimum(position, tf.shape(begin[0])[1] - 1)
            token = tf.where(position < begin[1], begin[0][:, place], token)
        token = tf.ensure_shape(token, start.shape)
        return position + 1, token, state, tokens.write(position, token)

    state = generator.zero_state(tf.size(lengths))
    _, _, _, tokens = tf.while_loop(
        lambda position, *_: position < longest,
        body,
        (0, start, state, tokens),
        parallel_iterations=1,
    )
    mask = tf.sequence_mask(lengths, longest, tf.int32)
    return tf.transpose(tokens.stack()) * mask


def _output(generator: TokenLSTM, temperature: float = 1.0) -> tuple[tf.Tensor, tf.Tensor]:
    """What makes logits, divided by a temperature, of a hidden state."""
    kernel, bias = token_draws.pad_output(*generator.output())
    return (kernel, bias) if temperature == 1.0 else (kernel / temperature, bias / temperature)


def _draw(
    hidden: tf.Tensor,
    uniforms: tf.Tensor,
    output: tuple[tf.Tensor, tf.Tensor],
    limits: token_draws.Limits | None = None,
) -> tf.Tensor:
    """Tokens after states: float [rows, hidden size], float32 [rows, draws] to int32 alike."""
    # A bias that is added to logits is one more pass over them: here it is a row of the product.
    kernel = tf.concat([output[0], output[1][tf.newaxis]], axis=0)
    hidden = tf.pad(hidden, [[0, 0], [0, 1]], constant_values=1)

    def some(part: tuple[tf.Tensor, ...]) -> tf.Tensor:
        hidden, uniforms, *controls = part
        logits = tf.cast(tf.matmul(hidden, kernel), tf.float32)
        if controls:
            logits = token_draws.limit(logits, token_draws.Limits(*controls))
        return token_draws.draw(logits, uniforms)

    given = (hidden, uniforms)
    if limits is not None:
        given += (limits.temperature, limits.top_k, limits.top_p)
    return _in_parts(some, given)


def _in_parts(
    function: Callable[[tuple[tf.Tensor, ...]], tf.Tensor], tensors: tuple[tf.Tensor, ...]
) -> tf.Tensor:
    """A function of rows to int32, applied to some rows at a time.

    All parts have as many rows, the last one filled up with zeros: XLA wants one shape.
    """
    known = tensors[0].shape[0]
    if known and known <= _ROWS_AT_A_TIME:  # a loop takes its time, and more to trace
        return function(tensors)
    rows = tf.shape(tensors[0])[0]
    parts = tf.maximum((rows + _ROWS_AT_A_TIME - 1) // _ROWS_AT_A_TIME, 1)
    size = (rows + parts - 1) // parts

    def split(tensor: tf.Tensor) -> tf.Tensor:
        more = [[0, parts * size - rows]] + [[0, 0]] * (tensor.shape.rank - 1)
        return tf.reshape(tf.pad(tensor, more), [parts, size, *tensor.shape[1:]])

    done = tf.map_fn(
        function,
        tuple(split(tensor) for tensor in tensors),
        parallel_iterations=1,
        fn_output_signature=tf.int32,
    )
    shape = done.shape[2:]
    return tf.ensure_shape(tf.reshape(done, [parts * size, *shape])[:rows], [None, *shape])
