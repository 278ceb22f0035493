"""Events of real numbers: by hand, against a slow reading, and in the graph by message."""

import copy

import numpy as np
import pytest
import tensorflow as tf

from tests import made_up
from tests.validity import assert_valid
from tfmusicgan.errors import ConfigError, ConversionError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import note_events_graph as graph
from tfmusicgan.representations.note_events import NoteEvents

OPTIONS = [
    {},
    {"tones": 3},
    {"features": "raw"},
    {"tones": 2, "features": "raw"},
    {"tones": 3, "tone_times": True},
    {"tones": 2, "tone_times": True, "features": "raw"},
]


def piece(*notes, tempos=((0.0, 60.0),)):
    """Notes (start, end, pitch, velocity) in seconds, which are quarters at 60 a minute."""
    sequence = NoteSequence(ticks_per_quarter=220)
    for time, qpm in tempos:
        sequence.tempos.add(time=time, qpm=qpm)
    for start, end, pitch, velocity in notes:
        sequence.notes.add(start_time=start, end_time=end, pitch=pitch, velocity=velocity)
    return sequence


CHORD = piece((1, 2, 72, 96), (1, 1.5, 60, 64), (2.25, 5, 48, 1), (2.25, 3, 40, 127))


def heard(sequence):
    return [(n.start_time, n.end_time, n.pitch, n.velocity) for n in sequence.notes]


def test_features_by_hand():
    (example,) = NoteEvents(length=4).encode(CHORD)
    expected = [[0, 0.5, 0, 0], [0, 1, 1, 1], [1.25, 0.75, -20 / 12, 63 / 32]]
    expected.append([0, 2.75, -1, -63 / 32])
    np.testing.assert_array_equal(example["note_events"], np.array(expected, np.float32))
    (example,) = NoteEvents(length=4, features="raw").encode(CHORD)
    expected = [[0, 192, 261.6256, 64], [0, 384, 523.2511, 96]]
    expected += [[480, 288, 82.40689, 127], [0, 1056, 130.8128, 1]]
    np.testing.assert_allclose(example["note_events"], expected, rtol=1e-6)


def test_tones_of_one_onset_share_a_step_as_far_as_they_fit():
    wide = piece(*[(0, 1, 60 + tone, 64) for tone in range(5)], (1, 2, 50, 64))
    (example,) = NoteEvents(length=3, tones=3, features="raw").encode(wide)
    events = example["note_events"]
    assert events[:, 0].tolist() == [0, 0, 384]  # the last two of the chord come after no time
    sounding = (events[:, [3, 6, 9]] > 0).sum(axis=1)
    assert sounding.tolist() == [3, 2, 1]
    assert (events[1, 7:] == 0).all() and (events[2, 4:] == 0).all()


def test_silence_is_as_far_from_the_softest_velocity_as_that_from_a_soft_one():
    (example,) = NoteEvents(length=2, tones=3).encode(CHORD)
    expected = [[0, 0.5, 0, 0, 1, 1, 1, 0, 0, -3]]
    expected.append([1.25, 0.75, -20 / 12, 63 / 32, 2.75, -1, -63 / 32, 0, 0, -3])
    np.testing.assert_array_equal(example["note_events"], np.array(expected, np.float32))
    nearly = example["note_events"] + np.float32([0, 0, 0, 0, 0, 0, 0, 1, 1, 0.98])
    rep = NoteEvents(length=2, tones=3)
    assert rep.decode({"note_events": nearly}) == rep.decode(example)
    louder = rep.decode({"note_events": nearly + np.float32(0.1)})
    assert [note.velocity for note in louder.notes if note.pitch == 73] == [3, 3]


def test_tones_with_times_of_their_own():
    rep = NoteEvents(length=2, tones=2, tone_times=True)
    assert (rep.num_features, rep.time_features) == (8, (0, 4))
    (example,) = rep.encode(CHORD)
    expected = [[0, 0.5, 0, 0, 0, 1, 1, 1]]
    expected.append([1.25, 0.75, -20 / 12, 63 / 32, 0, 2.75, -1, -63 / 32])
    np.testing.assert_array_equal(example["note_events"], np.array(expected, np.float32))
    # What a network writes may begin at four times.
    written = [[0.5, 1, 0, 0, 0.25, 1, 1, 0], [0.125, 1, 0.5, 0, 1, 1, 0.25, -2]]
    decoded = rep.decode({"note_events": np.array(written, np.float32)}, qpm=60)
    assert heard(decoded) == [(0.5, 1.5, 60, 64), (0.75, 1.75, 72, 64), (0.875, 1.875, 66, 64)]
    assert decoded.total_time == 1.875  # and that of the silent one


def test_tempo_changes_are_followed():
    tempos = ((0.0, 120.0), (1.0, 30.0))
    slower = piece((0, 0.5, 60, 64), (1.0, 3.0, 62, 64), (5.0, 5.5, 64, 64), tempos=tempos)
    (example,) = NoteEvents(length=3).encode(slower)
    assert example["note_events"][:, 0].tolist() == [0, 2, 2]
    assert example["note_events"][:, 1].tolist() == [1, 1, 0.25]


def test_windows_and_what_is_left_behind():
    notes = [(i * 0.5, i * 0.5 + 0.25, 60 + i, 64) for i in range(8)]
    windows, left, _ = NoteEvents(length=3, hop=2).encode_counted(piece(*notes))
    first = [w["note_events"][0, 2] * 12 for w in windows]
    np.testing.assert_allclose(first, [0, 2, 4], atol=1e-5)
    assert left == {"short_last_window": 1}
    # The first of a later window keeps its distance from the event before it.
    assert [w["note_events"][0, 0] for w in windows] == [0, 0.5, 0.5]
    assert NoteEvents(length=4).encode_counted(piece(*notes))[1] == {"short_last_window": 0}


@pytest.mark.parametrize("options", OPTIONS)
def test_decoding_gives_the_piece_again(options):
    for number in range(4):
        music = made_up.performance(number, bars=3)
        before = copy.deepcopy(music)
        steps = len(NoteEvents(**options).find_events(music).time)
        rep = NoteEvents(length=steps, **options)
        (example,) = rep.encode(music)
        assert music == before
        decoded = rep.decode(example, qpm=music.tempos[0].qpm)
        assert_valid(decoded)
        assert len(decoded.notes) > 10
        np.testing.assert_allclose(heard(decoded), _normalised(music), atol=1e-9)
        (again,) = NoteEvents(length=len(rep.find_events(decoded).time), **options).encode(decoded)
        assert rep.decode(again, qpm=music.tempos[0].qpm) == decoded


def _normalised(music):
    """From the first note on, in ticks, notes cut where their pitch begins again; the slow way."""
    seconds = 60 / (384 * music.tempos[0].qpm)
    first = min(note.start_time for note in music.notes)
    notes = []
    for note in music.notes:
        start = round((note.start_time - first) / seconds)
        shift = round(note.start_time / seconds) - round(first / seconds) - start
        start += shift  # both are rounded before their difference is taken
        length = round(note.end_time / seconds) - round(note.start_time / seconds)
        notes.append([start, start + max(length, 1), note.pitch, note.velocity])
    for note in notes:
        later = [o[0] for o in notes if o[2] == note[2] and o[0] > note[0]]
        note[1] = min([note[1], *later])
    notes.sort(key=lambda note: (note[0], note[2]))
    return [(s * seconds, e * seconds, p, v) for s, e, p, v in notes]


def test_what_a_network_writes_is_read_as_documented():
    rep = NoteEvents(length=2)
    nan, inf = float("nan"), float("inf")
    written = [
        [0.5, 1.0, 0.04, 0.0],
        [-3.0, 1.0, 5.0, 9.0],  # together with the last; C9 = 120; velocity 127
        [0.25, 0.0, 0.0, 0.0],  # no length
        [0.25, 1.0, 6.0, -2.0],  # no velocity
        [nan, 1.0, -7.0, 0.0],  # C-2 would be -24: C-1
        [inf, 0.001, nan, 0.0],  # 64 quarters later; less than half a tick
    ]
    decoded = rep.decode({"note_events": np.array(written, np.float32)}, qpm=60)
    assert heard(decoded) == [(0.5, 1.5, 60, 64), (0.5, 1.5, 120, 127), (1.0, 2.0, 0, 64)]
    assert decoded.total_time == 65.0
    raw = NoteEvents(length=2, features="raw")
    written = [[0, 384, 261.0, 64.4], [384, 192, 16000.0, 200], [-192, 100, 262, 1], [0, 9, -5, 80]]
    decoded = raw.decode({"note_events": np.array(written, np.float32)}, qpm=60)
    # 261 Hz is less than middle C; 16 kHz is a pitch of 131.
    expected = [(0, 1, 59, 64), (0.5, 0.5 + 100 / 384, 60, 1), (1, 1.5, 119, 127)]
    np.testing.assert_allclose(heard(decoded), expected)


def test_notes_of_one_pitch_do_not_overlap():
    rep = NoteEvents(length=2)
    written = [[0, 2, 0, 0], [1, 1, 0, 0.5], [0, 0.5, 0, 1], [0.25, 1, 1, 0]]
    decoded = rep.decode({"note_events": np.array(written, np.float32)}, qpm=60)
    assert heard(decoded) == [(0, 1, 60, 64), (1, 1.5, 60, 96), (1.25, 2.25, 72, 64)]


@pytest.mark.parametrize("options", OPTIONS)
def test_messages_are_those_of_the_numpy_half(options):
    rep = NoteEvents(length=9, **options)
    rng = np.random.default_rng(3)
    events = rng.normal(0, 1.2, (6, 9, rep.num_features)).astype(np.float32)
    if rep.raw:
        of_tones = np.setdiff1d(np.arange(rep.num_features), rep.time_features)
        events[..., rep.time_features] *= 200
        scale = np.tile([300, 900, 60], rep.tones)
        events[..., of_tones] = np.abs(events[..., of_tones]) * scale
    events[1, :4] = np.round(events[1, :4])
    events[2, 3, :2], events[3, 5, 1:4] = np.nan, np.inf
    events[4, :, 1:] = -5  # nothing sounds
    qpm, lengths = np.float32([120, 90, 61.7, 333, 50, 45]), [9, 1, 8, 7, 3, 5]
    write = tf.function(lambda *given: graph.to_note_sequences(given[0], rep, *given[1:]))
    texts = write(tf.constant(events), tf.constant(qpm), tf.constant(lengths)).numpy()
    notes = 0
    for row, text in enumerate(texts):
        own = {"note_events": events[row, : lengths[row]]}
        expected = rep.decode(own, float(qpm[row]))
        assert text == expected.SerializeToString(deterministic=True)
        if expected.notes:
            assert_valid(expected)
        notes += len(expected.notes)
    assert notes > 10
    plain = graph.to_note_sequences(tf.constant(events[:2]), rep, tf.constant(qpm[:2])).numpy()
    assert [NoteSequence.FromString(text) for text in plain] == [
        rep.decode({"note_events": events[row]}, float(qpm[row])) for row in range(2)
    ]


def read(rep, max_steps=None):
    return tf.function(
        lambda texts: graph.from_note_sequences(
            graph.readable_note_sequences(texts), rep, max_steps
        ),
        [tf.TensorSpec([None], tf.string)],
        autograph=False,
    )


def serialize(sequences):
    return tf.constant([sequence.SerializeToString() for sequence in sequences], tf.string)


def crowded(number):
    """Chords of one to six notes of few pitches, some of them twice, at changing tempos."""
    rng = np.random.default_rng(number)
    tempos = [(0.0, 90.0), (3.0, 41.0), (rng.uniform(5, 9), 233.0)]
    notes = []
    for onset in rng.uniform(0, 12, 15):
        for _ in range(rng.integers(1, 7)):
            end = onset + rng.choice([-0.5, 0.0, 1e-4, 0.3, 2.0, 90.0])
            notes.append((onset, end, rng.integers(58, 63), rng.choice([0, 1, 60, 127, 140])))
    music = piece(*(notes[n] for n in rng.permutation(len(notes))), tempos=tempos)
    music.notes[3].is_drum, music.notes[5].pitch = True, 128
    return music


@pytest.mark.parametrize("options", OPTIONS)
def test_the_graph_reads_the_last_steps_that_the_numpy_half_finds(options):
    rep = NoteEvents(length=9, **options)
    music = [CHORD, crowded(1), made_up.performance(2, bars=3), crowded(3), piece((5, 6, 70, 9))]
    expected = []
    for sequence in music:
        steps = len(NoteEvents(**options).find_events(sequence).time)
        (example,) = NoteEvents(length=max(steps, 2), pad_short=True, **options).encode(sequence)
        expected.append(example["note_events"][:steps])
    assert len(expected[1]) > 15
    for most in (None, 3, 200):
        found, counts = read(rep, most)(serialize(music))
        size = most or 9
        assert found.shape == (5, size, rep.num_features) and found.dtype == tf.float32
        for row, steps in enumerate(expected):
            last = np.array(steps[-size:])
            last[0, 0] = 0  # a piece begins there
            assert counts[row] == len(last)
            np.testing.assert_array_equal(found[row, : len(last)], last)
            assert not found[row, len(last) :].numpy().any()


def test_reading_never_fails():
    wild = NoteSequence()
    for value in (np.nan, np.inf, -np.inf, 1e300, -1e300, 40_000.0):
        wild.notes.add(pitch=60, start_time=value, end_time=1.0, velocity=9)
        wild.notes.add(pitch=61, start_time=1.0, end_time=value, velocity=2**31 - 1)
    wild.notes.add(pitch=2**31 - 1, start_time=0, end_time=1, velocity=9)
    wild.notes.add(pitch=60, start_time=0, end_time=1, velocity=-9)
    tempo = NoteSequence.FromString(wild.SerializeToString())
    tempo.tempos.add(time=1e300, qpm=1e300)
    drums = NoteSequence()
    drums.notes.add(pitch=60, start_time=0, end_time=9, velocity=9, is_drum=True)
    texts = [b"", b"\xff\xff", drums.SerializeToString(), wild.SerializeToString()]
    features, counts = read(NoteEvents())(tf.constant([*texts, tempo.SerializeToString()]))
    # Of times that are finite, and not beyond the longest piece.
    assert counts.numpy().tolist() == [0, 0, 0, 3, 3]
    assert np.isfinite(features).all() and not features[:3].numpy().any()
    np.testing.assert_allclose(features[3, :3, 1], [1 / 384, 64, 64], rtol=1e-6)
    features, counts = read(NoteEvents())(tf.zeros([0], tf.string))
    assert (features.shape, counts.shape) == ((0, 100, 4), (0,))
    with pytest.raises(ValueError, match=r"max_steps: expected at least 1. Received: 0"):
        graph.from_note_sequences(tf.constant([b""]), NoteEvents(), 0)


def test_short_pieces_are_left_out_or_filled_up():
    with pytest.raises(ConversionError, match=r"a piece of 5 events. Received: 4") as caught:
        NoteEvents(length=5).encode(CHORD)
    assert caught.value.reason == "too_short"
    for options in OPTIONS[:3]:
        rep = NoteEvents(length=7, pad_short=True, **options)
        (example,) = rep.encode(CHORD)
        plain = NoteEvents(length=len(rep.find_events(CHORD).time), **options)
        assert example["note_events"].shape == rep.spec["note_events"].shape
        assert rep.decode(example) == plain.decode(plain.encode(CHORD)[0])


def test_refusals():
    for options, message in (
        ({"length": 1}, r"length: expected .* 2-4096"),
        ({"hop": 0}, r"hop: expected .* 1-4096"),
        ({"tones": 9}, r"tones: expected .* 1-8"),
        ({"features": "log"}, r"features: expected one of standardised, raw. Received: 'log'"),
        ({"pad_short": 1}, r"pad_short: expected true or false. Received: 1"),
        (
            {"length": 2731, "tones": 3, "tone_times": True},
            r"length: expected at most 2730 .* 2731",
        ),
        ({"tone_times": "no"}, r"tone_times: expected true or false. Received: 'no'"),
    ):
        with pytest.raises(ConfigError, match=message):
            NoteEvents(**options)
    drums = piece((0, 1, 36, 64))
    drums.notes[0].is_drum = True
    for music, reason in (
        (drums, "no_notes"),
        (piece((0, float("inf"), 60, 64)), "bad_times"),
        (piece((0, 40_000, 60, 64)), "too_long"),
    ):
        with pytest.raises(ConversionError) as caught:
            NoteEvents(length=2).encode(music)
        assert caught.value.reason == reason
    rep = NoteEvents(length=2)
    for array in (np.zeros((2, 5), np.float32), np.zeros((2, 4), np.int32), np.zeros((0, 4))):
        with pytest.raises(ConversionError, match=r"real numbers \[steps, 4\]"):
            rep.decode({"note_events": array})
    with pytest.raises(ConfigError, match="qpm"):
        rep.decode({"note_events": np.zeros((2, 4), np.float32)}, qpm=1.0)
