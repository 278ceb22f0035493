"""What a model does with the music that it is given, saved and loaded again."""

import numpy as np
import tensorflow as tf

from tests.made_up import band
from tfmusicgan.representations import given_track
from tfmusicgan.representations import multitrack_piano_roll_graph as graph
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.packing import unpack_bytes
from tfmusicgan.representations.packing_graph import pack_bytes
from tfmusicgan.representations.tracks import TRACK_SETS


def test_saved_model_has_core_ops_only(tmp_path):
    rep = MultitrackPianoRoll(tracks=TRACK_SETS["musegan"], steps_per_beat=6)

    def accompany(texts):
        texts = graph.readable_note_sequences(texts)
        notes = graph.read_notes(texts, rep)
        num_bars = graph.count_bars(notes, rep, 64)
        given = graph.given_track(notes, rep, 3, tf.reduce_max(num_bars))
        return {
            "track": pack_bytes(given, num_bars),
            "qpm": graph.note_sequence_qpm(texts),
            "bars": num_bars,
        }

    module = tf.Module()
    module.accompany = tf.function(accompany, [tf.TensorSpec([None], tf.string)], autograph=False)
    tf.saved_model.save(module, str(tmp_path / "1"))
    pieces = [band(1, bars=7), band(2, bars=3, qpm=90.0)]
    damaged = [b"\xff\xff\xff"]
    texts = tf.constant([pieces[0].SerializeToString(), *damaged, pieces[1].SerializeToString()])
    found = tf.saved_model.load(str(tmp_path / "1")).accompany(texts)
    assert found["bars"].numpy().tolist() == [7, 1, 3]
    assert found["qpm"].numpy().tolist() == [120, 120, 90]
    first, silence, last = found["track"].numpy()
    assert np.frombuffer(first, np.uint8).any()
    assert not np.frombuffer(silence, np.uint8).any()
    for text, piece in zip((first, last), pieces, strict=True):
        expected = given_track.encode_track(piece, rep, 3)
        assert np.array_equal(unpack_bytes(text, expected.shape), expected)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        loaded = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(tmp_path / "1"))
    ops = {node.op for f in loaded.graph_def.library.function for node in f.node_def}
    assert {"EncodeProto", "DecodeProtoV2"} <= ops
    assert not {op for op in ops if op.startswith(("PyFunc", "EagerPyFunc", "IO>"))}
    assert all(hasattr(tf.raw_ops, op) for op in ops), ops
