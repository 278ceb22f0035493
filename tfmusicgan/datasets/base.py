"""What a dataset is: where its files are, whose they are, and how upstream splits them."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tfmusicgan.datasets.download import Download
from tfmusicgan.errors import PieceError
from tfmusicgan.note_sequences import sources
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.recorded_note import RecordedNote
from tfmusicgan.note_sequences.sources import Source

Finder = Callable[[Sequence[str]], tuple[list[Path], Path]]
Judge = Callable[[Sequence[str], Path], Mapping[str, str]]
Lister = Callable[[Sequence[Path], Path], tuple[list[Source], list[tuple[str, PieceError]]]]
Missing = Callable[[Sequence[Path], Path], list[tuple[str, PieceError]]]


class CountedPiece(NamedTuple):
    """A piece, and what of it could not be read.

    Attributes:
      music: Its NoteSequence, or a note with its audio.
      lost: What -> how many, such as chord symbols that note_seq cannot read.
    """

    music: NoteSequence | RecordedNote
    lost: Mapping[str, int]


Reader = Callable[[Source], NoteSequence | RecordedNote]
CountingReader = Callable[[Source], CountedPiece]


def _no_official_split(name: str) -> str | None:
    """Leaves the split to the digest of the piece's name."""
    return None


def _keeps_nothing(paths: Sequence[str]) -> Mapping[str, Path]:
    """Leaves records by themselves."""
    return {}


def _credits_itself(paths: Sequence[str]) -> Mapping[str, str]:
    """Whatever the paths, the dataset's own words hold."""
    return {}


def lists_no_others(files: Sequence[Path], root: Path) -> list[tuple[str, PieceError]]:
    """What is missing where no table says which files there should be: nothing, of any files."""
    return []


def _own_group(name: str) -> str:
    """Every piece is a group of its own."""
    return name


@dataclasses.dataclass(frozen=True)
class Dataset:
    """One corpus. Knows nothing about models or representations.

    Attributes:
      name: The name on command lines.
      title: One line for tables.
      description: What is in it, in a few sentences.
      source_url: Where it comes from.
      licence: The licence of the encoding and of the music, in a sentence.
      attribution: Whom to name when passing it on.
      command: The shortest command that converts it.
      find_files: (paths given by the user) -> (files, the folder that piece names count from).
      num_pieces: How many pieces it has; None if that depends on the user's files.
      size_bytes: Size of its files; None if that depends on the user's files.
      downloads: What `--download` fetches; empty if nothing needs fetching.
      by_hand: Of a dataset without downloads, what is to be fetched by hand; empty if nothing.
      split_of: Piece name -> upstream's official split, or None where there is none.
      group_of: Piece name -> the name that decides its split, so that near-copies stay together.
      groups_of: (names of all pieces, the folder they count from) -> name -> group, where groups
        show only from all pieces; it goes before `group_of`.
      left_out_by_best_match: (names of all pieces, the folder they count from) -> name -> reason of
        every piece that is not its song's best; None where nothing tells which is best.
      list_sources: (files, the folder that names count from) -> pieces and what is left out, as
        `sources.list_sources`, for a dataset whose files are more than single pieces of music.
      missing_files: (all files, the folder that names count from) -> name and error, of reason
        `"missing_file"`, of what a table of the dataset lists and no file is there for.
      read_source: A piece -> its NoteSequence, as `sources.read_source`, or a note with its audio.
        Worker processes find both by their names: they are functions of a module.
      read_counted: The same with what of the piece could not be read, where there is such a thing;
        a function of a module as well. Conversions call it instead, so that a dataset made of
        another replaces both.
      kept_files: (paths given by the user) -> name -> a file that a record set keeps a copy of
        beside its shards, under a name of `records.manifest.KEPT_FILES`.
      names_keys: Whether its pieces can name a key. Where none can, a preset's choice of keys is
        left out, and asking for keys is an error.
      separates_notes: Whether a rest of one step is between repeated notes in its files already.
      credits_of: (paths given by the user) -> those of `source_url`, `licence` and `attribution`
        that are others, where the paths are not the dataset's own files.
    """

    name: str
    title: str
    description: str
    source_url: str
    licence: str
    attribution: str
    command: str
    find_files: Finder
    num_pieces: int | None = None
    size_bytes: int | None = None
    downloads: tuple[Download, ...] = ()
    by_hand: str = ""
    split_of: Callable[[str], str | None] = _no_official_split
    group_of: Callable[[str], str] = _own_group
    groups_of: Judge | None = None
    left_out_by_best_match: Judge | None = None
    list_sources: Lister = sources.list_sources
    missing_files: Missing = lists_no_others
    read_source: Reader = sources.read_source
    read_counted: CountingReader | None = None
    kept_files: Callable[[Sequence[str]], Mapping[str, Path]] = _keeps_nothing
    names_keys: bool = True
    separates_notes: bool = False
    credits_of: Callable[[Sequence[str]], Mapping[str, str]] = _credits_itself

    def files(self, path: str | Sequence[str] | None = None) -> tuple[list[Path], Path]:
        """Finds the dataset's files.

        Args:
          path: Folder, file or glob, or several; None for a dataset that knows its own place.

        Returns:
          The files in sorted order, and the folder that the names of pieces count from.

        Raises:
          MusicGanError: If nothing is there, or a path is needed (or not taken) by this dataset.
        """
        if path is None:
            paths: list[str] = []
        else:
            paths = [str(path)] if isinstance(path, str | Path) else [str(one) for one in path]
        return self.find_files(paths)
