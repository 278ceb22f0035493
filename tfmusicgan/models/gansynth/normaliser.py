"""From an image's own units to [-1, 1] and back, channel by channel (reference, section 2.4)."""

import keras
import numpy as np
import tensorflow as tf

# Scale and offset of log power and of instantaneous frequency: magenta/magenta at 526d3eb1,
# measured on NSynth.
PUBLISHED = ((0.0661371661726, 0.8), (0.113718730221, 0.0))
_LEAST_SPAN = 1e-6


class Normaliser(keras.layers.Layer):
    """clip(scale x + offset, -1, 1), and its inverse without the clip.

    Input shape:
      float [..., 2].

    Output shape:
      The same.
    """

    def __init__(self, **kwargs):
        # In mixed precision images stay in float32: log power has more digits than half has.
        super().__init__(autocast=False, **kwargs)
        scale, offset = (keras.initializers.Constant(np.array(part)) for part in PUBLISHED)
        settings = {"shape": (2,), "trainable": False, "aggregation": "only_first_replica"}
        self.scale = self.add_weight(name="scale", initializer=scale, **settings)
        self.offset = self.add_weight(name="offset", initializer=offset, **settings)
        self.built = True

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Own units to [-1, 1]; what is beyond is cut."""
        scale, offset = self._constants(images)
        return tf.clip_by_value(images * scale + offset, -1.0, 1.0)

    def invert(self, images: tf.Tensor) -> tf.Tensor:
        """[-1, 1] to own units."""
        scale, offset = self._constants(images)
        return (images - offset) / scale

    def measure(self, lowest: np.ndarray, highest: np.ndarray, margin: float) -> None:
        """Sets the constants so that a range becomes [-margin, margin].

        Args:
          lowest: The least value of each channel, [2].
          highest: The greatest, [2].
          margin: Above 0.
        """
        span = np.maximum(highest - lowest, _LEAST_SPAN)
        self.scale.assign(2.0 * margin / span)
        self.offset.assign(margin * (-2.0 * lowest / span - 1.0))

    def _constants(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        constants = (self.scale, self.offset)
        return tuple(tf.cast(tf.convert_to_tensor(c), images.dtype) for c in constants)
