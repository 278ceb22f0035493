"""Wasserstein GANs, with weight clipping or gradient penalty.

Sources: Arjovsky, Chintala, Bottou 2017, arXiv 1701.07875, algorithm 1 (clipping); Gulrajani et al.
2017, arXiv 1704.00028, algorithm 1 (penalty).

Subclasses provide a generator and a critic; this class draws the noise, runs `critic_updates`
critic updates and one generator update per step, each on a batch and noise of its own, and tracks
losses and gradient norms.
"""

import functools
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan import losses
from tfmusicgan.errors import ConfigError
from tfmusicgan.layers.precision import full_precision
from tfmusicgan.models import dropout, noise
from tfmusicgan.models.averages import make_averages, update_averages, use_averages
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.models.optimizers import make_optimizer
from tfmusicgan.models.schedules import is_generator_turn
from tfmusicgan.models.tracing import traced_once

# Streams of training noise; fakes have one each, from this number on.
_LATENTS, _MIXING, _FAKES, _DROPOUT = 0, 1, 3, -1
# Passes through the critic, by which dropout is drawn: three for each of its updates.
_REAL, _FAKE, _BETWEEN = 0, 1, 2


class WassersteinGAN(MusicGAN):
    """Base of the models trained as Wasserstein GANs.

    The config is a `recipes.wasserstein.WassersteinConfig`. Subclasses set `self.generator` and
    `self.critic` (Keras layers) in `__init__` and then call `finish_building`. A critic says how
    many last `features` it has, and takes `keep`, [views * rows, features], which multiplies them.
    """

    @property
    def latent_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of one example's latents, without the batch axis."""
        raise NotImplementedError

    @property
    def latent_prior(self) -> Any:
        """The tensorflow-probability distribution of every latent number."""
        raise NotImplementedError

    def real_examples(self, data: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The reader's batch as the critic sees it: float [rows, updates, ...]."""
        raise NotImplementedError

    def fake_examples(
        self, latents: list[tf.Tensor], real: tf.Tensor, keys: noise.Key, update_statistics: bool
    ) -> tf.Tensor:
        """Generates training examples.

        Args:
          latents: One tensor [rows, *shape] for each of `latent_shapes`.
          real: float [rows, ...], real examples, for models that are given a part of one.
          keys: Two uint32 [rows], for models that need noise beside the latents.
          update_statistics: Let moving statistics follow the batch's.

        Returns:
          float [rows, ...], as real ones.
        """
        return self.generator(latents, training=True, update_statistics=update_statistics)

    def critic_view(self, examples: tf.Tensor) -> tf.Tensor:
        """Examples as the critic takes them: [rows, ...] to [views * rows, ...].

        A critic for each of several parts of an example has as many views, one after the other.
        """
        return examples

    @property
    def critic_views(self) -> int:
        """Views that `critic_view` makes of an example."""
        return 1

    @property
    def sampled_networks(self) -> tuple[keras.layers.Layer, ...]:
        """The networks that sampling runs, whose weights are averaged."""
        return (self.generator,)

    @property
    def generator_variables(self) -> list[keras.Variable]:
        """What the generator's update trains, in this stage of the training."""
        return self.generator.trainable_variables

    @property
    def examples_per_row(self) -> int:
        """One example per critic update: the reader gives [batch, critic_updates, ...]."""
        return self.model_config.critic_updates

    def networks(self) -> dict[str, keras.layers.Layer]:
        """The sampled networks and the critic."""
        return {network.name: network for network in (*self.sampled_networks, self.critic)}

    def optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """Both optimizers, empty before `compile`."""
        if not self.compiled:
            return {}
        return {
            "generator_optimizer": self.generator_optimizer,
            "critic_optimizer": self.critic_optimizer,
        }

    def use_averaged_weights(self) -> None:
        """Replaces the sampled networks' weights and moving statistics by their averages.

        Raises:
          CheckpointError: If the model was trained without (`ema_decay` is None).
        """
        use_averages(self.ema_weights, self.sampled_networks)

    def finish_building(self) -> None:
        """Creates the prior's table, the metrics that `fit` shows, and the averaged weights."""
        self.latent_table = noise.quantile_table(self.latent_prior)
        names = ("critic_loss", "generator_loss", "critic_gap", "gradient_penalty")
        names += ("critic_gradient_norm", "generator_gradient_norm")
        self._trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self.ema_weights = []
        if self.model_config.ema_decay is not None:
            self.ema_weights = make_averages(self, self.sampled_networks)
        self.built = True

    def compile(self, jit_compile: bool = False) -> None:
        """Builds both optimizers with their state.

        Args:
          jit_compile: XLA for the training step; a gain on GPUs and a loss on CPUs.

        Raises:
          ConfigError: If there are bursts of critic updates, and several devices.
        """
        devices = tf.distribute.get_strategy().num_replicas_in_sync
        if self.model_config.critic_bursts and devices > 1:
            raise ConfigError(
                "Expected one device with critic_bursts: an update inside a condition cannot be "
                f"summed over devices. Received: {devices}. Use --strategy=none or "
                "--set=critic_bursts=false."
            )
        variables = [v for network in self.sampled_networks for v in network.trainable_variables]
        self.generator_optimizer = make_optimizer(self, "generator", variables)
        self.critic_optimizer = make_optimizer(self, "critic", self.critic.trainable_variables)
        super().compile(self.generator_optimizer, jit_compile)

    def train_step(self, data: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """`critic_updates` critic updates and one generator update.

        Args:
          data: One batch of the reader, [rows, critic_updates, ...] each.

        Returns:
          The tracked values so far in this epoch.
        """
        real = self.real_examples(data)
        rows, updates = tf.shape(real)[0], self.model_config.critic_updates
        latents = self._training_latents(rows, updates + 1)
        mixing = noise.uniforms(self.step_keys(rows, _MIXING), updates)  # [rows, updates]
        keys = self.step_keys(rows, _FAKES + np.arange(updates + 1))  # [updates + 1, rows]
        update_critic = traced_once(self._critic_update)
        for update in range(updates):
            drawn = 0 if self.model_config.reuse_critic_batch else update
            update_critic(
                real[:, drawn],
                latents[drawn],
                tuple(part[drawn] for part in keys),
                mixing[:, update],
                self._dropout(rows, (3 * update + _REAL, 3 * update + _FAKE)),
                self._dropout(rows, (3 * update + _BETWEEN,)),
            )
        drawn = 0 if self.model_config.reuse_critic_batch else updates
        # Given parts of examples, if any, come from the first batch: there is none for this update.
        self._generator_turn(latents[drawn], real[:, 0], tuple(part[drawn] for part in keys))
        self.step.assign_add(1)
        return self.logs()

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The tracked values, reset by `fit` at the start of each epoch."""
        return list(self._trackers.values())

    def _training_latents(self, rows: tf.Tensor, count: int) -> list[list[tf.Tensor]]:
        sizes = [int(np.prod(shape)) for shape in self.latent_shapes]
        total = count * sum(sizes)
        values = noise.draws(self.step_keys(rows, _LATENTS), total, self.latent_table)
        blocks = tf.split(values, count, axis=1)
        return [noise.split(block, self.latent_shapes) for block in blocks]

    def _critic_update(
        self,
        real: tf.Tensor,
        latents: list[tf.Tensor],
        keys: noise.Key,
        mixing: tf.Tensor,
        keep: tf.Tensor | None,
        keep_between: tf.Tensor | None,
    ) -> None:
        config, views = self.model_config, self.critic_views
        rows, parts = tf.shape(real)[0], {}
        fake = self.fake_examples(latents, real, keys, update_statistics=False)
        real = self.critic_view(tf.cast(real, fake.dtype))
        fake = self.critic_view(tf.stop_gradient(fake))
        both = _side_by_side(real, fake, views)

        def loss_fn() -> tf.Tensor:
            # One pass over both halves: the critic scores every example by itself.
            scores = tf.reshape(self._scores(both, keep), [views, 2 * rows])
            distance = losses.wasserstein_critic_loss(scores[:, :rows], scores[:, rows:])
            parts.update(gap=-distance, penalty=tf.zeros([], distance.dtype))
            if config.critic_constraint == "weight_clipping":
                return distance
            between = functools.partial(self._scores, keep=keep_between)
            mixed = tf.tile(mixing, [views])
            parts["penalty"] = losses.gradient_penalty(between, real, fake, mixed)
            return distance + config.gradient_penalty_weight * parts["penalty"]

        variables = self.critic.trainable_variables
        loss, norm = self.minimise(loss_fn, variables, self.critic_optimizer)
        if config.critic_constraint == "weight_clipping":
            # After the update, as in algorithm 1; of the first one, weights are as initialised.
            for variable in variables:
                variable.assign(tf.clip_by_value(variable, -config.clip_value, config.clip_value))
        self._track(critic_loss=loss, critic_gradient_norm=norm)
        self._track(critic_gap=parts["gap"], gradient_penalty=parts["penalty"])

    def _generator_turn(self, latents: list[tf.Tensor], real: tf.Tensor, keys: noise.Key) -> None:
        def update() -> None:
            self._generator_update(latents, real, keys)
            if self.ema_weights:
                decay, learning = self.model_config.ema_decay, self.generator_variables
                update_averages(self.ema_weights, self.sampled_networks, learning, decay)

        if not self.model_config.critic_bursts:
            update()
        else:
            updates = self.model_config.critic_updates
            turn = is_generator_turn(tf.convert_to_tensor(self.step), updates)
            tf.cond(turn, lambda: (update(), 0)[1], lambda: 0)

    def _generator_update(self, latents: list[tf.Tensor], real: tf.Tensor, keys: noise.Key) -> None:
        def loss_fn() -> tf.Tensor:
            fake = self.fake_examples(latents, real, keys, update_statistics=True)
            keep = self._dropout(tf.shape(fake)[0], (3 * self.model_config.critic_updates,))
            return losses.wasserstein_generator_loss(self._scores(self.critic_view(fake), keep))

        loss, norm = self.minimise(loss_fn, self.generator_variables, self.generator_optimizer)
        self._track(generator_loss=loss, generator_gradient_norm=norm)

    def _scores(self, views: tf.Tensor, keep: tf.Tensor | None) -> tf.Tensor:
        scores = self.critic(views) if keep is None else self.critic(views, keep=keep)
        return full_precision(scores)

    def _dropout(self, rows: tf.Tensor, passes: tuple[int, ...]) -> tf.Tensor | None:
        """What multiplies the critic's last features, `dropout.critic_masks`; None without."""
        rate = self.model_config.critic_dropout
        if not rate:
            return None
        keys = self.step_keys(rows, _DROPOUT)
        return dropout.critic_masks(keys, self.critic_views, passes, self.critic.features, rate)

    def _track(self, **values: tf.Tensor) -> None:
        for name, value in values.items():
            self._trackers[name].update_state(value)


def _side_by_side(real: tf.Tensor, fake: tf.Tensor, views: int) -> tf.Tensor:
    """Two of [views * rows, ...] to [views * 2 * rows, ...], in each view real ones first."""
    shape = real.shape[1:]
    rows = tf.shape(real)[0] // views
    halves = [tf.reshape(half, [views, rows, *shape]) for half in (real, fake)]
    return tf.reshape(tf.concat(halves, axis=1), [-1, *shape])
