"""What is measured of samples while a model trains, and what counts as collapsed."""

import numpy as np
import pytest

from tfmusicgan import recipes
from tfmusicgan.metrics.table import distance_to
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.training import monitor as monitoring

RECIPE = "musegan_hybrid_chorales"


@pytest.fixture
def monitor(tiny_records):
    records = RecordSet.open(tiny_records[RECIPE])
    return monitoring.MusicMonitor(None, recipes.get(RECIPE), records, 8)


def _heard(monitor, rolls):
    monitor.sampler.examples = lambda seeds: {"piano_roll": rolls[: len(seeds)]}
    return monitor.measure()


def test_the_data_is_at_distance_zero_of_itself(monitor):
    rolls = monitoring.data(monitor.records, 8)["piano_roll"]
    assert len(rolls) == 8
    monitor.num_data = 8
    values = _heard(monitor, rolls)
    assert values == monitor.data_values
    assert values["distance"] == 0.0 and values.keys() - monitor.data_row.keys() == {
        "distance",
        "self_similarity",
    }
    assert monitor.collapsed() is None


def test_silence_is_collapse(monitor):
    values = _heard(monitor, np.zeros((8, 2, 8, 48, 4), bool))
    assert values["distance"] == distance_to(monitor.data_row, values) > 0.5
    assert monitor.collapsed() == "empty_bars 1.000, at or above 0.99"


def test_phrases_that_hardly_differ_are_collapse(monitor):
    roll = monitoring.data(monitor.records, 1)["piano_roll"]
    rolls = np.repeat(roll, 8, axis=0)
    assert _heard(monitor, rolls)["self_similarity"] == 1.0
    assert "alike, self_similarity 1.000, at or above 0.9" in monitor.collapsed()
    # A cell of its own in each: with n cells sounding, pairs have n in common, n + 2 between them.
    cells = int(roll.sum())
    free = np.flatnonzero(~roll.any(axis=0))[:8]
    for row, cell in zip(rolls, free, strict=True):
        row.reshape(-1)[cell] = True
    alike = _heard(monitor, rolls)["self_similarity"]
    np.testing.assert_allclose(alike, cells / (cells + 2), rtol=1e-12)
    assert alike > 0.9 and f"self_similarity {alike:.3f}, at" in monitor.collapsed()


def test_collapse_measures_where_nothing_was_measured(monitor):
    monitor.sampler.examples = lambda seeds: {"piano_roll": np.zeros((8, 2, 8, 48, 4), bool)}
    assert "empty_bars" in monitor.collapsed()
