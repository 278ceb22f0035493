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


PLAIN = (
    *("empty_bars", "used_pitch_classes", "qualified_notes", "polyphonicity"),
    *("drum_pattern", "tonal_distance"),
)


def test_evaluate_names_tracks_and_pairs():
    rolls = lopsided(5)
    values = metrics.evaluate(PLAIN, rolls, REP)
    assert list(values) == [
        *("empty_bars/piano", "empty_bars/drums", "empty_bars/bass"),
        *("used_pitch_classes/piano", "used_pitch_classes/bass"),
        *("qualified_notes/piano", "qualified_notes/bass"),
        *("polyphonicity/piano", "polyphonicity/bass"),
        "drum_pattern/drums",
        "tonal_distance/piano-bass",
    ]
    assert values["empty_bars/drums"] == musical.empty_bar_rate(rolls).value()[1]
    assert values["used_pitch_classes/bass"] == musical.used_pitch_classes(rolls, 31).value()[2]
    assert values["qualified_notes/piano"] == musical.qualified_note_rate(rolls, 2).value()[0]
    assert values["polyphonicity/bass"] == musical.polyphonic_rate(rolls, 3).value()[2]
    assert np.isnan(values["drum_pattern/drums"])  # Every step is a sixteenth.
    assert values["tonal_distance/piano-bass"] == tonal_distance(rolls, 4, 31).value()[0, 2]
    assert all(type(value) is float for value in values.values())


def test_evaluate_takes_what_is_asked_for_in_order():
    values = metrics.evaluate(("polyphonicity", "empty_bars"), lopsided(5), REP)
    assert next(iter(values)) == "polyphonicity/piano"
    assert len(values) == 5


def test_metrics_that_compare_need_something_to_compare_with():
    names = ("pitch_class_overlap", "empty_bars", "onset_position_overlap")
    rolls, others = lopsided(5), lopsided(6)
    assert list(metrics.evaluate(names, rolls, REP)) == [
        f"empty_bars/{track}" for track in ("piano", "drums", "bass")
    ]
    values = metrics.evaluate(names, rolls, REP, {"training": others})
    assert len(values) == 2 + 3 + 3
    assert 0 < values["pitch_class_overlap/bass"] < 1
    same = metrics.evaluate(names, rolls, REP, {"training": rolls})
    assert same["pitch_class_overlap/bass"] == pytest.approx(1.0)


def test_every_metric_measures_and_has_a_scale():
    rolls = lopsided(5)
    estimates = metrics.estimates(metrics.names("piano_roll"), rolls, REP, {"training": rolls})
    assert {key.partition("/")[0] for key in estimates} == set(metrics.names("piano_roll"))
    half = np.arange(len(rolls)) < 3
    weights = np.ones((2, len(rolls)))
    weights[1, 4] = 3
    for key, estimate in estimates.items():
        value = estimate.value()
        # Undefined on this grid: drum patterns, and qualified notes as published.
        coarse = key.startswith(("drum_pattern", "qualified_notes_as_published"))
        assert np.isnan(value) if coarse else 0 <= value <= metrics.scale(key), key
        resampled = estimate.value(weights)
        assert resampled.shape == (2,) and resampled[0] == pytest.approx(value, nan_ok=True)
        assert estimate.spread(half) >= 0 or np.isnan(value)


@pytest.mark.parametrize("onsets_only", [True, False])
def test_drum_pattern_follows_the_representation(onsets_only):
    rep = MultitrackPianoRoll(tracks=parse_tracks("drums"), drum_onsets_only=onsets_only, bars=1)
    rolls = np.zeros((1, *rep.spec["piano_roll"].shape), bool)
    rolls[0, 0, 0:6, 3] = True
    expected = 1 / 6 if onsets_only else 1.0
    value = metrics.evaluate(["drum_pattern"], rolls, rep)["drum_pattern/drums"]
    assert value == pytest.approx(expected)


@pytest.mark.parametrize("steps_per_beat", [1, 2, 3, 4, 6])
def test_drum_pattern_is_undefined_where_all_or_none_is_a_sixteenth(steps_per_beat):
    rep = MultitrackPianoRoll(tracks=parse_tracks("drums"), steps_per_beat=steps_per_beat)
    rolls = np.ones((1, *rep.spec["piano_roll"].shape), bool)
    names = ["drum_pattern", "drum_pattern_as_published", "drum_pattern_as_published_ismir"]
    assert np.isnan(list(metrics.evaluate(names, rolls, rep).values())).all()


def test_errors():
    with pytest.raises(
        ConfigError, match=r"metric 'beauty'. Known: bar_intervals, bar_note_steps, "
    ):
        metrics.evaluate(["beauty"], lopsided(5), REP)
    with pytest.raises(ConfigError, match=r"\[phrases, 3, 16, 13, 3\]. Received: float32 \[7, 3"):
        metrics.evaluate(["empty_bars"], lopsided(5).astype(np.float32), REP)
    with pytest.raises(ConfigError, match=r"Received: bool \[3, 16, 13, 3\]"):
        metrics.evaluate(["empty_bars"], lopsided(5)[0], REP)
    with pytest.raises(ConfigError, match=r"Received: bool \[7, 3, 16, 13, 2\]"):
        names, cut = ["pitch_class_overlap"], lopsided(5)[..., :2]
        metrics.evaluate(names, lopsided(5), REP, {"training": cut})
