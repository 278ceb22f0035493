"""NSynth's notes with their labels, from WAV files and `examples.json` or from TFRecords.

Labels come from the fields, never from a note's name.

Differs from TensorFlow's way to such files, `tf.io` and `tf.audio`: both forms are read without it.
A worker of a conversion is there after 0.3 s of a processor and takes 48 MB, where TensorFlow alone
takes 5.5 s and 603 MB in each of them (with tensorflow-io 7.9 s and 690 MB). A WAV file is read in
0.03 ms, by `tf.audio` in 0.6 and by tensorflow-io in 0.35; a record of 64,000 floats in 3.7 ms, by
`tf.io` in 1.2: of more than two thousand records a worker, memory is the reason alone.
"""

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError

from tfmusicgan.datasets.nsynth_files import NOTE_NAME, is_records, read_labels, split_of_file
from tfmusicgan.datasets.zip_folders import read_bytes
from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import sources, tfrecord, wav_file
from tfmusicgan.note_sequences.recorded_note import (
    QUALITIES,
    Audio,
    RecordedNote,
    check_label,
    one_note,
)
from tfmusicgan.note_sequences.sources import Source
from tfmusicgan.records.example_proto import parse_lists

_SAMPLE_RATE = 16_000
_NUMBERS = ("pitch", "velocity", "instrument", "instrument_family", "instrument_source")


class Labels(NamedTuple):
    """What NSynth says of a note; numbers as in `RecordedNote`."""

    pitch: int
    velocity: int
    instrument: int
    instrument_family: int
    instrument_source: int
    qualities: tuple[int, ...]


class ListedNote(NamedTuple):
    """A note of the files, before it is known whether it is kept.

    Attributes:
      note: Its name, such as `"keyboard_acoustic_004-060-025"`.
      split: Upstream's split, one of the values of `SPLITS`.
      labels: What is said of it; the error if that cannot be read.
      file: Its WAV file, or the TFRecord file.
      offset: Where its record begins; None for WAV files.
      digest: SHA-256 of the record; None for WAV files, which are not read yet.
    """

    note: str
    split: str
    labels: Labels | ReadError
    file: Path
    offset: int | None = None
    digest: str | None = None

    def to_source(self, split: str) -> Source:
        """The note as a source, named by the split it goes to.

        Raises:
          ReadError: With reason `"unreadable_file"`, if its WAV file cannot be read.
        """
        name = f"{split}/{self.note}"
        labels = json.dumps(self.labels, separators=(",", ":"))
        digest = self.digest
        if digest is None:
            data = read_bytes(self.file, name, wav_file.MAX_BYTES)
            # Labels lie elsewhere: two notes with the same samples are two notes.
            digest = hashlib.sha256(labels.encode() + data).hexdigest()
        form = "nsynth_wav" if self.offset is None else "nsynth_tfrecord"
        return Source(name, str(self.file), form, None, digest, self.offset, labels=labels)


def list_notes(files: Sequence[Path]) -> Iterator[ListedNote]:
    """Lists the notes of some files with their labels.

    Args:
      files: From `find_files`.

    Yields:
      Notes in the files' order.

    Raises:
      ReadError: If a TFRecord file is damaged; what is before the damage was yielded.
    """
    for file in files:
        if is_records(file):
            yield from _list_records(file)
        else:
            folder = file.parent.parent
            labels = _labels(read_labels(folder)[file.stem], file.stem)
            yield ListedNote(file.stem, split_of_file(folder), labels, file)


def read_note(source: Source) -> RecordedNote:
    """A note whose samples are read when they are asked for.

    Args:
      source: From `ListedNote.to_source`.

    Raises:
      ReadError: With reason `"bad_label"`.
    """
    labels = Labels(*json.loads(source.labels))
    return RecordedNote(
        one_note(source.name, labels.pitch, labels.velocity, labels.instrument_family),
        functools.partial(_read_audio, source),
        labels.instrument,
        labels.instrument_family,
        labels.instrument_source,
        tuple(bool(quality) for quality in labels.qualities),
    )


def _read_audio(source: Source, sample_rate: int, num_samples: int) -> Audio:
    """A note as it was recorded."""
    if source.format == "nsynth_wav":
        data = read_bytes(Path(source.path), source.name, wav_file.MAX_BYTES)
        return wav_file.read_wav(data, source.name)
    record = sources.read_record(source)
    if record is None:
        raise sources.gone(source)
    features = _parse(record, source.name)
    rates, samples = features.get("sample_rate", (_SAMPLE_RATE,)), features.get("audio", ())
    is_audio = len(rates) == 1 and isinstance(rates[0], int) and len(samples)
    if not is_audio or not isinstance(samples[0], float):
        raise ReadError(
            f"Expected floats in audio, and one sample_rate. Received others: {source.name}.",
            "no_audio",
        )
    return Audio(np.array(samples, np.float32), rates[0])


def _list_records(file: Path) -> Iterator[ListedNote]:
    split = split_of_file(file)
    for offset, record in tfrecord.read_records(file):
        where = f"byte {offset} of {file.name}"
        note = where
        try:
            features = _parse(record, where)
            note = _text(features, where)
            labels: Labels | ReadError = _labels(_numbers(features), note)
        except ReadError as error:
            labels = error
        digest = hashlib.sha256(record).hexdigest()
        yield ListedNote(note, split, labels, file, offset, digest)


def _parse(record: bytes, where: str) -> Mapping[str, Sequence]:
    try:
        return parse_lists(record)
    except DecodeError:
        raise ReadError(
            f"Expected a note of NSynth, a tf.train.Example. Received {len(record)} bytes of "
            f"another kind at {where}.",
            "not_an_example",
        ) from None


def _text(features: Mapping[str, Sequence], where: str) -> str:
    """The name of a record's note."""
    values = list(features.get("note_str", ()))
    text = values[0].decode("utf-8", "replace") if values and isinstance(values[0], bytes) else ""
    if not NOTE_NAME.fullmatch(text):
        raise ReadError(f"Expected a name in note_str. Received: {text!r} at {where}.", "bad_label")
    return text


def _numbers(features: Mapping[str, Sequence]) -> dict[str, Any]:
    """A record's numbers as the JSON file has them."""
    fields: dict[str, Any] = {name: list(values) for name, values in features.items()}
    for name in _NUMBERS:
        if len(fields.get(name, ())) == 1:
            (fields[name],) = fields[name]
    return fields


def _labels(fields: Any, note: str) -> Labels | ReadError:
    """Checks a note's labels: fields, and nothing taken from its name."""
    try:
        if not isinstance(fields, dict) or not {*_NUMBERS, "qualities"} <= set(fields):
            raise ReadError(
                f"Expected {', '.join(_NUMBERS)} and qualities. Received: less of {note!r}.",
                "bad_label",
            )
        numbers = [fields[name] for name in _NUMBERS]
        for name, number in zip(_NUMBERS, numbers, strict=True):
            check_label(name, number, 0, 2**31 - 1, note)
        qualities = fields["qualities"]
        if not isinstance(qualities, list) or len(qualities) != len(QUALITIES):
            raise ReadError(
                f"Expected {len(QUALITIES)} qualities. Received: {qualities!r} of {note!r}.",
                "bad_label",
            )
        for quality in qualities:
            check_label("quality", quality, 0, 1, note)
        return Labels(*numbers, tuple(qualities))
    except ReadError as error:
        return error
