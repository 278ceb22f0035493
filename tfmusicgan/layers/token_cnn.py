"""A discriminator of token sequences: windows of several lengths, a highway layer, one score.

The discriminator of SeqGAN (Yu et al., AAAI 2017, arXiv 1609.05473, section "The discriminative
model for sequences"; filters: appendix, table 5), after Kim's text classifier (arXiv 1408.5882) and
Srivastava's highway networks (arXiv 1505.00387). One score, a logit, in place of the released
code's two softmax outputs.
"""

from collections.abc import Sequence

import keras
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
      bias: Initial bias of the windows; the score's is 0, as the difference of two equal ones.

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
        self.score_bias = self.add_weight(name="score_bias", shape=(1,), initializer="zeros")
        self.built = True

    def call(self, tokens: tf.Tensor, keep: tf.Tensor | None = None) -> tf.Tensor:
        """Scores sequences; `keep` [batch, features] multiplies the last features."""
        embedding = _value(self.embedding, self.compute_dtype)
        embedded = tf.gather(embedding, tokens)  # [batch, length, embedding size]
        answers = [
            tf.reduce_max(self._answers(embedded, w), axis=1) for w in range(len(self.windows))
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
        embedding = _value(self.embedding, self.compute_dtype)
        # Positions come first: parts of them are then no copies.
        given = tf.gather(embedding, tf.transpose(sequences))  # [length, rows, embedding size]
        own = [self._answers_by_place(given, index) for index in range(len(self.windows))]
        scores = []
        for kept in range(1, length):
            tokens = tf.transpose(tf.reshape(completed[kept - 1], [-1, length]))
            embedded = tf.gather(embedding, tokens)
            answers = []
            for index, window in enumerate(self.windows):
                # Places before this one see given tokens alone.
                first = max(0, kept - window + 1)
                answer = tf.reduce_max(self._answers_by_place(embedded[first:], index), axis=0)
                if first:
                    before = tf.reduce_max(own[index][:first], axis=0)
                    answer = tf.maximum(answer, tf.repeat(before, repeats, axis=0))
                answers.append(answer)
            scores.append(self._score(answers))
        return tf.reshape(tf.stack(scores), tf.shape(completed)[:-1])

    def _answers(self, embedded: tf.Tensor, index: int) -> tf.Tensor:
        """A window's product with its filters at every place.

        Args:
          embedded: [batch, length, embedding size].
          index: The window's.

        Returns:
          [batch, places, filters].
        """
        window = self.windows[index]
        kernel = _value(self.kernels[index], embedded.dtype)
        length, size = embedded.shape[1:]
        if window in (1, length):  # one product, without frames that overlap
            answers = tf.matmul(tf.reshape(embedded, [-1, window * size]), kernel)
            return tf.reshape(answers, [-1, length - window + 1, kernel.shape[1]])
        return tf.nn.conv1d(embedded, tf.reshape(kernel, [window, size, -1]), 1, "VALID")

    def _answers_by_place(self, embedded: tf.Tensor, index: int) -> tf.Tensor:
        """The same with places first, which is faster for many rows, gradients apart.

        Args:
          embedded: [length, batch, embedding size].
          index: The window's.

        Returns:
          [places, batch, filters].
        """
        window = self.windows[index]
        kernel = _value(self.kernels[index], embedded.dtype)
        size = embedded.shape[-1]
        if window == 1:
            return tf.tensordot(embedded, kernel, 1)
        filters = tf.reshape(kernel, [window, 1, size, -1])
        return tf.nn.conv2d(embedded[tf.newaxis], filters, 1, "VALID")[0]

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
