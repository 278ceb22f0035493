"""Made-up recordings for tests: harmonic tones of known pitch, lopsided in time and in timbre."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from tfmusicgan import datasets
from tfmusicgan.datasets.base import Dataset
from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences.recorded_note import Audio, RecordedNote, one_note
from tfmusicgan.note_sequences.sources import Source
from tfmusicgan.records.convert import convert
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.representations.note_audio import NoteAudio

_VELOCITIES = (50, 75, 127)


def hertz(pitch: float) -> float:
    """Frequency of a MIDI pitch."""
    return 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)


def tone(
    pitch: float, num_samples: int, sample_rate: int, seed: int = 0, held: float = 0.75
) -> np.ndarray:
    """A tone of up to eight harmonics: a short attack, a slow decay, a fast release.

    Args:
      pitch: MIDI pitch.
      num_samples: Of the clip.
      sample_rate: In Hz. Harmonics above 0.45 of it are left out.
      seed: Chooses the harmonics' levels, their phases, and the decay: the timbre.
      held: Share of the clip after which the release begins.

    Returns:
      float32 [num_samples], its peak below 0.9.
    """
    rng = np.random.default_rng(seed)
    seconds = np.arange(num_samples) / sample_rate
    clip = num_samples / sample_rate
    wave = np.zeros(num_samples)
    for number in range(1, 9):
        level = (1.0 if number == 1 else rng.uniform(0.1, 0.8)) / number
        phase = rng.uniform(0.0, 2.0 * np.pi)
        frequency = number * hertz(pitch)
        if frequency < 0.45 * sample_rate:
            wave += level * np.sin(2.0 * np.pi * frequency * seconds + phase)
    attack = np.minimum(seconds / (0.02 * clip), 1.0)
    decay = np.exp(-rng.uniform(0.5, 2.0) * seconds / clip)
    release = np.minimum(np.maximum(1.0 - (seconds / clip - held) / (1.0 - held), 0.0), 1.0) ** 2
    return (0.85 * attack * decay * release * wave / np.abs(wave).max()).astype(np.float32)


def recorded_note(
    number: int, pitches: Sequence[int], sample_rate: int = 16_000, num_samples: int = 64_000
) -> RecordedNote:
    """The note of a number: pitches in turn, velocities, families and sources with other periods.

    Args:
      number: From 0.
      pitches: To choose from.
      sample_rate: In Hz.
      num_samples: Of the clip.
    """
    pitch = pitches[number % len(pitches)]
    velocity = _VELOCITIES[number % 3]
    wave = tone(pitch, num_samples, sample_rate, seed=number) * np.float32(velocity / 127.0)
    family = number % 11
    return RecordedNote(
        one_note(f"note/{number:05d}", pitch, velocity, family, num_samples / sample_rate),
        lambda rate, count: Audio(wave, sample_rate),
        instrument=number % 7,
        instrument_family=family,
        instrument_source=number % 3,
        qualities=tuple(quality == number % 10 for quality in range(10)),
    )


def list_notes(
    files: Sequence[pathlib.Path], root: pathlib.Path
) -> tuple[list[Source], list[tuple[str, ReadError]]]:
    """Lists as many notes as a text file says: number, pitches from, to, rate, samples."""
    (file,) = files
    count, *_ = map(int, file.read_text().split())
    return [
        Source(f"note/{number:05d}", str(file), "made_up", number, f"{number:064x}")
        for number in range(count)
    ], []


def read_note(source: Source) -> RecordedNote:
    """Makes a note as `list_notes` says."""
    _, lowest, highest, rate, samples = map(int, pathlib.Path(source.path).read_text().split())
    return recorded_note(source.index, range(lowest, highest + 1), rate, samples)


def dataset(name: str = "audio_notes") -> Dataset:
    """A dataset of made-up notes; `write_audio_records` gives it its file."""
    return dataclasses.replace(
        datasets.get("midi"),
        name=name,
        find_files=lambda paths: ([pathlib.Path(paths[0])], pathlib.Path(paths[0]).parent),
        list_sources=list_notes,
        read_source=read_note,
    )


def write_audio_records(
    folder: pathlib.Path,
    representation: NoteAudio,
    num_notes: int = 40,
    split: tuple[float, float, float] = (0.6, 0.2, 0.2),
) -> None:
    """Writes a record set of made-up notes to a new folder: pitches in turn, all parts filled.

    Args:
      folder: Where to.
      representation: Pitches, rate and length of the notes.
      num_notes: How many.
      split: Fractions for train, validation and test.
    """
    source = folder.with_name(f"{folder.name}.txt")
    numbers = (num_notes, representation.min_pitch, representation.max_pitch)
    numbers += (representation.sample_rate, representation.num_samples)
    source.write_text(" ".join(map(str, numbers)))
    options = ConvertOptions(representation, split=split, num_shards=2)
    convert(dataset(), options, folder, [str(source)])
