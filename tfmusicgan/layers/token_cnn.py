"""A discriminator of token sequences: windows of several lengths, a highway layer, one score.

The discriminator of SeqGAN (Yu et al., AAAI 2017, arXiv 1609.05473, section "The discriminative
model for sequences"; filters: appendix, table 5), after Kim's text classifier (arXiv 1408.5882) and
Srivastava's highway networks (arXiv 1505.00387). One score, a logit, in place of the released
code's two softmax outputs.
"""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan.errors import ConfigError
from tfmusicgan.layers.initializers import seeded_glorot, seeded_normal, seeded_uniform
from tfmusicgan.layers.precision import full_precision


class TokenCNN(keras.layers.Layer):
    """Scores sequences of tokens.

    Args:
      num_tokens: Size of the vocabulary.
      length: Tokens of a sequence.
      embedding_size: Numbers per token.
      windows: Tokens that each group of filters sees at a time; a length may come twice.
      filters: Filters of each group.
      seed: Of the initial weights.
      bias: Initial bias of the windows and of the score.

    Raises:
      ConfigError: If there are not as many `filters` as `windows`, or a window is longer than a
        sequence.

    Input shape:
      int [batch, length].

    Output shape:
      float32 [batch], logits of being real.
    """

    def __init__(
        self,
        num_tokens: int,
        length: int,
        embedding_size: int,
        windows: Sequence[int],
        filters: Sequence[int],
        seed: int,
        bias: float = 0.1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        _check(windows, filters, length)
        self.windows, self.features, self.seed = tuple(windows), sum(filters), seed
        at = f"{self.name}/"
        self.embedding = self.add_weight(
            name="embedding",
            shape=(num_tokens, embedding_size),
            initializer=seeded_uniform(seed, f"{at}embedding", 1.0),
        )
        offset = keras.initializers.Constant(bias)
        self.kernels, self.biases = [], []
        for index, (window, number) in enumerate(zip(windows, filters, strict=True)):
            name, shape = f"window_{index}", (window * embedding_size, number)
            kernel = seeded_normal(seed, f"{at}{name}", 0.1)
            self.kernels.append(self.add_weight(name=name, shape=shape, initializer=kernel))
            self.biases.append(
                self.add_weight(name=f"{name}_bias", shape=(number,), initializer=offset)
            )
        for part in ("transform", "gate"):
            shape = (self.features, self.features)
            glorot = seeded_glorot(seed, f"{at}{part}")
            setattr(self, part, self.add_weight(name=part, shape=shape, initializer=glorot))
            zeros = self.add_weight(name=f"{part}_bias", shape=shape[:1], initializer="zeros")
            setattr(self, f"{part}_bias", zeros)
        self.score = self.add_weight(
            name="score",
            shape=(self.features, 1),
            initializer=seeded_normal(seed, f"{at}score", 0.1),
        )
        self.score_bias = self.add_weight(name="score_bias", shape=(1,), initializer=offset)
        self.built = True

    def call(self, tokens: tf.Tensor, keep: tf.Tensor | None = None) -> tf.Tensor:
        """Scores sequences; `keep` [batch, features] multiplies the last features."""
        answers = [
            tf.reduce_max(self._answers(tokens, w), axis=1) for w in range(len(self.windows))
        ]
        return self._score(answers, keep)

    def score_completions(self, sequences: tf.Tensor, completed: tf.Tensor) -> tf.Tensor:
        """Scores completions of the prefixes of sequences.

        What a filter answers within a prefix is worked out once for all that begin with it.

        Args:
          sequences: int [rows, length], the length known.
          completed: int [length - 1, rows, repeats, length]; at p the first p + 1 tokens are the
            sequence's.

        Returns:
          float32 [length - 1, rows, repeats], logits of being real.
        """
        length, repeats = sequences.shape[1], tf.shape(completed)[2]
        own = [self._answers(sequences, index) for index in range(len(self.windows))]
        scores = []
        for kept in range(1, length):
            tokens = tf.reshape(completed[kept - 1], [-1, length])
            answers = []
            for index, window in enumerate(self.windows):
                # Places before this one see given tokens alone.
                first = max(0, kept - window + 1)
                answer = tf.reduce_max(self._answers(tokens[:, first:], index), axis=1)
                if first:
                    before = tf.reduce_max(own[index][:, :first], axis=1)
                    answer = tf.maximum(answer, tf.repeat(before, repeats, axis=0))
                answers.append(answer)
            scores.append(self._score(answers))
        return tf.reshape(tf.stack(scores), tf.shape(completed)[:-1])

    def _answers(self, tokens: tf.Tensor, index: int) -> tf.Tensor:
        """A window's product with its filters at every place: [batch, places, filters]."""
        window = self.windows[index]
        kernel = _value(self.kernels[index], self.compute_dtype)
        places = tokens.shape[1] - window + 1
        # What each place sees is looked up as one row: shifted slices of embedded sequences would
        # have to be cut, and their gradients padded and added.
        seen = tf.gather(tokens, np.arange(places)[:, np.newaxis] + np.arange(window), axis=1)
        embedded = tf.gather(_value(self.embedding, self.compute_dtype), seen)
        frames = tf.reshape(embedded, [-1, kernel.shape[0]])
        return tf.reshape(tf.matmul(frames, kernel), [-1, places, kernel.shape[1]])

    def _score(self, answers: Sequence[tf.Tensor], keep: tf.Tensor | None = None) -> tf.Tensor:
        """From each window's strongest answers, [batch, filters], to a logit."""
        # Bias and ReLU keep the order, so that they come after the maximum, on far fewer numbers.
        biased = [x + _value(b, x.dtype) for x, b in zip(answers, self.biases, strict=True)]
        x = tf.nn.relu(tf.concat(biased, axis=-1))
        transformed = tf.nn.relu(_affine(x, self.transform, self.transform_bias))
        gate = tf.sigmoid(_affine(x, self.gate, self.gate_bias))
        x = x + gate * (transformed - x)
        if keep is not None:
            x *= tf.cast(keep, x.dtype)
        return full_precision(_affine(x, self.score, self.score_bias)[:, 0])


def _affine(x: tf.Tensor, kernel: keras.Variable, bias: keras.Variable) -> tf.Tensor:
    return tf.nn.bias_add(tf.matmul(x, _value(kernel, x.dtype)), _value(bias, x.dtype))


def _value(variable: keras.Variable, dtype: tf.DType | str) -> tf.Tensor:
    # Keras casts in `call` alone.
    return tf.cast(tf.convert_to_tensor(variable), dtype)


def _check(windows: Sequence[int], filters: Sequence[int], length: int) -> None:
    if len(windows) != len(filters):
        raise ConfigError(
            f"Expected as many windows as filters. Received: {len(windows)} and {len(filters)}."
        )
    if max(windows) > length:
        raise ConfigError(
            f"Expected windows of at most {length} tokens, a sequence. Received: {max(windows)}."
        )
