"""What the GANs on multi-track piano-rolls share: output, binary neurons, condition track."""

import dataclasses
import math

from tfmusicgan.errors import ConfigError
from tfmusicgan.recipes.wasserstein import (
    WassersteinConfig,
    check_choice,
    check_not_negative,
    check_positive,
    check_shares,
)

REFINERS = ("none", "deterministic", "stochastic")
REFINER_TRAINING = ("two_stage", "joint", "end_to_end")
# A slope that float32 cannot hold makes gradients NaN; they are 0 nearly everywhere long before.
_LOG_10_OF_STEEPEST = 30


@dataclasses.dataclass(frozen=True)
class PianoRollGANConfig(WassersteinConfig):
    """Training constants, normalisation, refiner and generation of MuseGAN and BinaryMuseGAN.

    "BM" in the comments is BinaryMuseGAN (Dong and Yang, ISMIR 2018, arXiv 1804.09399).
    """

    # Task and critics.
    condition_track: str | None = None  # the given track's name; None generates from scratch
    private_critics: bool = False  # one critic per track instead of one for all
    max_transposition_semitones: int = 0  # training phrases are moved up or down at random
    # Networks.
    initial_stddev: float = 0.02  # truncated normal: MuseGAN v1, BM
    leaky_relu_slope: float = 0.2  # MuseGAN v1, BM
    batch_norm_decay: float = 0.9  # MuseGAN v1
    batch_norm_epsilon: float = 1e-5  # MuseGAN v1
    # Refiner and binary neurons.
    refiner: str = "none"  # or the neurons it ends in: deterministic, stochastic
    refiner_training: str = "two_stage"  # BM's proposal; or joint, end_to_end
    refiner_units: int = 2  # residual units: BM
    refiner_filters: int = 64  # BM, released code
    refiner_time_kernel: int = 3  # BM
    refiner_pitch_kernel: int = 12  # BM
    first_stage_steps: int = 0  # steps without refiner; end_to_end has none
    slope_growth: float = 1.1  # of the straight-through gradient, per epoch: BM
    slope_epoch_steps: int = 1_000  # training steps that count as an epoch
    # Generation.
    monophonic_bass: bool = False  # MuseGAN v1 keeps the bass's highest activation alone
    qpm: float = 80.0  # MuseGAN v1's MIDI writer

    def __post_init__(self):
        """Checks ranges.

        Raises:
          ConfigError: If a value is out of its range, a name is none of the known, or the stages
            do not fit the training.
        """
        super().__post_init__()
        positive = ("initial_stddev", "batch_norm_epsilon", "refiner_units", "refiner_filters")
        positive += ("refiner_time_kernel", "refiner_pitch_kernel", "slope_growth")
        check_positive(self, (*positive, "slope_epoch_steps", "qpm"))
        check_not_negative(
            self, ("leaky_relu_slope", "first_stage_steps", "max_transposition_semitones")
        )
        check_shares(self, ("batch_norm_decay",))
        check_choice(self, "refiner", REFINERS)
        check_choice(self, "refiner_training", REFINER_TRAINING)
        self._check_stages()

    def _check_stages(self) -> None:
        first, training = self.first_stage_steps, self.refiner_training
        if self.refiner == "none":
            if first:
                raise ConfigError(
                    f"Expected first_stage_steps=0 without refiner. Received: {first}. Choose "
                    "--set=refiner=deterministic or stochastic, or --set=first_stage_steps=0."
                )
            return
        if training == "end_to_end" and first:
            raise ConfigError(
                "Expected first_stage_steps=0 with refiner_training=end_to_end. Received: "
                f"{first}. Use --set=first_stage_steps=0."
            )
        if training != "end_to_end" and not 0 < first < self.training_steps:
            raise ConfigError(
                f"Expected first_stage_steps between 0 and training_steps ({self.training_steps}) "
                f"with refiner_training={training}. Received: {first}. Set it, or use "
                "--set=refiner_training=end_to_end."
            )
        epochs = (self.training_steps - 1 - first) // self.slope_epoch_steps
        if epochs * math.log10(self.slope_growth) > _LOG_10_OF_STEEPEST:
            raise ConfigError(
                f"Expected a slope of at most 1e{_LOG_10_OF_STEEPEST} at the end of the training, "
                f"slope_growth to the power of its epochs. Received: {self.slope_growth} and "
                f"{epochs} epochs. Raise slope_epoch_steps or lower slope_growth with --set."
            )
