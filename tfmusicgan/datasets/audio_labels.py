"""Labels of single notes from their files' names, or from a table beside the files.

A name's pattern is a regular expression with the named groups `pitch` (a MIDI number, or a name
such as C#4 or c#4, C4 being 60) and, each of them optional, `velocity`, `instrument`, `family` and
`source`; NSynth's is the default: `keyboard_acoustic_000-060-075.flac`. The columns of a table are
`file` and the same names, and `qualities`: names of qualities with spaces between.

An instrument has a number, or a name, from which its number is drawn: equal names have the same
number, whatever else lies in the folder. Family and source may be numbers, too. Without a velocity
a note has 100.
"""

import csv
import functools
import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from tfmusicgan.errors import ConfigError, MusicGanError, ReadError
from tfmusicgan.note_sequences.recorded_note import (
    FAMILIES,
    QUALITIES,
    SOURCES,
    UNKNOWN,
)

NAME_PATTERN = (
    r"(?P<instrument>(?P<family>[a-z_]+)_(?P<source>acoustic|electronic|synthetic)_\d+)"
    r"-(?P<pitch>\d+)-(?P<velocity>\d+)"
)
"""NSynth's names; the whole of the first part names the instrument."""

TABLE_FILE = "labels.csv"

_FIELDS = ("pitch", "velocity", "instrument", "family", "source")
_COLUMNS = ("file", *_FIELDS, "qualities")
_VELOCITY = 100
_PITCH_NAME = re.compile(r"([A-Ga-g])(#|b)?(-?\d)")
_NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_MAX_TABLE_BYTES = 2**27


def check_pattern(pattern: str) -> None:
    """Checks a pattern of file names.

    Raises:
      ConfigError: If it is no regular expression with a group `pitch`, or has an unknown group.
    """
    try:
        groups = set(re.compile(pattern).groupindex)
    except re.error as error:
        raise ConfigError(
            f"Expected a regular expression of file names. Received: {pattern!r}, {error}."
        ) from None
    if "pitch" not in groups or not groups <= set(_FIELDS):
        raise ConfigError(
            f"Expected named groups among {', '.join(_FIELDS)}, pitch at least, as in "
            rf"(?P<instrument>\w+)_(?P<pitch>\d+). Received: {pattern!r}."
        )


def labels_of(name: str, root: Path, pattern: str) -> dict:
    """The labels of a file.

    Args:
      name: Its path below the folder, with `/` between folders.
      root: The folder; a table in it goes before names.
      pattern: Regular expression of a whole file name without its suffix.

    Returns:
      `pitch`, `velocity`, `instrument`, `family` and `source` as whole numbers, -1 where nothing is
      said, and `qualities`, a list of names. Ranges are not checked: who makes a note of them does.

    Raises:
      ReadError: With reason `"no_label"` or `"bad_label"`.
      MusicGanError: If there is a table and it cannot be read.
    """
    path = root / TABLE_FILE
    if not path.is_file():
        return _to_numbers(_from_name(name, pattern), name)
    table = _read_table(path, path.stat().st_mtime_ns)
    if name not in table:
        raise ReadError(f"Expected a row for {name} in {TABLE_FILE}. Received: none.", "no_label")
    return _to_numbers(table[name], name)


def rows_without_file(root: Path, names: Collection[str]) -> list[tuple[str, ReadError]]:
    """The rows of a table that no file belongs to.

    Args:
      root: The folder; without a table there are no such rows.
      names: Of the folder's audio files, their paths below it.

    Returns:
      What the row has for `file`, or where it stands if that is nothing, and an error of reason
      `"missing_file"`.

    Raises:
      MusicGanError: If there is a table and it cannot be read.
    """
    path = root / TABLE_FILE
    if not path.is_file():
        return []
    message = f"Expected an audio file for each row of {TABLE_FILE}. Received: none for {{}}."
    return [
        (name, ReadError(message.format(name), "missing_file"))
        for name in _read_table(path, path.stat().st_mtime_ns)
        if name not in names
    ]


def _from_name(name: str, pattern: str) -> Mapping[str, str]:
    stem = name.rpartition("/")[2].rpartition(".")[0]
    match = re.fullmatch(pattern, stem)
    if match is None:
        raise ReadError(
            "Expected a file name such as keyboard_acoustic_000-060-075.wav, as --name_pattern "
            f"says, or a {TABLE_FILE}. Received: {name}.",
            "no_label",
        )
    return {key: value for key, value in match.groupdict().items() if value is not None}


@functools.lru_cache(maxsize=1)
def _read_table(path: Path, modified: int) -> Mapping[str, Mapping[str, str]]:
    try:
        size = path.stat().st_size
        if size > _MAX_TABLE_BYTES:
            raise MusicGanError(
                f"Expected a table of at most {_MAX_TABLE_BYTES:,} bytes in {path}. Received: "
                f"{size:,}. Split the folder, each part with a table of its own."
            )
        with path.open("rb") as file:
            text = file.read(_MAX_TABLE_BYTES).decode("utf-8-sig")
        reader = csv.DictReader(text.splitlines())
        rows, columns = list(reader), set(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MusicGanError(f"Expected a table in {path}. Received: {error}.") from None
    if not {"file", "pitch"} <= columns <= set(_COLUMNS):
        raise MusicGanError(
            f"Expected columns among {', '.join(_COLUMNS)}, file and pitch at least, in {path}. "
            f"Received: {', '.join(sorted(columns))}."
        )
    table: dict[str, Mapping[str, str]] = {}
    for number, row in enumerate(rows, 1):
        name = row["file"] or f"row {number} of {TABLE_FILE}"
        if name in table:
            raise MusicGanError(
                f"Expected one row for each file in {path}. Received: several of {name}."
            )
        table[name] = {key: value.strip() for key, value in row.items() if key and value}
    return table


def _to_numbers(fields: Mapping[str, str], name: str) -> dict:
    """Labels as `labels_of` gives them, from the texts of a name or a row."""
    pitch = fields.get("pitch", "")
    named = _PITCH_NAME.fullmatch(pitch)
    if named:
        letter, accidental, octave = named.groups()
        shift = {"#": 1, "b": -1}.get(accidental, 0)
        pitch = str(_NATURALS[letter.upper()] + shift + 12 * (int(octave) + 1))
    qualities = fields.get("qualities", "").split()
    for quality in qualities:
        if quality not in QUALITIES:
            raise _bad("quality", quality, f"among {', '.join(QUALITIES)}", name)
    return {
        "pitch": _number("pitch", pitch, "a MIDI number or a name such as C#4", name),
        "velocity": _number("velocity", fields.get("velocity", str(_VELOCITY)), "a number", name),
        "instrument": _instrument(fields.get("instrument", "")),
        "family": _place("family", fields.get("family", ""), FAMILIES, name),
        "source": _place("source", fields.get("source", ""), SOURCES, name),
        "qualities": qualities,
    }


def _instrument(text: str) -> int:
    """The number that is written, or one that is drawn from a name."""
    if not text:
        return UNKNOWN
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:4], "big") >> 1


def _place(what: str, text: str, names: Sequence[str], name: str) -> int:
    if not text:
        return UNKNOWN
    if text in names:
        return names.index(text)
    return _number(what, text, f"among {', '.join(names)}", name)


def _number(what: str, text: str, expected: str, name: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise _bad(what, text, expected, name)
    return int(text)


def _bad(what: str, text: str, expected: str, name: str) -> ReadError:
    return ReadError(f"Expected a {what} {expected}. Received: {text!r} of {name}.", "bad_label")
