"""POP909 as lead sheets: the melodies of its songs with chord symbols, in pieces of one meter.

A song (`pop909.py`) is cut where bars of another length stand between its bars of four beats, or
of three, and what has at least `LEAST_BARS` of them on end is a piece: `001/001.mid#0` is the first
of song 001. A piece

* begins with the bar of its first note and ends with that of its last;
* is in one tempo, the mean of its bars, with every note where it was between the beats: the songs'
  own tempos are in `pop909`;
* has one voice. Where the melody has several notes at once, the highest of those that begin
  together stays, and a note ends where the next one begins.

A note that begins a little before a bar line, by less than an eighth of a beat, belongs behind it.

The 909 songs have 2,009 pieces. In 154 the melody rests: they are left out as `"no_melody"`. The
other 1,855 have 63,381 bars (58,674 in 4/4, 3,339 in 3/4, 1,312 in 12/8, 56 in 9/8), 302,525 of the
309,423 notes, 93,038 chord symbols, and last 51.7 hours; `lead_sheet.read_lead_sheet` takes all of
them. In 4,325 bars the chord that holds longest has no third, in 166 there is none: 887 pieces have
a major or minor triad in every bar.
"""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfmusicgan.datasets import pop909, pop909_annotations
from tfmusicgan.datasets.pop909 import MELODY
from tfmusicgan.datasets.pop909_grid import Grid
from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import wire
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.sources import Source, gone

NAME = "pop909_melody"

LEAST_BARS = 4
"""Shorter runs of bars of one length are no pieces."""

_TOGETHER = 0.05  # Beats: notes that begin closer to each other begin together.
_EARLY = 0.125  # Beats that a note may come before its bar line.
_TICKS_PER_QUARTER = 480  # As in the songs' files.


def list_sources(
    files: Sequence[Path], root: Path
) -> tuple[list[Source], list[tuple[str, ReadError]]]:
    """Lists the pieces of all songs, without parsing their notes.

    Args:
      files: From `pop909_files.find_files`.
      root: The folder POP909.

    Returns:
      The pieces; and for every song that cannot be read, or has none, its name and the error.
    """
    songs, errors = pop909.list_sources(files, root)
    found: list[Source] = []
    for song in songs:
        try:
            stretches = pop909_annotations.read_grid(song).regular_stretches(LEAST_BARS)
            if not stretches:
                raise ReadError(
                    f"Expected {LEAST_BARS} bars of one length on end. Received fewer: "
                    f"{song.name}.",
                    "no_bars",
                )
        except ReadError as error:
            errors.append((song.name, error))
            continue
        for index in range(len(stretches)):
            digest = hashlib.sha256(f"{song.digest}#{index}".encode()).hexdigest()
            name = f"{song.name}#{index}"
            found.append(dataclasses.replace(song, name=name, index=index, digest=digest))
    return found, errors


def read_source(source: Source) -> NoteSequence:
    """Reads a piece.

    Args:
      source: From `list_sources`.

    Returns:
      A valid NoteSequence in one tempo and meter, with one instrument, the key where it begins and
      further ones, and chord symbols as text annotations.

    Raises:
      ReadError: See `pop909.read_source`; with reason `"no_melody"` if the melody rests.
    """
    song = pop909.read_tracks(source)
    grid = pop909_annotations.read_grid(source)
    stretches = grid.regular_stretches(LEAST_BARS)
    if source.index >= len(stretches):
        raise gone(source)
    notes = _one_voice(_notes_within(song, grid, *stretches[source.index]))
    if not len(notes):
        raise ReadError(
            f"Expected a melody. Received bars in which it rests: {source.name}.", "no_melody"
        )
    length = grid.beats_per_bar
    first = stretches[source.index][0]
    begin = first + int((notes[0, 0] - first) // length) * length
    end = first + -int(-(notes[-1, 1] - first) // length) * length
    piece = NoteSequence(id=source.name, filename=song.filename, collection_name=NAME)
    piece.sequence_metadata.CopyFrom(song.sequence_metadata)
    piece.source_info.encoding_type = song.source_info.encoding_type
    piece.ticks_per_quarter = _TICKS_PER_QUARTER
    piece.instrument_infos.add(instrument=MELODY, name="melody")
    seconds = _seconds_of(np.array([begin, end]), grid)
    seconds_per_beat = float(seconds[1] - seconds[0]) / (end - begin)
    piece.tempos.add(qpm=60 * grid.quarters_per_beat / seconds_per_beat)
    numerator, denominator = grid.signature(length)
    piece.time_signatures.add(numerator=numerator, denominator=denominator)
    piece.total_time = (end - begin) * seconds_per_beat
    _add_notes(piece, notes, begin, seconds_per_beat)
    for beat, key, mode in _within(pop909_annotations.place_keys(source, grid), begin, end):
        piece.key_signatures.add(time=beat * seconds_per_beat, key=key, mode=mode)
    kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
    for beat, figure in _within(pop909_annotations.place_chords(source, grid), begin, end):
        piece.text_annotations.add(time=beat * seconds_per_beat, text=figure, annotation_type=kind)
    return piece


def _notes_within(song: NoteSequence, grid: Grid, first: int, bars: int) -> np.ndarray:
    """float64 [notes, 4]: start and end in beats, pitch and velocity of the melody in some bars."""
    rows = [
        (note.start_time, note.end_time, note.pitch, note.velocity)
        for note in song.notes
        if note.instrument == MELODY
    ]
    notes = np.array(rows, np.float64).reshape(-1, 4)
    notes[:, 0], notes[:, 1] = grid.to_beats(notes[:, 0]), grid.to_beats(notes[:, 1])
    last = first + bars * grid.beats_per_bar
    inside = notes[(notes[:, 0] >= first - _EARLY) & (notes[:, 0] < last - _EARLY)]
    inside[:, :2] = np.clip(inside[:, :2], first, last)
    inside = inside[inside[:, 0] < inside[:, 1]]
    return inside[np.lexsort((-inside[:, 2], inside[:, 0]))]


def _one_voice(notes: np.ndarray) -> np.ndarray:
    """Thins notes out to one voice, as the module says.

    Args:
      notes: [notes, 4], from `_notes_within`.

    Returns:
      float64 [fewer, 4].
    """
    line: list[np.ndarray] = []
    for note in notes:
        if line and note[0] - line[-1][0] < _TOGETHER:
            if note[2] > line[-1][2]:
                line[-1] = np.array([line[-1][0], *note[1:]])
            continue
        if line:
            line[-1][1] = min(line[-1][1], note[0])
        line.append(note.copy())
    return np.array(line).reshape(-1, 4)


def _seconds_of(beats: np.ndarray, grid: Grid) -> np.ndarray:
    """Times of beats in the song; the last bar may end after the last beat that is written."""
    numbers = np.arange(len(grid.beats))
    late = np.maximum(beats - numbers[-1], 0) * (grid.beats[-1] - grid.beats[-2])
    return np.interp(beats, numbers, grid.beats) + late


def _add_notes(piece: NoteSequence, notes: np.ndarray, begin: int, seconds_per_beat: float) -> None:
    same = np.zeros(len(notes), np.int64)
    columns = {
        "pitch": notes[:, 2].astype(np.int64),
        "velocity": notes[:, 3].astype(np.int64),
        "start_time": (notes[:, 0] - begin) * seconds_per_beat,
        "end_time": (notes[:, 1] - begin) * seconds_per_beat,
        "instrument": same + MELODY,
        "program": same,
        "is_drum": same.astype(bool),
    }
    wire.add_notes(piece, columns)


def _within(events: Sequence[tuple], begin: int, end: int) -> list[tuple]:
    """Of (beat, ...) events, the one that holds at the beginning and those after, from there."""
    before = [event for event in events if event[0] <= begin][-1:]
    later = [event for event in events if begin < event[0] < end]
    return [(max(beat - begin, 0), *rest) for beat, *rest in (*before, *later)]


DATASET = dataclasses.replace(
    pop909.DATASET,
    name=NAME,
    title="POP909 as lead sheets: melodies of pop songs with chord symbols",
    description=(
        "The melodies of POP909's 909 songs with their chord symbols, cut to 2,009 pieces of at "
        "least four bars in one meter, in one voice and one tempo; 154 are left out since the "
        "melody rests. The others have 302,525 notes and 93,038 chord symbols in 63,381 bars, "
        "nine tenths of them in 4/4. Pieces of one song stay in one split. The folder given is "
        "that of --dataset=pop909."
    ),
    command=(
        f"tfmusicgan-convert --recipe=midinet_stable --dataset={NAME} --download --input=FOLDER "
        f"--output=tfrecords/{NAME}"
    ),
    num_pieces=2_009,
    list_sources=list_sources,
    read_source=read_source,
)
