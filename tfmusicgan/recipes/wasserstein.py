"""Training constants of the models trained as Wasserstein GANs."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from tfmusicgan.errors import ConfigError

CONSTRAINTS = ("gradient_penalty", "weight_clipping")
OPTIMIZERS = ("adam", "rmsprop")
DECAYS = ("none", "linear")


@dataclasses.dataclass(frozen=True)
class WassersteinConfig:
    """Losses, schedule and optimizers; the defaults are WGAN-GP's (Gulrajani et al. 2017).

    The first Wasserstein GAN (Arjovsky et al. 2017, algorithm 1) is `critic_constraint=
    weight_clipping`, `optimizer=rmsprop`, `learning_rate=5e-5`.
    """

    batch_size: int = 64  # WGAN-GP, section 5
    training_steps: int = 200_000  # generator updates, without bursts: WGAN-GP, section 5.1
    critic_updates: int = 5  # per training step: WGAN-GP, algorithm 1
    # WGAN's released code: 100 for each of the first 25 generator updates and for every 500th. A
    # burst is 100 / critic_updates training steps, of which the last alone updates the generator:
    # of 15,700 steps of five critic updates, 14,674 do.
    critic_bursts: bool = False
    reuse_critic_batch: bool = False  # one batch and noise for all updates of a step
    critic_constraint: str = "gradient_penalty"  # or weight_clipping
    gradient_penalty_weight: float = 10.0  # WGAN-GP, section 4
    clip_value: float = 0.01  # WGAN, algorithm 1; read with weight_clipping alone
    critic_dropout: float = 0.0  # share of the critic's last features left out in training
    optimizer: str = "adam"  # or rmsprop
    learning_rate: float = 1e-4  # WGAN-GP, algorithm 1
    learning_rate_decay: str = "none"  # or linear: to 0 at the last training step
    adam_beta_1: float = 0.0  # WGAN-GP, algorithm 1
    adam_beta_2: float = 0.9  # WGAN-GP, algorithm 1
    ema_decay: float | None = None  # moving average of the sampled weights

    def __post_init__(self):
        """Checks ranges.

        Raises:
          ConfigError: If a value is out of its range, or a name is none of the known.
        """
        positive = ("batch_size", "training_steps", "critic_updates", "clip_value", "learning_rate")
        check_positive(self, positive)
        check_not_negative(self, ("gradient_penalty_weight",))
        check_shares(self, ("critic_dropout", "adam_beta_1", "adam_beta_2", "ema_decay"))
        check_choice(self, "critic_constraint", CONSTRAINTS)
        check_choice(self, "optimizer", OPTIMIZERS)
        check_choice(self, "learning_rate_decay", DECAYS)
        if self.critic_bursts and 100 % self.critic_updates:
            raise ConfigError(
                f"Expected critic_updates to divide 100 with critic_bursts. "
                f"Received: {self.critic_updates}."
            )


def check_positive(config: Any, names: Sequence[str]) -> None:
    """Raises ConfigError where a number is not above 0 and finite."""
    for name in names:
        if not 0 < getattr(config, name) < math.inf:
            raise ConfigError(f"Expected {name} above 0. Received: {getattr(config, name)}.")


def check_not_negative(config: Any, names: Sequence[str]) -> None:
    """Raises ConfigError where a number is below 0 or not finite."""
    for name in names:
        if not 0 <= getattr(config, name) < math.inf:
            raise ConfigError(f"Expected {name} of at least 0. Received: {getattr(config, name)}.")


def check_shares(config: Any, names: Sequence[str]) -> None:
    """Raises ConfigError where a number is not within [0, 1); None passes."""
    for name in names:
        value = getattr(config, name)
        if value is not None and not 0 <= value < 1:
            raise ConfigError(f"Expected {name} in [0, 1). Received: {value}.")


def check_choice(config: Any, name: str, choices: Sequence[str]) -> None:
    """Raises ConfigError where a text is none of the choices."""
    if getattr(config, name) not in choices:
        raise ConfigError(
            f"Expected {name} among {', '.join(choices)}. Received: {getattr(config, name)!r}."
        )


def check_tuples(config: Any, groups: Sequence[Sequence[str]]) -> None:
    """Raises ConfigError where a tuple holds less than 1, or tuples of a group differ in length."""
    for name, value in vars(config).items():
        if isinstance(value, tuple) and any(number < 1 for number in value):
            raise ConfigError(f"Expected {name} of 1 and more. Received: {value}.")
    for group in groups:
        lengths = {name: len(getattr(config, name)) for name in group}
        if len(set(lengths.values())) > 1:
            raise ConfigError(f"Expected tuples of one length. Received: {lengths}.")
