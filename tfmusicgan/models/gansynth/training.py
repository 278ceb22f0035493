"""How GANSynth is trained: stages, the two updates of a step, averages (reference, section 4)."""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan import losses
from tfmusicgan.layers.precision import full_precision
from tfmusicgan.models import noise
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.models.fused_adam import FusedAdam
from tfmusicgan.models.gansynth.operations import box_downscale, box_upscale
from tfmusicgan.recipes.progressive import Stage

# Streams of training noise.
_GENERATOR_TURN, _DISCRIMINATOR_TURN, _MIXING = 0, 1, 2
_TRACKED = (
    "discriminator_loss",
    "generator_loss",
    "critic_gap",
    "gradient_penalty",
    "real_pitch_loss",
    "fake_pitch_loss",
    "real_pitch_accuracy",
    "fake_pitch_accuracy",
    "discriminator_gradient_norm",
    "generator_gradient_norm",
    "blocks",
    "fade",
)


class ProgressiveGAN(MusicGAN):
    """Base of GANSynth: a generator and a discriminator that grow together.

    The config is a `recipes.gansynth.GANSynthConfig`. Subclasses set `generator`, `averaged`,
    `discriminator`, `normaliser`, `pitch_shares` and `latent_table`, call `finish_building`, and
    write `images_of`.
    """

    def images_of(self, audio: tf.Tensor) -> tf.Tensor:
        """int16 [rows, samples] to images at full size in their own units."""
        raise NotImplementedError

    @property
    def current(self) -> Stage:
        """The stage of the training."""
        return self.model_config.stages[self.stage]

    @property
    def stage_starts(self) -> tuple[int, ...]:
        """Where a block comes in, and where it has."""
        return tuple(stage.first_step for stage in self.model_config.stages[1:])

    @property
    def stage_name(self) -> str:
        """How many blocks it trains, and whether the last of them fades in."""
        blocks = self.current.blocks
        fading = ", the last fades in" if self.current.fading else ""
        return f"{blocks} {'block' if blocks == 1 else 'blocks'}{fading}"

    @property
    def rows_per_step(self) -> int:
        """The stage's batch size."""
        return self.current.batch_size

    @property
    def rows_of_steps(self) -> frozenset[int]:
        """The batch sizes of all stages."""
        return frozenset(stage.batch_size for stage in self.model_config.stages)

    def start_stage(self, step: int) -> None:
        """Lets both optimizers start afresh with every stage, as the released code does."""
        if step in self.stage_starts:
            for optimizer in self.optimizers().values():
                getattr(optimizer, "inner_optimizer", optimizer).restart()

    def networks(self) -> dict[str, keras.layers.Layer]:
        """The two networks in training."""
        return {"generator": self.generator, "discriminator": self.discriminator}

    def optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """Both optimizers, empty before `compile`."""
        return dict(self._optimizers) if self.compiled else {}

    def use_averaged_weights(self) -> None:
        """Does nothing: it samples from averaged weights anyway."""

    def finish_building(self) -> None:
        """Creates the metrics that `fit` shows."""
        self._trackers = {name: keras.metrics.Mean(name=name) for name in _TRACKED}
        self.built = True

    def compile(self, jit_compile: bool = False) -> None:
        """Builds both optimizers with their state for all blocks.

        Args:
          jit_compile: XLA for the training step; a gain on GPUs and a loss on CPUs.
        """
        config = self.model_config
        betas = (config.adam_beta_1, config.adam_beta_2)
        self._optimizers = {}
        for name, network in self.networks().items():
            # Fixed names: Keras would number the optimizers of one process.
            optimizer = FusedAdam(config.learning_rate, *betas, epsilon=1e-8, name=f"{name}_adam")
            if self.dtype_policy.name == "mixed_float16":
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name=f"{name}_scale")
            optimizer.build(network.trainable_variables)
            self._optimizers[f"{name}_optimizer"] = optimizer
        super().compile(self._optimizers["generator_optimizer"], jit_compile)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The tracked values, reset by `fit` at the start of each epoch."""
        return list(self._trackers.values())

    def fade(self) -> tf.Tensor | None:
        """The share of the last block by the images shown, a float32 scalar; None if it is all."""
        stage = self.current
        if not stage.fading:
            return None
        step = tf.convert_to_tensor(self.step) - np.int64(stage.first_step)
        shown = stage.first_image - stage.fade_start + step * stage.batch_size
        share = tf.cast(shown, tf.float32) / np.float32(stage.fade_images)
        return tf.clip_by_value(share, 0.0, 1.0)

    def generate(
        self, generator: keras.layers.Layer, latents: tf.Tensor, classes: tf.Tensor
    ) -> tf.Tensor:
        """Images of this stage, within [-1, 1].

        Args:
          generator: The one in training, or the averaged one.
          latents: float [rows, latent_size].
          classes: int [rows], of pitches.

        Returns:
          [rows, frames, bins, 2] at the stage's size.
        """
        pitches = tf.one_hot(classes, self.representation.num_pitches)
        return generator(latents, pitches, blocks=self.current.blocks, fade=self.fade())

    def draw_latents(self, keys: noise.Key) -> tf.Tensor:
        """Normal numbers of rows: two uint32 [rows] to float32 [rows, latent_size]."""
        return noise.draws(keys, self.model_config.latent_size, self.latent_table)

    def draw_classes(self, keys: noise.Key) -> tf.Tensor:
        """Pitch classes as often as in the data: two uint32 [rows] to int32 [rows]."""
        drawn = noise.uniforms(keys, 1)
        # A comparison for each class; the last share, 1, is above every draw.
        passed = drawn >= tf.convert_to_tensor(self.pitch_shares)[:-1]
        return tf.reduce_sum(tf.cast(passed, tf.int32), axis=1)

    def train_step(self, data: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One update of the generator, then one of the discriminator.

        Args:
          data: `audio` int16 [rows, samples], `pitch` int32 [rows] among others.

        Returns:
          The tracked values so far in this epoch.
        """
        real = self.real_images(data["audio"])
        classes = data["pitch"] - self.representation.min_pitch
        rows = tf.shape(classes)[0]
        self._generator_turn(rows)
        self._discriminator_turn(real, classes, rows)
        fade = self.fade()
        self._track(blocks=float(self.current.blocks), fade=1.0 if fade is None else fade)
        self.step.assign_add(1)
        return self.logs()

    def real_images(self, audio: tf.Tensor) -> tf.Tensor:
        """Real images at the stage's size, in their own units; while a block is faded in, a blend.

        Args:
          audio: int16 [rows, samples].

        Returns:
          float [rows, frames, bins, 2].
        """
        config, stage, fade = self.model_config, self.current, self.fade()
        size, full = config.size(stage.blocks), config.size(config.blocks)
        factors = tuple(whole // part for whole, part in zip(full, size, strict=True))
        images = box_downscale(self.images_of(audio), factors)
        if fade is not None:
            smaller = box_upscale(box_downscale(images, config.growth), config.growth)
            images = fade * images + (1 - fade) * smaller
        return tf.cast(images, self.variable_dtype)

    def _fakes(self, rows: tf.Tensor, stream: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Generated images within [-1, 1], and the classes that they were asked for."""
        keys = self.step_keys(rows, stream)
        latents = self.draw_latents(noise.fold(keys, np.int64(0)))
        classes = self.draw_classes(noise.fold(keys, np.int64(1)))
        return self.generate(self.generator, latents, classes), classes

    def _judge(self, images: tf.Tensor, passes: int = 1) -> tuple[tf.Tensor, tf.Tensor]:
        """Scores and pitch logits of images within [-1, 1]."""
        stage = {"blocks": self.current.blocks, "fade": self.fade()}
        judged = self.discriminator(images, passes=passes, **stage)
        return tuple(full_precision(part) for part in judged)

    def _generator_turn(self, rows: tf.Tensor) -> None:
        config, stage, parts = self.model_config, self.current, {}

        def loss_fn() -> tf.Tensor:
            fakes, classes = self._fakes(rows, _GENERATOR_TURN)
            scores, logits = self._judge(fakes)
            pitch_loss = _pitch_loss(logits, classes)
            parts.update(loss=pitch_loss, accuracy=_accuracy(logits, classes))
            adversarial = losses.wasserstein_generator_loss(scores)
            return adversarial + config.generator_pitch_weight * pitch_loss

        variables = self.generator.variables_of(stage.blocks, stage.fading)
        loss, norm = self.minimise(loss_fn, variables, self._optimizers["generator_optimizer"])
        averages = self.averaged.variables_of(stage.blocks, stage.fading)
        for average, weight in zip(averages, variables, strict=True):
            average.assign(config.ema_decay * average + (1 - config.ema_decay) * weight)
        self._track(generator_loss=loss, generator_gradient_norm=norm)
        self._track(fake_pitch_loss=parts["loss"], fake_pitch_accuracy=parts["accuracy"])

    def _discriminator_turn(self, real: tf.Tensor, classes: tf.Tensor, rows: tf.Tensor) -> None:
        config, stage, parts = self.model_config, self.current, {}
        fakes, _ = self._fakes(rows, _DISCRIMINATOR_TURN)
        fakes = tf.cast(tf.stop_gradient(fakes), real.dtype)
        mixing = tf.squeeze(noise.uniforms(self.step_keys(rows, _MIXING), 1), axis=1)
        # Cells of the full size that one of this size stands for: averaging them, as the released
        # code's discriminator does, shrinks the gradient's norm by the square root.
        full, size = config.size(config.blocks), config.size(stage.blocks)
        shrinking = float(np.sqrt(np.prod(full) / np.prod(size)))

        def between(images: tf.Tensor) -> tf.Tensor:
            return self._judge(self.normaliser(images))[0] / shrinking

        def loss_fn() -> tf.Tensor:
            both = tf.concat([self.normaliser(real), fakes], axis=0)
            scores, logits = self._judge(both, passes=2)
            real_scores, fake_scores = scores[:rows], scores[rows:]
            # Real ones alone teach pitches.
            pitch_loss = _pitch_loss(logits[:rows], classes)
            distance = losses.wasserstein_critic_loss(real_scores, fake_scores)
            raw = self.normaliser.invert(fakes)
            penalty = losses.gradient_penalty(between, real, raw, mixing)
            parts.update(gap=-distance, penalty=penalty, loss=pitch_loss)
            parts["accuracy"] = _accuracy(logits[:rows], classes)
            loss = distance + config.gradient_penalty_weight * penalty
            loss += config.drift_weight * tf.reduce_mean(tf.square(real_scores))
            return loss + config.discriminator_pitch_weight * pitch_loss

        variables = self.discriminator.variables_of(stage.blocks, stage.fading)
        optimizer = self._optimizers["discriminator_optimizer"]
        loss, norm = self.minimise(loss_fn, variables, optimizer)
        self._track(discriminator_loss=loss, discriminator_gradient_norm=norm)
        self._track(critic_gap=parts["gap"], gradient_penalty=parts["penalty"])
        self._track(real_pitch_loss=parts["loss"], real_pitch_accuracy=parts["accuracy"])

    def _track(self, **values: tf.Tensor | float) -> None:
        for name, value in values.items():
            self._trackers[name].update_state(value)


def _pitch_loss(logits: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    found = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=classes, logits=logits)
    return tf.reduce_mean(found)


def _accuracy(logits: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    hit = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), tf.cast(classes, tf.int32))
    return tf.reduce_mean(tf.cast(hit, tf.float32))
