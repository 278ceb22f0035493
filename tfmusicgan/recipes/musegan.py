"""MuseGAN's recipes (Dong, Hsiao, Yang, Yang, AAAI 2018, arXiv 1709.06298).

"v1" in the comments is the released code of the AAAI experiments: github.com/salu133445/musegan at
3c9a0dc, folder v1.
"""

import dataclasses
from typing import Any

from tfmusicgan.errors import ConfigError
from tfmusicgan.recipes.base import Preset, Recipe
from tfmusicgan.recipes.musegan_published import AAAI_NOTES, published_rows
from tfmusicgan.recipes.piano_roll_gan import PianoRollGANConfig
from tfmusicgan.recipes.piano_roll_rows import CHORALES, LPD_CLEANSED, Corpus
from tfmusicgan.recipes.wasserstein import check_positive, check_tuples

PAPER = (
    "Dong, Hsiao, Yang, Yang: MuseGAN: Multi-track Sequential Generative Adversarial Networks for "
    "Symbolic Music Generation and Accompaniment. AAAI 2018. https://arxiv.org/abs/1709.06298"
)


@dataclasses.dataclass(frozen=True)
class MuseGANConfig(PianoRollGANConfig):
    """Sizes and training constants of the three models; the defaults are the paper's.

    The generator's time kernels, times `first_steps`, multiply to the steps per bar, its pitch
    kernels to the number of pitches.
    """

    # Generator.
    latent_size: int = 128  # all kinds of latents together: v1 config
    latent_stddev: float = 0.1  # v1; the paper gives none
    temporal_filters: int = 1024  # G_temp: slides and v1
    share_temporal_generators: bool = False  # paper, figure 5; v1 shares them
    first_steps: int = 2  # v1: 1024 units reshaped to 2 steps of 512
    first_filters: int = 512  # v1
    time_filters: tuple[int, ...] = (512, 256, 256, 128, 128)  # v1
    time_kernels: tuple[int, ...] = (2, 2, 2, 2, 3)  # v1: 2 to 96 steps
    pitch_filters: tuple[int, ...] = (64,)  # v1, between the two pitch layers
    pitch_kernels: tuple[int, ...] = (7, 12)  # v1: 1 to 84 pitches
    encoder_filters: int = 16  # of each map of the given track: v1
    # Critic.
    critic_bar_filters: tuple[int, ...] = (128, 128)  # paper's appendix, three ports
    critic_pitch_filters: tuple[int, ...] = (128, 128)  # v1
    critic_pitch_kernels: tuple[int, ...] = (12, 7)  # v1
    critic_time_filters: tuple[int, ...] = (128, 128, 256, 512)  # v1
    critic_time_kernels: tuple[int, ...] = (2, 2, 4, 3)  # v1
    critic_time_strides: tuple[int, ...] = (2, 2, 2, 2)  # v1
    critic_dense_units: int = 1024  # v1
    # Training.
    batch_size: int = 64  # v1
    training_steps: int = 15_700  # v1: 20 epochs of 785 generator updates; 16,764 with its bursts
    learning_rate: float = 2e-4  # v1
    adam_beta_1: float = 0.5  # v1
    slope_epoch_steps: int = 785  # v1's epoch

    def __post_init__(self):
        """Checks ranges.

        Raises:
          ConfigError: If a value is out of its range, or tuples that belong together differ in
            length.
        """
        super().__post_init__()
        positive = ("latent_size", "latent_stddev", "temporal_filters", "first_steps")
        check_positive(self, (*positive, "first_filters", "encoder_filters", "critic_dense_units"))
        check_tuples(
            self,
            (
                ("time_filters", "time_kernels"),
                ("critic_pitch_filters", "critic_pitch_kernels"),
                ("critic_time_filters", "critic_time_kernels", "critic_time_strides"),
            ),
        )
        if len(self.pitch_kernels) != len(self.pitch_filters) + 1:
            raise ConfigError(
                "Expected one more of pitch_kernels than of pitch_filters. Received: "
                f"{len(self.pitch_kernels)} and {len(self.pitch_filters)}."
            )
        if len(self.critic_bar_filters) != 2:
            raise ConfigError(
                f"Expected two critic_bar_filters. Received: {self.critic_bar_filters}."
            )


# Sixteenth-note grid and few filters: ten minutes to half an hour on two CPU cores.
_SMALL = MuseGANConfig(
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
    training_steps=6_000,
    learning_rate=1e-3,
    batch_norm_decay=0.99,
    initial_stddev=0.05,
    ema_decay=0.999,
    qpm=100.0,
)

# Every code path in seconds; for tests only.
_TINY = MuseGANConfig(
    latent_size=16,
    encoder_filters=4,
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

_MODELS = {
    "jamming": "every track for itself",
    "composer": "one generator for all tracks",
    "hybrid": "shared and private latents",
}
# Jamming has a critic for each track, as the paper draws it.
_PRIVATE_CRITICS = {"private_critics": True}
# Critics of `small`: jamming's have half the filters each. The composer's one generator leaves the
# critic most of the step, so that it has fewer filters where maps are large, and more behind.
_SMALL_CRITICS = {
    "jamming": {
        "critic_bar_filters": (16, 16),
        "critic_pitch_filters": (32, 32),
        "critic_time_filters": (32, 64),
        "critic_dense_units": 128,
    },
    "composer": {
        "critic_bar_filters": (16, 8),
        "critic_pitch_filters": (96, 128),
        "critic_time_filters": (128, 256),
    },
    "hybrid": {},
}


_BAND = Corpus(
    suffix="",
    tracks="musegan",
    given="piano",  # the paper's conditional experiments
    dataset="lakh_matched",
    phrases="bass, drums, guitar, strings and piano",
    representation={"min_piece_tracks": 5},  # v1
    small_grid={"lowest_pitch": 24, "num_pitches": 60},  # a bass guitar begins at 28
)
_BAND_FILTERS = {**LPD_CLEANSED, "keys": ["C"]}  # v1's list of songs is of those in C
_BAND_KERNELS = {"pitch_kernels": (5, 12), "critic_pitch_kernels": (12, 5)}


def _presets(model: str, corpus: Corpus, **changes: Any) -> dict[str, Preset]:
    # To a given track the paper generates bars one by one; `small` and `tiny` have longer phrases.
    one_bar = {"bars": 1, "hop_bars": 1} if "condition_track" in changes else {}
    small = changes | _SMALL_CRITICS[model]
    if corpus.small_grid:
        small |= _BAND_KERNELS
    return {
        "paper": Preset(
            {**corpus.grid("paper"), **one_bar},
            dataclasses.replace(MuseGANConfig(), **changes),
            filters=_BAND_FILTERS if corpus is _BAND else {},
        ),
        "small": Preset(corpus.grid("small"), dataclasses.replace(_SMALL, **small)),
        "tiny": Preset(corpus.grid("tiny"), dataclasses.replace(_TINY, **changes)),
    }


def _row(model: str, corpus: Corpus, accompaniment: bool) -> Recipe:
    changes = dict(_PRIVATE_CRITICS) if model == "jamming" else {}
    task, suffix = "from scratch", corpus.suffix
    if accompaniment:
        changes["condition_track"] = corpus.given
        task, suffix = f"to a given {corpus.given}", f"{corpus.suffix}_accompaniment"
    return Recipe(
        name=f"musegan_{model}{suffix}",
        kind="generator",
        summary=f"Phrases of {corpus.phrases}, {task}: {_MODELS[model]}.",
        paper=PAPER,
        model=f"musegan_{model}",
        representation="multitrack_piano_roll",
        dataset=corpus.dataset,
        presets=_presets(model, corpus, **changes),
        metrics=corpus.metrics,
        collapse={"empty_bars": 0.99},
        **_published(model, corpus, accompaniment),
    )


def _published(model: str, corpus: Corpus, accompaniment: bool) -> dict[str, Any]:
    """The paper's figures, for its own five tracks."""
    if corpus is not _BAND:
        return {}
    rows = published_rows(model, "conditional" if accompaniment else "scratch")
    return {"published": rows, "published_notes": AAAI_NOTES}


RECIPES = tuple(
    _row(model, corpus, accompaniment)
    for corpus in (_BAND, CHORALES)
    for accompaniment in (False, True)
    for model in _MODELS
)
