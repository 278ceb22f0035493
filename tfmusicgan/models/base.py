"""The base class of every model: step counter, noise by global row, loss scaling, sampling."""

import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan.errors import CheckpointError
from tfmusicgan.layers.precision import full_precision
from tfmusicgan.models import noise
from tfmusicgan.models.fused_adam import FusedAdam
from tfmusicgan.models.signature import Signature
from tfmusicgan.models.stages import StagedTraining
from tfmusicgan.representations.base import Representation


class MusicGAN(StagedTraining, keras.Model):
    """A `keras.Model` with the contracts that training, sampling and export rely on.

    Noise is a function of (seed, step, stream, row of the global batch), so that one, two or n
    devices train alike and a resumed run goes on bit for bit. Subclasses build all their networks
    in `__init__`, their optimizers in `compile`, and write `train_step`, `sample` and `signatures`.

    Args:
      config: The recipe's frozen config dataclass.
      representation: The representation whose examples the model learns.
      seed: Of the initial weights and of all training noise.
    """

    def __init__(self, config: Any, representation: Representation, seed: int = 0, **kwargs):
        # A fixed name: Keras would number the models of one process, and checkpoints keep names.
        super().__init__(**{"name": "music_gan", **kwargs})
        self.model_config = config
        self.representation = representation
        self.seed = seed
        self.step = self.add_weight(
            name="step",
            shape=(),
            dtype="int64",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
        )

    @property
    def examples_per_row(self) -> int:
        """Examples that one row of a training batch holds: [batch, examples_per_row, ...]."""
        return 1

    @property
    def num_preparation_examples(self) -> int:
        """Training examples that `prepare` wants; 0 where there is nothing to prepare."""
        return 0

    @property
    def counted_fields(self) -> tuple[str, ...]:
        """Small fields of which `prepare` wants those of all training examples."""
        return ()

    def prepare(self, examples: Mapping[str, np.ndarray]) -> None:
        """Takes over what the weights need of the training data before the first step.

        Args:
          examples: The representation's fields, [n, *shape] each, n at most
            `num_preparation_examples`; of `counted_fields` [m, *shape], m all that there are.
        """

    @property
    def default_qpm(self) -> float:
        """Quarter notes per minute of what it generates, unless asked for another tempo."""
        return self.model_config.qpm

    def networks(self) -> Mapping[str, keras.layers.Layer]:
        """The networks by name, as summaries and parameter counts show them."""
        raise NotImplementedError

    def optimizers(self) -> Mapping[str, keras.optimizers.Optimizer]:
        """The optimizers by name, empty before `compile`; checkpoints keep their state."""
        raise NotImplementedError

    def compile(self, optimizer: keras.optimizers.Optimizer, jit_compile: bool = False) -> None:
        """Makes the model ready for `fit`; subclasses build their optimizers and call this.

        Args:
          optimizer: One of them, as Keras wants one.
          jit_compile: XLA for the training step.
        """
        super().compile(optimizer=optimizer, jit_compile=False, auto_scale_loss=False)
        # Keras would turn XLA off where deterministic operations are asked for; TensorFlow asks XLA
        # for them, too. (The attribute, since the property is what turns it off.)
        self._jit_compile = jit_compile

    def use_averaged_weights(self) -> None:
        """Replaces the sampled network's weights by their moving averages.

        Raises:
          CheckpointError: If the model was trained without.
        """
        raise CheckpointError(
            f"Expected averaged weights. Received: a {type(self).__name__}, which keeps none. "
            "Use --checkpoint=latest or best."
        )

    def sample(self, seeds: tf.Tensor, **controls: tf.Tensor) -> dict[str, tf.Tensor]:
        """Generates one example per seed: a pure function of the weights and the arguments.

        Args:
          seeds: int64 [batch]; the noise of row i depends on seeds[i] alone.
          **controls: The model's controls, [batch] each.

        Returns:
          The raw network outputs by name, [batch, ...].
        """
        raise NotImplementedError

    def sample_examples(self, seeds: tf.Tensor) -> dict[str, tf.Tensor]:
        """Generates one example of the representation per seed, with the default controls.

        Args:
          seeds: int64 [batch].

        Returns:
          The representation's fields by name, [batch, *shape].
        """
        raise NotImplementedError

    def signatures(self) -> dict[str, Signature]:
        """The serving signatures; `serving_default` takes `seed` alone."""
        raise NotImplementedError

    def global_rows(self, rows: int | tf.Tensor) -> tf.Tensor:
        """Numbers of this replica's rows in the global batch: int64 [rows]."""
        context = tf.distribute.get_replica_context()
        replica = 0 if context is None else context.replica_id_in_sync_group
        rows = tf.cast(rows, tf.int64)
        return tf.cast(replica, tf.int64) * rows + tf.range(rows, dtype=tf.int64)

    def step_keys(self, rows: int | tf.Tensor, stream: int | np.ndarray = 0) -> noise.Key:
        """Keys of this step's noise for this replica's rows: two uint32 [*streams, rows]."""
        step = tf.convert_to_tensor(self.step)
        return noise.row_keys(self.seed, step, stream, self.global_rows(rows))

    def minimise(
        self,
        loss_fn: Callable[[], tf.Tensor],
        variables: Sequence[keras.Variable],
        optimizer: keras.optimizers.Optimizer,
        clip_norm: float | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """One optimizer step, equal on one and on n replicas.

        Gradients are summed over replicas, hence the loss is divided by their number; it is
        multiplied by the optimizer's loss scale, which mixed precision needs.

        Args:
          loss_fn: Computes the scalar loss of this replica's rows.
          variables: What to update.
          optimizer: Built for `variables` in `compile`.
          clip_norm: A longer gradient, of all replicas together, is cut to this length.

        Returns:
          The unscaled loss of this replica's rows, and the norm of the unscaled gradient of all
          replicas, before it is clipped; 0 where the scaled gradient overflows on any replica,
          which makes a `LossScaleOptimizer` skip the update and halve its scale on all.
        """
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        scale = optimizer.scale_loss(tf.ones([]))
        with tf.GradientTape() as tape:
            loss = full_precision(loss_fn())
            scaled = loss * tf.cast(scale, loss.dtype) / replicas
        gradients = tape.gradient(scaled, [variable.value for variable in variables])
        return loss, self.apply_gradients(gradients, variables, optimizer, clip_norm)

    def apply_gradients(
        self,
        gradients: Sequence[tf.Tensor],
        variables: Sequence[keras.Variable],
        optimizer: keras.optimizers.Optimizer,
        clip_norm: float | None = None,
        frozen: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """What `minimise` does with gradients.

        Args:
          gradients: Of the loss, multiplied by the optimizer's scale, divided by the replicas.
          variables: What to update.
          optimizer: Built for `variables` in `compile`.
          clip_norm: A longer gradient, of all replicas together, is cut to this length.
          frozen: Scalar, equal on all replicas: 1 leaves weights and optimizer as they are. Asked
            of plain gradient descent or a `FusedAdam`.

        Returns:
          The norm of the unscaled gradient of all replicas, before it is clipped; see `minimise`.
        """
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        scale = optimizer.scale_loss(tf.ones([]))
        # Rows of an embedding may come several times: their sum is the gradient.
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        if replicas > 1:
            context = tf.distribute.get_replica_context()
            gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        norm = tf.linalg.global_norm(gradients)
        if clip_norm is not None:
            longest = clip_norm * tf.cast(scale, norm.dtype)
            factor = tf.minimum(longest / norm, 1.0)
            gradients = [gradient * tf.cast(factor, gradient.dtype) for gradient in gradients]
        if frozen is not None:
            gradients = [gradient * tf.cast(1.0 - frozen, gradient.dtype) for gradient in gradients]
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            norm = tf.where(tf.math.is_finite(norm), norm, 0.0)
        if replicas > 1:  # the optimizer adds the replicas' gradients, equal by now, up again
            gradients = [gradient / replicas for gradient in gradients]
        with _standing_still(optimizer, frozen):
            optimizer.apply(gradients, variables)
        return norm / tf.cast(scale, norm.dtype)

    def logs(self) -> dict[str, tf.Tensor]:
        """The tracked values, as `train_step` returns them."""
        results = {metric.name: metric.result() for metric in self.metrics}
        strategy = tf.distribute.get_strategy()
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            # There Keras averages along the first axis, which a scalar lacks.
            results = {name: tf.reshape(value, [1]) for name, value in results.items()}
        return results

    def call(self, seeds: tf.Tensor) -> dict[str, tf.Tensor]:
        """The same as `sample` without controls, so that the model can be called like any other."""
        return self.sample(seeds)

    def _maybe_symbolic_build(self, *args: Any, **kwargs: Any) -> None:
        """Does nothing, unlike Keras: networks and optimizers are built before `fit`.

        Under a strategy Keras adds up a batch over the devices to learn its shape, which boolean
        examples refuse.
        """

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, JSON-able."""
        return {
            "config": dataclasses.asdict(self.model_config),
            "representation": self.representation.to_parameters(),
            "seed": self.seed,
        }


def _standing_still(
    optimizer: keras.optimizers.Optimizer, frozen: tf.Tensor | None
) -> contextlib.AbstractContextManager[None]:
    """Where what an optimizer keeps stands still as well, if it keeps anything."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if frozen is None or not isinstance(inner, FusedAdam):
        return contextlib.nullcontext()
    return inner.standing_still(frozen)
