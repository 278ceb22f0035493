"""SeqGAN's config (Yu, Zhang, Wang, Yu, AAAI 2017, arXiv 1609.05473).

Sizes are those of the paper's appendix and of the released code, github.com/LantaoYu/SeqGAN.
"""

import dataclasses

from tfmusicgan.recipes.policy_gradient import PolicyGradientConfig
from tfmusicgan.recipes.wasserstein import check_positive, check_tuples

PAPER = (
    "Yu, Zhang, Wang, Yu: SeqGAN: Sequence Generative Adversarial Nets with Policy Gradient. "
    "AAAI 2017. https://arxiv.org/abs/1609.05473"
)


@dataclasses.dataclass(frozen=True)
class SeqGANConfig(PolicyGradientConfig):
    """Sizes of SeqGAN's networks; the defaults are those for sequences of 20 tokens."""

    # Generator: released code.
    embedding_size: int = 32
    hidden_size: int = 32
    initial_stddev: float = 0.1
    # Discriminator: table 5 of the appendix; embedding and initial bias by the released code.
    discriminator_embedding_size: int = 64
    windows: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20)
    filters: tuple[int, ...] = (100, 200, 200, 200, 200, 100, 100, 100, 100, 100, 160, 160)
    discriminator_bias: float = 0.1

    def __post_init__(self):
        """Checks ranges.

        Raises:
          ConfigError: If a value is out of its range, or there are not as many filters as windows.
        """
        super().__post_init__()
        sizes = ("embedding_size", "hidden_size", "initial_stddev", "discriminator_embedding_size")
        check_positive(self, sizes)
        check_tuples(self, [("windows", "filters")])


# Every phase in four steps; for tests only.
TINY = {
    "batch_size": 4,
    "likelihood_steps": 1,
    "discriminator_sets": 1,
    "rounds": 1,
    "sets_per_round": 1,
    "epochs_per_set": 1,
    "negatives": 2,
    "roll_outs": 2,
    "embedding_size": 4,
    "hidden_size": 6,
    "initial_stddev": 0.5,  # untrained, its samples differ already
    "discriminator_embedding_size": 4,
    "windows": (1, 3),
    "filters": (5, 4),
}
