"""MidiNet's recipes (Yang, Chou, Yang, ISMIR 2017, arXiv 1703.10847).

"v1" in the comments is the released code, github.com/RichardYang40148/MidiNet at 1b0b484, folder
v1, which is the third of the paper's models; "P" is the paper, "port" are the presets of
minhpham160603/MidiNet-by-pytorch at 0b09bb7.
"""

import dataclasses
from typing import Any

from tfmusicgan.errors import ConfigError
from tfmusicgan.recipes.base import Preset, Recipe
from tfmusicgan.recipes.wasserstein import check_not_negative, check_positive, check_shares

PAPER = (
    "Yang, Chou, Yang: MidiNet: A Convolutional Generative Adversarial Network for Symbolic-domain "
    "Music Generation. ISMIR 2017. https://arxiv.org/abs/1703.10847"
)

# The transposed convolutions that the previous bar can be given to.
NUM_UPSAMPLINGS = 4


@dataclasses.dataclass(frozen=True)
class MidiNetConfig:
    """Sizes and training constants; the defaults are the released code's, the paper's Model 3."""

    # What a bar is made to.
    chord_condition: bool = True  # Models 2 and 3; v1
    previous_bar_layers: int = NUM_UPSAMPLINGS  # the last so many: 4, of Model 2 one
    # Generator and conditioner.
    latent_size: int = 100  # v1
    dense_units: int = 1024  # v1
    first_units: int = 256  # two steps of 128: v1
    filters: int = 128  # v1
    conditioner_filters: int = 16  # v1
    # Discriminator.
    discriminator_bar_filters: int = 14  # v1
    discriminator_time_filters: int = 77  # v1
    discriminator_dense_units: int = 1024  # v1
    leaky_relu_slope: float = 0.2  # v1
    initial_stddev: float = 0.02  # v1
    batch_norm_decay: float = 0.9  # of the moving statistics that sampling uses: v1
    batch_norm_epsilon: float = 1e-5  # v1
    # Losses.
    real_label: float = 0.9  # one-sided smoothing: v1
    bar_matching_weight: float = 0.01  # lambda_1, of the mean bars: v1; of Model 1: 0.1
    feature_matching_weight: float = 0.1  # lambda_2, of the discriminator's: v1; of Model 1: 1
    # Training.
    batch_size: int = 72  # bars: v1
    training_steps: int = 14_020  # 20 epochs of 701 batches: v1
    generator_updates: int = 2  # per update of the discriminator: v1
    fresh_noise: bool = False  # for every update; v1 takes one draw for all
    transpose_keys: int = 12  # keys that training windows are moved to at random; v1 has all copies
    learning_rate: float = 5e-5  # v1; ports: 2e-4
    adam_beta_1: float = 0.5  # v1
    adam_beta_2: float = 0.999  # v1
    ema_decay: float | None = None  # moving average of the sampled weights
    # Generation.
    qpm: float = 120.0  # a port's demonstration

    def __post_init__(self):
        """Checks ranges.

        Raises:
          ConfigError: If a value is out of its range.
        """
        sizes = ("latent_size", "dense_units", "first_units", "filters", "conditioner_filters")
        sizes += ("discriminator_bar_filters", "discriminator_time_filters", "qpm")
        sizes += ("discriminator_dense_units", "initial_stddev", "batch_norm_epsilon")
        check_positive(self, (*sizes, "batch_size", "training_steps", "learning_rate"))
        weights = ("leaky_relu_slope", "bar_matching_weight", "feature_matching_weight")
        check_not_negative(self, weights)
        check_shares(self, ("batch_norm_decay", "adam_beta_1", "adam_beta_2", "ema_decay"))
        for name, low, high in (
            ("previous_bar_layers", 0, NUM_UPSAMPLINGS),
            ("generator_updates", 1, 10),
            ("transpose_keys", 1, 12),
            ("real_label", 0.5, 1.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"Expected {name} within {low}-{high}. Received: {value}.")


# The released sizes are small, and so is the data that they were made for: what differs is averaged
# weights. (At 2e-4, as ports, the discriminator runs away after 6,000 steps on OpenEWLD, and chord
# tones become fewer.)
_SMALL = {"ema_decay": 0.999}

# Every code path in seconds; for tests only.
_TINY = MidiNetConfig(
    latent_size=8,
    dense_units=16,
    first_units=16,
    filters=8,
    conditioner_filters=4,
    discriminator_bar_filters=6,
    discriminator_time_filters=6,
    discriminator_dense_units=12,
    batch_size=4,
    training_steps=4,
    learning_rate=1e-3,
    initial_stddev=0.2,  # untrained, its bars differ already
    ema_decay=0.9,
)

_REPRESENTATIONS = {
    "paper": {},
    "small": {"hop_bars": 4},
    "tiny": {"bars": 3, "hop_bars": 2},
}

METRICS = (
    "chord_tones_in_bar",
    "pitches_in_range",
    "bar_repeats",
    "bar_similarity",
    "bar_pitches",
    "bar_onsets",
    "bar_pitch_classes",
    "bar_intervals",
    "bar_note_steps",
)


def _row(
    name: str,
    summary: str,
    representation: dict[str, Any],
    presets: dict[str, dict[str, Any]],
    **changes: Any,
) -> Recipe:
    paper = dataclasses.replace(MidiNetConfig(), **changes)
    configs = {
        "paper": paper,
        "small": dataclasses.replace(paper, **_SMALL, **presets.get("small", {})),
        "tiny": dataclasses.replace(_TINY, **{**changes, **presets.get("tiny", {})}),
    }
    return Recipe(
        name=name,
        kind="generator",
        summary=summary,
        paper=PAPER,
        model="midinet",
        representation="melody_bars",
        dataset="openewld",
        presets={
            preset: Preset({**_REPRESENTATIONS[preset], **representation}, config)
            for preset, config in configs.items()
        },
        metrics=METRICS,
        collapse={"bar_repeats": 0.99},
    )


# Of Model 1: 256 filters everywhere, and 512 units, two steps of 256 (P; the weights: port).
_MELODY = {
    "chord_condition": False,
    "first_units": 512,
    "filters": 256,
    "conditioner_filters": 256,
    "bar_matching_weight": 0.1,
    "feature_matching_weight": 1.0,
}

# Without chords the published discriminator runs away on OpenEWLD, and so does one of 8, 16 and 64;
# the generator then has the sizes of Models 2 and 3 (scripts/reproduce/midinet.md).
_SMALL_MELODY = {
    "discriminator_bar_filters": 4,
    "discriminator_time_filters": 8,
    "discriminator_dense_units": 32,
    "first_units": 256,
    "filters": 128,
    "conditioner_filters": 16,
}

RECIPES = (
    _row(
        "midinet_melody",
        "Melodies bar by bar after the previous bar, without chords (Model 1).",
        {"chords": "none"},
        {
            "small": _SMALL_MELODY,
            "tiny": {"first_units": 16, "filters": 8, "conditioner_filters": 4},
        },
        **_MELODY,
    ),
    _row(
        "midinet_stable",
        "Melodies bar by bar over chords that they keep to (Model 2).",
        {},
        {},
        previous_bar_layers=1,
    ),
    _row(
        "midinet_creative",
        "Melodies bar by bar over chords and after the previous bar (Model 3).",
        {},
        {},
    ),
)
