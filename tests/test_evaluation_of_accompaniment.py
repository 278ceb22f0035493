"""Harmony with the given track in an evaluation: the other piece, intervals, verdict, drums."""

import json
import math

import numpy as np

from tfmusicgan.evaluation import HELD_OUT, TRAINED, TRAINING, UNTRAINED, Evaluation, piano_rolls
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.training.monitor import held_out


def _harmony(untrained, trained):
    """An evaluation with how much nearer its rows are, and the ends of their intervals."""
    rows = {UNTRAINED: untrained, TRAINED: trained}
    return Evaluation(
        rows={row: {} for row in (TRAINING, UNTRAINED, TRAINED)},
        memorisation={},
        num_phrases={},
        settings={},
        accompaniment={
            TRAINING: {"nearer_to_given": 0.25},
            **{row: {"nearer_to_given": value} for row, (value, _) in rows.items()},
        },
        accompaniment_intervals={row: {"nearer_to_given": ends} for row, (_, ends) in rows.items()},
    )


def test_the_harmony_block_says_who_listens():
    # What untrained models come to, and what a trained one.
    result = _harmony((0.004, (0.001, 0.007)), (0.24, (0.2125, 0.2675)))
    text = result.table()
    (line,) = [line for line in text.splitlines() if line.startswith("nearer_to_given  ")]
    assert line.split() == ["nearer_to_given", "0.250", "0.004", "0.240", "0.212", "0.268"]
    assert "Harmony with the given track, and with that of a phrase of another piece" in text
    assert "99 % from" in text and "(interval above 0.02): untrained no, trained yes." in text
    assert max(map(len, text.splitlines())) <= 110
    content = json.loads(result.to_json())
    assert content["listens"] == {UNTRAINED: False, TRAINED: True}
    assert content["accompaniment_intervals"][TRAINED] == {"nearer_to_given": [0.2125, 0.2675]}
    unknown = _harmony((0.3, (math.nan, math.nan)), (0.3, (-0.01, 0.6)))
    assert "untrained too few phrases to say, trained no." in unknown.table()
    assert json.loads(unknown.to_json())["listens"] == {UNTRAINED: None, TRAINED: False}


def test_the_other_given_track_is_of_another_piece(tiny_records):
    folder = tiny_records["musegan_hybrid_chorales_accompaniment"]
    train = RecordSet.open(folder)
    others = held_out(folder, 1000)
    number = 2 * len(others) + 1
    samples = others[np.arange(number) % len(others)]
    phrases = {TRAINING: train.spread(30)["piano_roll"], HELD_OUT: others}
    phrases |= {UNTRAINED: samples, TRAINED: samples}
    pieces = piano_rolls._pieces(phrases, train)
    assert {row: len(found) for row, found in pieces.items()} == {
        row: len(rolls) for row, rolls in phrases.items()
    }
    assert not set(pieces[TRAINING]) & set(pieces[HELD_OUT])
    np.testing.assert_array_equal(pieces[TRAINED][: len(others)], pieces[HELD_OUT])
    np.testing.assert_array_equal(pieces[TRAINED][len(others) : -1], pieces[HELD_OUT])
    assert pieces[UNTRAINED][-1] == pieces[HELD_OUT][0]


def test_no_harmony_with_drums(tiny_records):
    train = RecordSet.open(tiny_records["musegan_hybrid"])
    tracks = [track.is_drum for track in train.representation.tracks]
    rolls = train.spread(4)["piano_roll"]
    phrases = dict.fromkeys((TRAINING, UNTRAINED, TRAINED), rolls)
    assert piano_rolls._harmony(phrases, tracks.index(True), train) == {}
    assert piano_rolls._harmony(phrases, tracks.index(False), train)
    assert "Harmony" not in Evaluation({TRAINING: {}}, {}, {}, {}).table()
