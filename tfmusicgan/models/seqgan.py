"""SeqGAN: an LSTM that writes tokens, and a discriminator of windows that rewards it.

Yu, Zhang, Wang, Yu, AAAI 2017, arXiv 1609.05473.

Differs from the released code: one logit in place of two softmax outputs; a discriminator's batch
is half real, half samples; gradients that come several times for one row of an embedding are added
before their norm is taken.
"""

from typing import Any

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
        self.build_networks()
        self.finish_building()
