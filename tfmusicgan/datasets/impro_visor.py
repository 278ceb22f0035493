"""Impro-Visor's lead sheets: jazz solos, heads and phrases, each a melody with chord symbols.

Three of the collections in Impro-Visor's repository, which has far more sheets: `transcriptions`
(77 solos of known players), `melodies` (10) and `training` (373: transcriptions once more, blues,
ii-V-I phrases). All 460 files are read, none is left out:

* 68,952 notes, pitches 44 to 106, in 689 choruses; 63 files have more than one;
* 7,590 bars of chords with 7,804 symbols, 328 different ones with `NC` (34 more, no chord). As
  they are played, once a chorus, there are 13,078, and 52 times none;
* 457 in 4/4, two in 3/4 and one in 5/4; 4.5 hours.

A conversion leaves out 40 files whose contents come again under another name.

Source: https://github.com/Impro-Visor/Impro-Visor, the folders leadsheets/transcriptions,
leadsheets/melodies and connectomes-more-and-training-leadsheets/training-data.
"""

import pathlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from tfmusicgan.datasets.base import Dataset
from tfmusicgan.datasets.download import Download
from tfmusicgan.datasets.listed_files import list_pieces, read_listed
from tfmusicgan.datasets.zip_folders import (
    files_below,
    folders_in,
    is_archive,
    one_path,
)
from tfmusicgan.errors import MusicGanError, ReadError
from tfmusicgan.note_sequences import impro_visor
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.sources import Source, source_name

NAME = "impro_visor"

# Where a collection lies: in an archive of the three alone, and in the repository.
_COLLECTIONS = {
    "transcriptions": ("transcriptions", "leadsheets/transcriptions"),
    "melodies": ("melodies", "leadsheets/melodies"),
    "training": ("training", "connectomes-more-and-training-leadsheets/training-data"),
}
_LEVELS = 2  # Folders around the collections, such as Impro-Visor-550bbb5/Impro-Visor-550bbb5.
_PART_OF_NAMES = "impro"

# Sheets by the names of `tune_of`. They share at least 30 % of the shorter one's runs of nine notes
# (intervals, and times from one note to the next), found by comparing all pairs, or their title:
# solos over one tune. They go to one split, so that no held-out phrase has been trained on.
NEAR_COPIES = (
    ("Cheryl", "YardbirdSuiteParker", "0010", "0028", "0029", "0150", "0176"),
    ("0020", "0025"),
    ("0023", "0026"),
    ("0024", "0037"),
    ("0027", "0038"),
    ("0034", "0039"),
    (
        *("GreatMomentsComposite", "GiantStepsColtrane", "GiantStepsBobBerg", "CMajorJohnColtrane"),
        *("EbMajorJohnColtrane", "FMajorJohnColtrane", "CMajorMilesDavis", "FMajorMilesDavis"),
        *("0035", "0040", "0115"),
    ),
    ("bopland-major-ii-V-I", "0053"),
    ("SevenStepsToHeavenSoloGeorgeColeman", "0058", "0072"),
    ("DeweySquareParker", "0062", "0081", "0091"),
    ("AnthropologyParker", "AnthropologySoloGillespie", "MooseTheMoocheParker", "0090"),
    ("0105", "0106"),
    ("Ornithology", "0126"),
    ("0128", "0148"),
    ("HaveYouMetMissJonesHarrell", "0157", "0158"),
    ("SolarHarrell", "0159", "0160", "0161", "0162", "0163"),
    ("ByeByeBlackbird-RedGarland", "0164", "0165"),
    ("CeoraMorgan", "0166", "0167"),
    ("GroovinHighGillespie", "0168", "0169"),
    ("NowsTheTimeCliffordBrown", "NowsTheTimeParker1", "0170", "0171", "0172"),
    ("ScrappleFromTheAppleParker", "0173", "0174", "0175"),
    ("WhatIsThisThingCalledLoveEvans", "WhatIsThisThingCalledLoveKennyGarrett", "0177"),
    ("AllTheThingsYouAreHeath", "AllTheThingsYouAreSoloChetBaker"),
    ("MomentsNoticeColtrane", "MomentsNoticeMorgan"),
    ("RecordaMeSoloJoeHenderson", "RecordaMeSoloKennyDorham"),
)
_GROUPS = {name: group[0] for group in NEAR_COPIES for name in group}
# One file a key, with phrases that come in several of them.
_IN_ALL_KEYS = ("blues", "bopland-major-ii-V-I")

_COMMIT = "550bbb554962249aceb0e82a72142e3e5b3c0d4a"
_ARCHIVE = Download(
    f"https://github.com/Impro-Visor/Impro-Visor/archive/{_COMMIT}.zip",
    f"Impro-Visor-{_COMMIT}.zip",
)


def find_files(paths: Sequence[str]) -> tuple[list[Path], Path]:
    """Finds the sheets of the three collections.

    Args:
      paths: One, of a folder or an archive.

    Returns:
      The files, collection by collection, and the folder or the place in an archive they lie in.

    Raises:
      ConfigError: If there are more paths, or none.
      MusicGanError: If a collection is missing, or an archive is damaged.
    """
    path = one_path(paths, NAME)
    nearest: list[str] = []
    for root in _places(path, _LEVELS):
        files = {name: _files_of(root, name) for name in _COLLECTIONS}
        if all(files.values()):
            return [file for found in files.values() for file in found], root
        nearest = max(nearest, [name for name, found in files.items() if found], key=len)
    raise MusicGanError(
        f"Expected Impro-Visor's lead sheets in {path}: the folders {', '.join(_COLLECTIONS)} with "
        f".ls files, or those of its repository. Received: {', '.join(nearest) or 'none of them'}. "
        "--download fetches them."
    )


def _places(path: Path, levels: int) -> Iterator[Path]:
    """Yields a folder or archive, and then what in it may hold the collections."""
    yield path
    inside = folders_in(path)
    if is_archive(path):
        yield from inside
    elif levels:
        archives = sorted(entry for entry in path.glob("*") if is_archive(entry))
        for child in (*inside, *archives):
            if _PART_OF_NAMES in child.name.lower():
                yield from _places(child, levels - 1)


def _files_of(root: Path, collection: str) -> list[Path]:
    found = (files_below(root / place, ".ls") for place in _COLLECTIONS[collection])
    return next((files for files in found if files), [])


def _name_of(file: Path, root: Path) -> str:
    """A sheet's name, the same in both layouts, such as `"training/blues/C Major.ls"`."""
    name = source_name(file, root)
    for collection, places in _COLLECTIONS.items():
        for place in places:
            if name.startswith(f"{place}/"):
                return collection + name.removeprefix(place)
    return name


def list_sources(
    files: Sequence[Path], root: Path
) -> tuple[list[Source], list[tuple[str, ReadError]]]:
    """Lists the sheets with their digests, without parsing them.

    Args:
      files: From `find_files`.
      root: The folder they lie in.

    Returns:
      The sheets; and for every file that cannot be read its name and the error.
    """
    return list_pieces(files, lambda file: _name_of(file, root), NAME, impro_visor.MAX_FILE_BYTES)


def read_source(source: Source) -> NoteSequence:
    """Reads a sheet.

    Args:
      source: From `list_sources`.

    Raises:
      ReadError: See `impro_visor.read_impro_visor`.
    """
    data = read_listed(source, impro_visor.MAX_FILE_BYTES)
    sequence = impro_visor.read_impro_visor(data, source.name)
    sequence.id = sequence.filename = source.name
    sequence.collection_name = NAME
    return sequence


def tune_of(name: str) -> str:
    """What a sheet is a copy of by its name.

    Transcriptions have the same file names in several folders: their names without folders. The
    files of one set in all keys are one.
    """
    path = pathlib.PurePosixPath(name)
    return path.parent.name if path.parent.name in _IN_ALL_KEYS else path.stem


def _group_of(name: str) -> str:
    tune = tune_of(name)
    return _GROUPS.get(tune, tune)


DATASET = Dataset(
    name=NAME,
    title="Impro-Visor lead sheets, jazz solos and phrases with chord symbols",
    description=(
        "460 lead sheets, 4.5 hours: 77 transcribed solos (ten with heads), 10 melodies, and "
        "373 sheets of Impro-Visor's training data, among them 300 phrases over ii-V-I. Instrument "
        "0 is the melody (68,952 notes), chord symbols are text annotations (7,804 written, 13,078 "
        "as choruses play them, and 52 times none). 457 are in 4/4, two in 3/4, one in 5/4, at 80 "
        "to 300 quarter notes a minute; swing is written as even eighths. 40 files come again "
        "under another name. Solos over one tune, with and without its head, and phrases taken "
        "from a solo stay in one split. The folder given may hold the three collections, unpacked "
        "or as impro*.zip, the repository's archive, or be one of these."
    ),
    source_url="https://github.com/Impro-Visor/Impro-Visor",
    licence=(
        "GNU GPL version 2 or later, copyright Robert Keller and Harvey Mudd College; the tunes "
        "may be under copyright of their composers"
    ),
    attribution="Robert Keller and Harvey Mudd College (Impro-Visor)",
    command=(
        f"tfmusicgan-convert --recipe=midinet_stable --dataset={NAME} --download --input=FOLDER "
        f"--output=tfrecords/{NAME}"
    ),
    find_files=find_files,
    num_pieces=460,
    downloads=(_ARCHIVE,),
    group_of=_group_of,
    list_sources=list_sources,
    read_source=read_source,
)
