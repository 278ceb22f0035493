"""A single note with its sound: a NoteSequence of one note, and the audio beside it.

Labels are those of NSynth, whose order of families, sources and qualities is kept.

Source: Engel et al. (2017), "Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders",
https://arxiv.org/abs/1704.01279, and the data sheet of the NSynth dataset.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences.proto import NoteSequence

FAMILIES = (
    "bass",
    "brass",
    "flute",
    "guitar",
    "keyboard",
    "mallet",
    "organ",
    "reed",
    "string",
    "synth_lead",
    "vocal",
)
SOURCES = ("acoustic", "electronic", "synthetic")
QUALITIES = (
    "bright",
    "dark",
    "distortion",
    "fast_decay",
    "long_release",
    "multiphonic",
    "nonlinear_env",
    "percussive",
    "reverb",
    "tempo-synced",
)
UNKNOWN = -1
"""The label of an instrument, family or source that nobody named."""

MAX_INSTRUMENT = 2**31 - 1

HELD_SHARE = 0.75
"""Of a clip, how long the key is down: NSynth's are for 3 of 4 seconds."""

SILENCE = 2.0**-12
"""Peaks below this, -72 dB of full scale, are silence: eight steps of 16 bits, mostly rounding.
NSynth's softest notes are well above."""

SAMPLE_RATES_HZ = (1_000, 384_000)
"""Of recordings, the lowest and the highest."""

MOST_CHANNELS = 64

# A General MIDI program that stands for a family where notes alone are played: fingered bass,
# brass section, flute, nylon guitar, grand piano, vibraphone, drawbar organ, alto saxophone,
# string ensemble, square lead, voice.
_FAMILY_PROGRAMS = (33, 61, 73, 24, 0, 11, 16, 65, 48, 80, 53)
# A tick is 52 microseconds: there is no grid, and a clip may have any length.
_TICKS_PER_QUARTER = 9600
_QPM = 120.0


class Audio(NamedTuple):
    """Sound as it was read.

    Attributes:
      samples: float [samples] or [samples, channels], about -1 to 1.
      sample_rate: Samples per second.
    """

    samples: np.ndarray
    sample_rate: int


AudioReader = Callable[[int, int], Audio]


@dataclasses.dataclass(frozen=True)
class RecordedNote:
    """One note, labelled, whose audio is read or rendered when it is asked for.

    Attributes:
      sequence: The note as a NoteSequence, its `id` the piece's name. When the key goes up is known
        of no recording: notes are as `one_note` makes them.
      read_audio: (sample rate in Hz, number of samples that are wanted) -> the audio. A recording
        may come as it is, with another rate, length and number of channels; what is rendered comes
        no longer than was asked for. Raises `ReadError` for what cannot be read.
      instrument: A number of the instrument, 0 to 2**31 - 1; -1 if it is not known.
      instrument_family: Place in `FAMILIES`, or -1.
      instrument_source: Place in `SOURCES`, or -1.
      qualities: One for each of `QUALITIES`; where nobody named any, none is set, which is what a
        note without any has, too.
    """

    sequence: NoteSequence
    read_audio: AudioReader
    instrument: int = UNKNOWN
    instrument_family: int = UNKNOWN
    instrument_source: int = UNKNOWN
    qualities: tuple[bool, ...] = (False,) * len(QUALITIES)

    def __post_init__(self):
        """Checks the labels.

        Raises:
          ReadError: With reason `"bad_label"`, if one is out of range.
        """
        name = self.sequence.id
        check_label("instrument", self.instrument, UNKNOWN, MAX_INSTRUMENT, name)
        check_label("family", self.instrument_family, UNKNOWN, len(FAMILIES) - 1, name)
        check_label("source", self.instrument_source, UNKNOWN, len(SOURCES) - 1, name)
        if len(self.qualities) != len(QUALITIES) or not set(self.qualities) <= {0, 1}:
            raise ReadError(
                f"Expected {len(QUALITIES)} qualities, each 0 or 1. Received: "
                f"{list(self.qualities)!r} in {name!r}.",
                "bad_label",
            )


def notes_of(music: NoteSequence | RecordedNote) -> NoteSequence:
    """What a piece has of notes, without the audio of a recorded one."""
    return music.sequence if isinstance(music, RecordedNote) else music


def one_note(
    name: str, pitch: int, velocity: int, family: int = UNKNOWN, clip_seconds: float = 4.0
) -> NoteSequence:
    """A NoteSequence of one note, valid as everything that the suite writes.

    Args:
      name: Its `id`.
      pitch: MIDI pitch, 0 to 127.
      velocity: 1 to 127.
      family: Place in `FAMILIES`, which chooses the program; -1 for the piano.
      clip_seconds: Length of the audio; the key is down for three quarters of it, as in NSynth.

    Raises:
      ReadError: With reason `"bad_label"`, if one of them is out of range.
    """
    check_label("pitch", pitch, 0, 127, name)
    check_label("velocity", velocity, 1, 127, name)
    check_label("family", family, UNKNOWN, len(FAMILIES) - 1, name)
    sequence = NoteSequence(
        id=name,
        collection_name="tfmusicgan",
        ticks_per_quarter=_TICKS_PER_QUARTER,
        total_time=clip_seconds,
    )
    sequence.source_info.source_type = NoteSequence.SourceInfo.SCORE_BASED
    sequence.time_signatures.add(numerator=4, denominator=4)
    sequence.tempos.add(qpm=_QPM)
    sequence.instrument_infos.add(instrument=0, name="note" if family < 0 else FAMILIES[family])
    sequence.notes.add(
        pitch=pitch,
        velocity=velocity,
        end_time=HELD_SHARE * clip_seconds,
        program=0 if family < 0 else _FAMILY_PROGRAMS[family],
    )
    return sequence


def check_recording(sample_rate: int, channels: int, name: str) -> None:
    """Checks what a recording's header says, before room is made for its samples.

    Raises:
      ReadError: With reason `"bad_sample_rate"` or `"bad_shape"`.
    """
    low, high = SAMPLE_RATES_HZ
    if not low <= sample_rate <= high:
        raise ReadError(
            f"Expected a sample rate within {low}-{high} Hz. Received: {sample_rate} in {name!r}.",
            "bad_sample_rate",
        )
    if not 1 <= channels <= MOST_CHANNELS:
        raise ReadError(
            f"Expected 1-{MOST_CHANNELS} channels. Received: {channels} in {name!r}.", "bad_shape"
        )


def check_label(what: str, value: int, low: int, high: int, name: str) -> None:
    """Checks one label of a note.

    Raises:
      ReadError: With reason `"bad_label"`, if it is no whole number within `low` to `high`.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ReadError(
            f"Expected a {what} within {low} to {high}. Received: {value!r} in {name!r}.",
            "bad_label",
        )
