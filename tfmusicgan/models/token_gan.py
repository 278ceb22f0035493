"""What the GANs on sequences of tokens share beside their training: networks, sampling, serving."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfmusicgan.errors import ConfigError
from tfmusicgan.layers.token_cnn import TokenCNN
from tfmusicgan.layers.token_lstm import TokenLSTM
from tfmusicgan.models import noise, roll_outs, token_pieces
from tfmusicgan.models.policy_gradient_gan import PolicyGradientGAN
from tfmusicgan.models.signature import Signature
from tfmusicgan.models.token_draws import Limits
from tfmusicgan.recipes.policy_gradient import DISCRIMINATOR
from tfmusicgan.representations.base import Representation

_SAMPLING_STREAM = 2
# The longest piece, in lengths of a training sequence.
_MOST_LENGTHS = 8


class TokenGAN(PolicyGradientGAN):
    """A GAN on sequences of tokens that learns by policy gradient.

    The representation has `num_tokens`, `start_token` and one field, `tokens` int32 [length]. It
    may have `drawable`, bool [num_tokens]: the tokens that music has, where the vocabulary holds
    others, such as a start symbol. Its graph half (`token_pieces.graph_half`) is what exports need.

    Args:
      config: Sizes and training constants.
      representation: Decides vocabulary and length.
      seed: Of the initial weights and of all training noise.

    Raises:
      ConfigError: If a window is longer than a sequence, or sequences are too short for roll-outs.
    """

    def __init__(self, config: Any, representation: Representation, seed: int = 0, **kwargs: Any):
        super().__init__(config, representation, seed, **kwargs)
        self.build_networks()
        self.finish_building()

    def build_networks(self) -> None:
        """Sets `generator`, `roll_out_policy`, and `discriminator` if any phase trains it.

        Raises:
          ConfigError: If a window is longer than a sequence, or that has no prefix to complete.
        """
        config, rep = self.model_config, self.representation
        if self.length < 2 and config.rounds:
            raise ConfigError(
                f"Expected sequences of at least 2 tokens, to have roll-outs. Received: "
                f"{self.length}. Convert the data with a greater length, or set rounds=0."
            )
        self.generator = self._policy("generator")
        self.roll_out_policy = self._policy("generator") if config.roll_out_lag else None
        if self.roll_out_policy is not None:
            self.roll_out_policy.trainable = False
        self.discriminator = None
        if DISCRIMINATOR not in dict(config.phases()):
            return
        self.discriminator = TokenCNN(
            rep.num_tokens,
            self.length,
            config.discriminator_embedding_size,
            config.windows,
            config.filters,
            self.seed,
            config.discriminator_bias,
            name="discriminator",
        )

    def _policy(self, name: str) -> TokenLSTM:
        """A language model; those of one name begin with the same weights."""
        config, rep = self.model_config, self.representation
        return TokenLSTM(
            rep.num_tokens,
            config.embedding_size,
            config.hidden_size,
            rep.start_token,
            self.seed,
            config.initial_stddev,
            self.drawable,
            name=name,
        )

    @property
    def drawable(self) -> np.ndarray | None:
        """The tokens that may be drawn, bool [num_tokens]; None for all."""
        return getattr(self.representation, "drawable", None)

    @property
    def max_length(self) -> int:
        """Tokens of the longest piece; the generator can go on after what it was trained on."""
        return _MOST_LENGTHS * self.length

    def piece_keys(self, seeds: tf.Tensor) -> noise.Key:
        """Keys of pieces: int64 [batch] to two uint32 [batch]."""
        return noise.fold(noise.key_from_seed(seeds), np.int64(_SAMPLING_STREAM))

    def sample(
        self,
        seeds: tf.Tensor,
        temperature: tf.Tensor | float = 1.0,
        top_k: tf.Tensor | int = 0,
        top_p: tf.Tensor | float = 1.0,
        length: tf.Tensor | int | None = None,
    ) -> dict[str, tf.Tensor]:
        """Writes one sequence per seed.

        Args:
          seeds: int64 [batch].
          temperature: At least 0, a number or float32 [batch]; see `token_draws.Limits`.
          top_k: At least 0, a number or int32 [batch].
          top_p: Probability, a number or float32 [batch].
          length: From 1 to `max_length`, a number or int32 [batch]; by default the training length.

        Returns:
          `tokens`: int32 [batch, the highest length], 0 beyond a row's own length.
        """
        rows = tf.shape(seeds)

        def of_rows(value: Any, dtype: tf.DType) -> tf.Tensor:
            return tf.broadcast_to(tf.cast(value, dtype), rows)

        limits = Limits(
            of_rows(temperature, tf.float32), of_rows(top_k, tf.int32), of_rows(top_p, tf.float32)
        )
        lengths = of_rows(self.length if length is None else length, tf.int32)
        keys = self.piece_keys(seeds)
        return {"tokens": roll_outs.write(self.generator, keys, lengths, self.max_length, limits)}

    def sample_examples(self, seeds: tf.Tensor) -> dict[str, tf.Tensor]:
        """Writes one sequence per seed: int64 [batch] to `tokens` int32 [batch, length]."""
        lengths = tf.fill(tf.shape(seeds), self.length)
        tokens = roll_outs.write(self.generator, self.piece_keys(seeds), lengths, self.length)
        return {"tokens": tf.reshape(tokens, [tf.size(seeds), self.length])}

    def signatures(self) -> dict[str, Signature]:
        """`serving_default`, `generate` and `continue`."""
        return token_pieces.signatures(self)
