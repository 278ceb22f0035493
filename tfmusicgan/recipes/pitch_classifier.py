"""The pitch classifier that scores generated notes. Imports no TensorFlow.

NSynth's baseline classifier as GANSynth's evaluation used it: the released code's history of
`magenta/models/nsynth/baseline` and `magenta/models/gansynth/lib/eval`, commits ff7eb853 and
fef9f873.
"""

import dataclasses
from typing import ClassVar

from tfmusicgan.errors import ConfigError
from tfmusicgan.recipes.base import Preset, Recipe
from tfmusicgan.recipes.gansynth import SMALL_NOTES
from tfmusicgan.recipes.wasserstein import (
    DECAYS,
    check_choice,
    check_not_negative,
    check_positive,
    check_shares,
    check_tuples,
)


@dataclasses.dataclass(frozen=True)
class PitchClassifierConfig:
    """Spectrogram, layers and training; the defaults are the released code's."""

    optimizer: ClassVar[str] = "adam"

    fft_size: int = 1024  # samples of a frame; half as many frequencies
    hop: int = 256  # samples between frames
    frames: int = 256  # of the input; 251 of a clip of 4 s, and silence
    # Convolutions in order, the logits' left out: channels, sizes of the square kernels, strides.
    channels: tuple[int, ...] = (128, 128, 128, 256, 256, 256, 512, 512, 512, 1024)
    kernels: tuple[int, ...] = (5, 4, 4, 4, 4, 4, 4, 4, 4, 1)
    frequency_strides: tuple[int, ...] = (2, 2, 2, 2, 2, 2, 2, 2, 2, 1)
    time_strides: tuple[int, ...] = (2, 2, 2, 2, 2, 2, 2, 2, 1, 1)
    feature_layer: int = 9  # whose normalised sums are the features, counted from 1: layer 7_1
    normalise_logits: bool = True  # without, they have a bias
    leaky_slope: float = 0.1
    batch_norm_decay: float = 0.999
    batch_norm_epsilon: float = 1e-3
    batch_size: int = 16
    training_steps: int = 200_000  # the code's has no end; 53 epochs of GANSynth's subset
    learning_rate: float = 1e-4
    learning_rate_decay: str = "none"  # or linear: to 0 at the last training step
    adam_beta_1: float = 0.5
    adam_beta_2: float = 0.999  # TensorFlow's default

    def __post_init__(self):
        """Checks ranges.

        Raises:
          ConfigError: If a value is out of its range, or the layers leave more than one place.
        """
        check_positive(
            self, ("fft_size", "hop", "frames", "batch_size", "training_steps", "learning_rate")
        )
        check_not_negative(self, ("leaky_slope", "batch_norm_epsilon"))
        check_shares(self, ("batch_norm_decay", "adam_beta_1", "adam_beta_2"))
        check_choice(self, "learning_rate_decay", DECAYS)
        check_tuples(self, [("channels", "kernels", "frequency_strides", "time_strides")])
        if not 1 <= self.feature_layer <= len(self.channels):
            raise ConfigError(
                f"Expected feature_layer within 1-{len(self.channels)}, the layers. Received: "
                f"{self.feature_layer}."
            )
        left = self._left(self.fft_size // 2, self.frequency_strides)
        left_frames = self._left(self.frames, self.time_strides)
        if (left, left_frames) != (1, 1):
            raise ConfigError(
                "Expected strides that leave one place of all frequencies and frames. Received: "
                f"strides that leave {left} x {left_frames} of {self.fft_size // 2} x "
                f"{self.frames}. Change frequency_strides or time_strides."
            )

    @staticmethod
    def _left(size: int, strides: tuple[int, ...]) -> int:
        for stride in strides:
            size = -(-size // stride)
        return size


_SMALL = PitchClassifierConfig(
    frames=32,  # of 1 s at 8 kHz
    channels=(16, 32, 32, 64, 64, 64, 128, 128, 128, 256),
    time_strides=(2, 2, 2, 2, 2, 1, 1, 1, 1, 1),
    # Normalised, logits of the many pitches that do not occur stay as large as chance makes them
    # until their offsets have come down, in more steps than these.
    normalise_logits=False,
    batch_norm_decay=0.99,
    batch_size=32,
    training_steps=2_000,
    learning_rate=2e-3,
    learning_rate_decay="linear",
)
_TINY = PitchClassifierConfig(
    fft_size=64,
    hop=16,
    frames=20,
    channels=(4, 6, 5, 8),
    kernels=(5, 4, 4, 1),
    frequency_strides=(4, 4, 2, 1),
    time_strides=(4, 4, 2, 1),
    feature_layer=3,
    batch_norm_decay=0.9,
    batch_size=4,
    training_steps=4,
    learning_rate=1e-2,
)
RECIPES = (
    Recipe(
        name="pitch_classifier",
        kind="classifier",
        summary="Hears the pitch of a note, its family, source and qualities; scores GANSynth.",
        paper=(
            "Engel et al., Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders, ICML "
            "2017, https://arxiv.org/abs/1704.01279"
        ),
        model="pitch_classifier",
        representation="note_audio",
        dataset="nsynth",
        presets={
            "paper": Preset({}, PitchClassifierConfig()),
            "small": Preset(SMALL_NOTES, _SMALL),
            "tiny": Preset(
                {"sample_rate": 4000, "num_samples": 288, "min_pitch": 60, "max_pitch": 64}, _TINY
            ),
        },
        metrics=("pitch_accuracy", "pitch_entropy"),
    ),
)
