"""C-RNN-GAN's training: pretraining on growing sequences, then both networks in every step."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from tfmusicgan.layers.precision import full_precision
from tfmusicgan.models import noise
from tfmusicgan.models.averages import make_averages, update_averages, use_averages
from tfmusicgan.models.c_rnn_gan import masks
from tfmusicgan.models.c_rnn_gan.objectives import CRNNGANObjectives
from tfmusicgan.models.fused_adam import FusedAdam
from tfmusicgan.recipes.c_rnn_gan import ADVERSARIAL, PRETRAINING

_NOISE = 0  # a stream of training noise; those of dropout are in masks.py

_TRACKED = {
    PRETRAINING: ("pretraining_loss", "generator_gradient_norm"),
    ADVERSARIAL: (
        *("generator_loss", "discriminator_loss", "adversarial_loss", "feature_matching"),
        *("real_probability", "fake_probability", "generator_frozen", "discriminator_frozen"),
        "decisions",
        *("generator_gradient_norm", "discriminator_gradient_norm"),
    ),
}


class CRNNGANTraining(CRNNGANObjectives):
    """Phases and updates.

    The config is a `recipes.c_rnn_gan.CRNNGANConfig`. Subclasses set `self.generator`, and
    `self.discriminator` or None, and then call `finish_building`.
    """

    @property
    def length(self) -> int:
        """Events of a whole sequence."""
        return self.representation.length

    @property
    def features(self) -> int:
        """Numbers of an event."""
        return self.representation.num_features

    @property
    def all_stages(self) -> list[tuple[int, str, int]]:
        """(first step, phase, events) of all stages."""
        return list(self.model_config.stages(self.length))

    @property
    def stage_starts(self) -> tuple[int, ...]:
        """Where sequences grow, or the phase changes."""
        return tuple(start for start, _, _ in self.all_stages[1:])

    @property
    def phase(self) -> str:
        """What this stage does: `pretraining` or `adversarial`."""
        return self.all_stages[self.stage][1]

    @property
    def num_events(self) -> int:
        """Events of the sequences that this stage trains on."""
        return self.all_stages[self.stage][2]

    @property
    def stage_name(self) -> str:
        """The phase, and how long its sequences are."""
        return f"{self.phase}, {self.num_events} events"

    @property
    def sampling_stage(self) -> int:
        """Sampling is one function in all stages."""
        return 0

    def networks(self) -> dict[str, keras.layers.Layer]:
        """The generator, and the discriminator if any stage trains it."""
        found = (self.generator, self.discriminator)
        return {network.name: network for network in found if network is not None}

    def optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """One for each network, empty before `compile`; pretraining has the generator's."""
        return dict(self._optimizers) if self.compiled else {}

    def finish_building(self) -> None:
        """Creates the metrics that `fit` shows, and the averaged weights."""
        names = sorted({name for tracked in _TRACKED.values() for name in tracked})
        self._trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self.ema_weights = []
        if self.model_config.ema_decay is not None:
            self.ema_weights = make_averages(self, [self.generator])
        self.built = True

    def use_averaged_weights(self) -> None:
        """Replaces the generator's weights by their averages.

        Raises:
          CheckpointError: If the model was trained without (`ema_decay` is None).
        """
        use_averages(self.ema_weights, [self.generator])

    def compile(self, jit_compile: bool = False) -> None:
        """Builds the optimizers with their state.

        Args:
          jit_compile: XLA for the training step.
        """
        config = self.model_config
        rates = {
            "generator": config.generator_learning_rate,
            "discriminator": config.discriminator_learning_rate,
        }
        self._optimizers = {}
        for name, network in self.networks().items():
            # Fixed names: Keras would number the optimizers of one process.
            text = f"{name}_{config.optimizer}"
            if config.optimizer == "adam":
                # Without a mean of gradients: frozen, with a gradient of 0, a network stands still.
                optimizer = FusedAdam(rates[name], 0.0, 0.999, epsilon=1e-8, name=text)
            else:
                optimizer = keras.optimizers.SGD(rates[name], name=text)
            if self.dtype_policy.name == "mixed_float16":
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name=f"{text}_scale")
            optimizer.build(network.trainable_variables)
            self._optimizers[f"{name}_optimizer"] = optimizer
        super().compile(next(iter(self._optimizers.values())), jit_compile)

    def train_step(self, data: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One step of the stage's phase.

        Args:
          data: `note_events` float32 [rows, length, features], of which the stage's events count.

        Returns:
          The phase's tracked values so far in this epoch.
        """
        windows = tf.ensure_shape(
            data[self.representation.name], [None, self.length, self.features]
        )
        real = tf.transpose(windows[:, : self.num_events], [1, 0, 2])
        real = tf.cast(real, self.generator.compute_dtype)
        if self.phase == PRETRAINING:
            self._pretrain(real)
        else:
            self._adversarial_step(real)
        if self.ema_weights:
            learning = self.generator.trainable_variables
            decay = self.model_config.ema_decay
            update_averages(self.ema_weights, [self.generator], learning, decay)
        self.step.assign_add(1)
        return self.logs()

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The phase's tracked values, reset by `fit` at the start of each epoch."""
        return [self._trackers[name] for name in _TRACKED[self.phase]]

    def split_noise(
        self, uniforms: tf.Tensor, steps: tf.Tensor | int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Cuts a row's noise into what stands before the first event and what drives each.

        Args:
          uniforms: float32 [rows, (steps + 1) * features].
          steps: How many events.

        Returns:
          [rows, features] and [steps, rows, features].
        """
        found = tf.reshape(uniforms, [-1, steps + 1, self.features])
        return found[:, 0], tf.transpose(found[:, 1:], [1, 0, 2])

    def _noise(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """This step's first events and noise, of the stage's length."""
        steps = self.num_events
        uniforms = noise.uniforms(self.step_keys(rows, _NOISE), (steps + 1) * self.features)
        return self.split_noise(uniforms, steps)

    def _pretrain(self, real: tf.Tensor) -> None:
        """Teaches the generator to say the next event: float [steps, rows, features]."""
        config, rows = self.model_config, tf.shape(real)[1]
        first, driven = self._noise(rows)
        dropped = masks.of_generator(self, rows)
        of_time, *of_tone = config.pretraining_weights
        weights = list(of_tone * self.representation.tones)
        for place in self.representation.time_features:
            weights.insert(place, of_time)

        def loss_fn() -> tf.Tensor:
            if config.pretraining_input == "true_events":
                said = self.generator.predict_next(driven, first, real, dropped)
            else:
                said = self.generator(driven, first, dropped, training=True)
            squares = tf.square(full_precision(said) - full_precision(real))
            squares *= tf.constant(weights, squares.dtype)
            return tf.reduce_mean(squares) + self._penalty(self.generator)

        loss, norm = self.minimise(
            loss_fn,
            self.generator.trainable_variables,
            self._optimizers["generator_optimizer"],
            self.model_config.gradient_clip_norm,
        )
        self._track(pretraining_loss=loss, generator_gradient_norm=norm)

    def _adversarial_step(self, real: tf.Tensor) -> None:
        """Updates both networks by one forward pass: float [steps, rows, features]."""
        config, rows = self.model_config, tf.shape(real)[1]
        first, driven = self._noise(rows)
        dropped = masks.of_generator(self, rows), masks.of_discriminator(self, rows)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        with tf.GradientTape() as tape:
            fake = self.generator(driven, first, dropped[0], training=True)
            # Sequences are read apart: real and generated ones lie side by side in one batch, the
            # generated ones twice. The first are what the discriminator learns of, by the others
            # the generator's loss goes back, both in one pass through the loops.
            events = tf.concat([real, tf.stop_gradient(fake), fake], axis=1)
            features, scores = self.discriminator(events, dropped[1], 2 * rows)
            found = self._find_losses(full_precision(features), full_precision(scores), rows)
            scaled = []
            for name, optimizer in self._optimizers.items():
                loss = found[name.replace("optimizer", "loss")]
                scale = tf.cast(optimizer.scale_loss(tf.ones([])), loss.dtype)
                scaled.append(loss * scale / replicas)
            # Neither network's loss reaches the other's weights.
            together = tf.add_n(scaled)
        frozen = self._frozen(found)
        networks = self.networks()
        variables = {
            name: [v.value for v in networks[_of(name)].trainable_variables]
            for name in self._optimizers
        }
        gradients = tape.gradient(together, variables)
        for name, optimizer in self._optimizers.items():
            network = _of(name)
            norm = self.apply_gradients(
                gradients[name],
                networks[network].trainable_variables,
                optimizer,
                config.gradient_clip_norm,
                frozen=frozen[network],
            )
            self._track(**{f"{network}_gradient_norm": norm, f"{network}_frozen": frozen[network]})
        self._track(**found)

    def _track(self, **values: tf.Tensor) -> None:
        for name, value in values.items():
            self._trackers[name].update_state(value)


def _of(optimizer: str) -> str:
    """The network that an optimizer trains, by its name."""
    return optimizer.removesuffix("_optimizer")
