"""MuseGAN's recipes (Dong, Hsiao, Yang, Yang, AAAI 2018, arXiv 1709.06298).

"v1" in the comments is the released code of the AAAI experiments: github.com/salu133445/musegan at
3c9a0dc, folder v1.
"""

import dataclasses
import math

from tfmusicgan.errors import ConfigError
from tfmusicgan.recipes.base import Preset, Recipe

PAPER = (
    "Dong, Hsiao, Yang, Yang: MuseGAN: Multi-track Sequential Generative Adversarial Networks for "
    "Symbolic Music Generation and Accompaniment. AAAI 2018. https://arxiv.org/abs/1709.06298"
)


@dataclasses.dataclass(frozen=True)
class MuseGANHybridConfig:
    """Sizes and training constants of the hybrid model; the defaults are the paper's.

    The generator's time kernels, times `first_steps`, multiply to the steps per bar, its pitch
    kernels to the number of pitches.
    """

    # Generator.
    latent_size: int = 32  # each of four kinds, 128 in all: paper, section 3.3; v1 config
    latent_stddev: float = 0.1  # v1; the paper gives none
    temporal_filters: int = 1024  # G_temp: slides and v1
    share_temporal_generators: bool = False  # paper, figure 5; v1 shares them
    first_steps: int = 2  # v1: 1024 units reshaped to 2 steps of 512
    first_filters: int = 512  # v1
    time_filters: tuple[int, ...] = (512, 256, 256, 128, 128)  # v1
    time_kernels: tuple[int, ...] = (2, 2, 2, 2, 3)  # v1: 2 to 96 steps
    pitch_filters: tuple[int, ...] = (64,)  # v1, between the two pitch layers
    pitch_kernels: tuple[int, ...] = (7, 12)  # v1: 1 to 84 pitches
    # Critic.
    critic_bar_filters: tuple[int, ...] = (128, 128)  # paper's appendix, three ports
    critic_pitch_filters: tuple[int, ...] = (128, 128)  # v1
    critic_pitch_kernels: tuple[int, ...] = (12, 7)  # v1
    critic_time_filters: tuple[int, ...] = (128, 128, 256, 512)  # v1
    critic_time_kernels: tuple[int, ...] = (2, 2, 4, 3)  # v1
    critic_time_strides: tuple[int, ...] = (2, 2, 2, 2)  # v1
    critic_dense_units: int = 1024  # v1
    leaky_relu_slope: float = 0.2  # v1
    # Training.
    batch_size: int = 64  # v1
    training_steps: int = 15_700  # generator updates: v1, 20 epochs of 785
    critic_updates: int = 5  # per generator update: paper, section 5.2
    critic_bursts: bool = False  # v1: 100 updates at first and at every 500th step
    reuse_critic_batch: bool = False  # v1 repeats batch and noise within a step
    gradient_penalty_weight: float = 10.0  # v1; WGAN-GP paper, section 4
    learning_rate: float = 2e-4  # v1
    adam_beta_1: float = 0.5  # v1
    adam_beta_2: float = 0.9  # v1
    batch_norm_decay: float = 0.9  # v1
    batch_norm_epsilon: float = 1e-5  # v1
    initial_stddev: float = 0.02  # truncated normal: v1
    ema_decay: float | None = None  # none in the paper
    # Generation.
    monophonic_bass: bool = False  # v1 keeps the bass's highest activation alone
    qpm: float = 80.0  # v1's MIDI writer

    def __post_init__(self):
        """Checks ranges.

        Raises:
          ConfigError: If a value is out of its range, or tuples that belong together differ in
            length.
        """
        positive = ("latent_size", "latent_stddev", "temporal_filters", "first_steps")
        positive += ("first_filters", "critic_dense_units", "batch_size", "training_steps")
        positive += ("critic_updates", "learning_rate", "batch_norm_epsilon", "initial_stddev")
        for name in (*positive, "qpm"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigError(f"Expected {name} above 0. Received: {getattr(self, name)}.")
        for name in ("gradient_penalty_weight", "leaky_relu_slope"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(
                    f"Expected {name} of at least 0. Received: {getattr(self, name)}."
                )
        for name, value in vars(self).items():
            if isinstance(value, tuple) and any(number < 1 for number in value):
                raise ConfigError(f"Expected {name} of 1 and more. Received: {value}.")
        for name in ("adam_beta_1", "adam_beta_2", "batch_norm_decay", "ema_decay"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                raise ConfigError(f"Expected {name} in [0, 1). Received: {value}.")
        if self.critic_bursts and 100 % self.critic_updates:
            raise ConfigError(
                f"Expected critic_updates to divide 100 with critic_bursts. "
                f"Received: {self.critic_updates}."
            )
        _check_lengths(self)


def _check_lengths(config: MuseGANHybridConfig) -> None:
    groups = (
        ("time_filters", "time_kernels"),
        ("critic_pitch_filters", "critic_pitch_kernels"),
        ("critic_time_filters", "critic_time_kernels", "critic_time_strides"),
    )
    for group in groups:
        lengths = {name: len(getattr(config, name)) for name in group}
        if len(set(lengths.values())) > 1:
            raise ConfigError(f"Expected tuples of one length. Received: {lengths}.")
    if len(config.pitch_kernels) != len(config.pitch_filters) + 1:
        raise ConfigError(
            "Expected one more of pitch_kernels than of pitch_filters. Received: "
            f"{len(config.pitch_kernels)} and {len(config.pitch_filters)}."
        )
    if len(config.critic_bar_filters) != 2:
        raise ConfigError(
            f"Expected two critic_bar_filters. Received: {config.critic_bar_filters}."
        )


# Sixteenth-note grid and few filters: minutes on two CPU cores.
_SMALL = MuseGANHybridConfig(
    latent_stddev=1.0,
    temporal_filters=128,
    first_filters=128,
    time_filters=(128, 64, 64),
    time_kernels=(2, 2, 2),
    pitch_filters=(32,),
    pitch_kernels=(4, 12),
    critic_bar_filters=(32, 32),
    critic_pitch_filters=(64, 64),
    critic_pitch_kernels=(12, 4),
    critic_time_filters=(64, 128),
    critic_time_kernels=(2, 4),
    critic_time_strides=(2, 2),
    critic_dense_units=256,
    batch_size=16,
    training_steps=2_000,
    learning_rate=1e-3,
    batch_norm_decay=0.99,
    initial_stddev=0.05,
    qpm=100.0,
)

# Every code path in seconds; for tests only.
_TINY = MuseGANHybridConfig(
    latent_size=4,
    latent_stddev=1.0,
    temporal_filters=8,
    first_filters=8,
    time_filters=(8, 8),
    time_kernels=(2, 2),
    pitch_filters=(4,),
    pitch_kernels=(4, 12),
    critic_bar_filters=(4, 4),
    critic_pitch_filters=(8, 8),
    critic_pitch_kernels=(12, 4),
    critic_time_filters=(8,),
    critic_time_kernels=(2,),
    critic_time_strides=(2,),
    critic_dense_units=16,
    batch_size=4,
    training_steps=4,
    critic_updates=2,
    initial_stddev=0.2,  # untrained, it plays notes already
    ema_decay=0.9,
)

_METRICS = (
    "empty_bars",
    "used_pitch_classes",
    "qualified_notes",
    "polyphonicity",
    "drum_pattern",
    "tonal_distance",
)

# The note details of v1 at 24 steps per beat; a coarser grid would lose too much to them.
_PAPER_GRID = {
    "bars": 4,
    "beats_per_bar": 4,
    "steps_per_beat": 24,
    "lowest_pitch": 24,
    "num_pitches": 84,
    "hop_bars": 4,
    "separate_notes": "always",
    "min_note_steps": 2,
}
_SMALL_GRID = {
    "bars": 4,
    "beats_per_bar": 4,
    "steps_per_beat": 4,
    "lowest_pitch": 36,
    "num_pitches": 48,
    "hop_bars": 1,
}
_TINY_GRID = {**_SMALL_GRID, "bars": 2, "steps_per_beat": 2, "hop_bars": 2}


def _presets(tracks: str, **filters: int) -> dict[str, Preset]:
    where = {"tracks": tracks, **filters}
    return {
        "paper": Preset({**_PAPER_GRID, **where}, MuseGANHybridConfig()),
        "small": Preset({**_SMALL_GRID, **where}, _SMALL),
        "tiny": Preset({**_TINY_GRID, **where}, _TINY),
    }


RECIPES = (
    Recipe(
        name="musegan_hybrid",
        kind="generator",
        summary="Four-bar phrases of bass, drums, guitar, strings and piano, from scratch.",
        paper=PAPER,
        model="musegan_hybrid",
        representation="multitrack_piano_roll",
        dataset="midi",
        presets=_presets("musegan", min_piece_tracks=5),
        metrics=_METRICS,
        collapse={"empty_bars": 0.99},
    ),
    Recipe(
        name="musegan_hybrid_chorales",
        kind="generator",
        summary="Four-bar phrases of four voices (soprano, alto, tenor, bass), from scratch.",
        paper=PAPER,
        model="musegan_hybrid",
        representation="multitrack_piano_roll",
        dataset="bach_chorales",
        presets=_presets("voices"),
        metrics=tuple(name for name in _METRICS if name != "drum_pattern"),
        collapse={"empty_bars": 0.99},
    ),
)
