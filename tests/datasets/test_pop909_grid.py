"""The grid of POP909's songs, against beats and bars counted by hand, and texts that have none."""

import itertools
import random

import numpy as np
import pytest

from tests.datasets import pop909_songs as songs
from tfmusicgan.datasets.pop909_files import Song
from tfmusicgan.datasets.pop909_grid import make_grid
from tfmusicgan.datasets.pop909_texts import MAX_TEXT_BYTES, key_of, read_beats, read_spans
from tfmusicgan.errors import PieceError, ReadError

TIMES = np.array([songs.time_of(beat + songs.ADDED) for beat in range(songs.NUM_BEATS)])
NONE = np.zeros(songs.NUM_BEATS, bool)


def _grid(lines=songs.LINES, beats_per_bar=2, quavers=2, first_second=0.25, times=TIMES):
    flags = np.zeros(len(times), bool)
    flags[list(lines)] = True
    none = np.zeros(len(times), bool)
    pair = (none, flags) if beats_per_bar == 2 else (flags, none)
    return make_grid(times, *pair, Song("", "", beats_per_bar, quavers), first_second, "x")


def test_bars_before_the_first_line_are_whole():
    grid = _grid()
    assert grid.bars == (0, 4, 8, 12, 16, 20, 22, 26, 30, 34, 38, 42, 46)
    np.testing.assert_allclose(grid.beats[:4], [-0.75, -0.25, 0.25, 0.75])
    assert grid.time_signatures() == [(0, 4, 4), (20, 2, 4), (22, 4, 4)]
    assert grid.regular_stretches(4) == [(0, 5), (22, 6)]
    assert grid.regular_stretches(6) == [(22, 6)]
    # A note before the first beat that is written, on a line: one more bar.
    assert _grid(lines=(0, 4, 8)).bars[:3] == (0, 4, 8)
    early = _grid(lines=(0, 4, 8), first_second=0.2)
    assert early.beats[0] == pytest.approx(0.25 - 4 * 0.5)
    assert early.bars == tuple(range(0, 49, 4))


def test_where_the_grid_goes_on_after_the_last_line():
    times = TIMES[:12]
    ended = _grid(lines=(0, 4, 7), times=times)
    assert ended.bars == (0, 4, 7, 11)
    assert ended.time_signatures() == [(0, 4, 4), (4, 3, 4), (7, 4, 4)]
    assert ended.regular_stretches(1) == [(0, 1), (7, 1)]
    # Of the bar on beat 8 all four beats are written, of one on beat 9 only three.
    assert _grid(lines=(0, 4, 8), times=times).regular_stretches(1) == [(0, 3)]
    assert _grid(lines=(1, 5, 9), times=times).regular_stretches(1) == [(0, 3)]


def test_meters_by_the_quavers_of_a_beat():
    assert _grid(quavers=3).time_signatures() == [(0, 12, 8), (20, 6, 8), (22, 12, 8)]
    waltz = _grid(lines=range(1, 44, 3), beats_per_bar=3, quavers=3)
    assert waltz.time_signatures() == [(0, 9, 8)]
    assert (waltz.beats_per_bar, waltz.quarters_per_beat, waltz.bars[1]) == (3, 1.5, 3)


def test_tempos_put_every_beat_at_its_time():
    grid = _grid()
    assert grid.tempos() == [(0.0, 120.0), (pytest.approx(11.0), pytest.approx(150.0))]
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.uniform(0.4, 0.9, 200)) + rng.normal(0, 2e-5, 200)
    uneven = _grid(lines=range(0, 200, 4), times=times, first_second=times[0])
    tempos = [*uneven.tempos(), (np.inf, 1.0)]
    now, beat, at = 0.0, 0.0, []
    for (start, qpm), (end, _) in itertools.pairwise(tempos):
        assert start == pytest.approx(now)
        step = 60 / qpm
        while now + step <= end + 1e-9 and len(at) < 199:
            now, beat = now + step, beat + 1
            at.append(now)
    np.testing.assert_allclose(at, times[1:] - times[0], atol=1.01e-4)


def test_positions_in_beats_and_beyond_what_is_written():
    grid = _grid()
    for beat in (0.0, 1.25, 21.5, 22.5, 46.0):
        assert grid.to_beats(np.array([songs.time_of(beat)]))[0] == pytest.approx(beat)
    outside = grid.to_beats(np.array([-1.0, grid.beats[-1] + 0.6]))
    np.testing.assert_allclose(outside, [-0.5, 47.5])
    near = grid.to_beats_of_chords(np.array([0.253, 0.27]))
    np.testing.assert_allclose(near, [2, 2.04])


def test_beats_as_they_are_written():
    times, twos, fours = read_beats(b"0.5 1.0 1.0\n1.0 0.0 0.0\n\n1.75 1 0\n", "x")
    assert times.tolist() == [0.5, 1.0, 1.75]
    assert (twos.tolist(), fours.tolist()) == ([True, False, True], [True, False, False])
    with pytest.raises(ReadError, match=r"Expected beats that begin bars. Received none: x"):
        make_grid(TIMES, NONE, NONE, Song("", "", 2, 2), 0.0, "x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.5 1.0\n1 0 0", "Expected three words. Received '0.5 1.0': line 1 of x"),
        ("0.5 1 1\nx 0 0", "Expected seconds from 0 to 86400. Received 'x': line 2 of x"),
        ("0.5 1 1\nnan 0 0", "Received 'nan': line 2"),
        ("-0.5 1 1\n1 0 0", "Received '-0.5': line 1"),
        ("0.5 1 1\n1e9 0 0", "Received '1e9': line 2"),
        ("0.5 1 2\n1 0 0", "Expected flags of 0 or 1. Received '1 2': line 1"),
        ("0.5 1 1", "Expected beats 0.05 to 30 seconds apart. Received 'one beat': line 1"),
        ("0.5 1 1\n\n0.4 0 0", "Received '-0.1': line 3"),
        ("0.5 1 1\n0.51 0 0", "Received '0.01': line 2"),
        ("0.5 1 1\n1 0 0\n40 1 1", "Received '39': line 3"),
    ],
)
def test_beats_that_are_none(text, message):
    with pytest.raises(ReadError) as caught:
        read_beats(text.encode(), "x")
    assert message in str(caught.value) and caught.value.reason == "unreadable_text"


def test_spans_that_are_none():
    assert [span.label for span in read_spans(b"0 1 N\n0.999999 2.5 C:maj", "x")] == ["N", "C:maj"]
    with pytest.raises(ReadError, match=r"spans that follow each other. Received '2 to 2': line 1"):
        read_spans(b"2 2 N", "x")
    with pytest.raises(ReadError, match=r"Received '0.5 to 2': line 2 of x"):
        read_spans(b"0 1 N\n0.5 2 N", "x")
    for data, reason in ((b" \n", "empty_file"), (b" " + b"x" * MAX_TEXT_BYTES, "too_large")):
        with pytest.raises(ReadError) as caught:
            read_spans(data, "x")
        assert caught.value.reason == reason
    with pytest.raises(ReadError, match=r"Expected a key such as Gb:maj. Received 'H:maj' in x"):
        key_of("H:maj", "x")
    assert key_of("Cb:min", "x") == (11, 1) and key_of("F#:maj", "x") == (6, 0)


def test_cut_and_changed_texts_are_refused_by_name_or_read():
    rng = random.Random(7)
    beats = songs.beats_text(TIMES.tolist(), songs.LINES).encode()
    chords = songs.spans_text(songs.CHORDS, lambda beat: songs.time_of(beat + 2)).encode()
    for _ in range(300):
        for data, read in ((beats, read_beats), (chords, read_spans)):
            changed = bytearray(data[: rng.randrange(1, len(data))])
            changed[rng.randrange(len(changed))] = rng.choice(b"0159.e- \n\x00\xffnx")
            try:
                read(bytes(changed), "x")
            except PieceError as error:
                assert error.reason in ("unreadable_text", "empty_file")
