"""BinaryMuseGAN's config (Dong and Yang, ISMIR 2018, arXiv 1804.09399).

"BM" in the comments is the released code: github.com/salu133445/bmusegan at bdda818.
"""

import dataclasses

from tfmusicgan.errors import ConfigError
from tfmusicgan.recipes.base import Preset, Recipe
from tfmusicgan.recipes.musegan_published import ISMIR_NOTES, published_binary_rows
from tfmusicgan.recipes.piano_roll_gan import PianoRollGANConfig
from tfmusicgan.recipes.piano_roll_rows import CHORALES, LPD_CLEANSED, Corpus
from tfmusicgan.recipes.wasserstein import check_choice, check_positive, check_tuples

PAPER = (
    "Dong, Yang: Convolutional Generative Adversarial Networks with Binary Neurons for Polyphonic "
    "Music Generation. ISMIR 2018. https://arxiv.org/abs/1804.09399"
)
CRITICS = ("proposed", "ablated", "baseline")


@dataclasses.dataclass(frozen=True)
class BinaryMuseGANConfig(PianoRollGANConfig):
    """Sizes of BinaryMuseGAN's networks and its training constants; the defaults are the paper's.

    Along time the generator's kernels multiply to the steps per bar; along pitch a kernel that is
    longer than its stride overlaps. Axes are numbered as in [batch, time, pitch, channels].
    """

    # Training.
    batch_size: int = 32  # BM, first stage; 16 in the second
    training_steps: int = 17_160  # generator updates: BM, two stages of 20 epochs of 429
    first_stage_steps: int = 8_580  # BM
    refiner: str = "deterministic"  # the better by the paper's tables and listeners
    slope_epoch_steps: int = 429  # BM: 13,746 phrases in batches of 32
    learning_rate: float = 2e-3  # BM
    adam_beta_1: float = 0.5  # BM
    batch_norm_decay: float = 0.99  # TensorFlow's default, which BM leaves
    batch_norm_epsilon: float = 1e-3  # TensorFlow's default, which BM leaves
    qpm: float = 90.0  # BM's MIDI writer
    # Generator.
    latent_size: int = 128  # BM
    latent_stddev: float = 1.0  # BM
    first_filters: int = 512  # BM: 1536 units reshaped to 3 bars of 512; "small" variant: 256
    bar_filters: int = 256  # BM, the layer that joins neighbouring bars
    shared_time_filters: tuple[int, ...] = (128, 64)  # BM; these layers take turns with the next
    shared_time_kernels: tuple[int, ...] = (4, 4)  # BM: 1 to 4 to 16 steps
    shared_pitch_filters: tuple[int, ...] = (128, 64)  # BM
    shared_pitch_kernels: tuple[int, ...] = (3, 3)  # BM: 1 to 3 to 7 octaves
    shared_pitch_strides: tuple[int, ...] = (3, 2)  # BM
    private_filters: tuple[int, ...] = (64, 32)  # BM, first and second layer of both branches
    private_time_kernel: int = 6  # BM: 16 to 96 steps
    private_pitch_kernel: int = 12  # BM: 7 octaves to 84 pitches
    # Critic.
    critic: str = "proposed"  # or ablated (no onset and chroma), baseline (one joint stack)
    critic_private_filters: tuple[int, ...] = (32, 64)  # BM, of both branches
    critic_private_time_kernel: int = 6  # BM: 96 to 16 steps
    critic_private_pitch_kernel: int = 12  # BM: 84 pitches to 7 octaves
    critic_private_merge_filters: int = 64  # BM
    critic_shared_filters: tuple[int, ...] = (128, 256)  # BM
    critic_shared_time_kernels: tuple[int, ...] = (4, 4)  # BM: 16 to 4 to 1
    critic_shared_pitch_kernels: tuple[int, ...] = (3, 3)  # BM: 7 to 3 to 1
    critic_shared_pitch_strides: tuple[int, ...] = (2, 3)  # BM
    critic_onset_filters: tuple[int, ...] = (32, 64, 128)  # BM
    critic_onset_kernels: tuple[int, ...] = (6, 4, 4)  # BM: 96 steps to 1
    critic_chroma_filters: tuple[int, ...] = (64, 128)  # BM: over 12 classes, then over the beats
    critic_bar_filters: int = 512  # BM, over neighbouring bars of all streams
    critic_baseline_filters: tuple[int, ...] = (128, 128, 256, 256, 512, 512)  # BM
    critic_baseline_axes: tuple[int, ...] = (2, 2, 1, 1, 2, 1)  # BM: 1 along time, 2 along pitch
    critic_baseline_kernels: tuple[int, ...] = (12, 3, 6, 4, 3, 4)  # BM
    critic_baseline_strides: tuple[int, ...] = (12, 2, 6, 4, 3, 4)  # BM
    critic_baseline_bar_filters: int = 1024  # BM

    def __post_init__(self):
        """Checks ranges.

        Raises:
          ConfigError: If a value is out of its range, a name is none of the known, or tuples that
            belong together differ in length.
        """
        super().__post_init__()
        if self.condition_track is not None or self.private_critics:
            raise ConfigError(
                "Expected condition_track=none and private_critics=false: BinaryMuseGAN plays all "
                f"tracks, for one critic. Received: {self.condition_track} and "
                f"{self.private_critics}. Use one of the recipes musegan_*."
            )
        positive = ("latent_size", "latent_stddev", "first_filters", "bar_filters")
        positive += ("private_time_kernel", "private_pitch_kernel", "critic_private_time_kernel")
        positive += ("critic_private_pitch_kernel", "critic_private_merge_filters")
        check_positive(self, (*positive, "critic_bar_filters", "critic_baseline_bar_filters"))
        check_choice(self, "critic", CRITICS)
        time, pitch = ("filters", "time_kernels"), ("pitch_kernels", "pitch_strides")
        groups = (
            ("shared", ("time_filters", "time_kernels", "pitch_filters", *pitch)),
            ("critic_shared", (*time, *pitch)),
            ("critic_onset", ("filters", "kernels")),
            ("critic_baseline", ("filters", "axes", "kernels", "strides")),
        )
        check_tuples(self, [[f"{part}_{name}" for name in names] for part, names in groups])
        for name in ("private_filters", "critic_private_filters", "critic_chroma_filters"):
            if len(getattr(self, name)) != 2:
                raise ConfigError(f"Expected two {name}. Received: {getattr(self, name)}.")
        if not set(self.critic_baseline_axes) <= {1, 2}:
            raise ConfigError(
                "Expected critic_baseline_axes of 1 (time) and 2 (pitch). Received: "
                f"{self.critic_baseline_axes}."
            )
        for part in ("shared_pitch", "critic_shared_pitch", "critic_baseline"):
            _check_strides(self, f"{part}_kernels", f"{part}_strides")

    def shared_plan(self) -> list[tuple[int, int, int, int]]:
        """(axis, filters, kernel, stride) of the shared generator's layers; 2 is time, 3 pitch."""
        time = zip(self.shared_time_filters, self.shared_time_kernels, strict=True)
        pitch = zip(
            self.shared_pitch_filters,
            self.shared_pitch_kernels,
            self.shared_pitch_strides,
            strict=True,
        )
        plan = []
        for (filters, kernel), (pitch_filters, pitch_kernel, stride) in zip(
            time, pitch, strict=True
        ):
            plan += [(2, filters, kernel, kernel), (3, pitch_filters, pitch_kernel, stride)]
        return plan


def _check_strides(config: BinaryMuseGANConfig, kernels: str, strides: str) -> None:
    taps, steps = getattr(config, kernels), getattr(config, strides)
    if any(step > tap for tap, step in zip(taps, steps, strict=True)):
        what = "steps or pitches" if "baseline" in kernels else "pitches"
        raise ConfigError(
            f"Expected {strides} of at most {kernels}: a longer step leaves {what} out. Received: "
            f"{steps} and {taps}."
        )


# Sixteenth-note grid of 16 steps by 48 pitches, few filters: minutes on two CPU cores.
SMALL = BinaryMuseGANConfig(
    training_steps=2_000,
    first_stage_steps=1_500,
    slope_epoch_steps=50,
    batch_size=16,
    first_filters=128,
    bar_filters=128,
    shared_time_filters=(64, 64),
    shared_time_kernels=(4, 2),
    shared_pitch_filters=(64, 64),
    shared_pitch_kernels=(2, 2),
    shared_pitch_strides=(2, 2),
    private_filters=(32, 16),
    private_time_kernel=2,
    critic_private_filters=(16, 32),
    critic_private_time_kernel=2,
    critic_private_merge_filters=32,
    critic_shared_filters=(64, 128),
    critic_shared_time_kernels=(2, 4),
    critic_shared_pitch_kernels=(2, 2),
    critic_shared_pitch_strides=(2, 2),
    critic_onset_filters=(16, 32, 64),
    critic_onset_kernels=(2, 2, 4),
    critic_chroma_filters=(32, 64),
    critic_bar_filters=256,
    critic_baseline_filters=(64, 64, 128, 128, 256, 256),
    critic_baseline_kernels=(12, 2, 2, 2, 2, 4),
    critic_baseline_strides=(12, 2, 2, 2, 2, 4),
    critic_baseline_bar_filters=256,
    initial_stddev=0.05,
    refiner_filters=16,
    learning_rate=1e-3,
    ema_decay=0.999,
    qpm=100.0,
)

# Every code path in seconds, on bars of 8 steps by 48 pitches; for tests only.
TINY = dataclasses.replace(
    SMALL,
    training_steps=4,
    first_stage_steps=2,
    slope_epoch_steps=1,
    batch_size=4,
    critic_updates=2,
    latent_size=8,
    first_filters=8,
    bar_filters=8,
    shared_time_filters=(8, 8),
    shared_time_kernels=(2, 2),
    shared_pitch_filters=(8, 8),
    private_filters=(8, 4),
    critic_private_filters=(4, 8),
    critic_private_merge_filters=8,
    critic_shared_filters=(8, 16),
    critic_shared_time_kernels=(2, 2),
    critic_onset_filters=(4, 4, 8),
    critic_onset_kernels=(2, 2, 2),
    critic_chroma_filters=(4, 8),
    critic_bar_filters=16,
    critic_baseline_filters=(8, 8, 8, 8, 16, 16),
    critic_baseline_kernels=(12, 2, 2, 2, 2, 2),
    critic_baseline_strides=(12, 2, 2, 2, 2, 2),
    critic_baseline_bar_filters=16,
    initial_stddev=0.3,  # untrained, it plays phrases that differ
    refiner_filters=4,
    batch_norm_decay=0.5,  # statistics of four steps are those that sampling meets
    ema_decay=0.9,
)

_BAND = Corpus(
    suffix="",
    tracks="bmusegan",
    given="piano",
    dataset="lakh_matched",
    phrases="drums, piano, guitar, bass, ensemble, reed, synth lead and synth pad",
    representation={"min_active_tracks": 2},
)


def _row(corpus: Corpus) -> Recipe:
    filters, published = {}, {}
    if corpus is _BAND:
        filters = LPD_CLEANSED  # BM, docs/data.md: no choice of keys
        published = {"published": published_binary_rows(), "published_notes": ISMIR_NOTES}
    return Recipe(
        name=f"binary_musegan{corpus.suffix}",
        kind="generator",
        summary=f"Phrases of {corpus.phrases}, from scratch, through binary neurons.",
        paper=PAPER,
        model="binary_musegan",
        representation="multitrack_piano_roll",
        dataset=corpus.dataset,
        presets={
            "paper": Preset(corpus.grid("paper"), BinaryMuseGANConfig(), filters=filters),
            "small": Preset(corpus.grid("small"), SMALL),
            "tiny": Preset(corpus.grid("tiny"), TINY),
        },
        metrics=corpus.metrics,
        collapse={"empty_bars": 0.99},
        **published,
    )


RECIPES = tuple(_row(corpus) for corpus in (_BAND, CHORALES))
