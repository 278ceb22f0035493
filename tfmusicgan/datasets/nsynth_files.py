"""Where NSynth's notes are: the JSON/WAV archives and the TFRecords.

An archive `nsynth-<split>.jsonwav.tar.gz` has `nsynth-<split>/examples.json` and
`nsynth-<split>/audio/<note>.wav`; a file `nsynth-<split>.tfrecord`, or several in a folder of the
split's name, have the same labels and the samples as floats, 250 KiB a note. Splits are train,
valid and test. Folders may be unpacked or in a ZIP archive; any of the splits may be missing. Where
both forms of a split are, the WAV files are read.

Source: the data sheet of NSynth, https://magenta.tensorflow.org/datasets/nsynth.
"""

import functools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tfmusicgan.datasets.zip_folders import files_in, find_folder, read_bytes
from tfmusicgan.errors import ConfigError, MusicGanError

SPLITS = {"train": "train", "valid": "validation", "test": "test"}
"""Upstream's splits by the names they have here."""

NOTE_NAME = re.compile(r"[A-Za-z0-9_]+(-[A-Za-z0-9_]+)*")
"""Names of notes; they are file names as well, so that nothing leads out of the folder."""

_SPLIT = re.compile(r"nsynth-(train|valid|test)")
_NO_RECORDS = (".tar", ".tar.gz", ".part", ".tag", ".sha256")
_LEVELS = 2  # A download unpacks to nsynth-train/nsynth-train.
_LABELS_NAME = "examples.json"
_MAX_JSON_BYTES = 2**29  # The training split's has about 200 MB.
_EXPECTED = (
    "Expected NSynth: folders nsynth-train, nsynth-valid or nsynth-test with examples.json and "
    "audio, or files nsynth-train.tfrecord and so on"
)


def find_files(paths: Sequence[str]) -> tuple[list[Path], Path]:
    """Finds the notes' files.

    Args:
      paths: One, of a folder, a ZIP archive or a TFRecord file.

    Returns:
      For every split a WAV file for each of its notes, or its TFRecord files; and the path given.

    Raises:
      ConfigError: If there are more paths, or none.
      MusicGanError: If nothing of NSynth is there.
    """
    if len(paths) != 1:
        raise ConfigError(
            "Dataset nsynth needs one --input, the folder where its archives or TFRecords are or, "
            "with --download, are to be."
        )
    path = Path(paths[0]).absolute()
    if not path.exists():
        raise MusicGanError(f"Expected a folder of NSynth. Nothing is at {paths[0]!r}.")
    files: list[Path] = []
    for split in SPLITS:
        folder = find_folder(path, f"nsynth-{split}", ".json", "nsynth", _LEVELS)
        if folder is not None:
            files += [folder / "audio" / f"{note}.wav" for note in sorted(read_labels(folder))]
        else:
            files += _find_records(path, split)
    if not files:
        raise MusicGanError(f"{_EXPECTED} in {path}. Received: neither.{_hint(path)}")
    return files, path


def read_labels(folder: Path) -> Mapping[str, Any]:
    """A split's `examples.json`.

    Raises:
      MusicGanError: If it is damaged, or names a note that is no file's.
    """
    path = folder / _LABELS_NAME
    # Of a file in an archive, the archive's time.
    there = next(one for one in (path, *path.parents) if one.exists())
    return _parse_labels(path, there.stat().st_mtime_ns)


@functools.lru_cache(maxsize=len(SPLITS))
def _parse_labels(path: Path, modified: int) -> Mapping[str, Any]:
    data = read_bytes(path, path.name, _MAX_JSON_BYTES)
    try:
        notes = json.loads(data)
    except (ValueError, RecursionError) as error:
        why = " ".join(str(error).split())[:200]
        raise MusicGanError(f"{path} is damaged: {why}. Unpack its archive again.") from None
    if not isinstance(notes, dict) or not all(NOTE_NAME.fullmatch(note) for note in notes):
        raise MusicGanError(
            f"Expected labels of notes by the notes' names. Received something else: {path}."
        )
    return notes


def is_records(file: Path) -> bool:
    """Whether a file has TFRecords, by its name: `nsynth-train.tfrecord`, or a shard of it."""
    return ".tfrecord" in file.name and not file.name.endswith(_NO_RECORDS)


def split_of_file(file: Path) -> str:
    """The split of a file of notes, one of the values of `SPLITS`, by its name or its folder's."""
    found = [match for name in reversed(file.parts) if (match := _SPLIT.match(name))]
    return SPLITS[found[0][1]]


def _find_records(path: Path, split: str) -> list[Path]:
    """A split's TFRecord files, in the folder or in those of archives unpacked there."""
    if path.is_file():
        return [path] if is_records(path) and path.name.startswith(f"nsynth-{split}") else []
    prefix = f"nsynth-{split}"
    patterns = (f"{prefix}.tfrecord*", f"{prefix}*/*.tfrecord*", f"{prefix}*/*/*.tfrecord*")
    if path.name.startswith(prefix):
        patterns = ("*.tfrecord*", "*/*.tfrecord*")
    for pattern in patterns:
        if files := [file for file in path.glob(pattern) if file.is_file() and is_records(file)]:
            return sorted(files)
    return []


def _hint(path: Path) -> str:
    """What to do with archives that are still packed."""
    packed = [file.name for file in files_in(path, ".gz") + files_in(path, ".tar")]
    named = [name for name in packed if name.startswith("nsynth-")]
    if not named:
        return " --download fetches it."
    return f" Unpack {named[0]} there (tar xf); --download does so too."
