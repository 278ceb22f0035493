"""SeqGAN on the melodies of folk tunes, and the baselines of its table 4.

Yu, Zhang, Wang, Yu, AAAI 2017, arXiv 1609.05473, section "Music Generation". The paper's table has
likelihood alone beside SeqGAN; the other baselines are those of its table 1, on the same melodies.

Differs from the paper: the split and the windows are ours, the paper's are not known.
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
    PGBleuConfig,
    UnigramConfig,
)

# Table 5 of the appendix, for sequences of 32 tokens.
_MUSIC_WINDOWS = {
    "windows": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 24, 32),
    "filters": (100, 200, 200, 200, 200, 100, 100, 100, 100, 100, 160, 160, 160),
}
# As many samples in a set as the tunes have windows to train on (3,884), in whole batches, of which
# they make 60.5: an epoch of likelihood, of which there are 120 (300 by scheduled sampling, 200
# before PG-BLEU).
_EPOCH_STEPS = 60
_MUSIC = SeqGANConfig(
    **_MUSIC_WINDOWS,
    negatives=3_872,
    likelihood_steps=7_260,
    likelihood_epoch_steps=_EPOCH_STEPS,
)

# A discriminator with a quarter of the filters, fewer and smaller sets: minutes on two CPU cores.
_SMALL = dataclasses.replace(
    _MUSIC,
    hidden_size=64,
    filters=(25, 50, 50, 50, 50, 25, 25, 25, 25, 25, 40, 40, 40),
    likelihood_steps=2_400,
    discriminator_sets=10,
    rounds=40,
    sets_per_round=1,
    negatives=1_024,
)

_METRICS = (
    "bleu",
    "nearest_mse",
    "self_bleu",
    "distinct_ngrams",
    "rests",
    "notes_per_token",
    "pitch_class_histogram",
    "interval_histogram",
)
_REPRESENTATIONS = {
    "paper": {},
    "small": {},
    "tiny": {"length": 8, "hop": 4, "lowest_pitch": 55, "num_pitches": 30},
}

# Table 4.
_PUBLISHED = {"paper MLE": {"bleu/4": 0.9210}, "paper SeqGAN": {"bleu/4": 0.9406}}
_PUBLISHED_NOTES = (
    "The paper's BLEU-4 has another split and other windows, and is high by nature: tunes sampled "
    "every 0.4 s are made of few n-grams. Read it beside the held-out row.",
    "The paper's MSE (22.38 and 20.62) is not told what it compares; nearest_mse is ours.",
)


def _configs(tiny: Mapping[str, Any] = TINY, **changes: Any) -> dict[str, Any]:
    return {
        "paper": dataclasses.replace(_MUSIC, **changes),
        "small": dataclasses.replace(_SMALL, **changes),
        "tiny": SeqGANConfig(**{**TINY, **changes, **tiny}),
    }


def _row(
    name: str, kind: str, summary: str, configs: Mapping[str, Any], model: str = "seqgan"
) -> Recipe:
    return Recipe(
        name=name,
        kind=kind,
        summary=summary,
        paper=PAPER,
        model=model,
        representation="melody_tokens",
        dataset="nottingham",
        presets={p: Preset(_REPRESENTATIONS[p], config) for p, config in configs.items()},
        metrics=_METRICS,
        collapse_below=COLLAPSE_BELOW,
        published=_PUBLISHED,
        published_notes=_PUBLISHED_NOTES,
    )


def _scheduled_sampling_configs() -> dict[str, Any]:
    """`small`: likelihood's own steps and rate, and at their end the published share of 0.4."""
    configs = _configs(
        TINY_SCHEDULED_SAMPLING, **MLE_ONLY, **{**SCHEDULED_SAMPLING, "likelihood_steps": 18_150}
    )
    small = dataclasses.replace(_SMALL, **MLE_ONLY, scheduled_sampling_decay=0.015)
    return {**configs, "small": small}


def _pg_bleu_configs() -> dict[str, Any]:
    """`small`: likelihood's own steps and rate before a quarter of the published rounds."""
    paper = PGBleuConfig(
        likelihood_steps=12_100,
        likelihood_epoch_steps=_EPOCH_STEPS,
        num_references=1_554,  # 40 % of the windows
    )
    small = dataclasses.replace(
        paper,
        hidden_size=_SMALL.hidden_size,
        likelihood_steps=_SMALL.likelihood_steps,
        likelihood_learning_rate=_SMALL.likelihood_learning_rate,
        rounds=200,
    )
    tiny = PGBleuConfig(**{**TINY, **ADVERSARIAL_OFF, "rounds": 3, "num_references": 5})
    return {"paper": paper, "small": small, "tiny": tiny}


RECIPES = (
    _row(
        "seqgan_nottingham",
        "generator",
        "Melodies of 32 tokens, one for each 0.4 s, like those of folk tunes.",
        _configs(),
    ),
    _row(
        "seqgan_nottingham_mle",
        "baseline",
        "The same generator, by likelihood alone.",
        _configs({"likelihood_steps": 4}, **MLE_ONLY),
    ),
    _row(
        "seqgan_nottingham_scheduled_sampling",
        "baseline",
        "The same generator, by scheduled sampling.",
        _scheduled_sampling_configs(),
    ),
    _row(
        "seqgan_nottingham_pg_bleu",
        "baseline",
        "The same generator, by policy gradient with BLEU as the reward.",
        _pg_bleu_configs(),
        model="pg_bleu",
    ),
    _row(
        "seqgan_nottingham_random",
        "baseline",
        "Keys and silence drawn one by one, each by its frequency.",
        {
            "paper": UnigramConfig(training_steps=_EPOCH_STEPS),
            "small": UnigramConfig(training_steps=_EPOCH_STEPS),
            "tiny": UnigramConfig(batch_size=4, training_steps=4),
        },
        model="token_unigram",
    ),
)
