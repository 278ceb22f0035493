"""A toy SavedModel whose music is a known function of the seed, and plans of sampling it."""

import pathlib

from tfmusicgan import bulk_sampling
from tfmusicgan.note_sequences.proto import NoteSequence

PIECES = 13


def piece(index: int) -> NoteSequence:
    """Piece number `index` has `index` notes, so number 0 is silent."""
    sequence = NoteSequence(ticks_per_quarter=220)
    sequence.tempos.add(qpm=100 + index)
    for note in range(index):
        sequence.notes.add(
            pitch=40 + note, velocity=80, start_time=note * 0.5, end_time=note * 0.5 + 0.25
        )
    sequence.total_time = index * 0.5
    return sequence


def save(folder: pathlib.Path) -> pathlib.Path:
    import tensorflow as tf

    class Toy(tf.Module):
        def __init__(self):
            super().__init__()
            self.pieces = tf.constant(
                [piece(i).SerializeToString(deterministic=True) for i in range(PIECES)]
            )

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "seed")])
        def serve(self, seed):
            return {"note_sequence": tf.gather(self.pieces, seed % PIECES)}

        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.int64, "seed"),
                tf.TensorSpec([None], tf.int32, "shift"),
                tf.TensorSpec([None], tf.float32, "qpm"),
                tf.TensorSpec([None], tf.bool, "swing"),
                tf.TensorSpec([None], tf.string, "chord"),
            ]
        )
        def generate(self, seed, shift, qpm, swing, chord):
            used = tf.cast(swing, tf.int64) + tf.cast(qpm > 99.0, tf.int64)
            used += tf.cast(tf.equal(chord, "Am"), tf.int64)
            row = (seed + tf.cast(shift, tf.int64) + used) % PIECES
            return {"note_sequence": tf.gather(self.pieces, row)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "seed")])
        def count(self, seed):
            return {"notes": seed % PIECES}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "seed")])
        def damaged(self, seed):
            return {"note_sequence": tf.repeat(["\xff\xff\xff"], tf.size(seed))}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "seed")])
        def shapeless(self, seed):
            return {"note_sequence": tf.gather(self.pieces, seed[:1] % PIECES)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "seed")])
        def failing(self, seed):
            with tf.control_dependencies([tf.debugging.Assert(seed[0] < 0, ["no such seed"])]):
                return {"note_sequence": tf.gather(self.pieces, seed % PIECES)}

    toy = Toy()
    signatures = {
        "failing": toy.failing,
        "serving_default": toy.serve,
        "generate": toy.generate,
        "count": toy.count,
        "damaged": toy.damaged,
        "shapeless": toy.shapeless,
    }
    tf.saved_model.save(toy, str(folder), signatures=signatures)
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "tfmusicgan.json").write_text("{}")
    return folder


def plan_of(export, controls=(), signature="serving_default", **changes):
    numbers = {"seed": 7, "num": 53, "batch_size": 8, "shard_size": 20} | changes
    return bulk_sampling.make_plan(export, signature, controls, **numbers)


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
