"""The paper's rows in the table of a run: for its tracks and its task, as its code counts."""

import dataclasses
import json

import numpy as np
import pytest

from tests.evaluated_phrases import made_up_phrases, with_changes
from tfmusicgan import metrics, recipes
from tfmusicgan.evaluation import TRAINED, TRAINING, UNTRAINED, Evaluation
from tfmusicgan.evaluation import piano_rolls as evaluation
from tfmusicgan.evaluation import published_rows as published_rows_module
from tfmusicgan.recipes.musegan_published import published_rows
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.tracks import parse_tracks


def test_the_papers_rows_are_shown_for_its_tracks():
    rep, phrases = made_up_phrases("musegan")
    rows = published_rows("hybrid")
    recipe = with_changes(published=rows, published_notes=("A slip of the pen.",))
    measured = evaluation._measure(recipe, phrases, rep)
    assert measured["published"] == rows
    assert list(measured["as_published"]) == list(phrases)
    ours = measured["as_published"][TRAINED]
    key = "used_pitch_classes_as_published/bass"
    assert ours[key] == metrics.evaluate([key.split("/")[0]], phrases[TRAINED], rep)[key]
    assert set(ours) == {key for row in rows.values() for key in row}
    assert not any("_as_published" in key for key in measured["rows"][TRAINED])
    result = Evaluation(memorisation={}, num_phrases={}, settings={}, **measured)
    text = result.table()
    (block,) = [part for part in text.split("\n\n") if part.startswith("As published")]
    first, second = (line.split() for line in block.splitlines()[1:3])
    assert first == ["training", "paper", "paper", "paper"]
    assert second == ["metric", "data", "untrained", "trained", "data", "shuffled", "hybrid"]
    (line,) = [line for line in block.splitlines() if line.startswith("drum_pattern/drums")]
    assert line.split()[-2:] == ["0.886", "0.713"]
    assert max(map(len, block.splitlines())) <= 110
    assert "* A slip of the pen." in text
    assert json.loads(result.to_json())["published"]["paper hybrid"] == rows["paper hybrid"]


@pytest.mark.parametrize(
    ("tracks", "missing"),
    [("voices", "drums, guitar, piano, strings"), ("drums,piano", "bass, guitar, strings")],
)
def test_the_papers_rows_are_left_out_for_other_tracks(tracks, missing):
    rep, phrases = made_up_phrases(tracks)
    recipe = with_changes(published=published_rows("hybrid"), published_notes=("A slip.",))
    measured = evaluation._measure(recipe, phrases, rep)
    assert measured["as_published"] == measured["published"] == {}
    (note,) = measured["notes"]
    assert note == f"The paper's rows are left out: these records have no {missing}."


def test_the_papers_rows_are_shown_for_its_tracks_in_another_order():
    rep, phrases = made_up_phrases("lpd5")
    names = [track.name for track in rep.tracks]
    assert names == ["drums", "piano", "guitar", "bass", "strings"]
    measured = evaluation._measure(with_changes(published=published_rows("hybrid")), phrases, rep)
    ours = measured["as_published"][TRAINED]
    assert measured["published"] and set(ours) == set(measured["published"]["paper hybrid"])
    metric = "tonal_distance_as_published"
    own = metrics.evaluate([metric], phrases[TRAINED], rep)
    assert ours[f"{metric}/bass-guitar"] == own[f"{metric}/guitar-bass"] > 0
    assert ours[f"{metric}/strings-piano"] == own[f"{metric}/piano-strings"] > 0


@pytest.mark.parametrize(
    ("tracks", "why"),
    [
        ("drums", "these records have no bass, ensemble, guitar, piano, reed, synth_lead"),
        ("lpd17", "they have means over bass, ensemble, guitar, piano, reed"),
    ],
)
def test_means_over_tracks_are_shown_for_the_same_tracks_alone(tracks, why):
    recipe = dataclasses.replace(recipes.get("binary_musegan"), metrics=("empty_bars",))
    rep, phrases = made_up_phrases("bmusegan")
    assert evaluation._measure(recipe, phrases, rep)["published"]
    rep, phrases = made_up_phrases(tracks)
    compared, (note,) = published_rows_module.compare(recipe, phrases, rep, None)
    assert compared == {"as_published": {}, "published": {}}
    assert note.startswith(f"The paper's rows are left out: {why}")


def test_the_papers_rows_are_those_of_its_task():
    rep, phrases = made_up_phrases("musegan")
    for name, given, theirs in (
        ("musegan_hybrid", None, None),
        ("musegan_hybrid_accompaniment", "piano", None),
        ("musegan_hybrid", "piano", "they are from scratch, this to a given piano."),
        ("musegan_hybrid_accompaniment", "bass", "they are to a given piano, this to a given bass"),
        ("musegan_hybrid_accompaniment", None, "they are to a given piano, this from scratch."),
    ):
        recipe = dataclasses.replace(recipes.get(name), metrics=("empty_bars",))
        at = None if given is None else [track.name for track in rep.tracks].index(given)
        measured = evaluation._measure(recipe, phrases, rep, at)
        left_out = [note for note in measured["notes"] if "paper's rows are left out" in note]
        assert bool(measured["published"]) == bool(measured["as_published"]) == (theirs is None)
        assert [theirs in note for note in left_out] == ([] if theirs is None else [True])


def test_a_note_says_where_the_drum_pattern_is_undefined():
    coarse = MultitrackPianoRoll(tracks=parse_tracks("musegan"), bars=1, steps_per_beat=4)
    rolls = np.zeros((2, *coarse.spec["piano_roll"].shape), bool)
    recipe = with_changes(metrics=("drum_pattern",))
    measured = evaluation._measure(recipe, dict.fromkeys((TRAINING, TRAINED), rolls), coarse)
    assert measured["notes"][0].startswith("drum_pattern is undefined at 4 steps a beat")
    rep, phrases = made_up_phrases("musegan")
    assert evaluation._measure(recipe, phrases, rep)["notes"] == ()


def test_a_note_says_where_the_papers_qualified_notes_are_undefined():
    coarse = MultitrackPianoRoll(tracks=parse_tracks("musegan"), bars=1, steps_per_beat=4)
    rolls = np.random.default_rng(0).random((2, *coarse.spec["piano_roll"].shape)) < 0.02
    rows = dict.fromkeys((TRAINING, UNTRAINED, TRAINED), rolls)
    measured = evaluation._measure(with_changes(published=published_rows("hybrid")), rows, coarse)
    (note,) = measured["notes"]
    assert note.startswith("qualified_notes as published is undefined at 4 steps a beat")
    assert np.isnan(measured["as_published"][TRAINED]["qualified_notes_as_published/bass"])
    result = Evaluation(memorisation={}, num_phrases={}, settings={}, **measured)
    (line,) = [one for one in result.table().splitlines() if one.startswith("qualified_notes/bass")]
    assert line.split()[1:] == ["-", "-", "-", "0.900", "0.446"]
    rep, phrases = made_up_phrases("musegan")
    finer = evaluation._measure(with_changes(published=published_rows("hybrid")), phrases, rep)
    assert finer["notes"] == ()
