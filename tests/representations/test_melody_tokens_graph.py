"""The graph half of melody tokens against the NumPy half."""

import functools

import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, Phase, given, settings

from tests.made_up import band
from tests.representations.slow_melody import slow_tokens, tunes
from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import melody_tokens_graph as graph
from tfmusicgan.representations.melody_tokens import MelodyTokens

# No shrinking: every example runs a graph.
SETTINGS = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
# Each is traced once.
REPS = (
    MelodyTokens(),
    MelodyTokens(length=7, seconds_per_token=0.3, lowest_pitch=35, num_pitches=8, melody_name=""),
    MelodyTokens(length=1, lowest_pitch=0, num_pitches=128),
    MelodyTokens(length=40, seconds_per_token=1, num_pitches=20, melody_name="melody (fl"),
    MelodyTokens(seconds_per_token=0.25, lowest_pitch=36, num_pitches=5, melody_name="counter"),
)
_TEXTS = tf.TensorSpec([None], tf.string)


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


DECODERS = {rep: Decoder(rep) for rep in REPS}


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


def lopsided(rng, rep, batch, longest):
    """Tokens with runs, rests and silent rows."""
    tokens = rng.integers(1, rep.num_tokens, (batch, longest))
    held = rng.random((batch, longest)) < rng.random((batch, 1))
    held[:, 0] = False
    places = np.maximum.accumulate(np.where(held, 0, np.arange(longest)), axis=1)
    tokens = np.take_along_axis(tokens, places, axis=1)
    rests = rng.random((batch, longest)) < rng.choice([0.0, 0.1, 0.6, 1.0], (batch, 1))
    return np.where(rests, 0, tokens).astype(np.int32)


@SETTINGS
@given(st.sampled_from(REPS), st.integers(0, 5), st.integers(1, 50), st.integers(0, 2**32))
def test_to_note_sequences_equals_decode(rep, batch, longest, seed):
    rng = np.random.default_rng(seed)
    tokens = lopsided(rng, rep, batch, longest)
    qpm = rng.uniform(4, 1000, batch).astype(np.float32)
    assert_equal_messages(DECODERS[rep].decode(tokens, qpm), tokens, rep, qpm)
    lengths = rng.integers(1, longest + 1, batch).astype(np.int32)
    own = [row[:count] for row, count in zip(tokens, lengths, strict=True)]
    assert_equal_messages(DECODERS[rep].decode_parts(tokens, qpm, lengths), own, rep, qpm)


def test_rows_by_hand():
    rep = REPS[1]
    tokens = np.int32([[8, 8, 0, 1], [0, 0, 0, 0], [2, 2, 2, 2]])
    texts = DECODERS[rep].decode(tokens, np.float32([60, 120, 30])).numpy()
    found = [
        [(n.pitch, n.start_time, n.end_time) for n in NoteSequence.FromString(text).notes]
        for text in texts
    ]
    assert found == [[(42, 0.0, 2.0), (35, 3.0, 4.0)], [], [(36, 0.0, 8.0)]]
    texts = DECODERS[rep].decode_parts(tokens, np.float32([60, 120, 30]), np.int32([1, 9, -2]))
    totals = [NoteSequence.FromString(text).total_time for text in texts.numpy()]
    assert totals == [1.0, 2.0, 2.0]  # Lengths are kept within 1 and what there is.


@pytest.mark.parametrize("qpm", [3.9, 1001.0, np.nan, np.inf])
def test_a_tempo_out_of_range_is_refused(qpm):
    with pytest.raises(tf.errors.InvalidArgumentError, match="qpm: expected 4-1000"):
        DECODERS[REPS[0]].decode(np.zeros((2, 3), np.int32), np.float32([120, qpm]))


@pytest.mark.parametrize("token", [-1, 89])
def test_a_token_out_of_range_is_refused(token):
    with pytest.raises(tf.errors.InvalidArgumentError, match="tokens: expected 0-88"):
        DECODERS[REPS[0]].decode(np.int32([[3, token]]), np.float32([120]))


def all_tokens(sequence, rep, any_octave):
    try:
        return rep.sample(sequence, any_octave).tolist()
    except ConversionError as error:
        assert error.reason == "no_melody"
        return []


def check_last_tokens(sequences, rep, found):
    assert [values.dtype for values in found] == [tf.int32, tf.int32, tf.bool, tf.int32]
    rows = zip(sequences, *(values.numpy() for values in found), strict=True)
    for sequence, row, length, replaced, left_out in rows:
        tokens = all_tokens(sequence, rep, any_octave=True)
        while tokens and not tokens[-1]:
            tokens.pop()
        kept = tokens[-len(row) :]
        assert (length, left_out) == (len(kept), len(tokens) - len(kept))
        assert row.tolist() == kept + [0] * (len(row) - len(kept))
        own = all_tokens(sequence, rep, any_octave=False) + [0] * len(tokens)
        own = own[left_out : len(tokens)]
        marks = [token != other for token, other in zip(kept, own, strict=True)]
        assert replaced.tolist() == marks + [False] * (len(row) - len(kept))


@SETTINGS
@given(st.sampled_from(REPS), st.lists(tunes(), max_size=4))
def test_from_note_sequences_equals_sample(rep, tune_list):
    sequences = [tune.to_sequence() for tune in tune_list]
    found = encoder(rep, None)(serialize(sequences))
    assert found[0].shape == found[2].shape == (len(sequences), rep.length)
    check_last_tokens(sequences, rep, found)
    found = encoder(rep, 70)(serialize(sequences))
    check_last_tokens(sequences, rep, found)
    rows = zip(found[0].numpy(), found[1].numpy(), found[3].numpy(), tune_list, strict=True)
    for row, length, left_out, tune in rows:
        slow = slow_tokens(tune, rep, any_octave=True) or []
        assert row[:length].tolist() == slow[left_out : left_out + length]
        assert not any(slow[left_out + length :])


def test_long_music_keeps_its_end():
    rep = REPS[0]
    sequences = [band(number, bars=15) for number in range(3)]  # 30 s.
    last, lengths, _, left_out = DECODERS[rep].encode(serialize(sequences))
    whole, counts, _, nothing = encoder(rep, 80)(serialize(sequences))
    assert lengths.numpy().tolist() == [32, 32, 32] and not nothing.numpy().any()
    for index, sequence in enumerate(sequences):
        windows = np.concatenate([example["tokens"] for example in rep.encode(sequence)])
        tokens = whole[index, : counts[index]].numpy()
        assert np.array_equal(tokens[:64], windows)
        assert left_out[index] == counts[index] - 32 and np.array_equal(last[index], tokens[-32:])


def test_music_ends_with_what_the_keys_can_hold_and_a_token_hears():
    rep = MelodyTokens(length=4, lowest_pitch=60, num_pitches=5, melody_name="")
    music = NoteSequence()
    # At 0.4 s a token: from the third one on, one of no key in any octave (F), and one too short.
    for start, end, pitch in ((0.8, 2.4, 60), (2.4, 3.2, 65), (3.25, 3.3, 61)):
        music.notes.add(pitch=pitch, velocity=80, start_time=start, end_time=end)
    tokens, lengths, _, left_out = encoder(rep, 3)(serialize([music]))
    assert tokens.numpy().tolist() == [[1, 1, 1]]
    assert (lengths.numpy().tolist(), left_out.numpy().tolist()) == ([3], [3])
    # What comes after seven hours is not read.
    music.notes.add(pitch=62, velocity=80, start_time=26_214.4, end_time=3e9)
    assert np.array_equal(encoder(rep, 3)(serialize([music]))[0], tokens)
    music.notes[-1].start_time -= 0.4
    late, lengths, _, left_out = encoder(rep, 3)(serialize([music]))
    assert late.numpy().tolist() == [[0, 0, 3]]
    assert (lengths.numpy().tolist(), left_out.numpy().tolist()) == ([3], [65_533])


def test_what_is_decoded_comes_back_in():
    for rep in REPS:
        tokens = lopsided(np.random.default_rng(3), rep, 5, rep.length)
        qpm = np.full(5, rep.default_qpm, np.float32)
        found, *_ = DECODERS[rep].encode(DECODERS[rep].decode(tokens, qpm))
        assert np.array_equal(found, tokens)


def test_from_note_sequences_never_fails():
    rep = REPS[0]
    wild = NoteSequence()
    for value in (np.nan, np.inf, -np.inf, 1e300, -1e300):
        wild.notes.add(pitch=60, start_time=value, end_time=1.0, instrument=-5)
        wild.notes.add(pitch=61, start_time=1.0, end_time=value, instrument=2**31 - 1)
    wild.notes.add(pitch=2**31 - 1, start_time=0, end_time=1, instrument=-5)
    wild.notes.add(pitch=-(2**31), start_time=0, end_time=1, instrument=-(2**31))
    wild.notes.add(pitch=70, start_time=0, end_time=1, instrument=-1)
    drums = NoteSequence()
    drums.notes.add(pitch=60, start_time=0, end_time=9, is_drum=True)
    named = NoteSequence.FromString(wild.SerializeToString())
    for instrument in (-1, 5, 2**31 - 1, -(2**31)):
        named.instrument_infos.add(instrument=instrument, name="a melody" * (instrument == -1))
    texts = [b"", b"\xff\xff", drums.SerializeToString(), wild.SerializeToString()]
    tokens, lengths, *_ = DECODERS[rep].encode(tf.constant([*texts, named.SerializeToString()]))
    assert lengths.numpy().tolist() == [0, 0, 0, 0, 3]
    assert not tokens.numpy()[:4].any()
    assert tokens.numpy()[4, :4].tolist() == [50, 50, 50, 0]
    nothing = DECODERS[rep].encode(tf.zeros([0], tf.string))
    assert [values.shape for values in nothing] == [(0, 32), (0,), (0, 32), (0,)]


@pytest.mark.parametrize("max_tokens", [0, 65_537])
def test_max_tokens_out_of_range(max_tokens):
    with pytest.raises(ValueError, match=f"max_tokens: expected 1-65536. Received: {max_tokens}"):
        graph.from_note_sequences(tf.constant([""]), REPS[0], max_tokens)


def test_saved_model_has_core_ops_only(tmp_path):
    rep = REPS[1]
    tf.saved_model.save(Decoder(rep), str(tmp_path / "1"))
    reloaded = tf.saved_model.load(str(tmp_path / "1"))
    tokens = lopsided(np.random.default_rng(9), rep, 4, rep.length)
    qpm = np.full(4, rep.default_qpm, np.float32)
    serialized = reloaded.decode(tf.constant(tokens), tf.constant(qpm))
    assert_equal_messages(serialized, tokens, rep, qpm)
    assert np.array_equal(reloaded.encode(serialized)[0], tokens)
    loaded = tf.compat.v1.saved_model.loader.load
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = loaded(session, ["serve"], str(tmp_path / "1"))
    ops = {node.op for f in meta.graph_def.library.function for node in f.node_def}
    assert {"EncodeProto", "DecodeProtoV2"} <= ops
    assert not {op for op in ops if op.startswith(("PyFunc", "EagerPyFunc", "IO>"))}
    # Registered by TensorFlow itself: nothing that a stock server would miss.
    assert all(hasattr(tf.raw_ops, op) or op in ("_EagerConst",) for op in ops), ops
