"""The rows of SeqGAN's synthetic experiment: SeqGAN and the baselines of its table 1.

Yu, Zhang, Wang, Yu, AAAI 2017, arXiv 1609.05473; schedules of the released code,
github.com/LantaoYu/SeqGAN, and of its history before March 2017 for the baselines.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from tfmusicgan.recipes.base import Preset, Recipe
from tfmusicgan.recipes.policy_gradient import COLLAPSE_BELOW, MLE_ONLY
from tfmusicgan.recipes.seqgan import PAPER, TINY, SeqGANConfig
from tfmusicgan.recipes.seqgan_baselines import (
    ADVERSARIAL_OFF,
    SCHEDULED_SAMPLING,
    TINY_SCHEDULED_SAMPLING,
    NoDiscriminatorConfig,
    PGBleuConfig,
    UnigramConfig,
)

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
            TINY_SCHEDULED_SAMPLING,
            **MLE_ONLY,
            **SCHEDULED_SAMPLING,
        ),
    ),
    _oracle_row(
        "seqgan_oracle_pg_bleu",
        "baseline",
        "The same generator, by policy gradient with BLEU as the reward.",
        {
            "paper": PGBleuConfig(),
            "small": PGBleuConfig(rounds=200),
            "tiny": PGBleuConfig(**{**TINY, **ADVERSARIAL_OFF, "rounds": 3, "num_references": 5}),
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
            "tiny": NoDiscriminatorConfig(**{**TINY, **ADVERSARIAL_OFF, "rounds": 3}),
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
