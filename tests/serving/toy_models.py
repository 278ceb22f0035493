"""Tiny SavedModels with known answers, for the tests of server and client."""

import os

import numpy as np


def note_sequence_bytes(seed: int) -> bytes:
    """What the toy generator answers for a seed: a serialised NoteSequence with one note."""
    from tfmusicgan.note_sequences.proto import NoteSequence

    sequence = NoteSequence(ticks_per_quarter=220, total_time=1.0)
    sequence.notes.add(pitch=seed % 128, velocity=80, end_time=1.0)
    return sequence.SerializeToString()


def _spec(dtype, name, shape=(None,)):
    import tensorflow as tf

    return tf.TensorSpec(shape, dtype, name=name)


def _signature(*specs):
    import tensorflow as tf

    return tf.function(input_signature=specs)


def _music(scale: float):
    import tensorflow as tf

    class Music(tf.Module):
        """seed -> a NoteSequence whose only note has pitch seed % 128; qpm * scale + seed."""

        def __init__(self):
            super().__init__()
            self.table = tf.Variable([note_sequence_bytes(pitch) for pitch in range(128)])
            self.scale = tf.Variable(scale, dtype=tf.float32)

        @_signature(_spec(tf.int64, "seed"))
        def serving_default(self, seed):
            return {"note_sequence": tf.gather(self.table, seed % 128)}

        @_signature(
            _spec(tf.int64, "seed"), _spec(tf.float32, "threshold"), _spec(tf.float32, "qpm")
        )
        def generate(self, seed, threshold, qpm):
            value = qpm * self.scale + tf.cast(seed, tf.float32)
            return {
                "note_sequence": tf.gather(self.table, seed % 128),
                "piano_roll": tf.cast(tf.stack([seed, seed + 1, seed + 2], -1) % 256, tf.uint8),
                "value": tf.stack([value, threshold], -1),
            }

    return Music()


def _shapes():
    import tensorflow as tf

    class Shapes(tf.Module):
        """Work of any size, and answers without one row for each row asked for."""

        @_signature(_spec(tf.float32, "x", (None, None)))
        def matmul(self, x):
            return {"y": tf.matmul(x, tf.ones([4, 3]))}

        @_signature(_spec(tf.int64, "steps"))
        def slow(self, steps):
            total = tf.while_loop(
                lambda i: i < tf.reduce_max(steps), lambda i: [i + 1], [tf.constant(0, tf.int64)]
            )[0]
            return {"steps": tf.fill(tf.shape(steps), total)}

        @_signature(_spec(tf.int64, "seed"))
        def shapeless(self, seed):
            return {"total": tf.reduce_sum(seed)}

        @_signature(_spec(tf.int64, "seed"))
        def halved(self, seed):
            return {"first": seed[: tf.size(seed) // 2]}

        @_signature(_spec(tf.float32, "x", ()))
        def scalar(self, x):
            return {"y": tf.reshape(x, [1])}

    return Shapes()


def _classifiers():
    import tensorflow as tf

    class Classifiers(tf.Module):
        """What REST's `classify` and `regress` take for theirs, and what they do not."""

        @_signature(_spec(tf.float32, "inputs"))
        def half_a_classifier(self, inputs):
            return {"y": inputs}

        @_signature(_spec(tf.float32, "inputs"))
        def regressor(self, inputs):
            return {"outputs": inputs}

        @_signature(_spec(tf.float32, "inputs"))
        def three_outputs(self, inputs):
            return {"a": inputs, "b": inputs, "c": inputs}

    return Classifiers()


def _dtypes():
    import tensorflow as tf

    class Dtypes(tf.Module):
        """Values of the less usual types."""

        @_signature(_spec(tf.float32, "x"))
        def bfloat16(self, x):
            return {"y": tf.cast(x, tf.bfloat16)}

        @_signature(
            _spec(tf.string, "text"),
            _spec(tf.bool, "flag"),
            _spec(tf.int8, "small"),
            _spec(tf.float64, "reals", (None, None)),
        )
        def echo(self, text, flag, small, reals):
            return {
                "text": tf.identity(text),
                "text_bytes": tf.strings.join([text, text]),
                "flag": tf.logical_not(flag),
                "small": small + 1,
                "reals": -reals,
            }

        @_signature(_spec(tf.string, "text"))
        def number(self, text):
            return {"value": tf.strings.to_number(text)}

        @_signature(_spec(tf.half, "x"))
        def half(self, x):
            return {"y": x}

        @_signature(_spec(tf.float32, "x"))
        def to_half(self, x):
            return {"y": tf.cast(x, tf.half)}

    return Dtypes()


def write_model(folder, scale: float = 2.0, warmup=()) -> str:
    """Saves a toy model as one version.

    Args:
      folder: The version's folder.
      scale: `generate` answers `value` = qpm * scale + seed.
      warmup: Serialised PredictionLogs for the warm-up file.
    """
    import tensorflow as tf

    model = tf.Module()
    model.parts = [_music(scale), _shapes(), _classifiers(), _dtypes()]
    signatures = {
        name: getattr(part, name)
        for part in model.parts
        for name, method in vars(type(part)).items()
        if hasattr(method, "get_concrete_function")
    }
    tf.saved_model.save(model, str(folder), signatures=signatures)
    if warmup:
        write_warmup(folder, warmup)
    return str(folder)


def write_warmup(folder, records) -> None:
    """Writes the warm-up file of a version."""
    import tensorflow as tf

    path = os.path.join(str(folder), "assets.extra/tf_serving_warmup_requests")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tf.io.TFRecordWriter(path) as writer:
        for record in records:
            writer.write(record)


def expected_value(seed, qpm, threshold, scale: float = 2.0) -> np.ndarray:
    """`generate`'s `value`, row by row."""
    rows = [[q * scale + s, t] for s, q, t in zip(seed, qpm, threshold, strict=True)]
    return np.array(rows, np.float32)
