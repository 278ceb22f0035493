"""Callbacks of a run: checkpoints, stops on bad losses and collapse, pictures and sound."""

import math
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan.errors import TrainingError
from tfmusicgan.training.checkpoints import CheckpointStore

MeasureFn = Callable[[], dict[str, float]]


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
        bad = sorted(name for name, value in (logs or {}).items() if not math.isfinite(value))
        if bad:
            where = self.store.latest_in_words()
            raise TrainingError(
                f"Expected finite losses. Received: {', '.join(bad)} not finite near step "
                f"{int(self.model.step.numpy())}. {where} Lower learning_rate with --set."
            )


class SaveCheckpoints(keras.callbacks.Callback):
    """Writes a checkpoint every `every` steps and at the end, with the musical distance.

    Args:
      store: Where to.
      every: Training steps between checkpoints.
      measure: Returns `{"distance": ...}` and the metrics it comes from; None measures nothing.
    """

    def __init__(self, store: CheckpointStore, every: int, measure: MeasureFn | None = None):
        super().__init__()
        self.store, self.every, self.measure = store, every, measure
        self.writer: tf.summary.SummaryWriter | None = None
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
            self._log(values, step)
        self.store.save(self.model, metric)
        self._saved_step = step

    def _refuse_non_finite(self, step: int, logs: dict | None) -> None:
        losses = [value for value in (logs or {}).values() if not math.isfinite(value)]
        finite = all(np.isfinite(weight.numpy()).all() for weight in self.model.weights)
        if losses or not finite:
            where = self.store.latest_in_words()
            raise TrainingError(
                f"Expected finite weights and losses. Received: others at step {step}. {where}"
            )

    def _log(self, values: dict[str, float], step: int) -> None:
        if self.writer is None:
            return
        with self.writer.as_default(step=step):
            for name, value in values.items():
                tf.summary.scalar(f"music/{name}", value)


class StopOnCollapse(keras.callbacks.Callback):
    """Ends the run with `TrainingError` when every sampled phrase is empty or all are the same.

    A healthy WGAN begins with empty phrases: its first lesson is that nearly all cells are silent.
    Hence checks count once the samples have been music, or after `grace_steps`.

    Args:
      store: Names the best checkpoint in the message.
      collapsed: Says in words what is wrong with the samples, None when nothing is.
      every: Training steps between checks.
      patience: Checks in a row that must fail.
      grace_steps: Step until which samples that have never been music are let pass.
    """

    def __init__(
        self,
        store: CheckpointStore,
        collapsed: Callable[[], str | None],
        every: int,
        patience: int,
        grace_steps: int,
    ):
        super().__init__()
        self.store, self.collapsed = store, collapsed
        self.every, self.patience, self.grace_steps = every, patience, grace_steps
        self.was_music, self.failures = False, 0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Checks every `every` steps."""
        step = int(self.model.step.numpy())
        if step % self.every:
            return
        verdict = self.collapsed()
        if verdict is None:
            self.was_music, self.failures = True, 0
        elif self.was_music or step > self.grace_steps:
            self.failures += 1
        if self.failures >= self.patience:
            best = self.store.best()
            where = f"The best checkpoint is {best.path}. " if best else ""
            raise TrainingError(
                f"Expected phrases with notes that differ. Received at step {step}: {verdict}, "
                f"{self.failures} checks in a row. {where}Lower learning_rate with --set, or "
                "raise --collapse_patience."
            )


class ShowMusic(keras.callbacks.Callback):
    """Writes piano-roll pictures and rendered sound of fixed seeds to TensorBoard.

    Args:
      writer: TensorBoard's.
      sequences: Returns the NoteSequences of a few fixed seeds.
      every: Training steps between pictures.
      sample_rate_hz: Of the sound.
    """

    def __init__(
        self,
        writer: tf.summary.SummaryWriter,
        sequences: Callable[[], list],
        every: int,
        sample_rate_hz: int = 22_050,
    ):
        super().__init__()
        self.writer, self.sequences, self.every = writer, sequences, every
        self.sample_rate_hz = sample_rate_hz

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Shows the samples every `every` steps."""
        step = int(self.model.step.numpy())
        if step % self.every == 0:
            self.show(step)

    def show(self, step: int) -> None:
        """Renders and writes; phrases without notes are left out."""
        from tfmusicgan.rendering import piano_roll, wav

        numbered = enumerate(self.sequences())
        heard = {f"sample {number}": music for number, music in numbered if music.notes}
        if not heard:
            return
        with self.writer.as_default(step=step):
            image = piano_roll.piano_roll_image(list(heard.values()), list(heard))
            tf.summary.image("samples", image[np.newaxis])
            name, music = next(iter(heard.items()))
            sound = wav.synthesize(music, sample_rate_hz=self.sample_rate_hz)
            sound = sound.astype(np.float32) / 32768.0
            tf.summary.audio(name, sound[np.newaxis], self.sample_rate_hz)
