"""The phases of a GAN that is trained by policy gradient, as one model under `fit`.

Yu et al., SeqGAN, AAAI 2017, arXiv 1609.05473, algorithm 1; schedule and updates of the released
code as `recipes.policy_gradient` gives them. Every phase is a stage of the training with a graph of
its own, so that progress, logs and resuming know where they are.
"""

import itertools
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan.models import dropout, noise, policy_gradient, roll_outs
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.models.fused_adam import FusedAdam
from tfmusicgan.recipes.policy_gradient import DISCRIMINATOR, LIKELIHOOD, POLICY

# Streams of training noise.
_SAMPLES, _ROLL_OUTS, _NEGATIVES, _DROPOUT = 0, 1, 2, 3
_TRACKED = {
    LIKELIHOOD: ("likelihood_loss", "generator_gradient_norm"),
    DISCRIMINATOR: ("discriminator_loss", "discriminator_accuracy", "discriminator_gradient_norm"),
    POLICY: ("policy_loss", "reward", "generator_gradient_norm"),
}


class PolicyGradientGAN(MusicGAN):
    """Base of the models on sequences of tokens that learn by likelihood, then by policy gradient.

    The config is a `recipes.policy_gradient.PolicyGradientConfig`. Subclasses set `self.generator`
    (a `TokenLSTM`) and `self.discriminator` (a `TokenCNN`), with `roll_out_lag` also
    `self.roll_out_policy` (a `TokenLSTM`), and then call `finish_building`.
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
    def stage_starts(self) -> tuple[int, ...]:
        """Where phases change; every set of samples begins one."""
        return self._starts

    @property
    def rows_per_step(self) -> int:
        """Half of a discriminator's batch is real."""
        rows = self.model_config.batch_size
        return rows // 2 if self.phase == DISCRIMINATOR else rows

    @property
    def sampling_stage(self) -> int:
        """Sampling is one function in all phases."""
        return 0

    def finish_building(self) -> None:
        """Creates what phases keep and what `fit` shows."""
        config = self.model_config
        phases = list(config.phases())
        self._phases = [name for name, _ in phases]
        self._starts = tuple(itertools.accumulate(steps for _, steps in phases[:-1]))
        self._train_functions: dict[str, Any] = {}
        kept = {"trainable": False, "initializer": "zeros", "aggregation": "only_first_replica"}
        self.negatives = self.add_weight(
            name="negatives", shape=(config.negatives, self.length), dtype="int32", **kept
        )
        self.negatives_step = self.add_weight(
            name="negatives_step", shape=(), dtype="int64", **kept
        )
        names = sorted({name for tracked in _TRACKED.values() for name in tracked})
        self._trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self._draw_negatives = tf.function(self._draw)
        self.built = True

    def begin_stage(self, step: int) -> None:
        """Sets `stage`; graphs are kept by phase."""
        stage = sum(start <= step for start in self.stage_starts)
        if stage != self.stage:
            self._train_functions[self.phase] = self.train_function
            self.stage = stage
            self.train_function = self._train_functions.get(self.phase)

    def start_stage(self, step: int) -> None:
        """Draws the samples that a discriminator's phase learns from, at its beginning."""
        begins = step == 0 or step in self.stage_starts
        if self.phase == DISCRIMINATOR and begins:
            self.negatives.assign(self._draw_negatives(tf.constant(step, tf.int64)))
            self.negatives_step.assign(step)

    def networks(self) -> Mapping[str, keras.layers.Layer]:
        """Generator and discriminator."""
        return {"generator": self.generator, "discriminator": self.discriminator}

    def optimizers(self) -> Mapping[str, keras.optimizers.Optimizer]:
        """One for each phase, empty before `compile`."""
        return dict(self._optimizers) if self.compiled else {}

    def compile(self, jit_compile: bool = False) -> None:
        """Builds the optimizers of all phases with their state.

        Args:
          jit_compile: XLA for the training step.
        """
        config = self.model_config
        made = {
            LIKELIHOOD: (config.likelihood_learning_rate, self.generator),
            POLICY: (config.policy_learning_rate, self.generator),
            DISCRIMINATOR: (config.discriminator_learning_rate, self.discriminator),
        }
        self._optimizers = {}
        for name, (rate, network) in made.items():
            # Fixed names: Keras would number the optimizers of one process.
            optimizer = FusedAdam(rate, epsilon=1e-8, name=f"{name}_adam")
            if self.dtype_policy.name == "mixed_float16":
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name=f"{name}_scale")
            optimizer.build(network.trainable_variables)
            self._optimizers[f"{name}_optimizer"] = optimizer
        self._train_functions.clear()
        first = self._optimizers[f"{LIKELIHOOD}_optimizer"]
        super().compile(first, jit_compile)

    def train_step(self, data: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One update of the network that the phase trains.

        Args:
          data: `tokens` int32 [rows, length].

        Returns:
          The phase's tracked values so far in this epoch.
        """
        tokens = tf.ensure_shape(data["tokens"], [None, self.length])
        update = {
            LIKELIHOOD: self._likelihood_update,
            DISCRIMINATOR: self._discriminator_update,
            POLICY: self._policy_update,
        }
        update[self.phase](tokens)
        self.step.assign_add(1)
        return self.logs()

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The phase's tracked values."""
        return [self._trackers[name] for name in _TRACKED[self.phase]]

    def negative_log_likelihood(self, tokens: tf.Tensor) -> tf.Tensor:
        """The generator's -log p of sequences a token, in nats: int32 [n, length] to float32 [n]."""
        found = policy_gradient.log_probabilities(self.generator(tokens), tokens)
        return -tf.reduce_mean(found, axis=1)

    def reward(self, tokens: tf.Tensor) -> tf.Tensor:
        """The discriminator's probability that sequences are real: int32 [n, length] to [n]."""
        return tf.sigmoid(self.discriminator(tokens))

    def draw_values(self, sequences: tf.Tensor, keys: noise.Key) -> tf.Tensor:
        """Draws roll-outs, and values the tokens of sequences by them.

        Args:
          sequences: int32 [rows, length].
          keys: Of the rows, two uint32 [rows].

        Returns:
          float32 [rows, length], see `policy_gradient.action_values`.
        """
        policy = self.roll_out_policy if self.model_config.roll_out_lag else self.generator
        completed = roll_outs.complete(policy, sequences, keys, self.model_config.roll_outs)
        scores = self.discriminator.score_completions(sequences, completed)
        return policy_gradient.action_values(tf.sigmoid(scores), self.reward(sequences))

    def _likelihood_update(self, tokens: tf.Tensor) -> None:
        loss, norm = self.minimise(
            lambda: policy_gradient.likelihood_loss(self.generator(tokens), tokens),
            self.generator.trainable_variables,
            self._optimizers[f"{LIKELIHOOD}_optimizer"],
            self.model_config.gradient_clip_norm,
        )
        self._track(likelihood_loss=loss, generator_gradient_norm=norm)

    def _policy_update(self, tokens: tf.Tensor) -> None:
        rows = tf.shape(tokens)[0]
        sequences = roll_outs.sample(self.generator, self.step_keys(rows, _SAMPLES), self.length)
        values = self.draw_values(sequences, self.step_keys(rows, _ROLL_OUTS))
        replicas = tf.distribute.get_strategy().num_replicas_in_sync

        def loss_fn() -> tf.Tensor:
            # A sum over the global batch; `minimise` averages over replicas.
            logits = self.generator(sequences)
            return replicas * policy_gradient.policy_loss(logits, sequences, values)

        loss, norm = self.minimise(
            loss_fn,
            self.generator.trainable_variables,
            self._optimizers[f"{POLICY}_optimizer"],
            self.model_config.gradient_clip_norm,
        )
        self._follow()
        self._track(policy_loss=loss, generator_gradient_norm=norm)
        self._track(reward=tf.reduce_mean(values[:, -1]))

    def _follow(self) -> None:
        """Lets the roll-out policy follow the generator."""
        lag = self.model_config.roll_out_lag
        if lag:
            pairs = zip(self.roll_out_policy.weights, self.generator.weights, strict=True)
            for late, weight in pairs:
                late.assign(lag * late + (1 - lag) * weight)

    def _discriminator_update(self, real: tf.Tensor) -> None:
        config, rows = self.model_config, tf.shape(real)[0]
        tokens = tf.concat([real, self._next_negatives(rows)], axis=0)
        labels = tf.concat([tf.ones([rows]), tf.zeros([rows])], axis=0)
        keep = None
        if config.discriminator_dropout:
            # Rows of the global batch: all real ones, then all samples.
            own, half = self.global_rows(rows), config.batch_size // 2
            keep = dropout.batch_masks(
                self.seed,
                tf.convert_to_tensor(self.step),
                _DROPOUT,
                2 * half,
                tf.concat([own, half + own], axis=0),
                self.discriminator.features,
                config.discriminator_dropout,
            )
        answers = []

        def loss_fn() -> tf.Tensor:
            answers.append(self.discriminator(tokens, keep=keep))
            last = (self.discriminator.score, self.discriminator.score_bias)
            penalty = tf.add_n([tf.nn.l2_loss(tf.convert_to_tensor(weight)) for weight in last])
            errors = tf.nn.sigmoid_cross_entropy_with_logits(
                tf.cast(labels, answers[-1].dtype), answers[-1]
            )
            return tf.reduce_mean(errors) + config.discriminator_l2 * penalty

        loss, norm = self.minimise(
            loss_fn,
            self.discriminator.trainable_variables,
            self._optimizers[f"{DISCRIMINATOR}_optimizer"],
        )
        right = tf.equal(answers[-1] > 0, labels > 0.5)
        self._track(discriminator_loss=loss, discriminator_gradient_norm=norm)
        self._track(discriminator_accuracy=tf.reduce_mean(tf.cast(right, tf.float32)))

    def _next_negatives(self, rows: tf.Tensor) -> tf.Tensor:
        """This step's share of the samples, each once an epoch: int32 [rows, length]."""
        number, begin = self.model_config.negatives, tf.convert_to_tensor(self.negatives_step)
        half = self.model_config.batch_size // 2
        place = tf.convert_to_tensor(self.step) - begin
        epoch, within = place * half // number, place * half % number
        # Sets begin more steps apart than they have epochs: the sum tells all epochs apart.
        seed = tf.stack([np.int64(self.seed), begin + epoch])
        order = within + self.global_rows(rows)
        shuffled = tf.random.experimental.index_shuffle(order, seed, np.int64(number - 1))
        return tf.gather(tf.convert_to_tensor(self.negatives), shuffled)

    def _draw(self, step: tf.Tensor) -> tf.Tensor:
        rows = tf.range(self.model_config.negatives, dtype=tf.int64)
        keys = noise.row_keys(self.seed, step, _NEGATIVES, rows)
        return roll_outs.sample(self.generator, keys, self.length)

    def _track(self, **values: tf.Tensor) -> None:
        for name, value in values.items():
            self._trackers[name].update_state(value)
