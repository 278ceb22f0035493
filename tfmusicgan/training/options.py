"""How to run a training, as opposed to what to train."""

import dataclasses

# Names that the command lists in its help, for which nothing heavy may be imported.
STRATEGIES = ("none", "mirrored", "multi_worker")
# The first is the default. Double precision is for comparisons, where rounding must not hide what
# differs.
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16", "float64")


@dataclasses.dataclass(frozen=True)
class TrainingOptions:
    """How to run, as opposed to what to train: none of these changes the trained weights.

    Attributes:
      steps_per_epoch: Training steps between two lines of progress.
      checkpoint_every: Training steps between checkpoints, at which the samples are measured too.
      keep_latest: How many of the newest checkpoints to keep, beside the best.
      keep_every: Keep every checkpoint whose step is a multiple of this; 0 for none.
      show_every: Training steps between pictures and sounds for TensorBoard, which the last step
        has as well; 0 for none.
      collapse_patience: Checks in a row that must find the samples collapsed, once they have been
        music or half of the training is over; 0 never stops.
      strategy: One of `STRATEGIES`.
      jit_compile: XLA; None decides by device.
      num_samples: Phrases to sample for each measurement.
      profile_steps: First and last step to profile for TensorBoard, counted from 1 in this process;
        None for none.
    """

    steps_per_epoch: int = 100
    checkpoint_every: int = 200
    keep_latest: int = 3
    keep_every: int = 0
    show_every: int = 1_000
    collapse_patience: int = 5
    strategy: str = "none"
    jit_compile: bool | None = None
    num_samples: int = 128
    profile_steps: tuple[int, int] | None = None
