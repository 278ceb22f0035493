"""Polyphonic SeqGAN: SeqGAN on words that are a melody's note and a chord at once.

Lee, Hwang, Min, Yoon 2017, arXiv 1710.11418; the authors' code is github.com/L0SG/seqgan-music.
Words int32 [batch, length] of `chord_melody_words` go in and out.

The discriminator learns by least squares on its raw score s, 1 for real and 0 for samples; the
reward is sigmoid(s), which lies between 0.50 and 0.73 where s does as it is told.

Differs from the released code:

* roll-outs are scored; the least-squares script draws them, and then scores the sequence that they
  were to complete, so that all its tokens get the sequence's own reward. `sequence_level_reward` is
  what that comes to;
* the generator starts from a symbol that is no word, which it never draws, and words that the
  vocabulary lacks have no probability; held-out words that it lacks do not count in likelihoods;
* the validation score does not send both networks back to where the rounds began: a run that has
  collapsed ends, and its best checkpoint is there;
* gradients that come several times for one row of an embedding are added before their norm is
  taken, and with `cross_entropy` there is one logit in place of two softmax outputs.

Of our own, and off by default: `reward_baseline`, `entropy_bonus`, `sampling_temperature`,
`likelihood_learning_rate_decay`. The released variants are `discriminator_loss=cross_entropy` (with
its `discriminator_l2` and `discriminator_bias`, which stay the least-squares script's unless they
are set too), and `wasserstein`, after whose updates all weights but the embedding are cut to
`clip_value`, without a penalty on the last layer; the reward stays sigmoid(s), and the critic has
the discriminator's optimizer and sets, not five updates for each of the generator's. (Its script
does not run as released.) The conditional script, which starts each sequence from the first
word of a real one, is what the signature `continue` does with a model that learned without.
"""

import tensorflow as tf

from tfmusicgan import losses
from tfmusicgan.models.token_gan import TokenGAN
from tfmusicgan.recipes.polyphonic_seqgan import LEAST_SQUARES, WASSERSTEIN


class PolyphonicSeqGAN(TokenGAN):
    """SeqGAN on words of two parts; its config is a `PolyphonicSeqGANConfig`."""

    def discriminator_loss(self, scores: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
        """The loss that the config names.

        Args:
          scores: float [batch], the first half of them of real sequences.
          real: float [batch], 1 for what is real, 0 for samples.

        Returns:
          A scalar.
        """
        kind = self.model_config.discriminator_loss
        if kind == LEAST_SQUARES:
            errors = losses.least_squares_discriminator_loss(*tf.split(scores, 2))
            return errors + self.discriminator_penalty()
        if kind == WASSERSTEIN:
            return losses.wasserstein_critic_loss(*tf.split(scores, 2))
        return super().discriminator_loss(scores, real)

    def found_real(self, scores: tf.Tensor) -> tf.Tensor:
        """Which sequences count as taken for real: nearer to what real ones are told to be.

        Without such a number, above the batch's mean.
        """
        kind = self.model_config.discriminator_loss
        if kind == LEAST_SQUARES:
            return scores > 0.5
        return scores > tf.reduce_mean(scores) if kind == WASSERSTEIN else scores > 0

    def _discriminator_update(self, real: tf.Tensor) -> None:
        super()._discriminator_update(real)
        if self.model_config.discriminator_loss != WASSERSTEIN:
            return
        limit, cnn = self.model_config.clip_value, self.discriminator
        for weight in cnn.trainable_variables:
            if weight is not cnn.embedding:
                weight.assign(tf.clip_by_value(tf.convert_to_tensor(weight), -limit, limit))
