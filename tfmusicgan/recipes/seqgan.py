"""SeqGAN's recipes (Yu, Zhang, Wang, Yu, AAAI 2017, arXiv 1609.05473).

Sizes are those of the paper's appendix and of the released code, github.com/LantaoYu/SeqGAN.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from tfmusicgan.errors import ConfigError
from tfmusicgan.recipes.base import Preset, Recipe
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


@dataclasses.dataclass(frozen=True)
class PGBleuConfig(SeqGANConfig):
    """The baseline PG-BLEU (released code): no discriminator, BLEU rewards."""

    likelihood_steps: int = 31_200  # 200 epochs
    discriminator_sets: int = 0
    sets_per_round: int = 0
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
        if self.discriminator_sets or self.sets_per_round:
            raise ConfigError(
                "Expected discriminator_sets=0 and sets_per_round=0: PG-BLEU has no discriminator. "
                f"Received: {self.discriminator_sets} and {self.sets_per_round}."
            )


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


# Table 5 of the appendix, for sequences of 32 tokens.
_MUSIC_WINDOWS = {
    "windows": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 24, 32),
    "filters": (100, 200, 200, 200, 200, 100, 100, 100, 100, 100, 160, 160, 160),
}
# As many samples in a set as the tunes have windows to train on (3,884), in whole batches.
_MUSIC = SeqGANConfig(**_MUSIC_WINDOWS, negatives=3_872, likelihood_steps=7_260)

# A discriminator with a quarter of the filters, fewer and smaller sets: minutes on two CPU cores.
_MUSIC_SMALL = dataclasses.replace(
    _MUSIC,
    hidden_size=64,
    filters=(25, 50, 50, 50, 50, 25, 25, 25, 25, 25, 40, 40, 40),
    likelihood_steps=2_400,
    discriminator_sets=10,
    rounds=40,
    sets_per_round=1,
    negatives=1_024,
)

# Every phase in four steps; for tests only.
_TINY = {
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


def _music_presets(**changes: Any) -> dict[str, Preset]:
    tiny = {"length": 8, "hop": 4, "lowest_pitch": 55, "num_pitches": 30}
    configs = {"paper": _MUSIC, "small": _MUSIC_SMALL, "tiny": SeqGANConfig(**_TINY)}
    configs = {name: dataclasses.replace(config, **changes) for name, config in configs.items()}
    return {name: Preset(tiny if name == "tiny" else {}, c) for name, c in configs.items()}


MUSIC_METRICS = (
    "bleu",
    "self_bleu",
    "distinct_ngrams",
    "rests",
    "notes_per_token",
    "pitch_class_histogram",
    "interval_histogram",
)

# The synthetic experiment: published sizes; a vocabulary of 500 and a quarter of the filters.
_ORACLE_SMALL = SeqGANConfig(filters=(25, 50, 50, 50, 50, 25, 25, 25, 25, 25, 40, 40), rounds=50)
_ORACLE_VOCABULARIES = {
    "paper": {},
    "small": {"num_tokens": 500},
    "tiny": {"num_tokens": 30},
}
_ORACLE_METRICS = ("oracle_nll", "self_bleu", "distinct_ngrams")
_MLE_ONLY = {"discriminator_sets": 0, "rounds": 0}
_ADVERSARIAL_OFF = {"discriminator_sets": 0, "sets_per_round": 0}
_SCHEDULED_SAMPLING = {"likelihood_steps": 46_800, "scheduled_sampling_decay": 0.002}  # 300 epochs


def _oracle_configs(tiny: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "paper": dataclasses.replace(SeqGANConfig(), **changes),
        "small": dataclasses.replace(_ORACLE_SMALL, **changes),
        "tiny": dataclasses.replace(SeqGANConfig(**_TINY), **{**changes, **tiny}),
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
    Recipe(
        name="seqgan_nottingham",
        kind="generator",
        summary="Melodies of 32 tokens, one for each 0.4 s, like those of folk tunes.",
        paper=PAPER,
        model="seqgan",
        representation="melody_tokens",
        dataset="nottingham",
        presets=_music_presets(),
        metrics=MUSIC_METRICS,
    ),
    _oracle_row(
        "seqgan_oracle",
        "oracle",
        "Token sequences like those of a random LSTM, by policy gradient.",
        _oracle_configs({}),
    ),
    _oracle_row(
        "seqgan_oracle_mle",
        "baseline",
        "The same generator, by likelihood alone.",
        _oracle_configs({"likelihood_steps": 4}, **_MLE_ONLY),
    ),
    _oracle_row(
        "seqgan_oracle_scheduled_sampling",
        "baseline",
        "The same generator, by scheduled sampling.",
        _oracle_configs(
            {"likelihood_steps": 4, "likelihood_epoch_steps": 1, "scheduled_sampling_decay": 0.3},
            **_MLE_ONLY,
            **_SCHEDULED_SAMPLING,
        ),
    ),
    _oracle_row(
        "seqgan_oracle_pg_bleu",
        "baseline",
        "The same generator, by policy gradient with BLEU as the reward.",
        {
            "paper": PGBleuConfig(),
            "small": PGBleuConfig(),
            "tiny": PGBleuConfig(**{**_TINY, **_ADVERSARIAL_OFF, "rounds": 3, "num_references": 5}),
        },
        model="pg_bleu",
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
