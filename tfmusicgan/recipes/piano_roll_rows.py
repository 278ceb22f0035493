"""The corpora and grids that the recipes on multi-track piano-rolls share."""

import dataclasses
from collections.abc import Mapping
from typing import Any

METRICS = (
    "empty_bars",
    "used_pitch_classes",
    "qualified_notes",
    "polyphonicity",
    "drum_pattern",
    "notes_in_scale",
    "tonal_distance",
    "pitch_class_overlap",
    "onset_position_overlap",
)

# The note details of MuseGAN v1 at 24 steps per beat; a coarser grid would lose too much to them.
PAPER_GRID = {
    "bars": 4,
    "beats_per_bar": 4,
    "steps_per_beat": 24,
    "lowest_pitch": 24,
    "num_pitches": 84,
    "hop_bars": 4,
    "separate_notes": "always",
    "min_note_steps": 2,
}
# Sixteenth notes; phrases begin at every bar.
SMALL_GRID = {
    "bars": 4,
    "beats_per_bar": 4,
    "steps_per_beat": 4,
    "lowest_pitch": 36,
    "num_pitches": 48,
    "hop_bars": 1,
}
TINY_GRID = {**SMALL_GRID, "bars": 2, "steps_per_beat": 2, "hop_bars": 2}
GRIDS = {"paper": PAPER_GRID, "small": SMALL_GRID, "tiny": TINY_GRID}

# By these rules pieces of Lakh came to the cleansed part of the Lakh Pianoroll Dataset (LPD), where
# both papers' songs are from; the fourth, one file of a song, is the conversion's best_match.
LPD_CLEANSED = {
    "time_signatures": ["4/4"],
    "single_time_signature": True,
    "whole_first_bar": True,
}


@dataclasses.dataclass(frozen=True)
class Corpus:
    """What the rows of one corpus share.

    Attributes:
      suffix: Ends the recipes' names.
      tracks: The representation's track set.
      given: The track that accompaniments are given.
      dataset: The default source of records.
      phrases: What a phrase consists of, in words.
      metrics: What the evaluation table shows.
      representation: Further arguments of the representation.
      small_grid: Further arguments in the preset `small`.
    """

    suffix: str
    tracks: str
    given: str
    dataset: str
    phrases: str
    metrics: tuple[str, ...] = METRICS
    representation: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    small_grid: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def grid(self, preset: str) -> dict[str, Any]:
        """The representation's arguments in a preset."""
        own = self.small_grid if preset == "small" else {}
        return {**GRIDS[preset], "tracks": self.tracks, **self.representation, **own}


CHORALES = Corpus(
    suffix="_chorales",
    tracks="voices",
    given="soprano",
    dataset="bach_chorales",
    phrases="four voices",
    metrics=tuple(name for name in METRICS if name != "drum_pattern"),
)
