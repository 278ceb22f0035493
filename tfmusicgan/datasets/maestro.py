"""MAESTRO: piano performances of a competition, recorded by the piano itself.

A performance is a MIDI file of one track, `<year>/<performance>.midi`, with velocities and pedals.
Its meter and tempo, 4/4 at 120, are formal: a quarter note is half a second. The table beside the
files, maestro-v3.0.0.csv, has the official split, which keeps performances of one composition
together; a piece is named by its split and its path. Files without a table, such as other cuts of
the performances, are split by their names.

Source: Hawthorne et al., "Enabling Factorized Piano Music Modeling and Generation with the MAESTRO
Dataset", ICLR 2019, arXiv 1810.12247; https://magenta.tensorflow.org/datasets/maestro.
"""

import csv
import dataclasses
import functools
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfmusicgan.datasets.base import Dataset
from tfmusicgan.datasets.download import Download
from tfmusicgan.datasets.midi_archives import find_midi, list_midi, read_midi_source
from tfmusicgan.datasets.zip_folders import files_below, read_bytes
from tfmusicgan.errors import MusicGanError, ReadError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.sources import Source, source_name

NAME = "maestro"
SPLITS = ("train", "validation", "test")

_PARTS = (NAME,)
_MAX_TABLE_BYTES = 4 * 2**20  # The real one has 300 kB.
_COLUMNS = ("split", "midi_filename")
_ARCHIVE = Download(
    "https://storage.googleapis.com/magentadata/datasets/maestro/v3.0.0/maestro-v3.0.0-midi.zip",
    "maestro-v3.0.0-midi.zip",
    size_bytes=58_416_533,
    sha256="70470ee253295c8d2c71e6d9d4a815189e35c89624b76d22fce5a019d5dde12c",
)


def find_files(paths: Sequence[str]) -> tuple[list[Path], Path]:
    """Finds the performances.

    Args:
      paths: One, of a folder or an archive.

    Returns:
      The files, and the folder or the place in an archive that has the table or, without one, in
      which the files were found.

    Raises:
      ConfigError: If there are more paths, or none.
      MusicGanError: If there are no performances, or several tables, or an archive is damaged.
    """
    files, place = find_midi(paths, NAME, _PARTS)
    tables = _tables_in(place)
    if len(tables) > 1:
        raise MusicGanError(
            f"Expected one release of MAESTRO in {place}. Received {len(tables)} tables, the first "
            f"{tables[0]}. Name the folder or the archive of one."
        )
    return files, tables[0].parent if tables else place


def list_sources(
    files: Sequence[Path], root: Path
) -> tuple[list[Source], list[tuple[str, ReadError]]]:
    """Lists the performances with their digests, without parsing them.

    Args:
      files: From `find_files`.
      root: The same.

    Returns:
      The performances, and for every file that cannot be read, or that the table does not have, its
      name and the error.

    Raises:
      MusicGanError: If the table is damaged.
    """
    found, errors = list_midi(files, root)
    splits = read_splits(root)
    if splits is None:
        return found, errors
    known = []
    for source in found:
        if source.name in splits:
            name = f"{splits[source.name]}/{source.name}"
            known.append(dataclasses.replace(source, name=name))
        else:
            error = ReadError(
                f"Expected the performance in MAESTRO's table. Received none: {source.name}.",
                "not_in_index",
            )
            errors.append((source.name, error))
    return known, errors


def missing_files(files: Sequence[Path], root: Path) -> list[tuple[str, ReadError]]:
    """The table's performances that no file is there for.

    Args:
      files: From `find_files`, all of them.
      root: The same.

    Returns:
      Name and error of each.

    Raises:
      MusicGanError: If the table is damaged.
    """
    names = {source_name(file, root) for file in files}
    message = "Expected the file of a row of MAESTRO's table. Received none: {}. Download it again."
    return [
        (name, ReadError(message.format(name), "missing_file"))
        for name in read_splits(root) or ()
        if name not in names
    ]


def read_splits(root: Path) -> Mapping[str, str] | None:
    """The official split of each performance, by its path; None without a table.

    Raises:
      MusicGanError: If the table is damaged.
    """
    tables = _tables_in(root)
    return _read_table(tables[0]) if tables else None


def read_source(source: Source) -> NoteSequence:
    """Reads a performance.

    Raises:
      ReadError: See `midi.read_midi`.
    """
    return read_midi_source(source, NAME)


def _tables_in(place: Path) -> list[Path]:
    return [path for path in files_below(place, ".csv") if path.name.startswith("maestro-v")]


@functools.lru_cache(maxsize=2)
def _read_table(path: Path) -> Mapping[str, str]:
    text = read_bytes(path, path.name, _MAX_TABLE_BYTES).decode("utf-8", "replace")
    try:
        rows = list(csv.DictReader(io.StringIO(text[:_MAX_TABLE_BYTES]), strict=True))
        found = {row["midi_filename"]: row["split"] for row in rows}
    except (csv.Error, KeyError):
        found = {}
    if not found or not all(found) or not set(found.values()) <= set(SPLITS):
        raise MusicGanError(
            f"Expected a table with the columns {' and '.join(_COLUMNS)}, splits of which are "
            f"{', '.join(SPLITS)}. Received another, or a damaged one: {path}. Download it again."
        )
    return found


def _split_of(name: str) -> str | None:
    first = name.partition("/")[0]
    return first if first in SPLITS else None


DATASET = Dataset(
    name=NAME,
    title="MAESTRO v3, piano performances recorded by the piano",
    description=(
        "Performances of the International Piano-e-Competition with velocities and pedals. Meter "
        "and tempo are formal (4/4 at 120): a quarter note is half a second of performance. The "
        "official split keeps performances of one composition together. The folder given may hold "
        "the files, unpacked or as maestro*.zip, or be the archive itself; files without the table "
        "of splits are split by their names."
    ),
    source_url="https://magenta.tensorflow.org/datasets/maestro",
    licence="CC BY-NC-SA 4.0: not for commercial use",
    attribution="Hawthorne et al. (MAESTRO, ICLR 2019)",
    command=(
        f"tfmusicgan-convert --recipe=c_rnn_gan --dataset={NAME} --download --input=FOLDER "
        f"--output=tfrecords/{NAME}"
    ),
    find_files=find_files,
    downloads=(_ARCHIVE,),
    split_of=_split_of,
    list_sources=list_sources,
    missing_files=missing_files,
    read_source=read_source,
)
