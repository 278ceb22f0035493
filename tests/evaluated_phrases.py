"""Made-up phrases, and recipes to measure them by."""

import dataclasses

import numpy as np

from tfmusicgan import recipes
from tfmusicgan.evaluation import TRAINED, TRAINING, UNTRAINED
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.tracks import parse_tracks


def made_up_phrases(tracks, seed=0):
    """Made-up rows of phrases of a representation."""
    rep = MultitrackPianoRoll(tracks=parse_tracks(tracks), bars=1)
    rng = np.random.default_rng(seed)
    shape = (6, *rep.spec["piano_roll"].shape)
    return rep, {row: rng.random(shape) < 0.02 for row in (TRAINING, UNTRAINED, TRAINED)}


def with_changes(**changes):
    """The chorales' recipe with other metrics."""
    return dataclasses.replace(
        recipes.get("musegan_hybrid_chorales"), **{"metrics": ("empty_bars",), **changes}
    )
