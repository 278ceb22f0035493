"""A generator of tokens as a policy: likelihood, action values and the policy's loss.

Yu et al., SeqGAN, AAAI 2017, arXiv 1609.05473. The state is what is written so far, the action the
next token, and the only reward the discriminator's probability that a finished sequence is real.
"""

import tensorflow as tf

from tfmusicgan.layers.precision import full_precision

# Where a log-probability may come from: log(1e-20), as released.
_LEAST_LOG_PROBABILITY = -46.0517


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


def action_values(of_completions: tf.Tensor, of_sequences: tf.Tensor) -> tf.Tensor:
    """Values of the tokens of sequences (SeqGAN, equation 4).

    The value of a token is the mean reward of completions of the prefix that ends with it; of the
    last one it is the sequence's own reward.

    Args:
      of_completions: float32 [length - 1, rows, repeats], rewards of completions of the prefixes.
      of_sequences: float32 [rows], the sequences' own.

    Returns:
      float32 [rows, length].
    """
    means = tf.transpose(tf.reduce_mean(of_completions, axis=-1))
    return tf.concat([means, of_sequences[:, tf.newaxis]], axis=1)
