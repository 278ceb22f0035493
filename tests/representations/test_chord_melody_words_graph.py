"""The graph half of chord-and-melody words against the NumPy half."""

import dataclasses
import functools

import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, Phase, given, settings

from tests.representations.slow_chord_melody import (
    SlowPiece,
    pieces,
    slow_melody,
    slow_nearest,
    slow_parts,
    slow_words,
    tunes,
)
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import chord_melody_words_graph as graph
from tfmusicgan.representations.chord_melody_nearest import find_nearest_tokens
from tfmusicgan.representations.chord_melody_words import ChordMelodyWords

# No shrinking: every example runs a graph.
SETTINGS = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
_TEXTS = tf.TensorSpec([None], tf.string)


def made_up(number):
    """A tune of eleven notes over three chords, the first with the second note, with rests."""
    rng = np.random.default_rng(number)
    notes, now = [], int(rng.choice([0, 24]))
    for place in range(12):
        length = int(rng.choice([24, 24, 48, 16]))
        if place != 5:
            notes.append((now, length, int(rng.integers(58, 75)), 0, False))
        now += length
    for place, length in enumerate((96, 48, 96)):
        for above in ((0, 4, 7), (0, 3, 7), (0, 4, 7, 10))[int(rng.integers(3))]:
            notes.append(
                (notes[1][0] + 120 * place, length, int(rng.integers(41, 52)) + above, 1, False)
            )
    return SlowPiece(tuple(notes))


SEQUENCES = [made_up(number).to_sequence() for number in range(8)]
# Each is traced once; the second lacks words, the last has none.
REPS = (
    ChordMelodyWords(length=6).with_vocabulary(SEQUENCES),
    ChordMelodyWords(length=3, steps_per_quarter=5, max_words=9, melody_name="").with_vocabulary(
        SEQUENCES
    ),
    ChordMelodyWords(length=1, steps_per_quarter=48, chords_name="melody").with_vocabulary(
        SEQUENCES[:3]
    ),
    ChordMelodyWords(length=4),
)


class Decoder(tf.Module):
    """What an export has: tokens and tempos in, NoteSequences out, and the way back."""

    def __init__(self, rep):
        super().__init__()
        row, grid = tf.TensorSpec([None], tf.int32), tf.TensorSpec([None, None], tf.int32)
        qpm = tf.TensorSpec([None], tf.float32)
        self.decode = tf.function(
            lambda tokens, qpm: graph.to_note_sequences(tokens, rep, qpm),
            [grid, qpm],
            autograph=False,
        )
        self.decode_parts = tf.function(
            lambda tokens, qpm, lengths: graph.to_note_sequences(tokens, rep, qpm, lengths),
            [grid, qpm, row],
            autograph=False,
        )
        self.encode = tf.function(
            lambda texts: graph.from_note_sequences(graph.readable_note_sequences(texts), rep),
            [_TEXTS],
            autograph=False,
        )


@functools.cache
def decoder(rep):
    return Decoder(rep)


@functools.cache
def encoder(rep, max_tokens):
    return tf.function(
        lambda texts: graph.from_note_sequences(texts, rep, max_tokens), [_TEXTS], autograph=False
    )


def serialize(sequences):
    return tf.constant([sequence.SerializeToString() for sequence in sequences], tf.string)


def assert_equal_messages(serialized, rows, rep, qpm):
    for got, tokens, tempo in zip(serialized.numpy(), rows, qpm, strict=True):
        expected = rep.decode({"tokens": tokens}, float(tempo))
        assert NoteSequence.FromString(got) == expected
        assert got == expected.SerializeToString(deterministic=True)


@SETTINGS
@given(st.sampled_from(REPS), st.integers(0, 5), st.integers(1, 30), st.integers(0, 2**32))
def test_to_note_sequences_equals_decode(rep, batch, longest, seed):
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, rep.num_tokens, (batch, longest), np.int32)
    qpm = rng.uniform(4, 1000, batch).astype(np.float32)
    assert_equal_messages(decoder(rep).decode(tokens, qpm), tokens, rep, qpm)
    lengths = rng.integers(1, longest + 1, batch).astype(np.int32)
    own = [row[:count] for row, count in zip(tokens, lengths, strict=True)]
    assert_equal_messages(decoder(rep).decode_parts(tokens, qpm, lengths), own, rep, qpm)


def test_rows_by_hand():
    note, both, only = (24, 4, 1, 0, 0, 0), (24, 4, 3, 48, 433, 145), (0, 0, 0, 24, 0, 0)
    rep = dataclasses.replace(REPS[3], words=(note, both, only))
    tokens = np.int32([[2, 3, 4, 2], [0, 0, 0, 0], [4, 1, 3, 2]])
    texts = graph.to_note_sequences(tf.constant(tokens), rep, tf.constant([60.0, 60, 120]))
    found = [NoteSequence.FromString(text) for text in texts.numpy()]
    assert [[(n.pitch, n.start_time, n.instrument) for n in one.notes] for one in found] == [
        [(60, 0.0, 0), (62, 1.0, 0), (52, 1.0, 1), (55, 1.0, 1), (60, 1.0, 1), (60, 2.0, 0)],
        [],
        [(62, 0.5, 0), (52, 0.5, 1), (55, 0.5, 1), (60, 0.5, 1), (60, 1.0, 0)],
    ]
    assert [[(a.time, a.text) for a in one.text_annotations] for one in found] == [
        [(1.0, "C/E"), (3.0, "N.C.")],
        [],
        [(0.0, "N.C."), (0.5, "C/E")],
    ]
    assert [one.total_time for one in found] == [4.0, 0.0, 1.5]


@pytest.mark.parametrize("qpm", [3.9, 1001.0, np.nan, np.inf])
def test_a_tempo_out_of_range_is_refused(qpm):
    with pytest.raises(tf.errors.InvalidArgumentError, match="qpm: expected 4-1000"):
        decoder(REPS[0]).decode(np.zeros((2, 3), np.int32), np.float32([120, qpm]))


@pytest.mark.parametrize("token", [-1, REPS[1].num_tokens])
def test_a_token_out_of_range_is_refused(token):
    with pytest.raises(tf.errors.InvalidArgumentError, match="tokens: expected 0-10"):
        decoder(REPS[1]).decode(np.int32([[3, token]]), np.float32([120]))


def slow_tokens(piece, rep):
    """Tokens of a whole piece, of its melody where it has no chords; none without a melody. And
    which of them are the nearest of an unknown word."""
    words = slow_words(piece, rep)
    if words is None:
        melody = slow_melody(slow_parts(piece, rep)[0], rep)
        words = [(*melody[step], 0, 0, 0) for step in sorted(melody)]
    if not rep.words:
        return [1] * len(words), [False] * len(words)
    known = [word if word in rep.words else slow_nearest(word, rep.words) for word in words]
    return [rep.words.index(word) + 2 for word in known], [word not in rep.words for word in words]


@SETTINGS
@given(st.sampled_from(REPS), st.lists(st.one_of(pieces(), tunes()), max_size=4))
def test_from_note_sequences_equals_find_words(rep, piece_list):
    # Longer than some of the pieces, shorter than others.
    found = encoder(rep, 9)(serialize([piece.to_sequence() for piece in piece_list]))
    assert [values.dtype for values in found] == [tf.int32, tf.int32, tf.bool, tf.int32]
    assert found[0].shape == found[2].shape == (len(piece_list), 9)
    rows = zip(piece_list, *(values.numpy() for values in found), strict=True)
    for piece, row, length, marks, left_out in rows:
        tokens = slow_tokens(piece, rep)
        expected, unknown = (values[-9:] for values in tokens)
        rest = 9 - len(expected)
        assert row.tolist() == expected + [0] * rest
        assert marks.tolist() == unknown + [False] * rest
        assert (length, left_out) == (len(expected), len(tokens[0]) - len(expected))


def test_from_note_sequences_equals_find_nearest_tokens():
    for rep, fewest, most_known in zip(REPS[:2], (9, 2), (1.0, 0.9), strict=True):
        tokens, lengths, replaced, _ = (v.numpy() for v in encoder(rep, 90)(serialize(SEQUENCES)))
        for sequence, row, length, marks in zip(SEQUENCES, tokens, lengths, replaced, strict=True):
            words = rep.find_words(sequence)
            expected = find_nearest_tokens(words, rep)
            assert np.array_equal(row[:length], expected) and not row[length:].any()
            assert np.array_equal(marks[:length], rep.find_tokens(words) == 1)
            assert not marks[length:].any()
            assert len({*expected.tolist()}) >= fewest
        assert np.mean(~replaced[tokens > 0]) <= most_known


def test_what_is_decoded_comes_back_in():
    rep = ChordMelodyWords(length=1).with_vocabulary(SEQUENCES)
    tokens, lengths, replaced, _ = encoder(rep, 90)(serialize(SEQUENCES))
    assert lengths.numpy().min() > 12 and not replaced.numpy().any()
    qpm = np.full(len(SEQUENCES), 97.0, np.float32)
    again, counts, *_ = encoder(rep, 90)(decoder(rep).decode_parts(tokens, qpm, lengths))
    assert np.array_equal(again, tokens) and np.array_equal(counts, lengths)


def test_from_note_sequences_never_fails():
    rep = REPS[0]
    wild = NoteSequence()
    for value in (np.nan, np.inf, -np.inf, 1e300, -1e300):
        wild.notes.add(pitch=60, start_time=value, end_time=1.0, instrument=-5)
        wild.notes.add(pitch=61, start_time=1.0, end_time=value, instrument=2**31 - 1)
    wild.notes.add(pitch=2**31 - 1, start_time=0, end_time=1, instrument=-5)
    wild.notes.add(pitch=-(2**31), start_time=0, end_time=1, instrument=-5)
    wild.notes.add(pitch=70, start_time=0, end_time=1, instrument=2**31 - 1)
    drums = NoteSequence()
    drums.notes.add(pitch=60, start_time=0, end_time=9, is_drum=True)
    texts = [b"", b"\xff\xff", drums.SerializeToString(), wild.SerializeToString()]
    tune = SEQUENCES[2].SerializeToString()
    tokens, lengths, replaced, _ = decoder(rep).encode(tf.constant([*texts, tune]))
    assert lengths.numpy()[[0, 1, 2, 4]].tolist() == [0, 0, 0, 6]
    assert not tokens.numpy()[:3].any()
    # Among them a note of the tune's tempo: the others in the batch do not matter to it.
    alone, *_ = decoder(rep).encode(tf.constant([tune]))
    assert np.array_equal(tokens[4:], alone) and alone.numpy().min() >= 2
    # The melody that is left of the wild ones: far away, and at no word of the vocabulary.
    assert 0 < lengths.numpy()[3] <= 6 and tokens.numpy()[3, : lengths[3]].min() >= 2
    assert replaced.numpy().sum(axis=1)[:4].tolist() == [0, 0, 0, lengths[3]]
    nothing = decoder(rep).encode(tf.zeros([0], tf.string))
    assert [values.shape for values in nothing] == [(0, 6), (0,), (0, 6), (0,)]


@pytest.mark.parametrize("max_tokens", [0, 65_537])
def test_max_tokens_out_of_range(max_tokens):
    with pytest.raises(ValueError, match=f"max_tokens: expected 1-65536. Received: {max_tokens}"):
        graph.from_note_sequences(tf.constant([""]), REPS[0], max_tokens)


def test_saved_model_has_core_ops_only(tmp_path):
    rep = REPS[0]
    tf.saved_model.save(Decoder(rep), str(tmp_path / "1"))
    reloaded = tf.saved_model.load(str(tmp_path / "1"))
    tokens = np.random.default_rng(9).integers(2, rep.num_tokens, (4, 6), np.int32)
    qpm = np.full(4, 120, np.float32)
    serialized = reloaded.decode(tf.constant(tokens), tf.constant(qpm))
    assert_equal_messages(serialized, tokens, rep, qpm)
    found = reloaded.encode(serialize(SEQUENCES))[0]
    ends = [find_nearest_tokens(rep.find_words(sequence), rep)[-6:] for sequence in SEQUENCES]
    assert np.array_equal(found, ends)
    loaded = tf.compat.v1.saved_model.loader.load
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = loaded(session, ["serve"], str(tmp_path / "1"))
    ops = {node.op for f in meta.graph_def.library.function for node in f.node_def}
    assert {"EncodeProto", "DecodeProtoV2"} <= ops
    assert not {op for op in ops if op.startswith(("PyFunc", "EagerPyFunc", "IO>"))}
    assert not {op for op in ops if "HashTable" in op}
    # Registered by TensorFlow itself: nothing that a stock server would miss.
    assert all(hasattr(tf.raw_ops, op) or op in ("_EagerConst",) for op in ops), ops
