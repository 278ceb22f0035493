"""Tiny SavedModels with known answers, for the tests of server and client."""

import os

import numpy as np


def note_sequence_bytes(seed: int) -> bytes:
    """What the toy generator answers for a seed: a serialised NoteSequence with one note."""
    from tfmusicgan.note_sequences.proto import NoteSequence

    sequence = NoteSequence(ticks_per_quarter=220, total_time=1.0)
    sequence.notes.add(pitch=seed % 128, velocity=80, end_time=1.0)
    return sequence.SerializeToString()


def _generator(scale: float):
    import tensorflow as tf

    def spec(dtype, name):
        return tf.TensorSpec([None], dtype, name=name)

    class Generator(tf.Module):
        """seed -> a NoteSequence whose only note has pitch seed % 128; qpm * scale + seed."""

        def __init__(self):
            super().__init__()
            self.table = tf.Variable([note_sequence_bytes(pitch) for pitch in range(128)])
            self.scale = tf.Variable(scale, dtype=tf.float32)

        @tf.function(input_signature=[spec(tf.int64, "seed")])
        def serve(self, seed):
            return {"note_sequence": tf.gather(self.table, seed % 128)}

        @tf.function(
            input_signature=[
                spec(tf.int64, "seed"),
                spec(tf.float32, "threshold"),
                spec(tf.float32, "qpm"),
            ]
        )
        def generate(self, seed, threshold, qpm):
            value = qpm * self.scale + tf.cast(seed, tf.float32)
            return {
                "note_sequence": tf.gather(self.table, seed % 128),
                "piano_roll": tf.cast(tf.stack([seed, seed + 1, seed + 2], -1) % 256, tf.uint8),
                "value": tf.stack([value, threshold], -1),
            }

        @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, name="x")])
        def matmul(self, x):
            return {"y": tf.matmul(x, tf.ones([4, 3]))}

        @tf.function(input_signature=[spec(tf.int64, "steps")])
        def slow(self, steps):
            total = tf.while_loop(
                lambda i: i < tf.reduce_max(steps), lambda i: [i + 1], [tf.constant(0, tf.int64)]
            )[0]
            return {"steps": tf.fill(tf.shape(steps), total)}

        @tf.function(input_signature=[spec(tf.int64, "seed")])
        def shapeless(self, seed):
            return {"total": tf.reduce_sum(seed)}

        @tf.function(input_signature=[spec(tf.int64, "seed")])
        def halved(self, seed):
            return {"first": seed[: tf.size(seed) // 2]}

        @tf.function(input_signature=[spec(tf.float32, "inputs")])
        def half_a_classifier(self, inputs):
            return {"y": inputs}

        @tf.function(input_signature=[spec(tf.float32, "inputs")])
        def regressor(self, inputs):
            return {"outputs": inputs}

        @tf.function(input_signature=[spec(tf.float32, "inputs")])
        def three_outputs(self, inputs):
            return {"a": inputs, "b": inputs, "c": inputs}

        @tf.function(input_signature=[tf.TensorSpec([], tf.float32, name="x")])
        def scalar(self, x):
            return {"y": tf.reshape(x, [1])}

        @tf.function(input_signature=[spec(tf.float32, "x")])
        def bfloat16(self, x):
            return {"y": tf.cast(x, tf.bfloat16)}

        @tf.function(
            input_signature=[
                spec(tf.string, "text"),
                spec(tf.bool, "flag"),
                spec(tf.int8, "small"),
                tf.TensorSpec([None, None], tf.float64, name="reals"),
            ]
        )
        def echo(self, text, flag, small, reals):
            return {
                "text": tf.identity(text),
                "text_bytes": tf.strings.join([text, text]),
                "flag": tf.logical_not(flag),
                "small": small + 1,
                "reals": -reals,
            }

        @tf.function(input_signature=[spec(tf.string, "text")])
        def number(self, text):
            return {"value": tf.strings.to_number(text)}

        @tf.function(input_signature=[spec(tf.half, "x")])
        def half(self, x):
            return {"y": x}

        @tf.function(input_signature=[spec(tf.float32, "x")])
        def to_half(self, x):
            return {"y": tf.cast(x, tf.half)}

    return Generator()


def write_model(folder, scale: float = 2.0, warmup=()) -> str:
    """Saves a toy model as one version.

    Args:
      folder: The version's folder.
      scale: `generate` answers `value` = qpm * scale + seed.
      warmup: Serialised PredictionLogs for the warm-up file.
    """
    import tensorflow as tf

    model = _generator(scale)
    signatures = {
        "serving_default": model.serve,
        "generate": model.generate,
        "matmul": model.matmul,
        "slow": model.slow,
        "shapeless": model.shapeless,
        "halved": model.halved,
        "half_a_classifier": model.half_a_classifier,
        "regressor": model.regressor,
        "three_outputs": model.three_outputs,
        "scalar": model.scalar,
        "bfloat16": model.bfloat16,
        "echo": model.echo,
        "number": model.number,
        "half": model.half,
        "to_half": model.to_half,
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
