"""A generator of tokens as a policy: likelihood, action values and the policy's loss.

Yu et al., SeqGAN, AAAI 2017, arXiv 1609.05473. The state is what is written so far, the action the
next token, and the only reward the discriminator's probability that a finished sequence is real.
"""

from collections.abc import Callable

import tensorflow as tf

from tfmusicgan.layers.precision import full_precision
from tfmusicgan.layers.token_lstm import TokenLSTM
from tfmusicgan.models import noise, roll_outs

# Sequences that are scored at a time, which bounds memory.
_SCORED_AT_A_TIME = 512
# Where a log-probability may come from: log(1e-20), as released.
_LEAST_LOG_PROBABILITY = -46.0517

Reward = Callable[[tf.Tensor], tf.Tensor]


def log_probabilities(logits: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
    """Logarithms of given tokens' probabilities: log(1e-20) and more, below which nothing flows.

    Args:
      logits: float [batch, length, num_tokens].
      tokens: int [batch, length].

    Returns:
      float32 [batch, length].
    """
    negative = tf.nn.sparse_softmax_cross_entropy_with_logits(tokens, full_precision(logits))
    return tf.maximum(-negative, _LEAST_LOG_PROBABILITY)


def likelihood_loss(logits: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
    """Mean negative log-likelihood a token, in nats: [batch, length, ...] to a scalar."""
    return -tf.reduce_mean(log_probabilities(logits, tokens))


def policy_loss(logits: tf.Tensor, tokens: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """-sum of log p(token) times the action's value (SeqGAN, equation 8): a sum, not a mean.

    Args:
      logits: float [batch, length, num_tokens] of the policy that drew the tokens.
      tokens: int [batch, length].
      values: float32 [batch, length], through which no gradient flows.

    Returns:
      A scalar.
    """
    chances = log_probabilities(logits, tokens)
    return -tf.reduce_sum(chances * tf.cast(tf.stop_gradient(values), chances.dtype))


def action_values(
    generator: TokenLSTM, reward: Reward, sequences: tf.Tensor, keys: noise.Key, repeats: int
) -> tf.Tensor:
    """Values of the tokens of sequences (SeqGAN, equation 4).

    The value of a token is the mean reward of completions of the prefix that ends with it; of the
    last one it is the sequence's own reward.

    Args:
      generator: The policy that completes.
      reward: int32 [n, length] to float32 [n].
      sequences: int32 [rows, length], the length known and at least 2.
      keys: Of the rows, two uint32 [rows].
      repeats: Completions of each prefix.

    Returns:
      float32 [rows, length].
    """
    length, rows = sequences.shape[1], tf.shape(sequences)[0]
    completed = roll_outs.complete(generator, sequences, keys, repeats)
    everything = tf.concat([tf.reshape(completed, [-1, length]), sequences], axis=0)
    rewards = score_in_parts(reward, everything)
    of_prefixes = tf.reshape(rewards[:-rows], [length - 1, rows, repeats])
    means = tf.transpose(tf.reduce_mean(of_prefixes, axis=-1))  # [rows, length - 1]
    return tf.concat([means, rewards[-rows:, tf.newaxis]], axis=1)


def sequence_values(reward: Reward, sequences: tf.Tensor) -> tf.Tensor:
    """Every token's value is its sequence's reward: no roll-outs.

    Args:
      reward: int32 [n, length] to float32 [n].
      sequences: int32 [rows, length].

    Returns:
      float32 [rows, length].
    """
    return tf.repeat(reward(sequences)[:, tf.newaxis], sequences.shape[1], axis=1)


def score_in_parts(reward: Reward, sequences: tf.Tensor) -> tf.Tensor:
    """Rewards of many sequences, some at a time: int32 [n, length] to float32 [n], n above 0."""
    rows = tf.shape(sequences)[0]
    parts = (rows + _SCORED_AT_A_TIME - 1) // _SCORED_AT_A_TIME
    rewards = tf.TensorArray(tf.float32, size=parts, infer_shape=False, element_shape=[None])

    def body(part: tf.Tensor, rewards: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
        first = part * _SCORED_AT_A_TIME
        some = sequences[first : first + _SCORED_AT_A_TIME]
        return part + 1, rewards.write(part, tf.cast(reward(some), tf.float32))

    _, rewards = tf.while_loop(
        lambda part, _: part < parts, body, [tf.constant(0), rewards], parallel_iterations=1
    )
    return rewards.concat()
