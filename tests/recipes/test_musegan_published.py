"""The papers' figures: single cells read off the tables, and arithmetic that the tables obey."""

import itertools

import numpy as np
import pytest

from tfmusicgan import metrics, recipes, representations
from tfmusicgan.errors import ConfigError
from tfmusicgan.recipes import musegan_published as published
from tfmusicgan.representations.tracks import TRACK_SETS


def mean(values):
    values = list(values)
    return sum(values) / len(values)


@pytest.mark.parametrize(
    ("model", "task", "key", "value"),
    [
        ("hybrid", "scratch", "empty_bars/drums", 0.297),
        ("jamming", "scratch", "empty_bars/bass", 0.0659),
        ("composer", "scratch", "used_pitch_classes_as_published/strings", 5.19),
        ("jamming", "scratch", "used_pitch_classes_as_published/guitar", 3.69),
        ("hybrid", "scratch", "qualified_notes_as_published/piano", 0.455),
        ("composer", "scratch", "drum_pattern_as_published/drums", 0.753),
        ("jamming", "conditional", "qualified_notes_as_published/strings", 0.623),
        ("hybrid", "conditional", "empty_bars/strings", 0.0405),
        ("composer", "conditional", "used_pitch_classes_as_published/strings", 5.10),
        ("jamming", "scratch", "tonal_distance_as_published/guitar-piano", 0.99),
        ("composer", "conditional", "tonal_distance_as_published/bass-piano", 1.40),
        ("hybrid", "conditional", "tonal_distance_as_published/strings-piano", 0.95),
    ],
)
def test_cells_of_the_aaai_tables(model, task, key, value):
    row = published.published_rows(model, task)[f"paper {model}"]
    assert row[key] == pytest.approx(value)


def test_the_aaai_papers_data():
    rows = published.published_rows("hybrid")
    assert list(rows) == ["paper data", "paper shuffled", "paper hybrid"]
    data, shuffled = rows["paper data"], rows["paper shuffled"]
    assert data["empty_bars/bass"] == data["empty_bars/drums"] == pytest.approx(0.0806)
    assert data["drum_pattern_as_published/drums"] == pytest.approx(0.886)
    assert data["used_pitch_classes_as_published/bass"] == 1.71
    # Tracks of one phrase are nearer to each other than tracks of different ones.
    assert len(shuffled) == 6 and all(data[key] < value for key, value in shuffled.items())


def test_keys_are_those_of_our_tracks():
    names = [track.name for track in TRACK_SETS["musegan"]]
    pairs = {"-".join(pair) for pair in itertools.combinations(names, 2) if "drums" not in pair}
    for model, task in itertools.product(published.MODELS, published.TASKS):
        for row in published.published_rows(model, task).values():
            suffixes = {key.partition("/")[2] for key in row}
            assert suffixes <= set(names) | pairs
            # The composer without batch normalisation has no tonal distances.
            assert {suffix for suffix in suffixes if "-" in suffix} in (pairs, set())
    rows = published.published_binary_rows()
    tracks = {key.partition("/")[2] for row in rows.values() for key in row}
    names = {track.name for track in TRACK_SETS["bmusegan"]}
    assert tracks - {"pitched_tracks", "piano-guitar"} == names


def test_every_recipe_measures_all_that_its_paper_gives():
    shown = 0
    for recipe in map(recipes.get, recipes.names()):
        if recipe.representation != "multitrack_piano_roll":
            continue
        keys = {key for row in recipe.published.values() for key in row}
        for preset in ("paper", "small"):
            parameters = recipe.preset(preset).representation
            rep = representations.get(recipe.representation).from_parameters(parameters)
            silent = np.zeros((1, *rep.spec["piano_roll"].shape), bool)
            names = {key.partition("/")[0] for key in keys}
            assert keys <= metrics.evaluate(names, silent, rep).keys(), (recipe.name, preset)
        shown += bool(keys)
    assert shown >= 7


def test_a_given_piano_has_no_figures_of_its_own():
    for model in published.MODELS:
        row = published.published_rows(model, "conditional")[f"paper {model}"]
        assert not [key for key in row if key.endswith("/piano")]
        assert len(row) == 4 + 3 + 3 + 1 + 6


def test_values_are_in_range():
    rows = []
    for model, task in itertools.product(published.MODELS, published.TASKS):
        rows.extend(published.published_rows(model, task).values())
    rows.extend(published.published_binary_rows(*published.ISMIR_MODELS).values())
    limits = {"used_pitch_classes": 12.0, "tonal_distance": 2.83}
    for row in rows:
        for key, value in row.items():
            metric = key.partition("/")[0].partition("_as_published")[0]
            assert 0.0 <= value <= limits.get(metric, 1.0), (key, value)
    failed = published.published_rows("composer")["paper without batch norm"]
    assert failed["empty_bars/drums"] == 1.0 and failed["empty_bars/strings"] == 0.0


@pytest.mark.parametrize("model", ["pretrained HT", "two-stage DBN", "two-stage SBN"])
@pytest.mark.parametrize("metric", ["qualified_notes", "polyphonicity"])
def test_values_by_track_average_to_the_ismir_table(model, metric):
    row = published.published_binary_rows(model)[f"paper {model}"]
    by_track = [value for key, value in row.items() if key.startswith(f"{metric}_as_published/")]
    expected = row[f"{metric}_as_published_ismir/pitched_tracks"]
    assert mean(by_track) == pytest.approx(expected, abs=0.0051)


def test_cells_of_the_ismir_tables():
    rows = published.published_binary_rows()
    assert list(rows) == ["paper data", "paper two-stage DBN", "paper two-stage SBN"]
    dbn, sbn = rows["paper two-stage DBN"], rows["paper two-stage SBN"]
    assert dbn["tonal_distance_as_published_ismir/piano-guitar"] == 0.867
    assert dbn["empty_bars/bass"] == 1.0
    assert "qualified_notes_as_published/bass" not in dbn  # it never plays
    assert sbn["used_pitch_classes_as_published_ismir/bass"] == 10.9
    assert sbn["polyphonicity_as_published_ismir/pitched_tracks"] == 0.26
    assert dbn["drum_pattern_as_published_ismir/drums"] == 0.808
    assert sbn["empty_bars/synth_pad"] == 0.881
    # The data's values by track are of other tracks than the models'.
    assert len(rows["paper data"]) == 3
    assert len(published.published_binary_rows("joint SBN", "ablated HT")) == 3


def test_errors():
    with pytest.raises(ConfigError, match=r"model 'choir'. Known: composer, hybrid, jamming"):
        published.published_rows("choir")
    with pytest.raises(ConfigError, match=r"task 'karaoke'. Known: conditional, scratch"):
        published.published_rows("hybrid", "karaoke")
    with pytest.raises(ConfigError, match=r"model 'hybrid'. Known: .*two-stage DBN"):
        published.published_binary_rows("hybrid")
