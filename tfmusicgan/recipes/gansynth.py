"""GANSynth's recipes (Engel, Agrawal, Chen, Gulrajani, Donahue, Roberts, ICLR 2019).

"C" in the comments is the released code, magenta/magenta at 526d3eb1, models/gansynth, with its
configuration mel_prog_hires; "P" is the paper, arXiv 1902.08710.
"""

import dataclasses
import functools

from tfmusicgan.errors import ConfigError
from tfmusicgan.recipes.base import Preset, Recipe
from tfmusicgan.recipes.gansynth_published import METRICS, NOTES, PUBLISHED
from tfmusicgan.recipes.progressive import Stage, all_at_once, grow
from tfmusicgan.recipes.wasserstein import (
    check_choice,
    check_not_negative,
    check_positive,
    check_shares,
    check_tuples,
)

PAPER = (
    "Engel, Agrawal, Chen, Gulrajani, Donahue, Roberts: GANSynth: Adversarial Neural Audio "
    "Synthesis. ICLR 2019. https://arxiv.org/abs/1902.08710"
)
NORMALISERS = ("published", "measured")


@dataclasses.dataclass(frozen=True)
class GANSynthConfig:
    """Images, networks, losses and schedule; the defaults are those of IF-Mel + H.

    Block b has min(filters_base / 2^b, most_filters) maps. The image has `first_frames` times
    `frames_growth` to the power of blocks - 1 frames, and bins alike.
    """

    # Images: the kinds are in `tfmusicgan.audio.spectrograms`.
    kind: str = "if_mel"
    frames: int = 128  # P, +H
    bins: int = 1024  # P, +H
    normaliser: str = "published"  # C's constants of NSynth in IF-Mel; or measured by its rule
    normaliser_margin: float = 0.8  # C
    normaliser_examples: int = 1000  # C; P: 100
    # Networks.
    blocks: int = 7  # C
    first_frames: int = 2  # C
    first_bins: int = 16  # C
    frames_growth: int = 2  # of each block: C
    bins_growth: int = 2  # C
    frames_kernel: int = 3  # C
    bins_kernel: int = 3  # C
    filters_base: int = 4096  # C
    most_filters: int = 256  # C
    latent_size: int = 256  # P, C
    leaky_relu_slope: float = 0.2  # C
    # Losses.
    gradient_penalty_weight: float = 10.0  # C
    drift_weight: float = 1e-3  # of the squared scores of real examples: C
    discriminator_pitch_weight: float = 10.0  # C; P tried 0.1, 1 and 10
    generator_pitch_weight: float = 10.0  # C
    # Training.
    learning_rate: float = 8e-4  # C; P tried 2e-4, 4e-4 and 8e-4
    adam_beta_1: float = 0.0  # C
    adam_beta_2: float = 0.99  # C
    ema_decay: float = 0.999  # of the generator that is sampled: C
    batch_size: int = 8  # at full size: C
    smaller_batch_sizes: tuple[int, ...] = ()  # of the blocks before, the first of all in front
    # False: all blocks from the first step on; smaller_batch_sizes and the next two are not read.
    progressive: bool = True
    stable_images: int = 800_000  # C
    fade_images: int = 800_000  # C
    total_images: int = 11_000_000  # C; not progressive: 4 million

    def __post_init__(self):
        """Checks ranges.

        Raises:
          ConfigError: If a value is out of its range, sizes do not multiply to the image's, or the
            schedule does not fit the training.
        """
        check_choice(self, "normaliser", NORMALISERS)
        names = ("frames", "bins", "normaliser_margin", "normaliser_examples", "blocks")
        names += ("first_frames", "first_bins", "frames_growth", "bins_growth", "frames_kernel")
        names += ("bins_kernel", "filters_base", "most_filters", "latent_size", "learning_rate")
        check_positive(self, (*names, "batch_size", "stable_images", "fade_images", "total_images"))
        names = ("gradient_penalty_weight", "drift_weight", "leaky_relu_slope")
        check_not_negative(self, (*names, "discriminator_pitch_weight", "generator_pitch_weight"))
        check_shares(self, ("adam_beta_1", "adam_beta_2", "ema_decay"))
        check_tuples(self, ())
        self._check_sizes()
        self._check_schedule()

    def _check_sizes(self) -> None:
        frames, bins = self.size(self.blocks)
        if (frames, bins) != (self.frames, self.bins):
            raise ConfigError(
                "Expected images of first_frames and first_bins times the growth of blocks - 1 "
                f"blocks, {frames} x {bins}. Received: {self.frames} x {self.bins}. Change blocks, "
                "frames, bins or the first sizes with --set."
            )
        if not (self.frames_kernel % 2 and self.bins_kernel % 2):
            raise ConfigError(
                "Expected odd frames_kernel and bins_kernel. Received: "
                f"{self.frames_kernel} and {self.bins_kernel}."
            )
        if self.filters_base >> self.blocks < 1:
            raise ConfigError(
                f"Expected filters_base of at least 2^{self.blocks}, one map in the last block. "
                f"Received: {self.filters_base}."
            )
        if self.normaliser == "published" and self.kind != "if_mel":
            raise ConfigError(
                "Expected kind=if_mel with normaliser=published, whose constants are of log power. "
                f"Received: {self.kind!r}. Use --set=normaliser=measured."
            )

    def _check_schedule(self) -> None:
        if not self.progressive:
            return
        if len(self.smaller_batch_sizes) >= self.blocks:
            raise ConfigError(
                f"Expected smaller_batch_sizes of fewer than {self.blocks} blocks. Received: "
                f"{self.smaller_batch_sizes}."
            )
        needed = (self.blocks - 1) * (self.stable_images + self.fade_images)
        if self.total_images <= needed:
            raise ConfigError(
                f"Expected total_images above {needed}, where the last block is faded in. "
                f"Received: {self.total_images}. Raise it, or lower stable_images or fade_images."
            )

    @property
    def growth(self) -> tuple[int, int]:
        """How often a block repeats frames and bins."""
        return self.frames_growth, self.bins_growth

    @property
    def kernel(self) -> tuple[int, int]:
        """Taps along frames and bins."""
        return self.frames_kernel, self.bins_kernel

    @property
    def first_size(self) -> tuple[int, int]:
        """Frames and bins of the first block."""
        return self.first_frames, self.first_bins

    def size(self, blocks: int) -> tuple[int, int]:
        """Frames and bins of images of a number of blocks."""
        grown = blocks - 1
        return (
            self.first_frames * self.frames_growth**grown,
            self.first_bins * self.bins_growth**grown,
        )

    def filters(self, block: int) -> int:
        """Maps of a block; of block 0, the discriminator's features."""
        return min(self.filters_base >> block, self.most_filters)

    @functools.cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of the training in order."""
        if not self.progressive:
            return all_at_once(self.blocks, self.total_images, self.batch_size)
        images = (self.stable_images, self.fade_images, self.total_images)
        return grow(self.blocks, *images, (*self.smaller_batch_sizes, self.batch_size))

    @property
    def training_steps(self) -> int:
        """Steps of all stages; each updates both networks once."""
        last = self.stages[-1]
        return last.first_step + last.num_steps


# 1 s at 8 kHz, without the softest notes; 25 pitches whose neighbours are a bin of 15.6 Hz apart or
# more, so that magnitudes tell them too.
SMALL_NOTES = {
    "sample_rate": 8000,
    "num_samples": 8000,
    "min_pitch": 60,
    "max_pitch": 84,
    "min_velocity": 100,
}
# (64, 256): an hour or two on two CPU cores. The first block is large, as its product puts the
# partials of a pitch in their places. Growing from (4, 16) takes many times the images to learn it.
_SMALL = GANSynthConfig(
    frames=64,
    bins=256,
    normaliser="measured",
    blocks=3,
    first_frames=16,
    first_bins=64,
    filters_base=64,
    most_filters=64,
    latent_size=32,
    # Over a thousand steps weights move by a twentieth of their size here: the mean of so many is
    # another generator, whose notes are too soft to hear.
    ema_decay=0.99,
    stable_images=8_000,
    fade_images=8_000,
    total_images=96_000,
)

# Every code path in seconds; for tests only.
_TINY_NOTES = {"sample_rate": 4000, "num_samples": 288, "min_pitch": 60, "max_pitch": 64}
_TINY = GANSynthConfig(
    frames=16,
    bins=32,
    normaliser="measured",
    normaliser_examples=16,
    blocks=2,
    first_frames=8,
    filters_base=32,
    most_filters=8,
    latent_size=8,
    ema_decay=0.9,
    batch_size=4,
    stable_images=4,
    fade_images=8,
    total_images=16,
)
_STANDARD = {"frames": 256, "bins": 512, "first_frames": 4, "first_bins": 8}  # P, without +H
_LINEAR = {"normaliser": "measured"}  # log magnitude: the constants are of log power
# The paper trains one on waveforms and gives no layers. Here blocks grow along time alone, by four,
# and kernels have as many taps as 3 x 3.
_WAVES = {"kind": "waveform", "bins": 1, "first_bins": 1, "bins_growth": 1, "frames_growth": 4}
_WAVES |= {"frames_kernel": 9, "bins_kernel": 1, **_LINEAR}


def _row(name: str, title: str, dataset: str = "nsynth", **changes) -> Recipe:
    """A recipe whose published sizes are the defaults with some changes."""
    paper = dataclasses.replace(GANSynthConfig(), **changes)
    # The published constants are of the paper's sizes: those of small images are measured.
    small, tiny = (dataclasses.replace(sizes, kind=paper.kind) for sizes in (_SMALL, _TINY))
    if paper.kind == "waveform":
        sizes = {"frames": 8192, "blocks": 6, "first_frames": 8, "filters_base": 512}
        small = dataclasses.replace(_SMALL, **{**_WAVES, **sizes})
        tiny = dataclasses.replace(_TINY, **{**_WAVES, "frames": 384, "first_frames": 96})
    if dataset == "soundfont_notes":
        tiny = _TINY  # the tests' runs of this kind are those of `gansynth_if`
    return Recipe(
        name=name,
        kind="generator",
        summary=f"Single notes of a given pitch: {title}.",
        paper=PAPER,
        model="gansynth",
        representation="note_audio",
        dataset=dataset,
        presets={
            "paper": Preset({}, paper),
            "small": Preset(SMALL_NOTES, small),
            "tiny": Preset(_TINY_NOTES, tiny),
        },
        metrics=METRICS,
        collapse={"silent_notes": 0.99},
        published=PUBLISHED,
        published_notes=NOTES,
    )


RECIPES = (
    _row("gansynth", "mel instantaneous frequency at high frequency resolution (IF-Mel + H)"),
    _row("gansynth_if", "instantaneous frequency (IF + H)", kind="if", **_LINEAR),
    _row("gansynth_if_standard", "IF", kind="if", **_LINEAR, **_STANDARD),
    _row("gansynth_mel_standard", "IF-Mel", **_STANDARD),
    _row("gansynth_phase", "phase (Phase + H)", kind="phase", **_LINEAR),
    _row("gansynth_phase_standard", "Phase", kind="phase", **_LINEAR, **_STANDARD),
    _row(
        "gansynth_soundfont",
        "IF + H, of notes rendered from a soundfont",
        dataset="soundfont_notes",
        kind="if",
        **_LINEAR,
    ),
    _row("gansynth_waveform", "waveforms", frames=65_536, first_frames=16, **_WAVES),
)
