"""Reads TensorBoard's files as the format says, without TensorBoard."""

import pathlib
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.core.util import event_pb2


class Entry(NamedTuple):
    """One value of an event file: the run is the folder, the kind is TensorBoard's plugin."""

    run: str
    kind: str
    tag: str
    step: int
    value: np.ndarray


def read(logs: pathlib.Path) -> list[Entry]:
    """Everything in the event files below a folder, in the order it was written."""
    found = []
    for path in sorted(logs.rglob("*tfevents*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = event_pb2.Event.FromString(record.numpy())
            for value in event.summary.value:
                kind = value.metadata.plugin_data.plugin_name
                array = tf.make_ndarray(value.tensor)
                found.append(Entry(path.parent.name, kind, value.tag, event.step, array))
    return found


def scalars(logs: pathlib.Path, run: str) -> dict[str, dict[int, float]]:
    """Tag to step to number of one run; a step that is written twice is an error."""
    found = {}
    for entry in read(logs):
        if (entry.run, entry.kind) == (run, "scalars"):
            steps = found.setdefault(entry.tag, {})
            assert entry.step not in steps, entry
            steps[entry.step] = float(entry.value)
    return found
