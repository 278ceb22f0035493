"""A generator of tokens as a policy: likelihood, action values and the policy's loss.

Yu et al., SeqGAN, AAAI 2017, arXiv 1609.05473. The state is what is written so far, the action the
next token, and the only reward the discriminator's probability that a finished sequence is real.
Completions are drawn by `roll_outs`, phases are run by `policy_gradient_gan`.
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


def likelihood_loss(
    logits: tf.Tensor, tokens: tf.Tensor, counted: tf.Tensor | None = None
) -> tf.Tensor:
    """Mean negative log-likelihood a token, in nats.

    Args:
      logits: float [batch, length, num_tokens].
      tokens: int [batch, length].
      counted: float32 [batch, length], 0 for tokens whose likelihood counts as 1; by default none.

    Returns:
      A scalar.
    """
    found = log_probabilities(logits, tokens)
    return -tf.reduce_mean(found if counted is None else found * tf.cast(counted, found.dtype))


def entropies(logits: tf.Tensor) -> tf.Tensor:
    """Entropies of next tokens, in nats: float [batch, length, num_tokens] to [batch, length]."""
    logs = tf.nn.log_softmax(full_precision(logits))
    return -tf.reduce_sum(tf.exp(logs) * logs, axis=-1)


def policy_loss(
    logits: tf.Tensor, tokens: tf.Tensor, values: tf.Tensor, entropy_bonus: float = 0.0
) -> tf.Tensor:
    """-sum of log p(token) times the action's value (SeqGAN, equation 8): a sum, not a mean.

    Args:
      logits: float [batch, length, num_tokens] of the policy that drew the tokens.
      tokens: int [batch, length].
      values: float32 [batch, length], through which no gradient flows.
      entropy_bonus: Times the sum of the entropies, which is taken off (Williams and Peng 1991).

    Returns:
      A scalar.
    """
    chances = log_probabilities(logits, tokens)
    loss = -tf.reduce_sum(chances * tf.cast(tf.stop_gradient(values), chances.dtype))
    if entropy_bonus:
        loss -= entropy_bonus * tf.reduce_sum(entropies(logits))
    return loss


def without_batch_mean(values: tf.Tensor) -> tf.Tensor:
    """Values less their mean over the global batch, at each position: [rows, length] to itself."""
    mean = tf.reduce_mean(values, axis=0)
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        context = tf.distribute.get_replica_context()
        mean = context.all_reduce(tf.distribute.ReduceOp.MEAN, mean)
    return values - mean


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
