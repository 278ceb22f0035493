"""Latents between two others, along the arc (Engel et al. 2019; White 2016, arXiv 1609.04468)."""

import tensorflow as tf

# Below, the arc and the straight line are the same in float32, and the formula divides by nothing.
_LEAST_SINE = 1e-4


def interpolate(first: tf.Tensor, second: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
    """Spherical interpolation, of which the angle is that of the directions: lengths may differ.

    sin((1 - t) w) / sin w * first + sin(t w) / sin w * second, with w the angle between them; the
    straight line where they are parallel.

    Args:
      first: float32 [batch, size], what fraction 0 gives.
      second: float32 [batch, size], what fraction 1 gives.
      fraction: float32 [batch], t.

    Returns:
      float32 [batch, size].
    """
    one, other = tf.math.l2_normalize(first, 1), tf.math.l2_normalize(second, 1)
    # Unlike the inverse cosine of the product, exact for small angles too.
    angle = 2 * tf.atan2(tf.norm(one - other, axis=1), tf.norm(one + other, axis=1))
    sine = tf.sin(angle)
    is_arc = sine > _LEAST_SINE
    divisor = tf.where(is_arc, sine, 1.0)
    weights = [
        tf.where(is_arc, tf.sin(share * angle) / divisor, share)[:, tf.newaxis]
        for share in (1 - fraction, fraction)
    ]
    return weights[0] * first + weights[1] * second
