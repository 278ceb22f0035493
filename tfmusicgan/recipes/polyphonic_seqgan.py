"""Polyphonic SeqGAN's recipes (Lee, Hwang, Min, Yoon 2017, arXiv 1710.11418).

Sizes and training are those of the newest released configuration and of the least-squares script,
github.com/L0SG/seqgan-music; which one made the paper's figures is not known.
"""

import dataclasses
from typing import Any

from tfmusicgan.recipes.base import Preset, Recipe
from tfmusicgan.recipes.policy_gradient import COLLAPSE_BELOW, MLE_ONLY, PolicyGradientConfig
from tfmusicgan.recipes.wasserstein import check_choice, check_positive, check_tuples

PAPER = (
    "Lee, Hwang, Min, Yoon: Polyphonic Music Generation with Sequence Generative Adversarial "
    "Networks. 2017. https://arxiv.org/abs/1710.11418"
)
LEAST_SQUARES, CROSS_ENTROPY, WASSERSTEIN = "least_squares", "cross_entropy", "wasserstein"


@dataclasses.dataclass(frozen=True)
class PolyphonicSeqGANConfig(PolicyGradientConfig):
    """Sizes and training of polyphonic SeqGAN, for sequences of 100 words."""

    batch_size: int = 32  # SeqGAN.yaml
    discriminator_batch_size: int | None = 64  # discriminator_ls.py: 32 real ones, 32 samples
    likelihood_steps: int = 4_300  # SeqGAN.yaml: 100 epochs; of 43 batches, of which we have 35
    likelihood_epoch_steps: int = 43
    discriminator_sets: int = 100  # SeqGAN.yaml
    rounds: int = 2_000  # SeqGAN.yaml
    sets_per_round: int = 1  # SeqGAN.yaml
    negatives: int = 1_376  # SeqGAN.yaml: 1,400, of which 43 batches are made
    roll_outs: int = 32  # SeqGAN.yaml
    likelihood_learning_rate: float = 1e-3  # SeqGAN.yaml
    # The same: the switch for ten times as much (x10adv_g) sets what no operation reads.
    policy_learning_rate: float = 1e-3
    # Generator: SeqGAN.yaml and generator_ls.py.
    embedding_size: int = 32
    hidden_size: int = 512
    initial_stddev: float = 0.1
    # Discriminator: SeqGAN.yaml and discriminator_ls.py.
    discriminator_embedding_size: int = 32
    windows: tuple[int, ...] = (20, 20, 20, 20, 20)
    filters: tuple[int, ...] = (400, 400, 400, 400, 400)
    discriminator_bias: float = 0.0  # discriminator.py, of cross_entropy: 0.1
    discriminator_l2: float = 0.2  # SeqGAN.yaml, on one output; of cross_entropy's two: 0.1
    discriminator_loss: str = LEAST_SQUARES  # or cross_entropy, or wasserstein
    clip_value: float = 0.01  # discriminator_w.py; read with wasserstein alone

    def __post_init__(self):
        """Checks ranges.

        Raises:
          ConfigError: If a value is out of its range, or there are not as many filters as windows.
        """
        super().__post_init__()
        sizes = ("embedding_size", "hidden_size", "initial_stddev", "discriminator_embedding_size")
        check_positive(self, (*sizes, "clip_value"))
        check_tuples(self, [("windows", "filters")])
        choices = (LEAST_SQUARES, CROSS_ENTROPY, WASSERSTEIN)
        check_choice(self, "discriminator_loss", choices)


# 20 words, a seventh of the weights: minutes on two CPU cores. What is set against collapse is
# compared on it.
_SMALL = PolyphonicSeqGANConfig(
    hidden_size=64,
    windows=(1, 2, 3, 4, 5, 10, 20),
    filters=(25, 50, 50, 50, 50, 50, 50),
    roll_outs=4,
    likelihood_steps=6_000,
    likelihood_epoch_steps=226,
    discriminator_sets=10,
    rounds=50,
    negatives=1_024,
)

# Every phase in four steps; for tests only.
_TINY = PolyphonicSeqGANConfig(
    batch_size=4,
    discriminator_batch_size=4,
    likelihood_steps=1,
    likelihood_epoch_steps=1,
    discriminator_sets=1,
    rounds=1,
    epochs_per_set=1,
    negatives=2,
    roll_outs=2,
    embedding_size=4,
    hidden_size=6,
    initial_stddev=0.5,  # untrained, its samples differ already
    discriminator_embedding_size=4,
    windows=(3, 3),
    filters=(5, 4),
)

# Windows that overlap would be each other's references: BLEU among held-out windows of half a
# window's overlap is 0.80, of others 0.55. (The price: tunes are short, a quarter of the words is
# in no window of 100.)
_REPRESENTATIONS = {
    "paper": {},
    "small": {"length": 20},
    "tiny": {"length": 8, "hop": 4},
}


METRICS = (
    "smoothed_bleu",
    "self_bleu",
    "distinct_ngrams",
    "onsets",
    "quarters",
    "chord_tones",
)


def _row(
    name: str,
    kind: str,
    summary: str,
    tiny: PolyphonicSeqGANConfig = _TINY,
    **changes: Any,
) -> Recipe:
    configs = {"paper": PolyphonicSeqGANConfig(), "small": _SMALL, "tiny": tiny}
    return Recipe(
        name=name,
        kind=kind,
        summary=summary,
        paper=PAPER,
        model="polyphonic_seqgan",
        representation="chord_melody_words",
        dataset="nottingham",
        presets={
            preset: Preset(_REPRESENTATIONS[preset], dataclasses.replace(config, **changes))
            for preset, config in configs.items()
        },
        metrics=METRICS,
        collapse_below=COLLAPSE_BELOW,
    )


RECIPES = (
    _row("polyphonic_seqgan", "generator", "Folk tunes with chords, a word for each onset."),
    _row(
        "polyphonic_seqgan_mle",
        "baseline",
        "The same generator by likelihood alone.",
        tiny=dataclasses.replace(_TINY, likelihood_steps=4),
        **MLE_ONLY,
    ),
)
