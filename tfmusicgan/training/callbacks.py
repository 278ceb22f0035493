"""Callbacks of a run: checkpoints, stops on bad losses and collapse."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from tfmusicgan.errors import TrainingError
from tfmusicgan.training.checkpoints import CheckpointStore

MeasureFn = Callable[[], dict[str, float]]
LogFn = Callable[[dict[str, float], int], None]
StateFn = Callable[[], Mapping[str, Any]]

# A run is its settings: its own folder refuses another learning rate.
_WAY_OUT = "Train with a lower learning rate (--set) into another --output, or with --overwrite"


class StopOnNonFinite(keras.callbacks.Callback):
    """Ends the run with `TrainingError` when a logged loss is NaN or infinite.

    Args:
      store: Names the last good checkpoint in the message.
      every: Steps between checks; a check waits for the device.
    """

    def __init__(self, store: CheckpointStore, every: int = 10):
        super().__init__()
        self.store, self.every = store, every

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Checks now and then; the logged means keep a NaN until the epoch's end."""
        if (batch + 1) % self.every == 0:
            self._check(logs)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Checks before the epoch's numbers are forgotten."""
        self._check(logs)

    def _check(self, logs: dict | None) -> None:
        bad = _bad_losses(logs)
        if bad:
            where = self.store.latest_in_words()
            raise TrainingError(
                f"Expected finite losses. Received: {_first(bad)} not finite near step "
                f"{int(self.model.step.numpy())}. {where} {_WAY_OUT}."
            )


class SaveCheckpoints(keras.callbacks.Callback):
    """Writes a checkpoint every `every` steps and at the end, with the musical distance.

    Args:
      store: Where to.
      every: Training steps between checkpoints.
      measure: Returns `{"distance": ...}` and the metrics it comes from; None measures nothing.
      log: Takes what was measured and the step, before the checkpoint is there: a run that goes on
        from it has measured it.
      state: Asked after `measure` for what other callbacks keep with the checkpoint, JSON-able.
    """

    def __init__(
        self,
        store: CheckpointStore,
        every: int,
        measure: MeasureFn | None = None,
        log: LogFn | None = None,
        state: StateFn | None = None,
    ):
        super().__init__()
        self.store, self.every, self.measure, self.log = store, every, measure, log
        self.state = state
        self._saved_step = -1

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Saves when the model's own step counter says so."""
        step = int(self.model.step.numpy())
        if step % self.every == 0:
            self.save(logs)

    def save(self, logs: dict | None = None) -> None:
        """Measures and saves, once per step.

        Raises:
          TrainingError: If a weight is not finite; the checkpoint is not written.
        """
        step = int(self.model.step.numpy())
        if step == self._saved_step:
            return
        self._refuse_non_finite(step, logs)
        metric = None
        if self.measure is not None:
            values = self.measure()
            metric = values.get("distance")
            if self.log is not None:
                self.log(values, step)
        state = None if self.state is None else self.state()
        self.store.save(self.model, metric, state)
        self._saved_step = step

    def _refuse_non_finite(self, step: int, logs: dict | None) -> None:
        bad = _bad_losses(logs) + [
            weight.path for weight in self.model.weights if not np.isfinite(weight.numpy()).all()
        ]
        if bad:
            where = self.store.latest_in_words()
            raise TrainingError(
                f"Expected finite weights and losses. Received: {_first(bad)} not finite at step "
                f"{step}. {where} {_WAY_OUT}."
            )


class StopOnCollapse(keras.callbacks.Callback):
    """Ends the run with `TrainingError` when every sampled phrase is empty or all are alike.

    A healthy WGAN begins with empty phrases: its first lesson is that nearly all cells are silent.
    Hence checks count once the samples have been music, or after `grace_steps`.

    Args:
      store: Names the best checkpoint in the message.
      collapsed: Says in words what is wrong with the samples, None when nothing is.
      every: Training steps between checks.
      patience: Checks in a row that must fail.
      grace_steps: Step until which samples that have never been music are let pass.
      state: From `state` of the run that goes on, empty for a new one: it stops where it would
        have stopped without a break.
    """

    def __init__(
        self,
        store: CheckpointStore,
        collapsed: Callable[[], str | None],
        every: int,
        patience: int,
        grace_steps: int,
        state: Mapping[str, Any] | None = None,
    ):
        super().__init__()
        self.store, self.collapsed = store, collapsed
        self.every, self.patience, self.grace_steps = every, patience, grace_steps
        state = state or {}
        self.was_music = bool(state.get("was_music", False))
        self.failures = int(state.get("failures", 0))
        self.verdict, self.checked_step = state.get("verdict"), int(state.get("checked_step", -1))

    def state(self) -> dict[str, Any]:
        """What to keep with a checkpoint of the model's step, the check of that step included.

        Returns:
          `was_music`, `failures` (checks in a row), and of the last check `verdict` and
          `checked_step`.
        """
        self._check()
        return {
            "was_music": self.was_music,
            "failures": self.failures,
            "verdict": self.verdict,
            "checked_step": self.checked_step,
        }

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Ends a run that was killed between its last checkpoint and the stop."""
        self._stop_if_collapsed()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Checks every `every` steps; a checkpoint of the step may have done so."""
        self._check()
        self._stop_if_collapsed()

    def _check(self) -> None:
        step = int(self.model.step.numpy())
        if step % self.every or step == self.checked_step:
            return
        self.verdict, self.checked_step = self.collapsed(), step
        if self.verdict is None:
            self.was_music, self.failures = True, 0
        elif self.was_music or step > self.grace_steps:
            self.failures += 1

    def _stop_if_collapsed(self) -> None:
        if self.failures < self.patience:
            return
        best = self.store.best()
        where = f"The best checkpoint is {best.path}. " if best else ""
        raise TrainingError(
            f"Expected phrases with notes that differ. Received at step {self.checked_step}: "
            f"{self.verdict}, {self.failures} checks in a row. {where}{_WAY_OUT}; "
            "or raise --collapse_patience to go on."
        )


def _bad_losses(logs: Mapping[str, float] | None) -> list[str]:
    """The names of the logged numbers that are not finite, in order."""
    return sorted(name for name, value in (logs or {}).items() if not math.isfinite(value))


def _first(names: list[str], count: int = 4) -> str:
    """Some names and how many more there are: a model has hundreds of weights."""
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more
