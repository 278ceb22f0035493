"""OpenEWLD: songs in the public domain as lead sheets, one melody with chord symbols.

A piece is a compressed MusicXML file, `<composers>/<title>/<title>.mxl`. All 502 are read; in 93
the archive's container is no XML (an apostrophe in the title), and its one document is taken.

* 501 are lead sheets, see `note_sequences/lead_sheet.py`: 291 in 4/4, 94 in 2/2, 83 in 3/4, 17 in
  2/4, 13 in 6/8, and one each in 6/4, 3/2 and 12/8. All have a melody of one voice, 52,369 notes in
  17,369 bars, and chords, 20,002 in all, of which 84 have no third and thus no triad.
* 1 is none, since it has a bar of 5/4 amid its 4/4 (Didn't My Lord Deliver Daniel).
* Asked for 4/4, 210 more fall for their meter: there are 29,954 notes in 9,202 bars left. Asked for
  bars of four quarter notes, which 2/2 has too, 116 fall, and 385 are left.

`lead_sheet_counts.count_lead_sheets` counts them for any copy. Upstream names no split.

Source: Simonetta, Carnovalini, Orio, Roda, "Symbolic music similarity through a graph-based
representation", Audio Mostly 2018; https://github.com/00sapo/OpenEWLD.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tfmusicgan.datasets.base import Dataset
from tfmusicgan.datasets.download import Download
from tfmusicgan.datasets.listed_files import list_pieces, read_listed
from tfmusicgan.datasets.zip_folders import (
    files_below,
    is_archive,
    one_path,
)
from tfmusicgan.errors import MusicGanError, ReadError
from tfmusicgan.note_sequences import musicxml
from tfmusicgan.note_sequences.musicxml_file import MAX_XML_BYTES
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.sources import Source, source_name

NAME = "openewld"

_PART_OF_NAMES = "ewld"  # In those of archives and folders that are looked into.
_LEVELS = 2  # Folders around the scores', such as OpenEWLD-ec03cbd/OpenEWLD-ec03cbd.
_FOLDERS = 2  # Composers and title: a score's path from the place they all lie in.

# One aria under two titles, which shares 35 % of the shorter one's runs of nine notes (intervals,
# and times from one note to the next); no other two of the 502 share 20 %. They go to one split.
NEAR_COPIES = (
    (
        "Archie_Pitt/Oh_My_Beloved_Father/Oh_My_Beloved_Father.mxl",
        "Giacomo_Puccini-Giovacchino_Forzano/O_mio_babbino_caro/O_mio_babbino_caro.mxl",
    ),
)
_GROUPS = {name: group[0] for group in NEAR_COPIES for name in group}

_COMMIT = "ec03cbd809ca5296ee708591b970d0423dcbe31c"
_ARCHIVE = Download(
    f"https://github.com/00sapo/OpenEWLD/archive/{_COMMIT}.zip", f"OpenEWLD-{_COMMIT}.zip"
)


def find_files(paths: Sequence[str]) -> tuple[list[Path], Path]:
    """Finds the scores.

    Args:
      paths: One, of a folder or an archive.

    Returns:
      The files, in order of their names, and the folder or the place in an archive they lie in.

    Raises:
      ConfigError: If there are more paths, or none.
      MusicGanError: If there are no scores, or some in several places, or an archive is damaged.
    """
    path = one_path(paths, NAME)
    for place in _places(path, _LEVELS):
        files = files_below(place, ".mxl")
        roots = sorted({file.parents[_FOLDERS] for file in files}, key=lambda root: root.parts)
        if len(roots) > 1 or any(not root.is_relative_to(place) for root in roots):
            raise MusicGanError(
                f"Expected OpenEWLD's scores in {path} as <composers>/<title>/<title>.mxl, in one "
                f"place. Received {len(files)} scores in {len(roots)} places, the first in "
                f"{roots[0]}. Name the folder that holds the composers' folders."
            )
        if roots:
            return files, roots[0]
    raise MusicGanError(
        f"Expected OpenEWLD's scores in {path}: .mxl files, or an *ewld*.zip with some. Received: "
        "neither. --download fetches them."
    )


def _places(path: Path, levels: int) -> Iterator[Path]:
    """Yields a folder or archive, and then the archives in it that may hold the scores."""
    yield path
    if is_archive(path) or not path.is_dir():
        return
    named = [entry for entry in sorted(path.iterdir()) if _PART_OF_NAMES in entry.name.lower()]
    yield from (entry for entry in named if is_archive(entry))
    if levels:
        for entry in named:
            if entry.is_dir():
                yield from _places(entry, levels - 1)


def list_sources(
    files: Sequence[Path], root: Path
) -> tuple[list[Source], list[tuple[str, ReadError]]]:
    """Lists the scores with their digests, without parsing them.

    Args:
      files: From `find_files`.
      root: The folder they lie in.

    Returns:
      The scores; and for every file that cannot be read its name and the error.
    """
    return list_pieces(files, lambda file: source_name(file, root), "musicxml", MAX_XML_BYTES)


def read_source(source: Source) -> NoteSequence:
    """Reads a score.

    Args:
      source: From `list_sources`.

    Raises:
      ReadError: See `musicxml.read_musicxml`.
    """
    data = read_listed(source, MAX_XML_BYTES)
    sequence = musicxml.read_musicxml(data, source.name)
    sequence.id = sequence.filename = source.name
    sequence.collection_name = NAME
    return sequence


def _group_of(name: str) -> str:
    return _GROUPS.get(name, name)


DATASET = Dataset(
    name=NAME,
    title="OpenEWLD, songs in the public domain as lead sheets (compressed MusicXML)",
    description=(
        "502 lead sheets: one part, the melody (52,418 notes, tied ones counted once, pitches 48 "
        "to 93), and 20,030 chord symbols as text annotations. 501 are in one meter throughout: "
        "291 in 4/4, 94 in 2/2, 83 in 3/4, 17 in 2/4, 13 in 6/8, three in others; many begin with "
        "a pick-up. Tempos are written in five. Repeats are not played: first and second endings "
        "follow each other. The folder given may hold the files, unpacked or as *ewld*.zip, or be "
        "the archive itself; only its scores are read, not the lyrics' and features' files. An "
        "aria that comes twice stays in one split."
    ),
    source_url="https://github.com/00sapo/OpenEWLD",
    licence=(
        "the scores are meant to be in the public domain, as the repository states, which is under "
        "the MIT licence; upstream's features and database, which are not read, partly CC BY-NC"
    ),
    attribution=(
        "Simonetta, Carnovalini, Orio, Roda (OpenEWLD, Audio Mostly 2018; Zenodo record 4332855); "
        "the volunteers of Wikifonia, who wrote the sheets"
    ),
    command=(
        f"tfmusicgan-convert --recipe=midinet_stable --dataset={NAME} --download --input=FOLDER "
        f"--output=tfrecords/{NAME}"
    ),
    find_files=find_files,
    num_pieces=502,
    downloads=(_ARCHIVE,),
    group_of=_group_of,
    list_sources=list_sources,
    read_source=read_source,
)
