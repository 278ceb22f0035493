"""GANSynth's generator: latent and pitch to an image, block by block (section 3.1, "C")."""

import keras
import tensorflow as tf

from tfmusicgan.models.gansynth.layers import FirstConvolution, ScaledConvolution
from tfmusicgan.models.gansynth.operations import box_upscale, pixel_norm
from tfmusicgan.recipes.gansynth import GANSynthConfig


class Generator(keras.layers.Layer):
    """Grows a map from the first size to that of the block asked for.

    All blocks are there from the beginning; a block that is not asked for is not computed.

    Args:
      config: Sizes.
      num_pitches: Classes of pitch.
      seed: Of the initial weights.

    Input shape:
      Latents float [batch, latent_size]; pitches one-hot, float [batch, num_pitches].

    Output shape:
      [batch, frames, bins, 2] of the block asked for, within [-1, 1].
    """

    def __init__(self, config: GANSynthConfig, num_pitches: int, seed: int, **kwargs):
        super().__init__(**kwargs)
        self.growth = config.growth
        slope, kernel = config.leaky_relu_slope, config.kernel
        inputs = config.latent_size + num_pitches
        settings = {"kernel": kernel, "slope": slope, "seed": seed, "normalise": True}
        self.first = FirstConvolution(
            inputs, config.filters(1), config.first_size, slope, seed, name="first"
        )
        self.blocks, self.to_image = [], []
        for block in range(1, config.blocks + 1):
            filters = config.filters(block)
            layers = []
            if block > 1:
                grown = {"growth": config.growth, "name": f"grown_{block}", **settings}
                layers.append(ScaledConvolution(config.filters(block - 1), filters, **grown))
            name = f"synthesis_{block}"
            layers.append(ScaledConvolution(filters, filters, name=name, **settings))
            self.blocks.append(layers)
            output = ScaledConvolution(filters, 2, (1, 1), None, seed, name=f"to_image_{block}")
            self.to_image.append(output)
        self.built = True

    def variables_of(self, blocks: int, fading: bool) -> list[keras.Variable]:
        """What images of this many blocks depend on, while the last one is faded in or after."""
        layers = [self.first, *(layer for block in self.blocks[:blocks] for layer in block)]
        layers += self.to_image[blocks - 1 - fading : blocks]
        return [variable for layer in layers for variable in layer.weights]

    def call(
        self,
        latents: tf.Tensor,
        pitches: tf.Tensor,
        blocks: int | None = None,
        fade: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Generates images.

        Args:
          latents: float [batch, latent_size].
          pitches: float [batch, num_pitches], one-hot.
          blocks: How many; by default all.
          fade: Scalar within [0, 1], the share of the last block beside the upscaled image of the
            one before; None for the last one alone.

        Returns:
          [batch, frames, bins, 2] at the size of that many blocks, within [-1, 1].
        """
        blocks = len(self.blocks) if blocks is None else blocks
        x = self.first(pixel_norm(tf.concat([latents, tf.cast(pitches, latents.dtype)], axis=1)))
        before = None
        for layers in self.blocks[:blocks]:
            before = x
            for layer in layers:
                x = layer(x)
        image = tf.tanh(self.to_image[blocks - 1](x))
        if fade is None:
            return image
        fade = tf.cast(fade, image.dtype)
        smaller = box_upscale(tf.tanh(self.to_image[blocks - 2](before)), self.growth)
        return fade * image + (1 - fade) * smaller
