import numpy as np
import pytest

from tests.metrics.test_musical import lopsided
from tfmusicgan import metrics
from tfmusicgan.errors import ConfigError
from tfmusicgan.metrics import musical
from tfmusicgan.metrics.tonal_distance import tonal_distance
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.tracks import parse_tracks

REP = MultitrackPianoRoll(
    tracks=parse_tracks("piano,drums,bass"),
    bars=3,
    steps_per_beat=4,
    lowest_pitch=31,
    num_pitches=13,
)


def test_evaluate_names_tracks_and_pairs():
    rolls = lopsided(5)
    values = metrics.evaluate(metrics.names(), rolls, REP)
    assert list(values) == [
        *("empty_bars/piano", "empty_bars/drums", "empty_bars/bass"),
        *("used_pitch_classes/piano", "used_pitch_classes/bass"),
        *("qualified_notes/piano", "qualified_notes/bass"),
        *("polyphonicity/piano", "polyphonicity/bass"),
        "drum_pattern/drums",
        "tonal_distance/piano-bass",
    ]
    assert values["empty_bars/drums"] == musical.empty_bar_rate(rolls)[1]
    assert values["used_pitch_classes/bass"] == musical.used_pitch_classes(rolls, 31)[2]
    assert values["qualified_notes/piano"] == musical.qualified_note_rate(rolls, 2)[0]
    assert values["polyphonicity/bass"] == musical.polyphonic_rate(rolls, 2)[2]
    assert values["drum_pattern/drums"] == 1.0  # Every step is a sixteenth.
    assert values["tonal_distance/piano-bass"] == tonal_distance(rolls, 4, 31)[0, 2]
    assert all(type(value) is float for value in values.values())


def test_evaluate_takes_what_is_asked_for_in_order():
    values = metrics.evaluate(("polyphonicity", "empty_bars"), lopsided(5), REP)
    assert next(iter(values)) == "polyphonicity/piano"
    assert len(values) == 5


@pytest.mark.parametrize("onsets_only", [True, False])
def test_drum_pattern_follows_the_representation(onsets_only):
    rep = MultitrackPianoRoll(tracks=parse_tracks("drums"), drum_onsets_only=onsets_only, bars=1)
    rolls = np.zeros((1, *rep.spec["piano_roll"].shape), bool)
    rolls[0, 0, 0:6, 3] = True
    expected = 1.6 / 6 if onsets_only else 1.0
    value = metrics.evaluate(["drum_pattern"], rolls, rep)["drum_pattern/drums"]
    assert value == pytest.approx(expected)


def test_drum_pattern_is_undefined_without_sixteenths():
    rep = MultitrackPianoRoll(tracks=parse_tracks("drums"), steps_per_beat=3)
    rolls = np.ones((1, *rep.spec["piano_roll"].shape), bool)
    assert np.isnan(metrics.evaluate(["drum_pattern"], rolls, rep)["drum_pattern/drums"])


def test_errors():
    with pytest.raises(ConfigError, match=r"metric 'beauty'. Known: drum_pattern, empty_bars"):
        metrics.evaluate(["beauty"], lopsided(5), REP)
    with pytest.raises(ConfigError, match=r"\[phrases, 3, 16, 13, 3\]. Received: float32 \[7, 3"):
        metrics.evaluate(["empty_bars"], lopsided(5).astype(np.float32), REP)
    with pytest.raises(ConfigError, match=r"Received: bool \[3, 16, 13, 3\]"):
        metrics.evaluate(["empty_bars"], lopsided(5)[0], REP)
