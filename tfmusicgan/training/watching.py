"""The callbacks of a run: what is written, looked at and listened to while it trains."""

import json

import keras
import tensorflow as tf

from tfmusicgan.models.base import MusicGAN
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.training.callbacks import (
    SaveCheckpoints,
    ShowMusic,
    StopOnCollapse,
    StopOnNonFinite,
)
from tfmusicgan.training.monitor import MusicMonitor
from tfmusicgan.training.options import TrainingOptions
from tfmusicgan.training.run import Run


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
    monitor = MusicMonitor(model, run.recipe, records, options.num_samples)
    writer = tf.summary.create_file_writer(str(run.logs / "music"))
    with writer.as_default(step=0):
        text = json.dumps(run.settings, indent=1)
        tf.summary.text("settings", "\n".join(f"    {line}" for line in text.splitlines()))
    saver = SaveCheckpoints(store, options.checkpoint_every, monitor.measure)
    saver.writer = writer
    profile = options.profile_steps or 0
    callbacks = [
        keras.callbacks.TensorBoard(
            str(run.logs), write_steps_per_second=True, profile_batch=profile
        ),
        StopOnNonFinite(store),
        saver,
    ]
    if options.collapse_patience:
        callbacks.append(
            StopOnCollapse(
                store,
                monitor.collapsed,
                options.checkpoint_every,
                options.collapse_patience,
                grace_steps=model.model_config.training_steps // 2,
            )
        )
    if options.show_every:
        callbacks.append(ShowMusic(writer, lambda: _sequences(monitor), options.show_every))
    return callbacks, saver


def _sequences(monitor: MusicMonitor, count: int = 4) -> list:
    sampled = monitor.sampler.examples(range(count))
    representation = monitor.records.representation
    qpm = monitor.sampler.model.model_config.qpm
    return [
        representation.decode({name: values[index] for name, values in sampled.items()}, qpm)
        for index in range(count)
    ]
