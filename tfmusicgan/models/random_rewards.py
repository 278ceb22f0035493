"""A control of SeqGAN's synthetic experiment: policy gradient whose rewards say nothing.

Not in the paper. Their expected gradient is zero; but each batch makes what was drawn likelier, for
rewards are never negative and no baseline is taken from them. How far that alone lowers NLL under
an oracle is what SeqGAN's gain has to be read against.
"""

import tensorflow as tf

from tfmusicgan.models import noise
from tfmusicgan.models.token_gan import TokenGAN


class RandomRewards(TokenGAN):
    """SeqGAN's generator with rewards at random; its config is a `NoDiscriminatorConfig`.

    There are no roll-outs, and their settings change nothing.
    """

    def draw_values(self, sequences: tf.Tensor, keys: noise.Key) -> tf.Tensor:
        """A reward for each sequence, uniform within 0-1 and the same for all of its tokens.

        Args:
          sequences: int32 [rows, length], which change nothing.
          keys: Of the rows, two uint32 [rows].

        Returns:
          float32 [rows, length].
        """
        return tf.repeat(noise.uniforms(keys, 1), self.length, axis=1)
