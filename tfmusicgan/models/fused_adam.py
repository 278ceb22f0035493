"""Adam as one operation per weight."""

import keras
import tensorflow as tf


class FusedAdam(keras.optimizers.Adam):
    """`keras.optimizers.Adam` with TensorFlow's own kernel for the update.

    Kingma and Ba 2015, arXiv 1412.6980, algorithm 1 in the arrangement before section 2.1, as Keras
    has it. Keras writes it as 16 operations per weight, each of which reads and writes all numbers;
    the kernel is one, and reads and writes them once. No weight decay, no amsgrad.
    """

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
        step = tf.cast(self.iterations.value + 1, dtype)
        # A cast of a Python number would round it to float32 first.
        beta_1, beta_2 = (tf.constant(beta, dtype) for beta in (self.beta_1, self.beta_2))
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(beta_1, step),
            beta2_power=tf.pow(beta_2, step),
            lr=tf.cast(learning_rate, dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.constant(self.epsilon, dtype),
            grad=tf.cast(gradient, dtype),
            use_locking=True,
        )
