"""The paper's rows of piano-rolls, and ours in the same keys."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfmusicgan import metrics
from tfmusicgan.evaluation.report import Rows
from tfmusicgan.metrics.as_published import qualified_steps
from tfmusicgan.recipes.base import Recipe
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.tracks import Track, parse_tracks

_PITCHED = "pitched_tracks"  # the key of means over all of them


def compare(
    recipe: Recipe,
    phrases: Mapping[str, np.ndarray],
    representation: MultitrackPianoRoll,
    given: str | None,
) -> tuple[dict[str, Any], list[str]]:
    """The published figures beside ours, where the paper has any of this task and these tracks.

    Args:
      recipe: Has the paper's rows, if there are any, and a preset `paper`.
      phrases: Row name to bool [n, bars, steps, pitches, tracks].
      representation: What the axes mean.
      given: Name of the track that the model is given, or None.

    Returns:
      The fields `as_published` and `published` of an `Evaluation`, and what to know of them, a
      sentence each.
    """
    nothing: dict[str, Any] = {"as_published": {}, "published": {}}
    if not recipe.published:
        return nothing, []
    # The published rows are of the task of the recipe's own `paper` preset.
    theirs = getattr(recipe.preset("paper").config, "condition_track", None)
    if given != theirs:
        tasks = [f"to a given {name}" if name else "from scratch" for name in (theirs, given)]
        return nothing, [f"The paper's rows are left out: they are {tasks[0]}, this {tasks[1]}."]
    keys = dict.fromkeys(key for row in recipe.published.values() for key in row)
    why_not = _other_tracks(recipe, keys, representation)
    if why_not:
        return nothing, [f"The paper's rows are left out: {why_not}."]
    ours = {row: _in_keys(keys, rolls, representation) for row, rolls in phrases.items()}
    published: Rows = {row: dict(values) for row, values in recipe.published.items()}
    notes = [*_grid_notes(representation.steps_per_beat), *recipe.published_notes]
    return {"as_published": ours, "published": published}, notes


def _other_tracks(
    recipe: Recipe, keys: Mapping[str, None], representation: MultitrackPianoRoll
) -> str:
    """What the keys' tracks have that the representation's have not; empty if nothing."""
    named = {name for key in keys for name in key.partition("/")[2].split("-")}
    missing = sorted(named - {_PITCHED} - {track.name for track in representation.tracks})
    if missing:
        return f"these records have no {', '.join(missing)}"
    theirs = _pitched(parse_tracks(recipe.preset("paper").representation["tracks"]))
    if _PITCHED in named and _pitched(representation.tracks) != theirs:
        return f"they have means over {', '.join(sorted(theirs))}, these records other tracks"
    return ""


def _pitched(tracks: Sequence[Track]) -> set[str]:
    return {track.name for track in tracks if not track.is_drum}


def _in_keys(
    keys: Mapping[str, None], rolls: np.ndarray, representation: MultitrackPianoRoll
) -> dict[str, float]:
    """The paper's keys with our values."""
    names = dict.fromkeys(key.partition("/")[0] for key in keys)
    values = metrics.evaluate(names, rolls, representation)
    # A distance is that of the pair the other way round, as it is where tracks stand otherwise.
    return {key: values[key if key in values else _other_way_round(key)] for key in keys}


def _other_way_round(key: str) -> str:
    metric, _, tracks = key.partition("/")
    return f"{metric}/{'-'.join(reversed(tracks.split('-')))}"


def _grid_notes(steps_per_beat: int) -> list[str]:
    if qualified_steps(steps_per_beat) is not None:
        return []
    return [
        f"qualified_notes as published is undefined at {steps_per_beat} steps a beat: the paper's "
        "code counts notes of a twelfth of a beat and more, which all are there. Ours are those of "
        "two steps and more."
    ]
