"""C-RNN-GAN's losses, and who stands still by them."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from tfmusicgan import losses
from tfmusicgan.layers.replicas import mean_over_replicas
from tfmusicgan.models.base import MusicGAN


class CRNNGANObjectives(MusicGAN):
    """Losses of both networks.

    Subclasses set `self.generator` and `self.discriminator`.
    """

    def _find_losses(
        self, features: tf.Tensor, scores: tf.Tensor, rows: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Losses, and what is logged beside them.

        Args:
          features: float [steps, 3 * rows, units], of real sequences, of generated ones, and of
            these again: the discriminator learns of the first two, the generator by the last.
          scores: float [steps, 3 * rows], before the sigmoid.
          rows: Sequences of each kind.
        """
        config = self.model_config
        real, learnt, fake = scores[:, :rows], scores[:, rows : 2 * rows], scores[:, 2 * rows :]
        adversarial = _surprise(fake)
        of_real, of_fake = tf.stop_gradient(features[:, :rows]), features[:, 2 * rows :]
        found = {
            "adversarial_loss": adversarial,
            "discriminator_loss": _surprise(real) + _surprise(-learnt),
            "real_probability": tf.reduce_mean(tf.sigmoid(real)),
            "fake_probability": tf.reduce_mean(tf.sigmoid(fake)),
        }
        found["decisions"] = found["discriminator_loss"]
        if config.feature_matching == "means":
            in_rows = (tf.transpose(x, [1, 0, 2]) for x in (of_real, of_fake))
            found["feature_matching"] = losses.feature_matching_loss(*in_rows)
        else:
            squares = tf.square(of_real - of_fake)
            found["feature_matching"] = tf.reduce_mean(tf.reduce_sum(squares, axis=[0, 2]))
        own = -_surprise(-fake) if config.saturating else adversarial
        loss = config.adversarial_weight * own
        if config.feature_matching != "none":
            loss += config.feature_matching_weight * found["feature_matching"]
        found["generator_loss"] = loss + self._penalty(self.generator)
        found["discriminator_loss"] += self._penalty(self.discriminator)
        return found

    def _frozen(self, found: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Which network is too far ahead to be updated: name to 0 or 1."""
        config = self.model_config
        generator = mean_over_replicas(found["adversarial_loss"])
        discriminator = mean_over_replicas(found["decisions"])
        if config.freezing == "none":
            return dict.fromkeys(self.networks(), tf.zeros([]))
        if config.freezing == "decision":
            discriminator /= 2
        share = config.freezing_share
        ahead = {
            "generator": generator < share * discriminator,
            "discriminator": discriminator < share * generator,
        }
        return {name: tf.cast(value, tf.float32) for name, value in ahead.items()}

    def _penalty(self, network: keras.layers.Layer) -> tf.Tensor:
        """Half the squared kernels of a network, by `l2_weight`."""
        kernels = [v for v in network.trainable_variables if not v.path.endswith("bias")]
        squares = [tf.nn.l2_loss(tf.convert_to_tensor(kernel)) for kernel in kernels]
        return self.model_config.l2_weight * tf.add_n(squares)


def _surprise(scores: tf.Tensor) -> tf.Tensor:
    """The mean over rows of -log p, p the mean of sigmoids over time: [steps, rows] to a scalar.

    The mean of the probabilities, not of their logarithms. From the scores, so that a row whose p
    is next to nothing still has a gradient.
    """
    steps = tf.cast(tf.shape(scores)[0], scores.dtype)
    return tf.reduce_mean(
        tf.math.log(steps) - tf.reduce_logsumexp(tf.math.log_sigmoid(scores), axis=0)
    )
