"""A training whose step becomes another function on its way: its stages and their batches."""

from typing import Any


class StagedTraining:
    """The stages of a `MusicGAN`, one unless a subclass says where others start.

    Attributes:
      stage: The number of the current one, from 0.
    """

    stage: int = 0
    train_function: Any
    model_config: Any

    @property
    def stage_starts(self) -> tuple[int, ...]:
        """Training steps at which `train_step` becomes another function; none by default."""
        return ()

    def begin_stage(self, step: int) -> None:
        """Sets `stage`, which `train_step` and sampling may follow, for a training step.

        Called with the next step before `fit` goes on, and with the last one that was trained when
        a checkpoint is loaded for sampling. A change of stage has `train_step` traced anew.
        """
        stage = sum(start <= step for start in self.stage_starts)
        if stage != self.stage:
            self.stage = stage
            self.train_function = None

    @property
    def stage_name(self) -> str:
        """What this stage trains, in a few words, where there are several stages."""
        return ""

    def describe_stage(self) -> str:
        """The current stage of several: its number, what it trains, and its steps, from 1 on.

        Returns:
          A line to print; empty where there is one stage only.
        """
        if not self.stage_starts:
            return ""
        bounds = (0, *self.stage_starts, self.model_config.training_steps)
        first, last = bounds[self.stage] + 1, bounds[self.stage + 1]
        steps = f"step {last:,}" if first == last else f"steps {first:,} to {last:,}"
        return f"Stage {self.stage + 1:,} of {len(bounds) - 1:,}: {self.stage_name}, {steps}"

    def start_stage(self, step: int) -> None:
        """Makes what a stage keeps, before `fit` trains a stage's first step or goes on within it.

        Args:
          step: The next training step.
        """

    @property
    def rows_per_step(self) -> int:
        """Rows of the global batch that the reader gives to a step of this stage."""
        return self.model_config.batch_size

    @property
    def rows_of_steps(self) -> frozenset[int]:
        """`rows_per_step` of all stages."""
        return frozenset({self.rows_per_step})

    @property
    def sampling_stage(self) -> int:
        """Changes where `sample` becomes another function; by default with the stage."""
        return self.stage
