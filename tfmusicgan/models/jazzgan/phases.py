"""The phases of JazzGAN's training: graphs, optimizers, batches, and what is logged of each."""

from collections.abc import Callable, Mapping

import keras
import tensorflow as tf

from tfmusicgan.models import noise
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.models.fused_adam import FusedAdam
from tfmusicgan.models.jazzgan.phrases import Phrases
from tfmusicgan.recipes.jazzgan import LIKELIHOOD, POLICY
from tfmusicgan.representations.jazz_phrases_graph import transpose

# Streams of training noise.
DRAWS, COINS, _KEYS = 0, 1, 2

_OF_DISCRIMINATOR = (
    *("discriminator_loss", "discriminator_accuracy", "discriminator_gradient_norm"),
    *("real_probability", "fake_probability"),
)
_TRACKED = {
    LIKELIHOOD: ("likelihood_loss", "pitch_loss", "rhythm_loss", "generator_gradient_norm"),
    POLICY: ("policy_loss", "reward", "baseline_loss", "generator_gradient_norm"),
}


class JazzGANPhases(MusicGAN):
    """What surrounds the updates.

    The config is a `recipes.jazzgan.JazzGANConfig`. Subclasses set `self.generator`,
    `self.discriminator` and `self.reward_baseline` (None where no phase needs them), and then call
    `finish_building`.
    """

    @property
    def examples_per_row(self) -> int:
        """Phrases that a row trains a step with: one for each update."""
        config = self.model_config
        return config.generator_updates + config.adversarial

    @property
    def stage_starts(self) -> tuple[int, ...]:
        """Where the phase changes."""
        return tuple(start for start, _ in self.model_config.phases()[1:])

    @property
    def phase(self) -> str:
        """What the generator learns by in this stage: `likelihood` or `policy`."""
        return self.model_config.phases()[self.stage][1]

    @property
    def stage_name(self) -> str:
        """The phase."""
        return self.phase

    @property
    def sampling_stage(self) -> int:
        """Sampling is one function in both phases."""
        return 0

    @property
    def num_modelled(self) -> int:
        """Notes behind the primer, at most."""
        return self.representation.max_notes - self.representation.primer_notes

    def networks(self) -> dict[str, keras.layers.Layer]:
        """The generator, and the discriminator if there is one."""
        found = (self.generator, self.discriminator)
        return {network.name: network for network in found if network is not None}

    def optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """One for each phase of the generator, empty before `compile`; the others' beside them."""
        return dict(self._optimizers) if self.compiled else {}

    def finish_building(self) -> None:
        """Creates the metrics that `fit` shows."""
        names = {name for tracked in _TRACKED.values() for name in tracked}
        names |= set(_OF_DISCRIMINATOR)
        self._trackers = {name: keras.metrics.Mean(name=name) for name in sorted(names)}
        self.built = True

    def compile(self, jit_compile: bool = False) -> None:
        """Builds the optimizers of all phases with their state.

        Args:
          jit_compile: XLA for the training step.
        """
        config = self.model_config
        phases = {phase for _, phase in config.phases()}
        generator = self.generator.trainable_variables
        made = {}
        if LIKELIHOOD in phases:
            made[LIKELIHOOD] = (config.likelihood_learning_rate, generator, config.optimizer)
        if POLICY in phases:
            made[POLICY] = (config.policy_learning_rate, generator, config.optimizer)
            made["baseline"] = (config.baseline_learning_rate, [self.reward_baseline], "sgd")
        if self.discriminator is not None:
            variables = self.discriminator.trainable_variables
            made["discriminator"] = (
                config.discriminator_learning_rate,
                variables,
                config.optimizer,
            )
        self._optimizers = {
            f"{name}_optimizer": self._make_optimizer(f"{name}_{kind}", kind, rate, variables)
            for name, (rate, variables, kind) in made.items()
        }
        super().compile(next(iter(self._optimizers.values())), jit_compile)

    def _make_optimizer(
        self, name: str, kind: str, rate: float, variables: list[keras.Variable]
    ) -> keras.optimizers.Optimizer:
        # Fixed names: Keras would number the optimizers of one process.
        if kind == "adam":
            optimizer = FusedAdam(rate, epsilon=1e-8, name=name)
        else:
            optimizer = keras.optimizers.SGD(rate, name=name)
        if self.dtype_policy.name == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name=f"{name}_scale")
        optimizer.build(variables)
        return optimizer

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The phase's tracked values, reset by `fit` at the start of each epoch."""
        names = _TRACKED[self.phase]
        if self.discriminator is not None:
            names += _OF_DISCRIMINATOR
        return [self._trackers[name] for name in names]

    def minimise_network(
        self, name: str, loss_fn: Callable[[], tf.Tensor], network: keras.layers.Layer
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Updates a network by the optimizer of that name; see `minimise`."""
        return self.minimise(
            loss_fn,
            network.trainable_variables,
            self._optimizers[f"{name}_optimizer"],
            self.model_config.gradient_clip_norm,
        )

    def batches(self, data: Mapping[str, tf.Tensor]) -> list[Phrases]:
        """The phrases of each of a step's updates, each moved to a key of its own.

        Args:
          data: The representation's fields, [rows, updates, *shape], or [rows, *shape] where there
            is one update.
        """
        count, keys = self.examples_per_row, self.model_config.transpose_keys
        if count == 1:  # the reader then leaves the axis of updates out
            data = {name: value[:, tf.newaxis] for name, value in data.items()}
        rows = tf.shape(data["num_notes"])[0]
        numbers = noise.uniforms(self.step_keys(rows, _KEYS), count)
        semitones = tf.cast(numbers * keys, tf.int32)
        found = []
        for update in range(count):
            phrases = {name: value[:, update] for name, value in data.items()}
            phrases = transpose(phrases, semitones[:, update])
            found.append(Phrases.of(phrases, self.representation))
        return found

    def track(self, **values: tf.Tensor) -> None:
        """Adds to the tracked values."""
        for name, value in values.items():
            self._trackers[name].update_state(value)
