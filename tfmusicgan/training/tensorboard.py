"""What a run writes for TensorBoard, all of it by training step.

TensorBoard shows three runs: `train` (losses, gradient norms, learning rates, the settings, the
profile), `samples` (metrics, pictures and sound of sampled phrases) and `data` (the same metrics of
the training data, as lines in the samples' charts).
"""

import json
import pathlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan.metrics.log_mel import to_float
from tfmusicgan.rendering.names import pitch_name
from tfmusicgan.training.note_pictures import notes_image

SAMPLE_RATE_HZ = 22_050


class LogTraining(keras.callbacks.Callback):
    """Writes what `train_step` returns, the rates of all optimizers and the speed.

    Keras's own callback counts epochs, which other lines of progress make others, and knows one
    optimizer. Values are means since the last line; rates and loss scales are the next step's.

    Args:
      writer: TensorBoard's.
    """

    def __init__(self, writer: tf.summary.SummaryWriter):
        super().__init__()
        self.writer = writer
        self._began, self._first_step = 0.0, 0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Starts the clock."""
        self._began, self._first_step = time.monotonic(), int(self.model.step.numpy())

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Writes the means of the epoch, at the step that it ends with."""
        step = int(self.model.step.numpy())
        values = {f"training/{name}": value for name, value in (logs or {}).items()}
        seconds = time.monotonic() - self._began
        values["training/steps_per_second"] = (step - self._first_step) / seconds
        if self.model.stage_starts:
            values["training/stage"] = self.model.stage + 1
        for name, optimizer in self.model.optimizers().items():
            values[f"learning_rate/{name}"] = _number(optimizer.learning_rate)
            if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
                values[f"loss_scale/{name}"] = _number(optimizer.dynamic_scale)
        write_scalars(self.writer, values, step)


class Profile(keras.callbacks.Callback):
    """Traces a range of training steps for TensorBoard's profile page.

    Args:
      folder: TensorBoard's run; the trace goes to `plugins/profile` in it.
      first: First step to trace, counted from 1 in this process.
      last: Last step to trace.
    """

    def __init__(self, folder: pathlib.Path, first: int, last: int):
        super().__init__()
        self.folder, self.first, self.last = folder, first, last
        self._count = 0
        self._trace: tf.profiler.experimental.Trace | None = None

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Starts the profiler before the first step, and marks each step's beginning."""
        self._count += 1
        if self._count == self.first:
            tf.profiler.experimental.start(str(self.folder))
        if self.first <= self._count <= self.last:
            step = int(self.model.step.numpy()) + 1
            self._trace = tf.profiler.experimental.Trace("train", step_num=step, _r=1)
            self._trace.__enter__()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Marks the step's end, and writes the trace after the last one."""
        if self._trace is None:
            return
        self.model.step.numpy()  # waits for the device
        self._trace.__exit__(None, None, None)
        self._trace = None
        if self._count == self.last:
            tf.profiler.experimental.stop()


class MusicLog:
    """Writes the metrics of samples, and the data's into the same charts.

    Args:
      logs: TensorBoard's folder.
      data_values: Returns the data's metrics.
    """

    def __init__(self, logs: pathlib.Path, data_values: Callable[[], Mapping[str, float]]):
        self.samples = tf.summary.create_file_writer(str(logs / "samples"))
        self._data = tf.summary.create_file_writer(str(logs / "data"))
        self._data_values = data_values

    def write(self, values: Mapping[str, float], step: int) -> None:
        """Writes both rows at a training step; they are on disk when this returns.

        Args:
          values: Metric to value.
          step: At which the samples were made; the data's values are the same at each.
        """
        for writer, row in ((self.samples, values), (self._data, self._data_values())):
            tagged = {f"music/{name}": value for name, value in row.items()}
            write_scalars(writer, tagged, step)


class ShowSamples(keras.callbacks.Callback):
    """Shows samples of a few fixed seeds now and then; subclasses say how.

    Args:
      writer: TensorBoard's.
      samples: Returns the samples.
      every: Training steps between pictures.
      last_step: Of the run, which is shown as well.
    """

    def __init__(
        self,
        writer: tf.summary.SummaryWriter,
        samples: Callable[[], Any],
        every: int,
        last_step: int,
    ):
        super().__init__()
        self.writer, self.samples = writer, samples
        self.every, self.last_step = every, last_step

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Shows the samples every `every` steps and at the end."""
        step = int(self.model.step.numpy())
        if step % self.every == 0 or step == self.last_step:
            self.show(step)

    def show(self, step: int) -> None:
        """Writes the samples at a training step."""
        raise NotImplementedError


class ShowMusic(ShowSamples):
    """Writes piano-roll pictures and rendered sound to TensorBoard.

    Samples are a few NoteSequences.
    """

    def show(self, step: int) -> None:
        """Writes a picture of all phrases and the sound of the first that has notes."""
        from tfmusicgan.rendering import piano_roll, wav

        phrases = {f"sample {number}": music for number, music in enumerate(self.samples())}
        image = piano_roll.piano_roll_image(list(phrases.values()), list(phrases))
        with self.writer.as_default(step=step):
            tf.summary.image("samples", image[np.newaxis])
            heard = [name for name, music in phrases.items() if music.notes]
            for name in heard[:1]:
                sound = wav.synthesize(phrases[name], sample_rate_hz=SAMPLE_RATE_HZ)
                sound = to_float(sound)
                tf.summary.audio(name, sound[np.newaxis], SAMPLE_RATE_HZ)
        self.writer.flush()


class ShowNotes(ShowSamples):
    """Writes log-mel spectra and the sound of generated notes to TensorBoard.

    Samples are a `metrics.note_metrics.Notes`.
    """

    def show(self, step: int) -> None:
        """Writes a picture of all notes, and each of them as a clip named by its pitch."""
        notes = self.samples()
        image = notes_image({"samples": notes})
        sounds = to_float(notes.audio)
        with self.writer.as_default(step=step):
            tf.summary.image("samples", image[np.newaxis])
            for number, pitch in enumerate(notes.pitch.tolist()):
                name = f"sample {number} {pitch_name(pitch)}"
                sound = sounds[number][np.newaxis, :, np.newaxis]
                tf.summary.audio(name, sound, notes.sample_rate)
        self.writer.flush()


def write_settings(
    writer: tf.summary.SummaryWriter,
    settings: Mapping[str, Any],
    options: Mapping[str, Any],
    step: int,
) -> None:
    """Writes a run's settings as text.

    Args:
      writer: TensorBoard's.
      settings: What `run.json` holds; all of it, and its hyperparameters as a table of their own.
      options: How this process trains, a second table.
      step: From which on the settings hold.
    """
    lines = json.dumps(settings, indent=1).splitlines()
    texts = {
        "hyperparameters": _table(settings["config"]),
        "options": _table(options),
        "run.json": "\n".join(f"    {line}" for line in lines),  # Markdown's block of code
    }
    with writer.as_default(step=step):
        for name, text in texts.items():
            tf.summary.text(f"settings/{name}", text)
    writer.flush()


def write_scalars(writer: tf.summary.SummaryWriter, values: Mapping[str, float], step: int) -> None:
    """Writes numbers at a training step; they are on disk when this returns.

    A run that is killed goes on from its last checkpoint, and writes nothing before it again.
    """
    with writer.as_default(step=step):
        for tag, value in values.items():
            tf.summary.scalar(tag, value)
    writer.flush()


def _number(value: Any) -> float:
    return float(keras.ops.convert_to_numpy(value))


def _table(values: Mapping[str, Any]) -> str:
    """A Markdown table, with values as `--set` takes them."""
    lines = ["| name | value |", "|---|---|"]
    return "\n".join(
        [*lines, *(f"| `{name}` | {_text(value)} |" for name, value in values.items())]
    )


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
