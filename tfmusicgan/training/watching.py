"""The callbacks of a run: what is written, looked at and listened to while it trains."""

import contextlib
import dataclasses
import re
from collections.abc import Iterator

import keras
import tensorflow as tf

from tfmusicgan.errors import TrainingError
from tfmusicgan.files import room_advice, why_not_written
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.recipes.base import Recipe
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.training.callbacks import (
    SaveCheckpoints,
    StopOnCollapse,
    StopOnNonFinite,
)
from tfmusicgan.training.checkpoints import CheckpointStore
from tfmusicgan.training.classifying import ClassifierMonitor
from tfmusicgan.training.monitor import MusicMonitor, measured_field
from tfmusicgan.training.note_monitor import NoteMonitor
from tfmusicgan.training.options import TrainingOptions
from tfmusicgan.training.run import Run
from tfmusicgan.training.tensorboard import (
    LogTraining,
    MusicLog,
    Profile,
    ShowMusic,
    ShowNotes,
    write_settings,
)

# Samples that TensorBoard shows.
_SHOWN = 4


def make_callbacks(
    model: MusicGAN, run: Run, records: RecordSet, options: TrainingOptions
) -> tuple[list[keras.callbacks.Callback], SaveCheckpoints]:
    """The callbacks of a run, the one that saves also by itself.

    Args:
      model: Compiled.
      run: Where checkpoints and logs go.
      records: What the samples are measured against.
      options: How often.

    Returns:
      All callbacks in order, and among them the one that writes checkpoints.
    """
    store = run.store(options.keep_latest, options.keep_every)
    monitor = _monitor(model, run.recipe, records, options.num_samples)
    training = tf.summary.create_file_writer(str(run.logs / "train"))
    step, last_step = int(model.step.numpy()), model.model_config.training_steps
    write_settings(training, run.settings, dataclasses.asdict(options), step)
    music = MusicLog(run.logs, lambda: monitor.data_values)
    stop = None
    if run.recipe.kind != "classifier":
        stop = _stop_on_collapse(model, store, monitor, options)
    saver = SaveCheckpoints(
        store, options.checkpoint_every, monitor.measure, music.write, stop.state if stop else None
    )
    callbacks = [LogTraining(training), StopOnNonFinite(store), saver]
    if options.profile_steps:
        # First: its steps end before others measure and save.
        callbacks.insert(0, Profile(run.logs / "train", *options.profile_steps))
    every = options.show_every
    if every and isinstance(monitor, NoteMonitor):
        callbacks.append(ShowNotes(music.samples, lambda: monitor.notes(_SHOWN), every, last_step))
    elif every and isinstance(monitor, MusicMonitor) and _sounds(records):
        callbacks.append(ShowMusic(music.samples, lambda: _sequences(monitor), every, last_step))
    if stop:
        callbacks.append(stop)  # last: the samples are saved and shown before
    return callbacks, saver


def _monitor(
    model: MusicGAN, recipe: Recipe, records: RecordSet, num_samples: int
) -> MusicMonitor | NoteMonitor | ClassifierMonitor:
    """What measures a recipe's model."""
    if recipe.kind == "classifier":
        return ClassifierMonitor(model, records)
    monitor = NoteMonitor if measured_field(records.representation) == "audio" else MusicMonitor
    return monitor(model, recipe, records, num_samples)


def _sounds(records: RecordSet) -> bool:
    """Whether what is generated can be played."""
    return getattr(records.representation, "sounds", True)


def _stop_on_collapse(
    model: MusicGAN,
    store: CheckpointStore,
    monitor: MusicMonitor | NoteMonitor,
    options: TrainingOptions,
) -> StopOnCollapse | None:
    """The stop as the checkpoint that the model goes on from left it; None where none is wanted."""
    if not options.collapse_patience:
        return None
    latest = store.latest()
    return StopOnCollapse(
        store,
        monitor.collapsed,
        options.checkpoint_every,
        options.collapse_patience,
        grace_steps=model.model_config.training_steps // 2,
        state=None if latest is None else latest.state,
    )


@contextlib.contextmanager
def plain_log_errors(run: Run) -> Iterator[None]:
    """Makes one line of TensorFlow's errors about event logs: a full disk may meet these first.

    Raises:
      TrainingError: If the block raised an error about the writing of event logs.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if not re.search(r"Summary(File)?Writer|tfevents", str(error)):
            raise
        again = "Make room there and run the same command again; it goes on from the last one."
        raise TrainingError(
            f"The logs could not be written to {run.logs}: {why_not_written(error)}. "
            f"{run.store().latest_in_words()}{room_advice(error, again)}"
        ) from error


def _sequences(monitor: MusicMonitor, count: int = _SHOWN) -> list[NoteSequence]:
    sampled = monitor.sampler.examples(range(count))
    representation = monitor.records.representation
    qpm = monitor.sampler.model.default_qpm
    return [
        representation.decode({name: values[index] for name, values in sampled.items()}, qpm)
        for index in range(count)
    ]
