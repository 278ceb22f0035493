"""Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, arXiv 1704.00028).

Subclasses provide a generator and a critic; this class draws the noise, runs `critic_updates`
critic updates and one generator update per step, each on a batch and noise of its own, and tracks
losses and gradient norms.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan import losses
from tfmusicgan.errors import CheckpointError, ConfigError
from tfmusicgan.models import noise
from tfmusicgan.models.base import MusicGAN


class WassersteinGAN(MusicGAN):
    """Base of the models trained with WGAN-GP.

    The config needs `critic_updates`, `gradient_penalty_weight`, `learning_rate`, `adam_beta_1`,
    `adam_beta_2` and `ema_decay` (None for no average). Subclasses set `self.generator` and
    `self.critic` (Keras layers) in `__init__` and then call `finish_building`.
    """

    @property
    def latent_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of one example's latents, without the batch axis."""
        raise NotImplementedError

    @property
    def latent_prior(self) -> Any:
        """The tensorflow-probability distribution of every latent number."""
        raise NotImplementedError

    def real_examples(self, data: dict[str, tf.Tensor]) -> tf.Tensor:
        """The reader's batch as the critic sees it: float [rows, updates, ...]."""
        raise NotImplementedError

    @property
    def examples_per_row(self) -> int:
        """One example per critic update: the reader gives [batch, critic_updates, ...]."""
        return self.model_config.critic_updates

    def networks(self) -> dict[str, keras.layers.Layer]:
        """The generator and the critic."""
        return {"generator": self.generator, "critic": self.critic}

    def optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """Both Adam optimizers, empty before `compile`."""
        if not self.compiled:
            return {}
        return {
            "generator_optimizer": self.generator_optimizer,
            "critic_optimizer": self.critic_optimizer,
        }

    def use_averaged_weights(self) -> None:
        """Replaces the generator's weights and moving statistics by their averages.

        Raises:
          CheckpointError: If the model was trained without (`ema_decay` is None).
        """
        if not self.ema_weights:
            raise CheckpointError(
                "Expected averaged weights. Received: a model trained with ema_decay=none. Use "
                "--checkpoint=latest or best, or train with --set=ema_decay=0.999."
            )
        for average, weight in zip(self.ema_weights, self.generator.weights, strict=True):
            weight.assign(average)

    def finish_building(self) -> None:
        """Creates the prior's table, the metrics that `fit` shows, and the averaged weights."""
        self.latent_table = noise.quantile_table(self.latent_prior)
        names = ("critic_loss", "generator_loss", "critic_gap", "gradient_penalty")
        names += ("critic_gradient_norm", "generator_gradient_norm")
        self._trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self.ema_weights = []
        if self.model_config.ema_decay is not None:
            # The moving statistics too: the raw ones would belong to other weights.
            for weight in self.generator.weights:
                self.ema_weights.append(
                    self.add_weight(
                        name=f"ema_{len(self.ema_weights)}",
                        shape=weight.shape,
                        initializer=lambda shape, dtype=None, weight=weight: keras.ops.copy(weight),
                        trainable=False,
                        aggregation="only_first_replica",
                    )
                )
        self.built = True

    def compile(self, jit_compile: bool = False) -> None:
        """Builds both Adam optimizers with their state.

        Args:
          jit_compile: XLA for the training step; a gain on GPUs and a loss on CPUs.
        """
        self.generator_optimizer = self._adam(self.generator)
        self.critic_optimizer = self._adam(self.critic)
        super().compile(
            optimizer=self.generator_optimizer, jit_compile=jit_compile, auto_scale_loss=False
        )

    def train_step(self, data: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """`critic_updates` critic updates and one generator update.

        Args:
          data: One batch of the reader, [rows, critic_updates, ...] each.

        Returns:
          The tracked values so far in this epoch.
        """
        real = self.real_examples(data)
        rows = tf.shape(real)[0]
        updates = self.model_config.critic_updates
        latents = self._training_latents(rows, updates + 1)
        keys = self.step_keys(rows, stream=1)
        mixing = noise.uniforms(keys, updates)  # [rows, updates]
        for update in range(updates):
            drawn = 0 if self.model_config.reuse_critic_batch else update
            self._critic_update(real[:, drawn], latents[drawn], mixing[:, update])
        self._generator_turn(latents[0 if self.model_config.reuse_critic_batch else updates])
        self.step.assign_add(1)
        return self.logs()

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The tracked values, reset by `fit` at the start of each epoch."""
        return list(self._trackers.values())

    def _adam(self, network: keras.layers.Layer) -> keras.optimizers.Optimizer:
        config = self.model_config
        # Fixed names: Keras would number the optimizers of one process, and checkpoints keep names.
        name = f"{network.name}_adam"
        optimizer = keras.optimizers.Adam(
            config.learning_rate, config.adam_beta_1, config.adam_beta_2, epsilon=1e-8, name=name
        )
        if self.dtype_policy.name == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name=f"{name}_scale")
        optimizer.build(network.trainable_variables)
        return optimizer

    def _training_latents(self, rows: tf.Tensor, count: int) -> list[list[tf.Tensor]]:
        sizes = [int(np.prod(shape)) for shape in self.latent_shapes]
        total = count * sum(sizes)
        values = noise.draws(self.step_keys(rows, stream=0), total, self.latent_table)
        blocks = tf.split(values, count, axis=1)
        return [noise.split(block, self.latent_shapes) for block in blocks]

    def _critic_update(self, real: tf.Tensor, latents: list[tf.Tensor], mixing: tf.Tensor) -> None:
        weight = self.model_config.gradient_penalty_weight
        fake = tf.stop_gradient(self.generator(latents, training=True, update_statistics=False))
        rows = tf.shape(real)[0]
        parts = {}

        def loss_fn() -> tf.Tensor:
            # One pass over both halves: the critic scores every example by itself.
            scores = self.critic(tf.concat([real, tf.cast(fake, real.dtype)], axis=0))
            scores = tf.cast(scores, tf.float32)
            distance = losses.wasserstein_critic_loss(scores[:rows], scores[rows:])
            penalty = losses.gradient_penalty(self.critic, real, fake, mixing)
            parts.update(gap=-distance, penalty=penalty)
            return distance + weight * penalty

        loss, norm = self.minimise(loss_fn, self.critic.trainable_variables, self.critic_optimizer)
        self._track(critic_loss=loss, critic_gradient_norm=norm)
        self._track(critic_gap=parts["gap"], gradient_penalty=parts["penalty"])

    def _generator_turn(self, latents: list[tf.Tensor]) -> None:
        def update() -> None:
            self._generator_update(latents)
            self._update_average()

        if not self.model_config.critic_bursts:
            update()
        elif tf.distribute.get_strategy().num_replicas_in_sync > 1:
            raise ConfigError(
                "Expected one device with critic_bursts: an update inside a condition cannot be "
                "summed over devices. Use --strategy=none or --set=critic_bursts=false."
            )
        else:
            updates = self.model_config.critic_updates
            turn = is_generator_turn(tf.convert_to_tensor(self.step), updates)
            tf.cond(turn, lambda: (update(), 0)[1], lambda: 0)

    def _generator_update(self, latents: list[tf.Tensor]) -> None:
        def loss_fn() -> tf.Tensor:
            fake = self.generator(latents, training=True, update_statistics=True)
            return losses.wasserstein_generator_loss(tf.cast(self.critic(fake), tf.float32))

        variables = self.generator.trainable_variables
        loss, norm = self.minimise(loss_fn, variables, self.generator_optimizer)
        self._track(generator_loss=loss, generator_gradient_norm=norm)

    def _update_average(self) -> None:
        if not self.ema_weights:
            return
        decay = self.model_config.ema_decay
        for average, weight in zip(self.ema_weights, self.generator.weights, strict=True):
            average.assign(decay * average + (1 - decay) * weight)

    def _track(self, **values: tf.Tensor) -> None:
        for name, value in values.items():
            self._trackers[name].update_state(value)


def is_generator_turn(step: tf.Tensor, updates_per_step: int = 5) -> tf.Tensor:
    """Whether a training step ends in a generator update under MuseGAN's bursts of 100.

    The first 25 generator updates, and later every 500th, are preceded by 100 critic updates: 20
    training steps of five, of which only the last updates the generator (Arjovsky et al. 2017,
    released code, adopted by MuseGAN v1).

    Args:
      step: Scalar int64, training steps so far.
      updates_per_step: Critic updates per training step; divides 100.

    Returns:
      Scalar bool.
    """
    burst = 100 // updates_per_step
    first = 25 * burst  # steps until the first 25 generator updates are made
    plain = 475  # one step each, generator updates 25 to 499
    cycle = burst + 499  # generator updates 500 to 999, and so on
    early = step % burst == burst - 1
    late = (step - first - plain) % cycle >= burst - 1
    return tf.where(step < first, early, tf.logical_or(step < first + plain, late))
