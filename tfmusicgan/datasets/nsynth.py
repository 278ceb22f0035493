"""NSynth: 305,979 single notes of 1,006 instruments, and the part of it that GANSynth trains on.

One dataset for each way to split it. GANSynth's paper keeps acoustic instruments and pitches 24-84,
shuffles, and cuts 80 to 20; here a tenth of its 80 are for validation, as the paper does not say
what its classifier was chosen by. Its later code takes the split of TensorFlow Datasets, a
published list (`nsynth-gansynth_splits.csv`); upstream's own split keeps instruments apart, and
with it users of the paper's code reported notes of less variety.

Source: Engel et al. (2017), https://arxiv.org/abs/1704.01279; Engel et al. (2019), section 3,
https://arxiv.org/abs/1902.08710; tensorflow/datasets, `datasets/nsynth`.
"""

import csv
import functools
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tfmusicgan.datasets import nsynth_files, nsynth_notes
from tfmusicgan.datasets.base import Dataset
from tfmusicgan.datasets.download import Download
from tfmusicgan.datasets.nsynth_notes import Labels, ListedNote
from tfmusicgan.datasets.splits import split_by_name
from tfmusicgan.datasets.zip_folders import read_bytes
from tfmusicgan.errors import ConversionError, MusicGanError, PieceError, ReadError
from tfmusicgan.note_sequences.recorded_note import SOURCES
from tfmusicgan.note_sequences.sources import Source

SPLIT_LIST = "nsynth-gansynth_splits.csv"
SPLIT_LIST_SHA256 = "b6e77ff861c82822c63f94e91d62fc6a48f514d0a7a7bed517752f87bc7ac4a9"

_ACOUSTIC = SOURCES.index("acoustic")
_PITCHES = range(24, 85)
_PAPER_SPLIT = (0.72, 0.8 - 0.72, 0.2)  # the sum of the first two is 0.8 to the last bit
_ADDRESS = "http://download.magenta.tensorflow.org/datasets/nsynth"
_MAX_LIST_BYTES = 2**26

# (a note, the path given) -> the split it goes to; an error of a reason to count for one left out.
Chooser = Callable[[ListedNote, Path], str]


def choose_paper(note: ListedNote, root: Path) -> str:
    """GANSynth's filter; a fifth for testing and 8 % to choose by, by the digest of the name.

    Raises:
      ConversionError: If the filter leaves it out.
    """
    _check_subset(note)
    return split_by_name(note.note, _PAPER_SPLIT)


def choose_listed(note: ListedNote, root: Path) -> str:
    """The split of a note in the published list, which has GANSynth's filter in it.

    Raises:
      ConversionError: If it is not in the list, or GANSynth's filter leaves it out.
    """
    split = split_list(root).get(note.note)
    if split is None:
        _check_subset(note)
        message = f"{note.note!r} is not in {SPLIT_LIST}."
        raise ConversionError(message, "not_in_split_list")
    return split


def choose_instruments(note: ListedNote, root: Path) -> str:
    """GANSynth's filter and upstream's split.

    Raises:
      ConversionError: If the filter leaves it out.
    """
    _check_subset(note)
    return note.split


def choose_all(note: ListedNote, root: Path) -> str:
    """Upstream's split of all notes."""
    return note.split


def _check_subset(note: ListedNote) -> None:
    """GANSynth's filter: acoustic, and a pitch within 24-84."""
    labels = note.labels
    if labels.instrument_source != _ACOUSTIC:
        raise ConversionError(f"{note.note!r} is not acoustic.", "not_acoustic")
    if labels.pitch not in _PITCHES:
        raise ConversionError(
            f"Expected a pitch within {_PITCHES[0]}-{_PITCHES[-1]}. Received: {labels.pitch} in "
            f"{note.note!r}.",
            "pitch_out_of_range",
        )


def list_sources(
    files: Sequence[Path], root: Path, choose: Chooser
) -> tuple[list[Source], list[tuple[str, PieceError]]]:
    """Lists notes with their labels; what is filtered out is counted and never read.

    Args:
      files: From `nsynth_files.find_files`.
      root: The path that was given.
      choose: The split of a note.

    Returns:
      The notes, named by split and note; and of what is left out the name and the error.

    Raises:
      MusicGanError: If the split list is missing or another.
    """
    found: list[Source] = []
    errors: list[tuple[str, PieceError]] = []
    for file in files:
        try:
            for note in nsynth_notes.list_notes([file]):
                try:
                    if not isinstance(note.labels, Labels):
                        raise note.labels
                    found.append(note.to_source(choose(note, root)))
                except PieceError as error:
                    errors.append((note.note, error))
        except ReadError as error:
            errors.append((file.name, error))
    return found, errors


def split_list(root: Path) -> Mapping[str, str]:
    """The published split: note -> `"train"`, `"validation"` or `"test"`.

    Args:
      root: The folder where the list lies, or a file beside it.

    Raises:
      MusicGanError: If there is none, or it is not the one that was published.
    """
    folder = root.parent if root.is_file() and root.suffix != ".zip" else root
    path = folder / SPLIT_LIST
    if not path.is_file():
        raise MusicGanError(
            f"Expected {SPLIT_LIST} in {folder}, which says which note is in which split. "
            "--download fetches it; --dataset=nsynth needs none."
        )
    return _parse_list(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=1)
def _parse_list(path: Path, modified: int) -> Mapping[str, str]:
    data = read_bytes(path, path.name, _MAX_LIST_BYTES)
    digest = hashlib.sha256(data).hexdigest()
    if digest != SPLIT_LIST_SHA256:
        raise MusicGanError(
            f"{path}: expected SHA-256 {SPLIT_LIST_SHA256}. Received: {digest}. Remove the file; "
            "--download fetches it again."
        )
    rows = csv.DictReader(io.StringIO(data.decode("utf-8")))
    return {row["id"]: nsynth_files.SPLITS.get(row["split"], row["split"]) for row in rows}


def _list_paper(files: Sequence[Path], root: Path) -> tuple[list[Source], list]:
    return list_sources(files, root, choose_paper)


def _list_listed(files: Sequence[Path], root: Path) -> tuple[list[Source], list]:
    return list_sources(files, root, choose_listed)


def _list_instruments(files: Sequence[Path], root: Path) -> tuple[list[Source], list]:
    return list_sources(files, root, choose_instruments)


def _list_all(files: Sequence[Path], root: Path) -> tuple[list[Source], list]:
    return list_sources(files, root, choose_all)


def _find_listed(paths: Sequence[str]) -> tuple[list[Path], Path]:
    """As `nsynth_files.find_files`, and the list is there: said before hours of listing."""
    files, root = nsynth_files.find_files(paths)
    split_list(root)
    return files, root


def _archive(split: str, **checks) -> Download:
    file = f"nsynth-{split}.jsonwav.tar.gz"
    return Download(f"{_ADDRESS}/{file}", file, unpack=True, **checks)


# MD5s: the NSynth task of the HEAR 2021 benchmark, which fetches the same addresses.
_ARCHIVES = (
    _archive("train", md5="fde6665a93865503ba598b9fac388660"),
    _archive("valid", md5="87e94a00a19b6dbc99cf6d4c0c0cae87"),
    _archive(
        "test",
        size_bytes=349_501_546,
        sha256="0f9ba5d62beba9ec4612f918d19f5e87a681822f1c566124f05fe8b27a51934c",
    ),
)
_LIST = Download(
    f"{_ADDRESS}/{SPLIT_LIST}", SPLIT_LIST, size_bytes=2_952_153, sha256=SPLIT_LIST_SHA256
)
_INPUT = (
    "--input is the folder where the archives (nsynth-train.jsonwav.tar.gz and so on, about 25 GB, "
    "to be unpacked there), or the TFRecords (nsynth-train.tfrecord and so on, 78 GB), are or are "
    "to be; --download fetches and unpacks the former. A split that is missing is left out."
)
_SUBSET = (
    "Notes of GANSynth's filter, acoustic and of pitches 24-84; the others are counted as "
    "not_acoustic and pitch_out_of_range, and not read."
)


def _variant(name: str, title: str, description: str, **fields) -> Dataset:
    return Dataset(
        name=name,
        title=f"NSynth, {title}",
        description=f"{description} {_INPUT}",
        source_url="https://magenta.tensorflow.org/datasets/nsynth",
        licence="CC BY 4.0 (Google Inc.)",
        attribution=(
            'Engel, Resnick, Roberts, Dieleman, Eck, Simonyan, Norouzi: "Neural Audio Synthesis of '
            'Musical Notes with WaveNet Autoencoders", ICML 2017 (the NSynth dataset)'
        ),
        command=(
            f"tfmusicgan-convert --dataset={name} --representation=note_audio --download "
            f"--input=FOLDER --workers=4 --output=tfrecords/{name}"
        ),
        split_of=lambda piece: piece.partition("/")[0],
        read_source=nsynth_notes.read_note,
        **{
            "find_files": nsynth_files.find_files,
            "num_pieces": 86_775,
            "downloads": _ARCHIVES,
            **fields,
        },
    )


DATASETS = (
    _variant(
        "nsynth",
        "acoustic notes as in GANSynth's paper",
        f"{_SUBSET} A fifth of the notes is for testing, by the digest of the note's name, as the "
        "paper shuffles and cuts: instruments are in all parts, and no note is in two. Of the "
        "other four fifths, which the paper trains on, a tenth is for validation: by it a "
        "checkpoint of the classifier is chosen, and not by the notes that it is tested on.",
        list_sources=_list_paper,
    ),
    _variant(
        "nsynth_gansynth_subset",
        "acoustic notes, split as in TensorFlow Datasets",
        "TensorFlow Datasets' nsynth/gansynth_subset, which GANSynth's code came to use: 60,788 "
        "notes to train on, 17,469 and 8,518 for validation and test. The split is that of a "
        f"published list, {SPLIT_LIST}, beside the archives. Instruments are in all parts.",
        find_files=_find_listed,
        list_sources=_list_listed,
        downloads=(*_ARCHIVES, _LIST),
    ),
    _variant(
        "nsynth_instruments",
        "acoustic notes, upstream's split",
        f"{_SUBSET} The split is upstream's: no instrument of the training part is in the others.",
        list_sources=_list_instruments,
    ),
    _variant(
        "nsynth_full",
        "all notes, upstream's split",
        "All 305,979 notes, acoustic, electronic and synthetic: 289,205 to train on, 12,678 for "
        "validation and 4,096 for test, no instrument of the first in the others. What is beyond "
        "the representation's pitches is left out: --set=min_pitch=0 --set=max_pitch=127 keeps it.",
        list_sources=_list_all,
        num_pieces=305_979,
    ),
)
