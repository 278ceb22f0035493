"""GANSynth's losses as the released code has them: everything at the full size, plain operations.

The weights are those of a model; nothing else of it is used but its numbers and its noise.
"""

import math

import numpy as np
import tensorflow as tf


def progress(config, images):
    """p(n), the number of blocks less one, a fraction while one is faded in."""
    stable, fade = config.stable_images, config.fade_images
    images = min(images, config.blocks * stable + (config.blocks - 1) * fade - 1)
    return images // (stable + fade) + max(0.0, (images % (stable + fade) - stable) / fade)


def shares(config, images):
    """The share of each block's image, from the first on."""
    p = progress(config, images)
    return [max(0.0, min(p - (b - 2), b - p)) for b in range(1, config.blocks + 1)]


def up(x, factor):
    """Repeats frames and bins."""
    return tf.repeat(tf.repeat(x, factor, axis=1), factor, axis=2)


def down(x, factor):
    """Means of boxes."""
    rows, frames, bins, channels = x.shape
    boxes = tf.reshape(x, [rows, frames // factor, factor, bins // factor, factor, channels])
    return tf.reduce_mean(boxes, axis=[2, 4])


def _norm(x):
    return x / tf.sqrt(tf.reduce_mean(tf.square(x), axis=-1, keepdims=True) + 1e-8)


def _convolve(layer, x, gain):
    kernel = layer.kernel.value
    scale = math.sqrt(gain / np.prod(kernel.shape[:3]))
    return tf.nn.conv2d(x, kernel * scale, 1, "SAME") + layer.bias.value


def _active(x):
    return tf.maximum(x, 0.2 * x)


class FullSize:
    """The released formulation with a model's weights.

    Args:
      model: In some stage of its training; growth is by two, both ways.
      images: Images shown.
    """

    def __init__(self, model, images):
        self.model, self.config = model, model.model_config
        self.shares = shares(self.config, images)
        self.progress = progress(self.config, images)

    def generate(self, generator, latents, classes):
        """Images at full size in their own units."""
        rep, config = self.model.representation, self.config
        one_hot = tf.one_hot(classes, rep.num_pitches, dtype=latents.dtype)
        x = _norm(tf.concat([latents, one_hot], axis=1))
        first = generator.first
        scale = math.sqrt(2 / np.prod(first.kernel.shape[:3]))
        x = tf.einsum("ni,ihwo->nhwo", x, first.kernel.value) * scale + first.bias.value
        x = _norm(_active(x))
        total = 0.0
        for block, layers in enumerate(generator.blocks, start=1):
            if block > 1:
                x = up(x, 2)
            for layer in layers:
                x = _norm(_active(_convolve(layer, x, 2)))
            image = tf.tanh(_convolve(generator.to_image[block - 1], x, 1))
            total += self.shares[block - 1] * up(image, 2 ** (config.blocks - block))
        normaliser = self.model.normaliser
        return (total - normaliser.offset.value) / normaliser.scale.value

    def real(self, images):
        """Real images blended by the progress, each term down and up to the full size."""
        blended = 0.0
        for block, share in enumerate(self.shares, start=1):
            factor = 2 ** (self.config.blocks - block)
            blended += share * up(down(images, factor), factor)
        return blended

    def judge(self, images):
        """Scores and pitch logits."""
        net, normaliser, config = self.model.discriminator, self.model.normaliser, self.config
        images = images * normaliser.scale.value + normaliser.offset.value
        images = tf.minimum(tf.maximum(images, -1.0), 1.0)

        def from_image(block):
            smaller = down(images, 2 ** (config.blocks - block))
            return _active(_convolve(net.from_image[block - 1], smaller, 2))

        x = from_image(config.blocks)
        for block in range(config.blocks, 1, -1):
            for layer in net.blocks[block - 1]:
                x = _active(_convolve(layer, x, 2))
            x = down(x, 2)
            alpha = min(max((block - 1) - self.progress, 0.0), 1.0)
            x = alpha * from_image(block - 1) + (1 - alpha) * x
        mean = tf.reduce_mean(x, axis=0)
        variance = tf.reduce_mean(tf.square(x - mean), axis=0)
        deviation = tf.reduce_mean(tf.sqrt(variance + 1e-6))
        x = tf.concat([x, tf.fill([*x.shape[:3], 1], deviation)], axis=-1)
        x = _active(_convolve(net.blocks[0][0], x, 2))
        x = tf.reshape(x, [x.shape[0], -1])
        last = net.last
        x = _active(x @ last.kernel.value * math.sqrt(2 / x.shape[1]) + last.bias.value)
        scores, logits = (
            x @ head.kernel.value / math.sqrt(x.shape[1]) + head.bias.value
            for head in (net.score, net.pitch)
        )
        return scores[:, 0], logits

    def generator_loss(self, latents, classes):
        """-E D(fake) and the fakes' pitches."""
        scores, logits = self.judge(self.generate(self.model.generator, latents, classes))
        weight = self.config.generator_pitch_weight
        return -tf.reduce_mean(scores) + weight * _cross_entropy(classes, logits)

    def discriminator_loss(self, images, classes, latents, fake_classes, mixing):
        """Distance, penalty, drift, and the real ones' pitches."""
        config, real = self.config, self.real(images)
        fake = tf.stop_gradient(self.generate(self.model.generator, latents, fake_classes))
        between = real + tf.reshape(tf.cast(mixing, real.dtype), [-1, 1, 1, 1]) * (fake - real)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(between)
            scores = self.judge(between)[0]
        slope = tape.gradient(scores, between)
        norm = tf.sqrt(tf.reduce_sum(tf.square(slope), axis=[1, 2, 3]))
        penalty = tf.reduce_mean(tf.square(norm - 1.0))
        scores, logits = self.judge(real)
        loss = tf.reduce_mean(self.judge(fake)[0]) - tf.reduce_mean(scores)
        loss += config.gradient_penalty_weight * penalty
        loss += config.drift_weight * tf.reduce_mean(tf.square(scores))
        return loss + config.discriminator_pitch_weight * _cross_entropy(classes, logits)


def _cross_entropy(classes, logits):
    logs = logits - tf.reduce_logsumexp(logits, axis=1, keepdims=True)
    return -tf.reduce_mean(tf.gather(logs, classes, axis=1, batch_dims=1))
