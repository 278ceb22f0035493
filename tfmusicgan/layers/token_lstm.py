"""A language model of tokens: embedding, one LSTM layer, a product to logits.

The generator of SeqGAN (Yu et al., AAAI 2017, arXiv 1609.05473, section "The generative model for
sequences") and, with standard normal weights, its oracle; sizes and initial weights are those of
the released code. Gates are in Keras's order: input, forget, candidate, output; none has an offset.

Sampling one token at a time looks its input's product with the gates up in a table of all tokens;
reading a whole sequence makes one product of all its inputs.
"""

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan.layers.initializers import seeded_plain_normal
from tfmusicgan.layers.precision import full_precision

State = tuple[tf.Tensor, tf.Tensor]
# The bias of tokens that are never drawn, finite in float16 as well: their probability is 0.
_NEVER = -3e4


class TokenLSTM(keras.layers.Layer):
    """p(token | the tokens before it).

    Args:
      num_tokens: Size of the vocabulary.
      embedding_size: Numbers per token.
      hidden_size: Units of the LSTM.
      start_token: The token that stands before the first one.
      seed: Of the initial weights.
      stddev: Of all initial weights, biases too.
      drawable: bool [num_tokens], the tokens that have a probability, by default all.

    Input shape:
      int [batch, length], tokens within 0 and `num_tokens` - 1.

    Output shape:
      float32 [batch, length, num_tokens]: at t the logits of the token at t, given those before.
    """

    def __init__(
        self,
        num_tokens: int,
        embedding_size: int,
        hidden_size: int,
        start_token: int,
        seed: int,
        stddev: float = 0.1,
        drawable: np.ndarray | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.drawable = drawable
        self.num_tokens, self.hidden_size = num_tokens, hidden_size
        self.start_token = start_token
        shapes = {
            "embedding": (num_tokens, embedding_size),
            "kernel": (embedding_size, 4 * hidden_size),
            "recurrent_kernel": (hidden_size, 4 * hidden_size),
            "bias": (4 * hidden_size,),
            "output_kernel": (hidden_size, num_tokens),
            "output_bias": (num_tokens,),
        }
        for name, shape in shapes.items():
            initializer = seeded_plain_normal(seed, f"{self.name}/{name}", stddev)
            setattr(self, name, self.add_weight(name=name, shape=shape, initializer=initializer))
        self.built = True

    def call(self, tokens: tf.Tensor) -> tf.Tensor:
        """Logits of every token of given sequences."""
        hidden, _ = self.read(tokens)
        return full_precision(self.logits(hidden))

    def zero_state(self, rows: int | tf.Tensor) -> State:
        """The state before anything is read: two of [rows, hidden size]."""
        zeros = tf.zeros([rows, self.hidden_size], self.compute_dtype)
        return zeros, zeros

    def gate_table(self) -> tf.Tensor:
        """Every token's product with the gates, [num_tokens, 4 * hidden size], for `step`."""
        return tf.matmul(self._value(self.embedding), self._value(self.kernel)) + self._value(
            self.bias
        )

    def step(self, tokens: tf.Tensor, state: State, gate_table: tf.Tensor) -> State:
        """Reads one token.

        Args:
          tokens: int [rows].
          state: Two of [rows, hidden size].
          gate_table: From `gate_table`.

        Returns:
          The state after it.
        """
        return self._cell(tf.gather(gate_table, tokens), state)

    def read(self, tokens: tf.Tensor) -> State:
        """Reads the start token and all tokens but the last.

        Args:
          tokens: int [batch, length], the length known.

        Returns:
          Hidden and cell states, [batch, length, hidden size] each: at t those that the token at t
          is drawn from.
        """
        start = tf.fill([tf.shape(tokens)[0], 1], tf.cast(self.start_token, tokens.dtype))
        inputs = tf.gather(self._value(self.embedding), tf.concat([start, tokens[:, :-1]], axis=1))
        gates = tf.tensordot(inputs, self._value(self.kernel), 1) + self._value(self.bias)
        state, states = self.zero_state(tf.shape(tokens)[0]), []
        for position in tf.unstack(gates, num=tokens.shape[1], axis=1):
            state = self._cell(position, state)
            states.append(state)
        hidden, cell = zip(*states, strict=True)
        return tf.stack(hidden, axis=1), tf.stack(cell, axis=1)

    def output(self) -> tuple[tf.Tensor, tf.Tensor]:
        """What makes logits of a hidden state: [hidden size, num_tokens] and [num_tokens]."""
        bias = self._value(self.output_bias)
        if self.drawable is not None:
            bias = tf.where(tf.constant(self.drawable), bias, tf.cast(_NEVER, bias.dtype))
        return self._value(self.output_kernel), bias

    def logits(self, hidden: tf.Tensor) -> tf.Tensor:
        """Logits of the next token: [..., hidden size] to [..., num_tokens]."""
        kernel, bias = self.output()
        flat = tf.matmul(tf.reshape(hidden, [-1, self.hidden_size]), kernel)
        shape = tf.concat([tf.shape(hidden)[:-1], [self.num_tokens]], axis=0)
        return tf.reshape(tf.nn.bias_add(flat, bias), shape)

    def _cell(self, inputs: tf.Tensor, state: State) -> State:
        hidden, cell = state
        gates = inputs + tf.matmul(hidden, self._value(self.recurrent_kernel))
        size = self.hidden_size
        # Input and forget gate lie side by side.
        opened = tf.sigmoid(gates[:, : 2 * size])
        candidate = tf.tanh(gates[:, 2 * size : 3 * size])
        cell = opened[:, size:] * cell + opened[:, :size] * candidate
        return tf.sigmoid(gates[:, 3 * size :]) * tf.tanh(cell), cell

    def _value(self, variable: keras.Variable) -> tf.Tensor:
        # Keras casts in `call` alone.
        return tf.cast(tf.convert_to_tensor(variable), self.compute_dtype)
