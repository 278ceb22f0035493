"""Where the annotations of a song of POP909 stand: its grid, and chords and keys in beats of it."""

import itertools
import json
from pathlib import Path

import numpy as np

from tfmusicgan.datasets import pop909_texts
from tfmusicgan.datasets.pop909_files import Song
from tfmusicgan.datasets.pop909_grid import Grid, make_grid
from tfmusicgan.datasets.zip_folders import read_bytes
from tfmusicgan.errors import ChordSymbolError, ReadError
from tfmusicgan.note_sequences import chord_symbols
from tfmusicgan.note_sequences.sources import Source


def song_of(source: Source) -> Song:
    """A song's row of the table."""
    return Song(**json.loads(source.labels))


def read_grid(source: Source, first_second: float | None = None) -> Grid:
    """Reads a song's grid.

    Args:
      source: From `list_sources`.
      first_second: Where the first note begins; None: at the first beat.

    Raises:
      ReadError: See `pop909_texts.read_beats` and `make_grid`.
    """
    text = pop909_texts.BEATS
    data = read_text(Path(source.path), text)
    times, in_twos, in_fours = pop909_texts.read_beats(data, _text_name(source, text))
    first = float(times[0]) if first_second is None else first_second
    return make_grid(times, in_twos, in_fours, song_of(source), first, source.name)


def place_chords(source: Source, grid: Grid) -> list[tuple[float, str]]:
    """Reads a song's chords.

    Returns:
      (position in beats, symbol as note_seq spells it) where they change, the first at 0: no chord
      before the first, after the last, and in gaps.

    Raises:
      ReadError: See `pop909_texts.read_spans`; with reason `"unknown_chord_symbol"`.
    """
    text = pop909_texts.CHORDS
    name = _text_name(source, text)
    spans = pop909_texts.read_spans(read_text(Path(source.path), text), name)
    starts = grid.to_beats_of_chords(np.array([span.start for span in spans])).tolist()
    ends = grid.to_beats_of_chords(np.array([span.end for span in spans])).tolist()
    placed = [(0.0, chord_symbols.NO_CHORD)]
    for span, start, end in zip(spans, starts, ends, strict=True):
        try:
            figure = chord_symbols.normalise_symbol(span.label)
        except ChordSymbolError as error:
            raise ReadError(f"{error} It stands in {name}.", error.reason) from error
        if end <= 0:
            continue
        # No chord after the one before, where this one follows it at once.
        while placed and placed[-1][0] >= start:
            placed.pop()
        placed += [(max(start, 0.0), figure), (end, chord_symbols.NO_CHORD)]
    pairs = itertools.pairwise([(0.0, ""), *placed])
    return [one for before, one in pairs if one[1] != before[1]]


def place_keys(source: Source, grid: Grid) -> list[tuple[float, int, int]]:
    """Reads a song's keys.

    Returns:
      (position in beats, tonic, mode), see `pop909_texts.key_of`; the first at 0.

    Raises:
      ReadError: See `pop909_texts.read_spans` and `pop909_texts.key_of`.
    """
    text = pop909_texts.KEYS
    name = _text_name(source, text)
    spans = pop909_texts.read_spans(read_text(Path(source.path), text), name)
    beats = grid.to_beats(np.array([span.start for span in spans])).tolist()
    # What comes before the first key that was found has no other.
    places = [0.0, *(max(beat, 0.0) for beat in beats[1:])]
    keys = (pop909_texts.key_of(span.label, name) for span in spans)
    return [(place, *key) for place, key in zip(places, keys, strict=True)]


def read_text(file: Path, text: str) -> bytes:
    """Reads a text beside a song.

    Args:
      file: The song's MIDI file.
      text: The name of the text.

    Raises:
      ReadError: With reason `"unreadable_file"`.
    """
    name = f"{file.parent.name}/{text}"
    return read_bytes(file.parent / text, name, pop909_texts.MAX_TEXT_BYTES)


def _text_name(source: Source, text: str) -> str:
    return f"{Path(source.path).parent.name}/{text}"
