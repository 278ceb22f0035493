"""A control of SeqGAN's synthetic experiment: policy gradient whose rewards say nothing.

Not in the paper. Rewards that are never negative, from which no baseline is taken, make what was
drawn likelier whatever it is worth; how far that alone lowers NLL under an oracle is what SeqGAN's
gain has to be read against.
"""

import tensorflow as tf

from tfmusicgan.models import noise
from tfmusicgan.models.token_gan import TokenGAN


class RandomRewards(TokenGAN):
    """SeqGAN's generator with rewards at random; its config is a `NoDiscriminatorConfig`."""

    def draw_values(self, sequences: tf.Tensor, keys: noise.Key) -> tf.Tensor:
        """A reward for each sequence, uniform within 0-1 and the same for all of its tokens.

        Args:
          sequences: int32 [rows, length], which change nothing.
          keys: Of the rows, two uint32 [rows].

        Returns:
          float32 [rows, length].
        """
        return tf.repeat(noise.uniforms(keys, 1), self.length, axis=1)
