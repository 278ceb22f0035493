"""Scheduled sampling: a language model learns from prefixes that are in part its own.

Bengio, Vinyals, Jaitly, Shazeer, NIPS 2015, arXiv 1506.03099; the baseline of SeqGAN's table 1. A
coin for each token decides whether the model reads the true token or one that it draws itself. (In
SeqGAN's released code one coin is tossed, when the graph is built.)
"""

import tensorflow as tf

from tfmusicgan.layers.token_lstm import TokenLSTM
from tfmusicgan.models import noise, roll_outs


def truth_share(step: tf.Tensor, epoch_steps: int, decay: float) -> tf.Tensor:
    """Chance of a true token: 1 in the first epoch, `decay` less in each later one, not below 0.

    Args:
      step: int64, the training step, from 0.
      epoch_steps: Steps of an epoch.
      decay: Share an epoch.

    Returns:
      float32 scalar.
    """
    epoch = tf.cast(tf.convert_to_tensor(step) // epoch_steps, tf.float32)
    return tf.maximum(1.0 - decay * epoch, 0.0)


def mix(generator: TokenLSTM, tokens: tf.Tensor, share: tf.Tensor, keys: noise.Key) -> tf.Tensor:
    """What the model reads in place of the true tokens.

    The token at t is the true one by a coin, else drawn from the model after all that it has read
    before. No gradient flows through the draws.

    Args:
      generator: The language model.
      tokens: int32 [rows, length], the length known.
      share: Chance of a true token, float32 scalar.
      keys: Of the rows, two uint32 [rows].

    Returns:
      int32 [rows, length].
    """
    length = tokens.shape[1]
    numbers = noise.uniforms(keys, 2 * length)
    true = numbers[:, :length] < share
    draw = roll_outs.drawer(generator)
    table, state = generator.gate_table(), generator.zero_state(tf.shape(tokens)[0])
    read, columns = tf.fill([tf.shape(tokens)[0]], generator.start_token), []
    for position in range(length):
        state = generator.step(read, state, table)
        own = draw(state[0], numbers[:, length + position])
        read = tf.where(true[:, position], tokens[:, position], own)
        columns.append(read)
    return tf.stop_gradient(tf.stack(columns, axis=1))
