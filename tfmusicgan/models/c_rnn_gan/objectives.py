"""C-RNN-GAN's losses, and who stands still by them."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from tfmusicgan import losses
from tfmusicgan.layers.replicas import mean_over_replicas
from tfmusicgan.models.base import MusicGAN

_LEAST_PROBABILITY = 1e-7  # whose logarithm is taken


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
        # The mean over time of the probabilities, not of their logarithms.
        real_one, fake_one = (
            tf.reduce_mean(tf.sigmoid(s), axis=0) for s in (scores[:, :rows], scores[:, 2 * rows :])
        )
        fake_zero = tf.reduce_mean(tf.sigmoid(-scores[:, rows : 2 * rows]), axis=0)
        adversarial = _surprise(fake_one)
        of_real, of_fake = tf.stop_gradient(features[:, :rows]), features[:, 2 * rows :]
        found = {
            "adversarial_loss": adversarial,
            "discriminator_loss": _surprise(real_one) + _surprise(fake_zero),
            "real_probability": tf.reduce_mean(real_one),
            "fake_probability": tf.reduce_mean(fake_one),
        }
        found["decisions"] = found["discriminator_loss"]
        if config.feature_matching == "means":
            in_rows = (tf.transpose(x, [1, 0, 2]) for x in (of_real, of_fake))
            found["feature_matching"] = losses.feature_matching_loss(*in_rows)
        else:
            squares = tf.square(of_real - of_fake)
            found["feature_matching"] = tf.reduce_mean(tf.reduce_sum(squares, axis=[0, 2]))
        loss = config.adversarial_weight * adversarial
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


def _surprise(probability: tf.Tensor) -> tf.Tensor:
    """The mean of -log p: [rows] to a scalar."""
    return -tf.reduce_mean(tf.math.log(tf.maximum(probability, _LEAST_PROBABILITY)))
