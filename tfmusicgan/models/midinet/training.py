"""MidiNet's training step: one update of the discriminator, then two of the generator."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from tfmusicgan import losses
from tfmusicgan.layers.precision import full_precision
from tfmusicgan.models import noise
from tfmusicgan.models.averages import make_averages, update_averages, use_averages
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.models.fused_adam import FusedAdam
from tfmusicgan.models.midinet.triples import Triples, draw_triples
from tfmusicgan.models.tracing import traced_once

# Streams of training noise.
_LATENTS, _TRIPLES = 0, 1


class MidiNetTraining(MusicGAN):
    """A GAN of a conditioner and a generator against a discriminator, with feature matching.

    The config is a `recipes.midinet.MidiNetConfig`. Subclasses set `self.conditioner` (None where
    nothing is given the previous bar), `self.generator`, `self.discriminator` and
    `self.latent_table`, and then call `finish_building`.
    """

    @property
    def sampled_networks(self) -> tuple[keras.layers.Layer, ...]:
        """The networks that sampling runs, which the generator's updates train."""
        return (self.generator,) if self.conditioner is None else (self.conditioner, self.generator)

    def networks(self) -> dict[str, keras.layers.Layer]:
        """The sampled networks and the discriminator."""
        return {network.name: network for network in (*self.sampled_networks, self.discriminator)}

    def optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """Both optimizers, empty before `compile`."""
        if not self.compiled:
            return {}
        return {
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
        }

    @property
    def generator_variables(self) -> list[keras.Variable]:
        """What the generator's updates train."""
        return [v for network in self.sampled_networks for v in network.trainable_variables]

    def use_averaged_weights(self) -> None:
        """Replaces the sampled networks' weights and moving statistics by their averages.

        Raises:
          CheckpointError: If the model was trained without (`ema_decay` is None).
        """
        use_averages(self.ema_weights, self.sampled_networks)

    def finish_building(self) -> None:
        """Creates the metrics that `fit` shows, and the averaged weights."""
        names = ("discriminator_loss", "generator_loss", "adversarial_loss", "bar_matching")
        names += ("feature_matching", "real_probability", "fake_probability")
        names += ("discriminator_gradient_norm", "generator_gradient_norm")
        self._trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self.ema_weights = []
        if self.model_config.ema_decay is not None:
            self.ema_weights = make_averages(self, self.sampled_networks)
        self.built = True

    def compile(self, jit_compile: bool = False) -> None:
        """Builds both optimizers with their state.

        Args:
          jit_compile: XLA for the training step.
        """
        self.generator_optimizer = self._make_optimizer("generator", self.generator_variables)
        self.discriminator_optimizer = self._make_optimizer(
            "discriminator", self.discriminator.trainable_variables
        )
        super().compile(self.generator_optimizer, jit_compile)

    def _make_optimizer(self, name: str, variables: list) -> keras.optimizers.Optimizer:
        config = self.model_config
        # Fixed names: Keras would number the optimizers of one process.
        optimizer = FusedAdam(
            config.learning_rate,
            config.adam_beta_1,
            config.adam_beta_2,
            epsilon=1e-8,
            name=f"{name}_adam",
        )
        if self.dtype_policy.name == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name=f"{name}_adam_scale")
        optimizer.build(variables)
        return optimizer

    def train_step(self, data: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One update of the discriminator and `generator_updates` of the generator.

        Args:
          data: `melody_bars` int32 [rows, bars, columns], of which each row trains with one bar.

        Returns:
          The tracked values so far in this epoch.
        """
        config, rep = self.model_config, self.representation
        windows = tf.ensure_shape(data[rep.name], [None, rep.bars, rep.num_columns])
        rows = tf.shape(windows)[0]
        keys = self.step_keys(rows, _TRIPLES)
        triples = draw_triples(windows, keys, rep, config.transpose_keys)
        chord = triples.chord if config.chord_condition else None
        draws = 1 + config.generator_updates if config.fresh_noise else 1
        values = noise.draws(
            self.step_keys(rows, _LATENTS), draws * config.latent_size, self.latent_table
        )
        latents = tf.split(values, draws, axis=1)
        self._discriminator_update(latents[0], triples, chord)
        # The discriminator stands still from here on, and so does what it says of real bars.
        features = self.discriminator.features(triples.bar, chord)
        update_generator = traced_once(
            lambda drawn: self._generator_update(drawn, triples, chord, features)
        )
        for update in range(config.generator_updates):
            update_generator(latents[update + 1 if config.fresh_noise else 0])
        if self.ema_weights:
            update_averages(
                self.ema_weights, self.sampled_networks, self.generator_variables, config.ema_decay
            )
        self.step.assign_add(1)
        return self.logs()

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The tracked values, reset by `fit` at the start of each epoch."""
        return list(self._trackers.values())

    def bar_logits(
        self,
        latents: tf.Tensor,
        previous: tf.Tensor,
        chord: tf.Tensor | None,
        training: bool,
        update_statistics: bool = False,
    ) -> tf.Tensor:
        """Generates bars: numbers before the sigmoid.

        Args:
          latents: float [rows, latent size].
          previous: float [rows, steps, width], the bars before.
          chord: float [rows, 13], None for models without.
          training: Use the batch's statistics instead of the moving ones.
          update_statistics: Let the moving statistics follow the batch's.

        Returns:
          float32 or float64 [rows, steps, width].
        """
        mode = {"training": training, "update_statistics": update_statistics}
        maps = [] if self.conditioner is None else self.conditioner(previous, **mode)
        return full_precision(self.generator(latents, chord, maps, **mode))

    def _discriminator_update(
        self, latents: tf.Tensor, triples: Triples, chord: tf.Tensor | None
    ) -> None:
        fake = tf.sigmoid(self.bar_logits(latents, triples.previous, chord, training=True))
        fake, scores = tf.stop_gradient(fake), {}

        def loss_fn() -> tf.Tensor:
            # Real and generated bars apart: batch normalisation takes each batch's statistics.
            for name, bar in (("real", triples.bar), ("fake", fake)):
                scores[name] = full_precision(self.discriminator(bar, chord)[0])
            label = self.model_config.real_label
            return losses.non_saturating_discriminator_loss(scores["real"], scores["fake"], label)

        variables = self.discriminator.trainable_variables
        loss, norm = self.minimise(loss_fn, variables, self.discriminator_optimizer)
        self._track(discriminator_loss=loss, discriminator_gradient_norm=norm)
        for name, score in scores.items():
            self._track(**{f"{name}_probability": tf.reduce_mean(tf.sigmoid(score))})

    def _generator_update(
        self,
        latents: tf.Tensor,
        triples: Triples,
        chord: tf.Tensor | None,
        features: tf.Tensor,
    ) -> None:
        config, parts = self.model_config, {}

        def loss_fn() -> tf.Tensor:
            logits = self.bar_logits(
                latents, triples.previous, chord, training=True, update_statistics=True
            )
            fake = tf.sigmoid(logits)
            scores, of_fake = self.discriminator(fake, chord)
            parts["adversarial_loss"] = losses.non_saturating_generator_loss(full_precision(scores))
            bars = losses.feature_matching_loss(tf.cast(triples.bar, fake.dtype), fake)
            matched = losses.feature_matching_loss(features, of_fake)
            parts.update(bar_matching=bars, feature_matching=matched)
            loss = parts["adversarial_loss"] + config.bar_matching_weight * bars
            return loss + config.feature_matching_weight * matched

        variables = self.generator_variables
        loss, norm = self.minimise(loss_fn, variables, self.generator_optimizer)
        self._track(generator_loss=loss, generator_gradient_norm=norm, **parts)

    def _track(self, **values: tf.Tensor) -> None:
        for name, value in values.items():
            self._trackers[name].update_state(value)
