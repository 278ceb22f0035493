"""Training in phases, each of which updates one network: order, graphs, optimizers, logs.

Every phase is a stage of the training with a graph of its own, so that progress, logs and resuming
know where they are.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from tfmusicgan.models.base import MusicGAN
from tfmusicgan.models.fused_adam import FusedAdam
from tfmusicgan.models.schedules import decaying
from tfmusicgan.recipes.policy_gradient import DISCRIMINATOR, LIKELIHOOD, POLICY

_TRACKED = {
    LIKELIHOOD: ("likelihood_loss", "generator_gradient_norm"),
    DISCRIMINATOR: ("discriminator_loss", "discriminator_accuracy", "discriminator_gradient_norm"),
    POLICY: ("policy_loss", "reward", "generator_gradient_norm"),
}


class PhasedGAN(MusicGAN):
    """Base of the GANs on sequences of tokens whose generator learns in two ways.

    The config is a `recipes.policy_gradient.PolicyGradientConfig`. Subclasses set `self.generator`
    and `self.discriminator`, then call `finish_building`, and write `updates`.
    """

    @property
    def length(self) -> int:
        """Tokens of a sequence."""
        return self.representation.spec["tokens"].shape[0]

    @property
    def default_qpm(self) -> float:
        """The tempo at which tokens last as long as those of the data."""
        return self.representation.default_qpm

    @property
    def phase(self) -> str:
        """What this stage trains: `likelihood`, `discriminator` or `policy`."""
        return self._phases[self.stage]

    @property
    def phase_names(self) -> list[str]:
        """The phases of all stages in order."""
        return self._phases

    @property
    def rows_of_steps(self) -> frozenset[int]:
        """Rows of the global batch in all phases."""
        config = self.model_config
        rows = {config.batch_size}
        if DISCRIMINATOR in self._phases:
            rows.add(config.samples_per_step)
        return frozenset(rows)

    @property
    def stage_starts(self) -> tuple[int, ...]:
        """Where phases change; every set of samples begins one."""
        return self._starts

    @property
    def stage_name(self) -> str:
        """The phase, and the round where rounds have phases of their own."""
        rounds = self._phases[: self.stage + 1].count(POLICY)
        if not rounds or not self.model_config.sets_per_round:
            return self.phase
        return f"{self.phase}, round {rounds:,} of {self._phases.count(POLICY):,}"

    @property
    def rows_per_step(self) -> int:
        """Half of a discriminator's batch is real."""
        config = self.model_config
        return config.samples_per_step if self.phase == DISCRIMINATOR else config.batch_size

    @property
    def sampling_stage(self) -> int:
        """Sampling is one function in all phases."""
        return 0

    def updates(self) -> Mapping[str, Callable[[tf.Tensor], None]]:
        """Each phase's update of its network, a function of real tokens int32 [rows, length]."""
        raise NotImplementedError

    def finish_building(self) -> None:
        """Creates what phases keep and what `fit` shows."""
        phases = list(self.model_config.phases())
        self._phases = [name for name, _ in phases]
        self._starts = tuple(itertools.accumulate(steps for _, steps in phases[:-1]))
        self._train_functions: dict[str, Any] = {}
        names = sorted({name for tracked in _TRACKED.values() for name in tracked})
        self._trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self.built = True

    def begin_stage(self, step: int) -> None:
        """Sets `stage`; graphs are kept by phase."""
        stage = sum(start <= step for start in self.stage_starts)
        if stage != self.stage:
            self._train_functions[self.phase] = self.train_function
            self.stage = stage
            self.train_function = self._train_functions.get(self.phase)

    def networks(self) -> Mapping[str, keras.layers.Layer]:
        """The generator, and the discriminator if any phase trains it."""
        found = {"generator": self.generator}
        if DISCRIMINATOR in self._phases:
            found["discriminator"] = self.discriminator
        return found

    def optimizers(self) -> Mapping[str, keras.optimizers.Optimizer]:
        """One for each phase that there is, empty before `compile`."""
        return dict(self._optimizers) if self.compiled else {}

    def compile(self, jit_compile: bool = False) -> None:
        """Builds the optimizers of all phases with their state.

        Args:
          jit_compile: XLA for the training step.
        """
        config = self.model_config
        # The phase is the first: its steps are the model's.
        likelihood_rate = decaying(
            config.likelihood_learning_rate,
            config.likelihood_learning_rate_decay,
            config.likelihood_steps,
            self.step,
        )
        made = {
            LIKELIHOOD: (likelihood_rate, "generator"),
            POLICY: (config.policy_learning_rate, "generator"),
            DISCRIMINATOR: (config.discriminator_learning_rate, "discriminator"),
        }
        self._optimizers = {}
        for name, (rate, trained) in made.items():
            if name not in self._phases:
                continue
            network = self.networks()[trained]
            # Fixed names: Keras would number the optimizers of one process.
            optimizer = FusedAdam(rate, epsilon=1e-8, name=f"{name}_adam")
            if self.dtype_policy.name == "mixed_float16":
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name=f"{name}_scale")
            optimizer.build(network.trainable_variables)
            self._optimizers[f"{name}_optimizer"] = optimizer
        self._train_functions.clear()
        super().compile(next(iter(self._optimizers.values())), jit_compile)

    def train_step(self, data: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One update of the network that the phase trains.

        Args:
          data: `tokens` int32 [rows, length].

        Returns:
          The phase's tracked values so far in this epoch.
        """
        tokens = tf.ensure_shape(data["tokens"], [None, self.length])
        self.updates()[self.phase](tokens)
        self.step.assign_add(1)
        return self.logs()

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The phase's tracked values."""
        return [self._trackers[name] for name in _TRACKED[self.phase]]

    def track(self, **values: tf.Tensor) -> None:
        """Adds to the tracked values."""
        for name, value in values.items():
            self._trackers[name].update_state(value)
