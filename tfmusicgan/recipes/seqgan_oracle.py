"""The rows of SeqGAN's synthetic experiment: SeqGAN and the baselines of its table 1.

Yu, Zhang, Wang, Yu, AAAI 2017, arXiv 1609.05473; schedules of the released code,
github.com/LantaoYu/SeqGAN, and of its history before March 2017 for the baselines.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from tfmusicgan.errors import ConfigError
from tfmusicgan.recipes.base import Preset, Recipe
from tfmusicgan.recipes.policy_gradient import COLLAPSE_BELOW, MLE_ONLY
from tfmusicgan.recipes.seqgan import PAPER, TINY, SeqGANConfig
from tfmusicgan.recipes.wasserstein import check_positive


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


# The synthetic experiment: published sizes; a vocabulary of 500 and a quarter of the filters. The
# published 50 sets and 5 a round would take most of two hours of two CPU cores a seed.
_ORACLE_SMALL = SeqGANConfig(
    filters=(25, 50, 50, 50, 50, 25, 25, 25, 25, 25, 40, 40),
    discriminator_sets=10,
    rounds=50,
    sets_per_round=1,
)
_SMALL_POLICY_RATE = 3e-3  # SeqGAN's and its control's; PG-BLEU has its own
_ORACLE_VOCABULARIES = {
    "paper": {},
    "small": {"num_tokens": 500},
    "tiny": {"num_tokens": 30},
}
_ORACLE_METRICS = ("oracle_nll", "self_bleu", "distinct_ngrams")
_ADVERSARIAL_OFF = {"discriminator_sets": 0, "sets_per_round": 0}
_SCHEDULED_SAMPLING = {
    "likelihood_steps": 46_800,  # 300 epochs
    "likelihood_learning_rate": 1e-3,  # that of the time of the paper
    "scheduled_sampling_decay": 0.002,
}


def _oracle_configs(tiny: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "paper": dataclasses.replace(SeqGANConfig(), **changes),
        "small": dataclasses.replace(_ORACLE_SMALL, **changes),
        "tiny": dataclasses.replace(SeqGANConfig(**TINY), **{**changes, **tiny}),
    }


def _oracle_row(
    name: str, kind: str, summary: str, configs: Mapping[str, Any], model: str = "seqgan"
) -> Recipe:
    return Recipe(
        name=name,
        kind=kind,
        summary=summary,
        paper=PAPER,
        model=model,
        representation="token_sequence",
        dataset="seqgan_oracle",
        presets={
            preset: Preset(_ORACLE_VOCABULARIES[preset], config)
            for preset, config in configs.items()
        },
        metrics=_ORACLE_METRICS,
        collapse_below=COLLAPSE_BELOW,
        published=_PUBLISHED,
        published_notes=_PUBLISHED_NOTES,
    )


# Table 1: means over tokens, whatever the formula says; under the released oracle alone.
_PUBLISHED = {
    f"paper {name}": {"oracle_nll/token": value}
    for name, value in (
        ("random", 10.310),
        ("MLE", 9.038),
        ("scheduled sampling", 8.985),
        ("PG-BLEU", 8.946),
        ("SeqGAN", 8.736),
    )
}
_PUBLISHED_NOTES = (
    "The paper's figures hold under the released oracle; under another one only rows of that one "
    "can be compared.",
    "An oracle_nll below the training data's means lost variety: see held_out_nll and self_bleu.",
)

RECIPES = (
    _oracle_row(
        "seqgan_oracle",
        "oracle",
        "Token sequences like those of a random LSTM, by policy gradient.",
        {
            **_oracle_configs({}),
            # A fifth of the published updates: larger ones for the discriminator. At the published
            # rate the policy has lost its gain before the last round.
            "small": dataclasses.replace(
                _ORACLE_SMALL,
                discriminator_learning_rate=1e-3,
                policy_learning_rate=_SMALL_POLICY_RATE,
            ),
        },
    ),
    _oracle_row(
        "seqgan_oracle_mle",
        "baseline",
        "The same generator, by likelihood alone.",
        _oracle_configs({"likelihood_steps": 4}, **MLE_ONLY),
    ),
    _oracle_row(
        "seqgan_oracle_scheduled_sampling",
        "baseline",
        "The same generator, by scheduled sampling.",
        _oracle_configs(
            {"likelihood_steps": 4, "likelihood_epoch_steps": 1, "scheduled_sampling_decay": 0.3},
            **MLE_ONLY,
            **_SCHEDULED_SAMPLING,
        ),
    ),
    _oracle_row(
        "seqgan_oracle_pg_bleu",
        "baseline",
        "The same generator, by policy gradient with BLEU as the reward.",
        {
            "paper": PGBleuConfig(),
            "small": PGBleuConfig(rounds=200),
            "tiny": PGBleuConfig(**{**TINY, **_ADVERSARIAL_OFF, "rounds": 3, "num_references": 5}),
        },
        model="pg_bleu",
    ),
    _oracle_row(
        "seqgan_oracle_random_rewards",
        "baseline",
        "The same generator, by policy gradient with rewards at random: a control.",
        {
            "paper": NoDiscriminatorConfig(),
            "small": NoDiscriminatorConfig(
                rounds=_ORACLE_SMALL.rounds, policy_learning_rate=_SMALL_POLICY_RATE
            ),
            "tiny": NoDiscriminatorConfig(**{**TINY, **_ADVERSARIAL_OFF, "rounds": 3}),
        },
        model="random_rewards",
    ),
    _oracle_row(
        "seqgan_oracle_random",
        "baseline",
        "Tokens drawn one by one, each by its frequency.",
        {
            "paper": UnigramConfig(),
            "small": UnigramConfig(),
            "tiny": UnigramConfig(batch_size=4, training_steps=4),
        },
        model="token_unigram",
    ),
)
