"""Which of the pieces that were found are converted, before any is read."""

import dataclasses
import hashlib
import itertools
import os
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Self

from tfmusicgan.datasets.base import Dataset
from tfmusicgan.errors import ConfigError

NOT_LISTED, NO_SUCH_PIECE = "not_listed", "no_such_piece"

_COLUMNS = re.compile(r"\t+|\s{2,}")
_LARGEST_BYTES = 2**27


@dataclasses.dataclass(frozen=True)
class PieceList:
    """The pieces to keep, by name.

    MuseGAN's authors give such lists (of rock songs, of LPD's cleansed part) as text: one piece on
    a line, named by the recording's id, by the file's MD5, or by both in two columns.

    Attributes:
      lines: The lines of the list. A piece is listed if a line is among its names: its whole name,
        with and without its suffix, its file name without suffix, and each of its folders. A line
        that is among no piece's names is taken for columns, apart by a tab or several spaces, and
        lists the pieces that have all of them among their names.
    """

    lines: tuple[str, ...]

    @classmethod
    def read(cls, path: str | os.PathLike) -> Self:
        """Reads a list, UTF-8 with or without a mark of it; empty lines do not count.

        Raises:
          ConfigError: If there is no such file, it is no text, or nothing is in it.
        """
        try:
            with open(path, "rb") as file:
                text = file.read(_LARGEST_BYTES).decode("utf-8-sig")
        except OSError as error:
            raise ConfigError(f"--only: {error.strerror}: {os.fspath(path)}.") from None
        except UnicodeDecodeError:
            raise ConfigError(
                f"--only: expected a text file of names. Received: {os.fspath(path)}."
            ) from None
        lines = tuple(filter(None, map(str.strip, text.splitlines())))
        if not lines:
            raise ConfigError(f"--only: expected names of pieces. Received none: {path}.")
        return cls(lines)

    @property
    def digest(self) -> str:
        """SHA-256 of the list, in its order and with a tab between columns."""
        lines = "".join(_COLUMNS.sub("\t", line) + "\n" for line in self.lines)
        return hashlib.sha256(lines.encode("utf-8")).hexdigest()

    def find(self, names: Sequence[str]) -> tuple[set[str], list[str]]:
        """Finds what is listed.

        Args:
          names: Of all pieces there are.

        Returns:
          The names that are listed, and the lines that list none of them.
        """
        lines, found, useful = set(self.lines), set(), set()
        for name in names:
            whole = lines & _names_of(name)
            if whole:
                found.add(name)
                useful |= whole
        by_first: dict[str, list[tuple[str, list[str]]]] = {}
        for line in lines - useful:
            first, *others = _COLUMNS.split(line)
            if others:
                by_first.setdefault(first, []).append((line, others))
        for name in names if by_first else ():
            known = _names_of(name)
            for line, others in itertools.chain(*(by_first.get(one, ()) for one in known)):
                if known.issuperset(others):
                    found.add(name)
                    useful.add(line)
        return found, [line for line in dict.fromkeys(self.lines) if line not in useful]


def leave_out(
    dataset: Dataset,
    names: Sequence[str],
    root: pathlib.Path,
    best_match: bool,
    only: PieceList | None,
    unread: Sequence[str] = (),
) -> tuple[Mapping[str, str], Sequence[str]]:
    """Finds the pieces that are not converted.

    Args:
      dataset: Tells which file of a song is best.
      names: Of all pieces there are, duplicates included.
      root: The folder they count from.
      best_match: Whether one file of each song is kept.
      only: The pieces to keep; None for all.
      unread: Names of what there is and cannot be read.

    Returns:
      Their names with the reasons they are counted under, and the lines of `only` that list
      nothing there is.

    Raises:
      ConfigError: If the dataset cannot tell which file of a song is best.
    """
    left_out: dict[str, str] = {}
    without_piece: Sequence[str] = ()
    if only is not None:
        listed, others = only.find(names)
        _, without_piece = PieceList(tuple(others)).find(unread)
        left_out |= {name: NOT_LISTED for name in names if name not in listed}
    if best_match:
        if dataset.left_out_by_best_match is None:
            raise ConfigError(
                f"Dataset {dataset.name} does not tell which file of a song is best: leave out "
                "--best_match."
            )
        left_out |= dataset.left_out_by_best_match(names, root)
    return left_out, without_piece


def groups(
    dataset: Dataset, names: Sequence[str], root: pathlib.Path, copies: Mapping[str, str]
) -> Mapping[str, str]:
    """Name -> the group that decides its split.

    Args:
      dataset: Tells which pieces belong together.
      names: Of all pieces there are, duplicates included.
      root: The folder they count from.
      copies: Name of a duplicate -> that of the piece with its contents: two groups that have the
        same contents are one.
    """
    if dataset.groups_of is not None:
        group_of = dict(dataset.groups_of(names, root))
    else:
        group_of = {name: dataset.group_of(name) for name in names}
    parents: dict[str, str] = {}
    for copy, first in copies.items():
        other, kept = (_joined(parents, group_of[name]) for name in (copy, first))
        if other != kept:
            parents[other] = kept
    return {name: _joined(parents, group) for name, group in group_of.items()}


def message(name: str, reason: str) -> str:
    """Why a piece, or a line of a list, is left out, in a sentence."""
    words = {
        NOT_LISTED: "is not in the list of --only",
        NO_SUCH_PIECE: "is in the list of --only, and no piece has such a name",
        "lower_match_score": "does not have the best match score of its song's files",
        "no_match_score": "matches no recording that has a score",
    }
    return f"{name!r} {words.get(reason, reason)}."


def _names_of(name: str) -> set[str]:
    path = pathlib.PurePosixPath(name)
    return {name, str(path.with_suffix("")), path.stem, *path.parts}


def _joined(parents: Mapping[str, str], group: str) -> str:
    while group in parents:
        group = parents[group]
    return group
