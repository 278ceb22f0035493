"""JazzGAN's networks: both read notes one after the other, the discriminator scores each of them.

Time is the first axis inside the LSTMs, rows are the first axis of everything else.
"""

import keras
import tensorflow as tf

from tfmusicgan.layers.initializers import seeded_plain_normal
from tfmusicgan.layers.precision import full_precision
from tfmusicgan.models.jazzgan.features import NoteReader
from tfmusicgan.models.jazzgan.lstm import PeepholeLSTM, State
from tfmusicgan.recipes.jazzgan import PEEPHOLES, JazzGANConfig
from tfmusicgan.representations.jazz_phrases_rhythm import TIME_STEP

Logits = tuple[tf.Tensor, tf.Tensor | None]
"""Of pitch tokens, and of rhythm tokens unless there are none."""


class Head(keras.layers.Layer):
    """Logits of tokens from a hidden state by the tokens' own embeddings (tied).

    Args:
      hidden_size: Numbers of a hidden state.
      tokens: How many tokens there are.
      embedding_size: Numbers of a token.
      seed: Of the initial weights.
      stddev: Theirs; biases begin as 0.
    """

    def __init__(
        self,
        hidden_size: int,
        tokens: int,
        embedding_size: int,
        seed: int,
        stddev: float,
        **kwargs,
    ):
        super().__init__(**kwargs)
        initializer = seeded_plain_normal(seed, f"{self.name}/kernel", stddev)
        self.kernel = self.add_weight(
            name="kernel", shape=(hidden_size, embedding_size), initializer=initializer
        )
        self.bias = self.add_weight(name="bias", shape=(embedding_size,), initializer="zeros")
        self.token_bias = self.add_weight(name="token_bias", shape=(tokens,), initializer="zeros")
        self.built = True

    def call(self, hidden: tf.Tensor, embedding: tf.Tensor) -> tf.Tensor:
        """Makes logits.

        Args:
          hidden: float [rows, hidden size].
          embedding: float [tokens, embedding size].

        Returns:
          float32 or float64 [rows, tokens].
        """
        kernel, bias, token_bias, embedding = (
            tf.cast(tf.convert_to_tensor(weight), self.compute_dtype)
            for weight in (self.kernel, self.bias, self.token_bias, embedding)
        )
        bent = tf.tanh(tf.nn.bias_add(tf.matmul(hidden, kernel), bias))
        logits = tf.nn.bias_add(tf.matmul(bent, embedding, transpose_b=True), token_bias)
        return full_precision(logits)


class Generator(keras.layers.Layer):
    """Says each note from what is known before it.

    Args:
      config: Sizes.
      encoding: Of the representation.
      seed: Of the initial weights.
    """

    def __init__(self, config: JazzGANConfig, encoding: str, seed: int, **kwargs):
        super().__init__(**kwargs)
        size, stddev, name = config.hidden_size, config.initial_stddev, self.name
        self.hidden_size = size
        self.reader, self.lstm = _reader_and_lstm(config, encoding, seed, name, "")
        pitches, pitch_size = self.reader.pitch_embedding.shape
        self.pitch = Head(size, pitches, pitch_size, seed, stddev, name=f"{name}_pitch")
        self.rhythm = None
        if encoding != TIME_STEP:
            tokens, rhythm_size = self.reader.rhythm_embedding.shape
            self.rhythm = Head(size, tokens, rhythm_size, seed, stddev, name=f"{name}_rhythm")
        self.built = True

    def call(self, inputs: tf.Tensor, state: State) -> Logits:
        """Says the notes of given phrases.

        Args:
          inputs: float [rows, steps, input size], from `reader`; the number of steps is known.
          state: Before the first step, two of [rows, hidden size].

        Returns:
          Logits [rows, steps, tokens].
        """
        steps, rows = inputs.shape[1], tf.shape(inputs)[0]
        hidden = tf.transpose(self.lstm(tf.transpose(inputs, [1, 0, 2]), state), [1, 0, 2])
        logits = self.logits(tf.reshape(hidden, [rows * steps, self.hidden_size]))
        return tuple(
            None if part is None else tf.reshape(part, [rows, steps, part.shape[-1]])
            for part in logits
        )

    def logits(self, hidden: tf.Tensor) -> Logits:
        """What both heads say of hidden states [rows, hidden size], which they share."""
        pitch = self.pitch(hidden, tf.convert_to_tensor(self.reader.pitch_embedding))
        if self.rhythm is None:
            return pitch, None
        return pitch, self.rhythm(hidden, tf.convert_to_tensor(self.reader.rhythm_embedding))


class Discriminator(keras.layers.Layer):
    """Scores the notes of phrases, each after it has read it and those before it.

    Args:
      config: Sizes.
      encoding: Of the representation.
      seed: Of the initial weights.

    Input shape:
      float [rows, steps, input size], from `reader`; the number of steps is known.

    Output shape:
      float32 or float64 [rows, steps], before the sigmoid.
    """

    def __init__(self, config: JazzGANConfig, encoding: str, seed: int, **kwargs):
        super().__init__(**kwargs)
        size, stddev, name = config.discriminator_hidden_size, config.initial_stddev, self.name
        self.hidden_size = size
        self.reader, self.lstm = _reader_and_lstm(config, encoding, seed, name, "discriminator_")
        initializer = seeded_plain_normal(seed, f"{name}/score", stddev)
        self.score = self.add_weight(name="score", shape=(size, 1), initializer=initializer)
        self.score_bias = self.add_weight(name="score_bias", shape=(1,), initializer="zeros")
        for part in ("hidden", "cell"):
            name = f"initial_{part}"
            setattr(self, name, self.add_weight(name=name, shape=(size,), initializer="zeros"))
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Scores phrases."""
        steps, rows, size = inputs.shape[1], tf.shape(inputs)[0], self.hidden_size
        state = [
            tf.broadcast_to(tf.convert_to_tensor(part), [rows, size])
            for part in (self.initial_hidden, self.initial_cell)
        ]
        hidden = self.lstm(tf.transpose(inputs, [1, 0, 2]), tuple(state))
        score, bias = (
            tf.cast(tf.convert_to_tensor(weight), self.compute_dtype)
            for weight in (self.score, self.score_bias)
        )
        scores = tf.matmul(tf.reshape(hidden, [steps * rows, size]), score) + bias
        return full_precision(tf.transpose(tf.reshape(scores, [steps, rows])))


def _reader_and_lstm(
    config: JazzGANConfig, encoding: str, seed: int, name: str, prefix: str
) -> tuple[NoteReader, PeepholeLSTM]:
    """What both networks begin with, the sizes being those of the config behind a prefix."""
    names = ("hidden_size", "pitch_embedding_size", "rhythm_embedding_size", "root_embedding_size")
    size, pitch, rhythm, root = (getattr(config, prefix + size) for size in names)
    stddev = config.initial_stddev
    reader = NoteReader(
        encoding,
        pitch,
        rhythm,
        root,
        config.rest_class,
        config.chord_tones,
        seed,
        stddev,
        name=f"{name}_reader",
    )
    peepholes = config.cell == PEEPHOLES
    lstm = PeepholeLSTM(reader.input_size, size, seed, stddev, peepholes, name=f"{name}_lstm")
    return reader, lstm
