"""Adam as one operation per weight."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class _Scalars:
    """What the kernel takes beside a weight's own tensors: equal for all weights of an update."""

    beta1_power: tf.Tensor
    beta2_power: tf.Tensor
    lr: tf.Tensor
    beta1: tf.Tensor
    beta2: tf.Tensor


class FusedAdam(keras.optimizers.Adam):
    """`keras.optimizers.Adam` with TensorFlow's own kernel for the update.

    Kingma and Ba 2015, arXiv 1412.6980, algorithm 1 in the arrangement before section 2.1, as Keras
    has it. Keras writes it as 16 operations per weight, each of which reads and writes all numbers;
    the kernel is one, and reads and writes them once. No weight decay, no amsgrad.
    """

    _frozen: tf.Tensor | None = None
    _scalars: _Scalars | None = None  # of the update that is being made

    @contextlib.contextmanager
    def standing_still(self, frozen: tf.Tensor) -> Iterator[None]:
        """Lets updates made inside change nothing where asked: no weight, moment or count.

        A gradient of zeros would not do: it lets the moments fade, by which later steps grow.

        Args:
          frozen: Scalar, equal on all replicas: 1 to stand still, 0 to learn.
        """
        self._frozen = frozen
        try:
            yield
        finally:
            self._frozen = None

    def apply(
        self,
        grads: Sequence[tf.Tensor],
        trainable_variables: Sequence[keras.Variable] | None = None,
    ) -> None:
        """As Keras's, and counts no update that stands still.

        What all weights share is worked out once: for the small ones it costs more than the kernel.
        """
        frozen = self._frozen  # another replica may have left `standing_still` behind the update
        self._scalars = None
        try:
            super().apply(grads, trainable_variables)
        finally:
            self._scalars = None
        if frozen is not None:
            self.iterations.assign_sub(tf.cast(frozen, self.iterations.dtype))

    def restart(self) -> None:
        """Forgets all moments and the number of updates, as if it had just been built."""
        for variable in (self.iterations, *self._momentums, *self._velocities):
            variable.assign(keras.ops.zeros_like(variable))

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Updates one weight and its moments.

        Args:
          gradient: In the variable's shape.
          variable: What to update.
          learning_rate: Scalar.
        """
        dtype = variable.dtype
        index = self._get_variable_index(variable)
        if self._scalars is None or self._scalars.lr.dtype != dtype:
            self._scalars = self._shared_scalars(dtype, learning_rate)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            epsilon=tf.constant(self.epsilon, dtype),
            grad=tf.cast(gradient, dtype),
            use_locking=True,
            **vars(self._scalars),
        )

    def _shared_scalars(self, dtype: tf.DType, learning_rate: tf.Tensor) -> _Scalars:
        step = tf.cast(self.iterations.value + 1, dtype)
        # A cast of a Python number would round it to float32 first.
        beta_1, beta_2 = (tf.constant(beta, dtype) for beta in (self.beta_1, self.beta_2))
        rate, kept = tf.cast(learning_rate, dtype), (beta_1, beta_2)
        if self._frozen is not None:  # moments are all kept, and nothing of the gradient is added
            is_frozen = self._frozen > 0
            rate = tf.where(is_frozen, tf.zeros([], dtype), rate)
            kept = [tf.where(is_frozen, tf.ones([], dtype), beta) for beta in kept]
        return _Scalars(tf.pow(beta_1, step), tf.pow(beta_2, step), rate, *kept)
