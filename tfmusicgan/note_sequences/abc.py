"""ABC tune books to NoteSequences, with note_seq's parser.

A book is split into its tunes first, so that each is read, counted and refused by itself. note_seq
reads a strict part of ABC: no tuplets, no several voices, no variant endings. It knows nothing of
bar lines: that a first bar is a pick-up is found here, and gives it a time signature of its length.

Source: ABC 2.1, https://abcnotation.com/wiki/abc:standard:v2.1
"""

import os
import pathlib
import re
import types
from fractions import Fraction

import numpy as np

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences.normalise import normalise
from tfmusicgan.note_sequences.proto import NoteSequence, note_seq_module
from tfmusicgan.note_sequences.transforms import seconds_to_quarters
from tfmusicgan.note_sequences.whole_bars import meter_of_length

MAX_BOOK_BYTES = 16 * 2**20
"""Larger books are refused."""

# A colon of a bar line or a repeat behind a note or a rest makes no field.
_OTHER_FIELD = re.compile(r"[EJYh-lnopqtuvxyz]:(?![|:])")
_FIELD = re.compile(r"[A-Za-z]:(?![|:])")
_NOTE_BEFORE_REPEAT = re.compile(r"^[A-Ga-gxyzXZ](?=:[|:])")
# A line's music up to a bar line, with a note in it; chord symbols in quotes are no notes.
_FIRST_BAR = re.compile(r"""((?:[^"a-gA-G]|"[^"]*")*[a-gA-G](?:[^"|:\]]|"[^"]*")*)[|:\]]""")
# Signs of a text's place make it an annotation; a chord in brackets is one that may be left out.
_NO_CHORD_SIGNS = "^_<>@("
_BAR_SIGNS = "|:[] "
_MAX_DENOMINATOR = 64  # Of lengths in quarter notes.
# What note_seq's parser raises, beside its own errors, on tunes that are not sound ABC.
_PARSER_ERRORS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def read_abc(
    source: str | os.PathLike | bytes, name: str = ""
) -> tuple[list[NoteSequence], list[tuple[str, ReadError]]]:
    """Reads all tunes of a book.

    Args:
      source: A path, or the book's contents.
      name: What messages call the book; its path by default.

    Returns:
      The tunes that can be read, each with its name (`<book>#<index>`) as `id`; and for each other
      tune its name and the error.

    Raises:
      ReadError: If the book has no tunes or cannot be opened; see `split_tunes`.
    """
    name = name or ("ABC bytes" if isinstance(source, bytes) else os.fspath(source))
    sequences: list[NoteSequence] = []
    errors: list[tuple[str, ReadError]] = []
    header, tunes = split_tunes(source, name)
    for index, tune in enumerate(tunes):
        tune_name = f"{name}#{index}"
        try:
            sequence = read_tune(header, tune, tune_name)
        except ReadError as error:
            errors.append((tune_name, error))
        else:
            sequence.id = tune_name
            sequences.append(sequence)
    return sequences, errors


def split_tunes(source: str | os.PathLike | bytes, name: str) -> tuple[str, list[str]]:
    """Splits a book into its tunes, without parsing them.

    Args:
      source: A path, or the book's contents (UTF-8, or else Latin-1).
      name: What messages call the book.

    Returns:
      The book's header, whose fields hold for all tunes, and each tune's text. A tune is a block of
      lines that has an `X:` field; the fields and `%` lines of a first block without are the
      header, its other lines and further such blocks are free text.

    Raises:
      ReadError: With reason `"unreadable_file"`, `"empty_file"`, `"too_large"` or `"no_tunes"`.
    """
    data = source if isinstance(source, bytes) else _read_bytes(pathlib.Path(source), name)
    if not data.strip():
        raise ReadError(f"Expected ABC tunes. Received an empty file: {name}.", "empty_file")
    if len(data) > MAX_BOOK_BYTES:
        raise ReadError(
            f"Expected an ABC book of at most {MAX_BOOK_BYTES} bytes. Received more: {name}.",
            "too_large",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip():
            blocks[-1].append(line.strip())
        elif blocks[-1]:
            blocks.append([])
    tunes = [block for block in blocks if any(line.startswith("X:") for line in block)]
    if not tunes:
        raise ReadError(f"Expected ABC tunes (X: fields). Received none: {name}.", "no_tunes")
    head = [] if blocks[0] is tunes[0] else blocks[0]
    header = "\n".join(line for line in head if line.startswith("%") or _FIELD.match(line))
    return header, ["\n".join(tune) for tune in tunes]


def _read_bytes(path: pathlib.Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BOOK_BYTES + 1)
    except OSError as error:
        raise ReadError(
            f"Expected a readable file. Received {error.strerror}: {name}.", "unreadable_file"
        ) from error


def read_tune(header: str, tune: str, name: str) -> NoteSequence:
    """Reads one tune.

    Args:
      header: The book's header, or "".
      tune: The tune's text, from `split_tunes`.
      name: What messages call it.

    Returns:
      A valid NoteSequence; repeats are in section_groups. Texts in quotes are in text_annotations:
      as chord symbols, whether or not they can be read as such, unless they begin with a sign of
      their place (`^ _ < > @`) or stand in round brackets.

    Raises:
      ReadError: With reason `"unreadable_abc"`, `"too_long"` or `"no_notes"`.
    """
    abc_parser = note_seq_module("abc_parser")
    # Fields that note_seq doesn't know mean nothing to it; it would log a line for each.
    lines = _told_apart([*header.splitlines(), *tune.splitlines()])
    lines = [line for line in lines if not _OTHER_FIELD.match(line)]
    try:
        sequence = abc_parser.ABCTune(lines).note_sequence
    except (abc_parser.ABCParseError, *_PARSER_ERRORS) as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise ReadError(
            f"Expected ABC that note_seq can read. Received {what[:200]} in {name}.",
            "unreadable_abc",
        ) from error
    for text in sequence.text_annotations:
        # note_seq takes none for a chord that doesn't begin with a note's letter.
        if text.text.strip() and text.text[0] not in _NO_CHORD_SIGNS:
            text.annotation_type = NoteSequence.TextAnnotation.CHORD_SYMBOL
    normalise(sequence, name)
    _set_pick_up(sequence, lines, abc_parser)
    return sequence


def _told_apart(lines: list[str]) -> list[str]:
    """Lines with a space between a first note and a repeat, where note_seq sees a field."""
    told, in_music = [], False
    for line in lines:
        told.append(_NOTE_BEFORE_REPEAT.sub(r"\g<0> ", line) if in_music else line)
        in_music |= line.startswith("K:")
    return told


def _set_pick_up(sequence: NoteSequence, lines: list[str], abc_parser: types.ModuleType) -> None:
    """Gives a first bar that is shorter than its meter's a time signature of its own."""
    first = sequence.time_signatures[0]
    try:
        bar = Fraction(4 * first.numerator, first.denominator)
        notes = abc_parser.ABCTune(_up_to_the_first_bar_line(lines)).note_sequence.notes
    except (abc_parser.ABCParseError, *_PARSER_ERRORS):
        return  # Such as half of a broken rhythm, or 4/0. The whole tune has been read.
    seconds = max((note.end_time for note in notes), default=0.0)
    quarters = float(seconds_to_quarters(sequence, np.float64(seconds)))
    length = Fraction(quarters).limit_denominator(_MAX_DENOMINATOR)
    meter = meter_of_length(length, first.denominator)
    if meter is None or length >= bar or len(notes) == len(sequence.notes):
        return
    sequence.time_signatures.insert(
        1,
        NoteSequence.TimeSignature(
            time=seconds, numerator=first.numerator, denominator=first.denominator
        ),
    )
    first.numerator, first.denominator = meter


def _up_to_the_first_bar_line(lines: list[str]) -> list[str]:
    """A tune's fields and its music as far as the first bar line behind a note.

    What stands before the first note is left out: a repeat that begins would never end.
    """
    kept, in_music = [], False
    for line in lines:
        if _FIELD.match(line):
            in_music |= line.startswith("K:")
        elif in_music and (bar := _FIRST_BAR.match(line)):
            return [*kept, bar[1].lstrip(_BAR_SIGNS)]
        kept.append(line.lstrip(_BAR_SIGNS))
    return kept
