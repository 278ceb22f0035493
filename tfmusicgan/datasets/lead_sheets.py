"""Pieces with a part of chords as lead sheets: where no chord symbols stand, what sounds is named.

Two of the other datasets, read by the same rules and under the same names of pieces. A piece that
has chord symbols keeps them as they are. Of another, the part of chords beside the melody (see
`note_sequences/melody.py`) is named as `note_sequences/chord_track.py` does it. Representations
find the melody by its instrument's name: where none in a file of one's own says which it is, that
same melody is called so.

Of Nottingham's 1,034 tunes 400 have symbols of their ABC, and 621 get names: all that have chords
but no symbols. 13 have neither.
"""

import dataclasses

from tfmusicgan.datasets import midi, nottingham
from tfmusicgan.datasets.base import CountedPiece
from tfmusicgan.note_sequences import sources
from tfmusicgan.note_sequences.chord_track import name_missing_chords
from tfmusicgan.note_sequences.melody import choose_melody
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.sources import Source

_MELODY = "melody"


def read_midi_source(source: Source) -> NoteSequence:
    """Reads a piece of one's own.

    Args:
      source: From `sources.list_sources`.

    Raises:
      PieceError: See `sources.read_source`, `chord_track.name_missing_chords` and `name_melody`.
    """
    return name_melody(name_missing_chords(sources.read_source(source)))


def read_nottingham_source(source: Source) -> NoteSequence:
    """Reads a tune of Nottingham's.

    Args:
      source: From `nottingham.list_sources`.

    Raises:
      PieceError: See `nottingham.read_source` and `chord_track.name_missing_chords`.
    """
    return read_nottingham_counted(source).music


def read_nottingham_counted(source: Source) -> CountedPiece:
    """Reads a tune of Nottingham's, and counts the chord symbols that it lacks.

    Args:
      source: From `nottingham.list_sources`.

    Returns:
      The tune as `read_nottingham_source` gives it. Lost is what `nottingham.read_counted` says,
      but a tune whose chords got names does not lack symbols.

    Raises:
      PieceError: See `nottingham.read_source` and `chord_track.name_missing_chords`.
    """
    piece, lost = nottingham.read_counted(source)
    named = name_missing_chords(piece)
    has_names = bool(named.text_annotations) and nottingham.NO_SYMBOLS in lost
    return CountedPiece(named, {} if has_names else lost)


def name_melody(sequence: NoteSequence) -> NoteSequence:
    """A piece in which the name of the melody's instrument says what it is.

    Args:
      sequence: Not changed.

    Returns:
      The same sequence if `melody` is in the name of an instrument that has notes other than drums,
      whatever its case; otherwise a new one, in which the instrument of `melody.choose_melody` is
      called `melody`, or if it has a name, such as `Flute`, `Flute (melody)`.

    Raises:
      ConversionError: With reason `"no_melody"`, if there are only drums or no notes.
    """
    sounding = {note.instrument for note in sequence.notes if not note.is_drum}
    infos = [info for info in sequence.instrument_infos if info.instrument in sounding]
    if any(_MELODY in info.name.lower() for info in infos):
        return sequence
    melody = choose_melody(sequence)
    result = NoteSequence()
    result.CopyFrom(sequence)
    own = [info for info in result.instrument_infos if info.instrument == melody]
    info = own[-1] if own else result.instrument_infos.add(instrument=melody)
    # A name that it had stays: a representation may have been told to look for it.
    info.name = f"{info.name} ({_MELODY})" if info.name else _MELODY
    return result


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
            "As --dataset=midi, for pieces of a melody and chords. The melody is the part called "
            "so, or else the one that most nearly plays one note at a time, and of several such "
            "the highest. Pieces with chord symbols keep them. In others the part of chords is "
            "named: beside the melody the one called so, or else the one that mostly begins "
            "several notes at a time. A piece with a chord that has no name is left out."
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
        read_counted=read_nottingham_counted,
    ),
)
