"""Configs of the baselines of SeqGAN's tables: tokens at random, scheduled sampling, PG-BLEU.

Yu, Zhang, Wang, Yu, AAAI 2017, arXiv 1609.05473; schedules of the released code's history before
March 2017, github.com/LantaoYu/SeqGAN. Likelihood alone is SeqGAN's own first phase. The numbers of
steps and references are those of the oracle's 9,984 training sequences.
"""

import dataclasses
from typing import ClassVar

from tfmusicgan.errors import ConfigError
from tfmusicgan.recipes.seqgan import SeqGANConfig
from tfmusicgan.recipes.wasserstein import check_positive

ADVERSARIAL_OFF = {"discriminator_sets": 0, "sets_per_round": 0}
SCHEDULED_SAMPLING = {
    "likelihood_steps": 46_800,  # 300 epochs
    "likelihood_learning_rate": 1e-3,  # that of the time of the paper
    "scheduled_sampling_decay": 0.002,
}
TINY_SCHEDULED_SAMPLING = {
    "likelihood_steps": 4,
    "likelihood_epoch_steps": 1,
    "scheduled_sampling_decay": 0.3,
}


@dataclasses.dataclass(frozen=True)
class NoDiscriminatorConfig(SeqGANConfig):
    """SeqGAN's generator by policy gradient whose rewards are no discriminator's."""

    needs_discriminator: ClassVar[bool] = False

    discriminator_sets: int = 0
    sets_per_round: int = 0

    def __post_init__(self):
        """Checks ranges.

        Raises:
          ConfigError: If a value is out of its range, or there are sets for a discriminator.
        """
        super().__post_init__()
        if self.discriminator_sets or self.sets_per_round:
            raise ConfigError(
                "Expected discriminator_sets=0 and sets_per_round=0: there is no discriminator. "
                f"Received: {self.discriminator_sets} and {self.sets_per_round}."
            )


@dataclasses.dataclass(frozen=True)
class PGBleuConfig(NoDiscriminatorConfig):
    """The baseline PG-BLEU (released code): BLEU rewards."""

    likelihood_steps: int = 31_200  # 200 epochs
    likelihood_learning_rate: float = 1e-3  # that of the time of the paper
    policy_learning_rate: float = 1e-3
    rounds: int = 800
    roll_outs: int = 1
    num_references: int = 3_994  # 40 % of the training sequences

    def __post_init__(self):
        """Checks ranges.

        Raises:
          ConfigError: If a value is out of its range, or there are sets for a discriminator.
        """
        super().__post_init__()
        check_positive(self, ("num_references",))


@dataclasses.dataclass(frozen=True)
class UnigramConfig:
    """The baseline that counts tokens: one epoch of the oracle's training sequences."""

    batch_size: int = 64
    training_steps: int = 156

    def __post_init__(self):
        """Checks ranges.

        Raises:
          ConfigError: If a value is out of its range.
        """
        check_positive(self, ("batch_size", "training_steps"))
