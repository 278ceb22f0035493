"""SeqGAN's recipes (Yu, Zhang, Wang, Yu, AAAI 2017, arXiv 1609.05473).

Sizes are those of the paper's appendix and of the released code, github.com/LantaoYu/SeqGAN.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from tfmusicgan.recipes.base import Preset, Recipe
from tfmusicgan.recipes.policy_gradient import COLLAPSE_BELOW, MLE_ONLY, PolicyGradientConfig
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


# Table 5 of the appendix, for sequences of 32 tokens.
_MUSIC_WINDOWS = {
    "windows": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 24, 32),
    "filters": (100, 200, 200, 200, 200, 100, 100, 100, 100, 100, 160, 160, 160),
}
# As many samples in a set as the tunes have windows to train on (3,884), in whole batches.
_MUSIC = SeqGANConfig(
    **_MUSIC_WINDOWS, negatives=3_872, likelihood_steps=7_260, likelihood_epoch_steps=60
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

MUSIC_METRICS = (
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


def _row(
    name: str, kind: str, summary: str, tiny: Mapping[str, Any] = TINY, **changes: Any
) -> Recipe:
    configs = {
        "paper": dataclasses.replace(_MUSIC, **changes),
        "small": dataclasses.replace(_SMALL, **changes),
        "tiny": SeqGANConfig(**{**TINY, **changes, **tiny}),
    }
    return Recipe(
        name=name,
        kind=kind,
        summary=summary,
        paper=PAPER,
        model="seqgan",
        representation="melody_tokens",
        dataset="nottingham",
        presets={p: Preset(_REPRESENTATIONS[p], config) for p, config in configs.items()},
        metrics=MUSIC_METRICS,
        collapse_below=COLLAPSE_BELOW,
        published=_PUBLISHED,
        published_notes=_PUBLISHED_NOTES,
    )


RECIPES = (
    _row(
        "seqgan_nottingham",
        "generator",
        "Melodies of 32 tokens, one for each 0.4 s, like those of folk tunes.",
    ),
    _row(
        "seqgan_nottingham_mle",
        "baseline",
        "The same generator, by likelihood alone.",
        {"likelihood_steps": 4},
        **MLE_ONLY,
    ),
)
