"""ABC tune books to NoteSequences, with note_seq's parser.

A book is split into its tunes first, so that each is read, counted and refused by itself. note_seq
reads a strict part of ABC: no multiple voices, no lyrics' directives it doesn't know.

Source: ABC 2.1, https://abcnotation.com/wiki/abc:standard:v2.1
"""

import os
import pathlib

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences.normalise import normalise
from tfmusicgan.note_sequences.proto import NoteSequence

MAX_BOOK_BYTES = 64 * 2**20
"""Larger books are refused."""

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
    for index, tune in enumerate(split_tunes(source, name)):
        tune_name = f"{name}#{index}"
        try:
            sequence = read_tune(tune, tune_name)
        except ReadError as error:
            errors.append((tune_name, error))
        else:
            sequence.id = tune_name
            sequences.append(sequence)
    return sequences, errors


def split_tunes(source: str | os.PathLike | bytes, name: str) -> list[str]:
    """Splits a book into its tunes, without parsing them.

    Args:
      source: A path, or the book's contents (UTF-8, or else Latin-1).
      name: What messages call the book.

    Returns:
      Each tune's text, with the book's header before it. A tune is a block of lines that has an
      `X:` field; other blocks are free text.

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
    tunes = [any(line.startswith("X:") for line in block) for block in blocks]
    header = blocks[0] if blocks[0] and not tunes[0] else []
    found = ["\n".join(header + b) for b, is_tune in zip(blocks, tunes, strict=True) if is_tune]
    if not found:
        raise ReadError(f"Expected ABC tunes (X: fields). Received none: {name}.", "no_tunes")
    return found


def _read_bytes(path: pathlib.Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BOOK_BYTES + 1)
    except OSError as error:
        raise ReadError(
            f"Expected a readable file. Received {error.strerror}: {name}.", "unreadable_file"
        ) from error


def read_tune(tune: str, name: str) -> NoteSequence:
    """Reads one tune.

    Args:
      tune: Its text, from `split_tunes`.
      name: What messages call it.

    Returns:
      A valid NoteSequence; chord symbols are in text_annotations, repeats in section_groups.

    Raises:
      ReadError: With reason `"unreadable_abc"`, `"too_long"` or `"no_notes"`.
    """
    from note_seq import abc_parser

    try:
        sequence = abc_parser.ABCTune(tune.splitlines()).note_sequence
    except (abc_parser.ABCParseError, *_PARSER_ERRORS) as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise ReadError(
            f"Expected ABC that note_seq can read. Received {what[:200]} in {name}.",
            "unreadable_abc",
        ) from error
    normalise(sequence, name)
    return sequence
