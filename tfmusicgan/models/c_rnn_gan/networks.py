"""C-RNN-GAN's networks: a generator that reads itself, and a discriminator of two directions.

Time is the first axis inside: [steps, batch, ...].
"""

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan.layers.initializers import seeded_plain_normal
from tfmusicgan.models.c_rnn_gan import bounds, writing
from tfmusicgan.models.c_rnn_gan.lstm import StackedLSTM
from tfmusicgan.models.c_rnn_gan.writing import Given, Masks
from tfmusicgan.recipes.c_rnn_gan import CRNNGANConfig


class Dense(keras.layers.Layer):
    """A product and a bias, shared by all steps; the weights begin as N(0, stddev^2).

    Args:
      input_size: Numbers of an input.
      units: Numbers of an output.
      seed: Of the initial weights.
      stddev: Theirs.

    Input shape:
      float [rows, input size].

    Output shape:
      float [rows, units].
    """

    def __init__(self, input_size: int, units: int, seed: int, stddev: float, **kwargs):
        super().__init__(**kwargs)
        initializer = seeded_plain_normal(seed, f"{self.name}/kernel", stddev)
        self.kernel = self.add_weight(
            name="kernel", shape=(input_size, units), initializer=initializer
        )
        self.bias = self.add_weight(name="bias", shape=(units,), initializer="zeros")
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """The layer's output."""
        kernel, bias = self.values()
        return tf.nn.bias_add(tf.matmul(inputs, kernel), bias)

    def values(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Kernel and bias as tensors of the dtype that is computed in."""
        return tuple(
            tf.cast(tf.convert_to_tensor(w), self.compute_dtype) for w in (self.kernel, self.bias)
        )


class Generator(keras.layers.Layer):
    """Writes events one after another, each from noise and from the event before it.

    Args:
      config: Sizes.
      num_features: Numbers of an event.
      time_features: Which of them are times.
      seed: Of the initial weights.
    """

    def __init__(
        self,
        config: CRNNGANConfig,
        num_features: int,
        time_features: tuple[int, ...],
        seed: int,
        **kwargs,
    ):
        super().__init__(**kwargs)
        size, stddev, name = config.hidden_size, config.dense_stddev, self.name
        self.num_features, self.hidden_size = num_features, size
        self.rectified_features = time_features if config.time_activation == "rectified" else ()
        self.project = Dense(2 * num_features, size, seed, stddev, name=f"{name}_project")
        self.lower = StackedLSTM(1, size, size, seed, name=f"{name}_lower")
        self.upper = StackedLSTM(1, size, size, seed, name=f"{name}_upper")
        self.write = Dense(size, num_features, seed, stddev, name=f"{name}_write")
        self.built = True

    def call(
        self,
        noise: tf.Tensor,
        first: tf.Tensor,
        masks: Masks | None = None,
        given: Given | None = None,
        training: bool = False,
    ) -> tf.Tensor:
        """Writes sequences, each event after the one it has written itself.

        Args:
          noise: float [steps, batch, features], within 0-1, of each step.
          first: float [batch, features], what stands before the first event.
          masks: Dropout of both LSTMs' outputs, two of [steps, batch, hidden size]; None for none.
          given: Events that sequences begin with; None for none, as in training.
          training: Whether a gradient will be asked for; the number of steps is known then.

        Returns:
          float [steps, batch, features].
        """
        kernel, bias = self.project.values()
        noise, first = (tf.cast(x, self.compute_dtype) for x in (noise, first))
        # What noise has a part in is one product of all steps.
        steps, rows = noise.shape[0] or tf.shape(noise)[0], tf.shape(noise)[1]
        flat = tf.reshape(noise, [steps * rows, self.num_features])
        flat = tf.nn.bias_add(tf.matmul(flat, kernel[: self.num_features]), bias)
        driven = tf.reshape(flat, [steps, rows, self.hidden_size])
        weights = self._loop_weights(kernel[self.num_features :])
        if training:
            return writing.write_and_learn(driven, first, weights, masks, self._least())
        return writing.write(driven, first, weights, masks, given, self._least())

    def predict_next(
        self, noise: tf.Tensor, first: tf.Tensor, events: tf.Tensor, masks: Masks | None = None
    ) -> tf.Tensor:
        """Says each event of given sequences from noise and those before it.

        Args:
          noise: float [steps, batch, features]; the number of steps is known.
          first: float [batch, features], what stands before the first event.
          events: float [steps, batch, features].
          masks: As for `call`.

        Returns:
          float [steps, batch, features].
        """
        steps, rows, size = events.shape[0], tf.shape(events)[1], self.num_features
        noise, first, events = (tf.cast(x, self.compute_dtype) for x in (noise, first, events))
        before = tf.concat([first[tf.newaxis], events[:-1]], axis=0)
        read = tf.concat([noise, before], axis=-1)
        x = tf.nn.relu(self.project(tf.reshape(read, [steps * rows, 2 * size])))
        x = tf.reshape(x, [1, steps, rows, self.hidden_size])
        for number, layer in enumerate((self.lower, self.upper)):
            x = layer(x)
            if masks:
                x *= masks[number]
        x = self.write(tf.reshape(x, [steps * rows, self.hidden_size]))
        x = bounds.bounded(x, self._least()) if self.rectified_features else x
        return tf.reshape(x, [steps, rows, size])

    def _least(self) -> tf.Tensor | None:
        """Bounds of the features, which times alone have."""
        if not self.rectified_features:
            return None
        least = np.full(self.num_features, -np.inf)
        least[list(self.rectified_features)] = 0
        return tf.constant(least, self.compute_dtype)

    def _loop_weights(self, fed_back: tf.Tensor) -> writing.Weights:
        """What a step of writing needs; the weights of input and state are together."""
        found = [fed_back]
        for layer in (self.lower, self.upper):
            kernel, recurrent, bias = layer.values(0)
            found += [tf.concat([kernel, recurrent], axis=0), bias]
        return writing.Weights(*found, *self.write.values())


class Discriminator(keras.layers.Layer):
    """Scores every step of sequences, after two stacks of LSTMs that read them either way.

    The stacks are independent: their directions meet in the features alone.

    Args:
      config: Sizes.
      num_features: Numbers of an event.
      seed: Of the initial weights.
    """

    def __init__(self, config: CRNNGANConfig, num_features: int, seed: int, **kwargs):
        super().__init__(**kwargs)
        size, name = config.hidden_size, self.name
        self.hidden_size = size
        self.lower = StackedLSTM(2, num_features, size, seed, name=f"{name}_lower")
        self.upper = StackedLSTM(2, size, size, seed, name=f"{name}_upper")
        self.score = Dense(2 * size, 1, seed, config.dense_stddev, name="score")
        self.built = True

    def call(
        self,
        events: tf.Tensor,
        masks: Masks | None = None,
        learnt: tf.Tensor | int | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Reads sequences.

        Args:
          events: float [steps, batch, features]; the number of steps is known.
          masks: Dropout of the input [steps, batch, features], and of both layers' outputs
            [2, steps, batch, hidden size] in the order in which they are read; None for none.
          learnt: The gradients of weights are those of the first so many sequences; None: of all.

        Returns:
          Features [steps, batch, 2 * hidden size] and scores before the sigmoid [steps, batch].
        """
        events = tf.cast(events, self.compute_dtype)
        if masks:
            events *= masks[0]
        x = tf.stack([events, events[::-1]])  # [direction, steps, batch, features]
        for number, layer in enumerate((self.lower, self.upper), 1):
            x = layer(x, learnt)
            if masks:
                x *= masks[number]
        features = tf.concat([x[0], x[1, ::-1]], axis=-1)
        return features, self._scores(features, learnt)

    def _scores(self, features: tf.Tensor, learnt: tf.Tensor | int | None) -> tf.Tensor:
        """[steps, batch, 2 * hidden size] to [steps, batch]."""
        found, values = [], self.score.values()
        parts = (features[:, :learnt], None if learnt is None else features[:, learnt:])
        for part, (kernel, bias) in zip(
            parts, (values, map(tf.stop_gradient, values)), strict=True
        ):
            if part is not None:
                flat = tf.reshape(part, [-1, 2 * self.hidden_size])
                scores = tf.nn.bias_add(tf.matmul(flat, kernel), bias)
                found.append(tf.reshape(scores, tf.shape(part)[:2]))
        return tf.ensure_shape(tf.concat(found, axis=1), [features.shape[0], None])
