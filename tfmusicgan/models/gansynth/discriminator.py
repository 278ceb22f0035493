"""GANSynth's discriminator: an image's critic score and the logits of its pitch (section 3.2)."""

import keras
import tensorflow as tf

from tfmusicgan.models.gansynth.layers import ScaledConvolution, ScaledDense
from tfmusicgan.models.gansynth.operations import batch_deviation, box_downscale
from tfmusicgan.recipes.gansynth import GANSynthConfig


class Discriminator(keras.layers.Layer):
    """Shrinks an image of a block's size to one pixel, on which two linear heads stand.

    The critic is not given the pitch. All blocks are there from the beginning; one that is not
    asked for is not computed.

    Args:
      config: Sizes.
      num_pitches: Classes of pitch.
      seed: Of the initial weights.

    Input shape:
      [passes * batch, frames, bins, 2] at the size of the block asked for, within [-1, 1].

    Output shape:
      Scores [passes * batch]; pitch logits [passes * batch, num_pitches].
    """

    def __init__(self, config: GANSynthConfig, num_pitches: int, seed: int, **kwargs):
        super().__init__(**kwargs)
        self.growth = config.growth
        slope = config.leaky_relu_slope
        settings = {"kernel": config.kernel, "slope": slope, "seed": seed}
        self.blocks, self.from_image = [], []
        for block in range(1, config.blocks + 1):
            filters = config.filters(block)
            layer = ScaledConvolution(2, filters, (1, 1), slope, seed, name=f"from_image_{block}")
            self.from_image.append(layer)
            if block == 1:  # beside the batch's deviation
                sizes = {"analysis_1": (filters + 1, filters)}
            else:
                smaller = config.filters(block - 1)
                sizes = {f"analysis_{block}": (filters, filters)}
                sizes |= {f"shrunk_{block}": (filters, smaller)}
            self.blocks.append(
                [ScaledConvolution(*pair, name=name, **settings) for name, pair in sizes.items()]
            )
        frames, bins = config.first_size
        inputs, features = frames * bins * config.filters(1), config.filters(0)
        # A convolution with valid padding over the whole map is a product.
        self.last = ScaledDense(inputs, features, slope, seed, name="last")
        self.score = ScaledDense(features, 1, None, seed, name="score")
        self.pitch = ScaledDense(features, num_pitches, None, seed, name="pitch")
        self.built = True

    def variables_of(self, blocks: int, fading: bool) -> list[keras.Variable]:
        """What answers about this many blocks depend on, while the last is faded in or after."""
        layers = [*self.from_image[blocks - 1 - fading : blocks], self.last, self.score, self.pitch]
        layers += [layer for block in self.blocks[:blocks] for layer in block]
        return [variable for layer in layers for variable in layer.weights]

    def call(
        self,
        images: tf.Tensor,
        blocks: int | None = None,
        fade: tf.Tensor | None = None,
        passes: int = 1,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Judges images.

        Args:
          images: float [passes * batch, frames, bins, 2] at the size of that many blocks.
          blocks: How many; by default all.
          fade: Scalar within [0, 1], the share of the last block's map beside that of the image
            downscaled; None for the last one alone.
          passes: Batches one after the other, each with a deviation of its own.

        Returns:
          Scores [passes * batch], and pitch logits [passes * batch, num_pitches].
        """
        blocks = len(self.blocks) if blocks is None else blocks
        x = self.from_image[blocks - 1](images)
        for index in range(blocks - 1, 0, -1):
            for layer in self.blocks[index]:
                x = layer(x)
            x = box_downscale(x, self.growth)
            if fade is not None and index == blocks - 1:
                share = tf.cast(fade, x.dtype)
                smaller = self.from_image[index - 1](box_downscale(images, self.growth))
                x = share * x + (1 - share) * smaller
        x = self.blocks[0][0](batch_deviation(x, passes))
        x = self.last(tf.reshape(x, [-1, x.shape[1] * x.shape[2] * x.shape[3]]))
        return tf.squeeze(self.score(x), axis=1), self.pitch(x)
