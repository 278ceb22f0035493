"""Roll-outs as the released SeqGAN has them.

One batch for each prefix and repetition, read from its first token on, drawn from by TensorFlow's
own operation, and scored by itself.
"""

import tensorflow as tf

from tfmusicgan.models import noise, roll_outs, token_draws
from tfmusicgan.models.seqgan import SeqGAN


class PlainRollOuts:
    """Action values with a graph for each prefix length, which is run for each repetition.

    Args:
      model: Its generator completes, its discriminator rewards.
      by_our_draws: Draw as `roll_outs` does, with the same numbers, so that values are the same.
    """

    def __init__(self, model: SeqGAN, by_our_draws: bool = False):
        self.model, self.by_our_draws = model, by_our_draws
        self._complete = {kept: self._graph(kept) for kept in range(1, model.length)}
        self._reward = tf.function(model.reward)

    def action_values(self, sequences: tf.Tensor, keys: noise.Key) -> tf.Tensor:
        """float32 [rows, length], what `policy_gradient.action_values` gives for the same keys."""
        repeats, length = self.model.model_config.roll_outs, self.model.length
        uniforms = roll_outs.uniforms(keys, length, repeats)
        total = 0.0
        for repeat in range(repeats):
            columns = []
            for kept in range(1, length):
                drawn = uniforms[kept - 1, :, repeat]
                columns.append(self._reward(self._complete[kept](sequences, drawn)))
            # As released, which scores the whole sequences again for every repetition.
            columns.append(self._reward(sequences))
            total += tf.stack(columns, axis=1)
        return total / repeats

    def _graph(self, kept: int) -> tf.types.experimental.PolymorphicFunction:
        lstm, length = self.model.generator, self.model.length

        @tf.function
        def complete(sequences: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
            table = lstm.gate_table()
            state = lstm.zero_state(tf.shape(sequences)[0])
            token, tokens = tf.fill([tf.shape(sequences)[0]], lstm.start_token), []
            for position in range(length):
                state = lstm.step(token, state, table)
                if position < kept:
                    token = sequences[:, position]
                else:
                    token = self._draw(state[0], uniforms[:, position])
                tokens.append(token)
            return tf.stack(tokens, axis=1)

        return complete

    def _draw(self, hidden: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
        kernel, bias = self.model.generator.output()
        if self.by_our_draws:  # to the bit: the bias is a row of the product
            kernel, bias = token_draws.pad_output(kernel, bias)
            kernel = tf.concat([kernel, bias[tf.newaxis]], axis=0)
            logits = tf.matmul(tf.pad(hidden, [[0, 0], [0, 1]], constant_values=1), kernel)
            return token_draws.draw(logits, uniforms)
        logits = tf.nn.bias_add(tf.matmul(hidden, kernel), bias)
        return tf.random.categorical(logits, 1, dtype=tf.int32, seed=1)[:, 0]
