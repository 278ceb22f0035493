"""SeqGAN: an LSTM that writes tokens, and a discriminator of windows that rewards it.

Yu, Zhang, Wang, Yu, AAAI 2017, arXiv 1609.05473.

Differs from the released code: one logit in place of two softmax outputs; a discriminator's batch
is half real, half samples; gradients that come several times for one row of an embedding are added
before their norm is taken.
"""

from typing import Any

from tfmusicgan.layers.token_cnn import TokenCNN
from tfmusicgan.layers.token_lstm import TokenLSTM
from tfmusicgan.models.token_gan import TokenGAN
from tfmusicgan.recipes.seqgan import SeqGANConfig
from tfmusicgan.representations.melody_tokens import MelodyTokens


class SeqGAN(TokenGAN):
    """SeqGAN on sequences of tokens.

    Args:
      config: Sizes and training constants.
      representation: Decides vocabulary and length.
      seed: Of the initial weights and of all training noise.

    Raises:
      ConfigError: If a window is longer than a sequence.
    """

    def __init__(
        self, config: SeqGANConfig, representation: MelodyTokens, seed: int = 0, **kwargs: Any
    ):
        super().__init__(config, representation, seed, **kwargs)
        self.generator = self._policy("generator")
        self.roll_out_policy = self._policy("generator") if config.roll_out_lag else None
        if self.roll_out_policy is not None:
            self.roll_out_policy.trainable = False
        self.discriminator = TokenCNN(
            representation.num_tokens,
            self.length,
            config.discriminator_embedding_size,
            config.windows,
            config.filters,
            seed,
            config.discriminator_bias,
            name="discriminator",
        )
        self.finish_building()

    def _policy(self, name: str) -> TokenLSTM:
        """A language model; those of one name begin with the same weights."""
        config = self.model_config
        return TokenLSTM(
            self.representation.num_tokens,
            config.embedding_size,
            config.hidden_size,
            self.representation.start_token,
            self.seed,
            config.initial_stddev,
            self.drawable,
            name=name,
        )
