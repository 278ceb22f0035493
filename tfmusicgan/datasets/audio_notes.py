"""Any folder of single notes: WAV, FLAC, MP3 or OGG Vorbis files, labelled by name or by a table.

What names and tables may say is in `audio_labels.py`. Files are decoded in the worker
(`tfmusicgan.audio.decoding`): WAV by the suite's own reader, all others and every change of rate by
tensorflow-io.
"""

import dataclasses
import functools
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from tfmusicgan.datasets.audio_labels import (
    NAME_PATTERN,
    check_pattern,
    labels_of,
    rows_without_file,
)
from tfmusicgan.datasets.base import Dataset
from tfmusicgan.errors import ConfigError, MusicGanError, PieceError, ReadError
from tfmusicgan.note_sequences.recorded_note import (
    QUALITIES,
    Audio,
    RecordedNote,
    one_note,
)
from tfmusicgan.note_sequences.sources import Source, source_name

SUFFIXES = (".wav", ".flac", ".mp3", ".ogg")


def list_sources(
    files: Sequence[Path], root: Path, pattern: str = NAME_PATTERN
) -> tuple[list[Source], list[tuple[str, PieceError]]]:
    """Lists audio files with their labels, without decoding them.

    Args:
      files: From `DATASET.files`.
      root: The folder they lie in.
      pattern: Regular expression of a whole file name without its suffix.

    Returns:
      A source for every file with labels; and the name and error of every other, of reason
      `"no_label"`, `"bad_label"`, `"empty_file"` or `"unreadable_file"`.

    Raises:
      MusicGanError: If there is a table of labels and it cannot be read.
    """
    found: list[Source] = []
    errors: list[tuple[str, PieceError]] = []
    for file in files:
        name = source_name(file, root)
        try:
            labels = json.dumps(labels_of(name, root, pattern), sort_keys=True)
            digest = _digest(file, name, labels)
        except ReadError as error:
            errors.append((name, error))
            continue
        found.append(Source(name, str(file), "audio", None, digest, labels=labels))
    return found, errors


def missing_files(files: Sequence[Path], root: Path) -> list[tuple[str, ReadError]]:
    """The rows of a table of labels that no file is there for.

    Args:
      files: From `DATASET.files`, all of them.
      root: The folder they lie in.

    Returns:
      See `audio_labels.rows_without_file`.

    Raises:
      MusicGanError: If there is a table and it cannot be read.
    """
    return rows_without_file(root, {source_name(file, root) for file in files})


def read_source(source: Source) -> RecordedNote:
    """A note whose file is decoded when its audio is asked for.

    Args:
      source: From `list_sources`.

    Raises:
      ReadError: With reason `"bad_label"`, if a label is out of range.
    """
    labels = json.loads(source.labels)
    return RecordedNote(
        one_note(source.name, labels["pitch"], labels["velocity"], labels["family"]),
        functools.partial(_decode, source.path, source.name),
        labels["instrument"],
        labels["family"],
        labels["source"],
        tuple(quality in labels["qualities"] for quality in QUALITIES),
    )


def with_pattern(dataset: Dataset, pattern: str) -> Dataset:
    """The dataset whose files have names of another pattern.

    Args:
      dataset: `DATASET`.
      pattern: See `audio_labels`.

    Raises:
      ConfigError: If the dataset is another, or the pattern is none.
    """
    if dataset.name != DATASET.name:
        raise ConfigError(
            f"--name_pattern is for --dataset={DATASET.name}. Received: {dataset.name}."
        )
    check_pattern(pattern)
    return dataclasses.replace(
        dataset, list_sources=functools.partial(list_sources, pattern=pattern)
    )


def _decode(path: str, name: str, sample_rate: int, num_samples: int) -> Audio:
    # Imported when needed: it imports TensorFlow, which no other dataset's workers do.
    from tfmusicgan.audio.decoding import decode

    return decode(path, name, sample_rate, num_samples)


def _digest(file: Path, name: str, labels: str) -> str:
    """SHA-256 of the labels and the file: the same sound under two labels is two notes."""
    digest = hashlib.sha256(labels.encode())
    try:
        size = 0
        with file.open("rb") as stream:
            while chunk := stream.read(2**20):
                digest.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise ReadError(
            f"Expected a readable file. Received {error.strerror}: {name}.", "unreadable_file"
        ) from None
    if not size:
        raise ReadError(f"Expected audio. Received an empty file: {name}.", "empty_file")
    return digest.hexdigest()


def _find_files(paths: Sequence[str]) -> tuple[list[Path], Path]:
    if len(paths) != 1:
        raise ConfigError("Dataset audio_notes needs one --input=FOLDER, a folder of audio files.")
    folder = Path(os.path.abspath(paths[0]))
    if not folder.is_dir():
        raise MusicGanError(
            f"Expected a folder of audio files. No folder is at {paths[0]!r}. Soundfonts are for "
            "--dataset=soundfont_notes."
        )
    files = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    ]
    if not files:
        raise MusicGanError(
            f"Expected {', '.join(SUFFIXES)} files in {folder}. Received: none of them."
        )
    return sorted(files), folder


DATASET = Dataset(
    name="audio_notes",
    title="Any folder of single notes as WAV, FLAC, MP3 or OGG Vorbis files",
    description=(
        "Searched recursively for .wav, .flac, .mp3 and .ogg files, a note each; tensorflow-io "
        "decodes all but WAV and resamples. Labels come from the files' names: NSynth's "
        "(keyboard_acoustic_000-060-075.flac is the instrument, MIDI pitch 60 and velocity 75), or "
        "what --name_pattern says, a regular expression with the named groups pitch (60 or C4) "
        "and, if there are such, velocity, instrument, family and source; or from a table "
        "labels.csv in the folder with the columns file, pitch and, optionally, those and "
        "qualities. Longer notes are cut, shorter ones filled up with silence, channels averaged; "
        "silent and unreadable ones are counted. A note's split follows from its file's name."
    ),
    source_url="your own files",
    licence="that of your files; --licence records it in the manifest",
    attribution="that of your files; --attribution records it in the manifest",
    command=(
        "tfmusicgan-convert --dataset=audio_notes --representation=note_audio --input=FOLDER "
        "--output=tfrecords/audio_notes"
    ),
    find_files=_find_files,
    list_sources=list_sources,
    missing_files=missing_files,
    read_source=read_source,
)
