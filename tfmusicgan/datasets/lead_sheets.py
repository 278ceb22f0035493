"""Pieces with a part of chords as lead sheets: where no chord symbols stand, what sounds is named.

Two of the other datasets, read by the same rules and under the same names of pieces. A piece that
has chord symbols keeps them as they are. Of another, the part of chords beside the melody (see
`note_sequences/melody.py`) is named as `note_sequences/chord_track.py` does it.

Of Nottingham's 1,034 tunes 400 have symbols of their ABC, and 621 get names: all that have chords
but no symbols. 13 have neither.
"""

import dataclasses

from tfmusicgan.datasets import midi, nottingham
from tfmusicgan.note_sequences import sources
from tfmusicgan.note_sequences.chord_track import name_missing_chords
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.sources import Source


def read_midi_source(source: Source) -> NoteSequence:
    """Reads a piece of one's own.

    Args:
      source: From `sources.list_sources`.

    Raises:
      PieceError: See `sources.read_source` and `chord_track.name_missing_chords`.
    """
    return name_missing_chords(sources.read_source(source))


def read_nottingham_source(source: Source) -> NoteSequence:
    """Reads a tune of Nottingham's.

    Args:
      source: From `nottingham.list_sources`.

    Raises:
      PieceError: See `nottingham.read_source` and `chord_track.name_missing_chords`.
    """
    return name_missing_chords(nottingham.read_source(source))


def _command(name: str, options: str) -> str:
    return (
        f"tfmusicgan-convert --recipe=midinet_stable --dataset={name} {options}--input=FOLDER "
        f"--output=tfrecords/{name}"
    )


_MIDI, _NOTTINGHAM = "midi_lead_sheets", "nottingham_lead_sheets"

DATASETS = (
    dataclasses.replace(
        midi.DATASET,
        name=_MIDI,
        title="Your own music as lead sheets: chords that sound get chord symbols",
        description=(
            "As --dataset=midi, for pieces of a melody and chords. Pieces with chord symbols keep "
            "them. In others the part of chords is named: beside the melody the one called so, or "
            "else the one that mostly begins several notes at a time. A piece with a chord that "
            "has no name is left out."
        ),
        command=_command(_MIDI, ""),
        read_source=read_midi_source,
    ),
    dataclasses.replace(
        nottingham.DATASET,
        name=_NOTTINGHAM,
        title="Nottingham as lead sheets: all chords that sound get chord symbols",
        description=(
            "The 1,034 tunes of --dataset=nottingham. 400 have the chord symbols of their ABC, "
            "621 the names of the chords that they play, 13 have none. Versions of one tune stay "
            "in one split. The folder given is that of --dataset=nottingham."
        ),
        command=_command(_NOTTINGHAM, "--download "),
        read_source=read_nottingham_source,
    ),
)
