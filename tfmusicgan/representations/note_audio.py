"""Single notes as sound: the samples of one note with its labels.

Records hold audio and no spectrograms: one set serves every kind of spectrogram and the pitch
classifier, at an eighth of the bytes of a (128, 1024, 2) image of float32. Spectrograms are made
inside the graph (`tfmusicgan.audio.spectrograms`).

Source of the clip's length, rate and labels: Engel et al. (2017), https://arxiv.org/abs/1704.01279;
of the range of pitches: Engel et al. (2019), "GANSynth", section 3, https://arxiv.org/abs/1902.08710.
"""

import dataclasses
from typing import ClassVar

import numpy as np

from tfmusicgan.errors import ConfigError, ConversionError, ReadError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.recorded_note import (
    QUALITIES,
    SILENCE,
    RecordedNote,
    check_recording,
    one_note,
)
from tfmusicgan.note_sequences.wav_file import from_int16, to_int16
from tfmusicgan.representations import resampling
from tfmusicgan.representations.base import Example, FieldSpec
from tfmusicgan.representations.parameters import PlainParameters, check_whole_numbers

_INT_RANGES = {
    "sample_rate": (4_000, 48_000),
    "num_samples": (256, 2_000_000),
    "min_pitch": (0, 127),
    "max_pitch": (0, 127),
    "min_velocity": (1, 127),
}
# The velocity of a note that a model made, which nobody struck.
_VELOCITY = 100


@dataclasses.dataclass(frozen=True)
class NoteAudio(PlainParameters):
    """One note's samples with its labels.

    An example has `audio`, int16 [num_samples], samples times 32,768 as in NSynth's WAV files, and
    the labels `pitch`, `velocity`, `instrument`, `instrument_family`, `instrument_source` (int32,
    -1 where it is not known, but for the pitch) and `qualities` (bool [10]). What comes in another
    form is brought into this one: channels are averaged, another rate is resampled, a longer clip
    is cut at its end, a shorter one filled up with silence, as GANSynth's input pipeline does;
    samples beyond full scale are clipped. Loudness stays, and so does silence at the start.

    Lost: all of that, bits beyond 16, and whatever else a sequence has but one note.

    There is no graph half: models of this representation hand out audio.

    Attributes:
      sample_rate: Samples per second, in Hz.
      num_samples: Samples of a clip.
      min_pitch: Lowest MIDI pitch; lower notes are left out.
      max_pitch: Highest MIDI pitch.
      min_velocity: Softer notes are left out.
    """

    name: ClassVar[str] = "note_audio"
    version: ClassVar[int] = 1
    reads_audio: ClassVar[bool] = True  # `encode` takes recorded notes, not NoteSequences

    sample_rate: int = 16_000
    num_samples: int = 64_000
    min_pitch: int = 24
    max_pitch: int = 84
    min_velocity: int = 1

    def __post_init__(self):
        """Checks the ranges.

        Raises:
          ConfigError: If a parameter is out of range, or the lowest pitch is above the highest.
        """
        check_whole_numbers(self, _INT_RANGES)
        if self.min_pitch > self.max_pitch:
            raise ConfigError(
                f"Expected min_pitch <= max_pitch. Received: {self.min_pitch} and {self.max_pitch}."
            )

    @property
    def pitches(self) -> tuple[int, ...]:
        """The MIDI pitches in order; a pitch's class is its place here, `pitch - min_pitch`."""
        return tuple(range(self.min_pitch, self.max_pitch + 1))

    @property
    def num_pitches(self) -> int:
        """How many they are."""
        return self.max_pitch - self.min_pitch + 1

    @property
    def clip_seconds(self) -> float:
        """Length of a clip."""
        return self.num_samples / self.sample_rate

    @property
    def spec(self) -> dict[str, FieldSpec]:
        """The arrays of an example; the labels' order is NSynth's."""

        def label(meaning: str) -> FieldSpec:
            return FieldSpec((), "int32", meaning)

        samples = f"sample of a mono clip at {self.sample_rate} Hz; 32768 is full scale"
        qualities = "whether it is " + ", ".join(QUALITIES)
        return {
            "audio": FieldSpec((self.num_samples,), "int16", samples),
            "pitch": label("MIDI pitch"),
            "velocity": label("MIDI velocity, -1 if there is none"),
            "instrument": label("number of the instrument, -1 if not known"),
            "instrument_family": label("0 bass to 10 vocal, in NSynth's order, -1 if not known"),
            "instrument_source": label("0 acoustic, 1 electronic, 2 synthetic, -1 if not known"),
            "qualities": FieldSpec((len(QUALITIES),), "bool", qualities),
        }

    def encode(self, note: RecordedNote) -> list[Example]:
        """Reads one note's audio.

        Whether the note is within range is seen before anything is read or rendered.

        Args:
          note: It stays as it is.

        Returns:
          One example.

        Raises:
          ConversionError: With reason `"no_audio"` for a NoteSequence without a recording,
            `"not_one_note"`, `"pitch_out_of_range"` or `"velocity_out_of_range"`.
          ReadError: With reason `"empty_audio"`, `"bad_shape"`, `"bad_sample_rate"`,
            `"not_finite"`, `"silent_audio"`, or whatever the note's own reader raises.
        """
        if not isinstance(note, RecordedNote):
            raise ConversionError(
                f"Expected a note with its audio. Received: {note.id or 'a piece'!r}, which has "
                "notes alone. Use --dataset=nsynth, soundfont_notes or audio_notes.",
                "no_audio",
            )
        name = note.sequence.id
        pitch, velocity = self._within_range(note.sequence, name)
        audio = self._fit(*note.read_audio(self.sample_rate, self.num_samples), name)
        labels = {
            "pitch": pitch,
            "velocity": velocity,
            "instrument": note.instrument,
            "instrument_family": note.instrument_family,
            "instrument_source": note.instrument_source,
        }
        example = {"audio": audio} | {key: np.array(v, np.int32) for key, v in labels.items()}
        return [{**example, "qualities": np.array(note.qualities, bool)}]

    def decode(self, example: Example) -> NoteSequence:
        """The note without its sound, held for three quarters of the clip.

        Args:
          example: `pitch` is needed; `velocity` and `instrument_family` are used if they are there
            and known. Else the velocity is 100 and the program the piano's.

        Returns:
          A valid NoteSequence of one note; `audio_of` gives the sound beside it.

        Raises:
          ConversionError: With reason `"bad_label"`, if a label is out of range.
        """
        velocity = int(example.get("velocity", -1))
        family = int(example.get("instrument_family", -1))
        try:
            return one_note(
                "",
                int(example["pitch"]),
                velocity if velocity > 0 else _VELOCITY,
                family,
                self.clip_seconds,
            )
        except ReadError as error:
            raise ConversionError(str(error), error.reason) from None

    def _within_range(self, sequence: NoteSequence, name: str) -> tuple[int, int]:
        """Pitch and velocity of the one note."""
        if len(sequence.notes) != 1:
            raise ConversionError(
                f"Expected one note. Received: {len(sequence.notes)} in {name!r}.", "not_one_note"
            )
        (note,) = sequence.notes
        if not self.min_pitch <= note.pitch <= self.max_pitch:
            raise ConversionError(
                f"Expected a pitch within {self.min_pitch}-{self.max_pitch}. Received: "
                f"{note.pitch} in {name!r}.",
                "pitch_out_of_range",
            )
        if note.velocity < self.min_velocity:
            raise ConversionError(
                f"Expected a velocity of at least {self.min_velocity}. Received: {note.velocity} "
                f"in {name!r}.",
                "velocity_out_of_range",
            )
        return note.pitch, note.velocity

    def _fit(self, samples: np.ndarray, sample_rate: int, name: str) -> np.ndarray:
        """Audio as it was read, as int16 [num_samples]."""
        samples = np.asarray(samples)
        _check(samples, sample_rate, name)
        needed = -(-self.num_samples * sample_rate // self.sample_rate)
        needed += resampling.margin(sample_rate, self.sample_rate)
        samples = samples[:needed].astype(np.float32)
        mono = samples.mean(axis=1) if samples.ndim == 2 else samples
        mono = resampling.resample(mono, sample_rate, self.sample_rate)[: self.num_samples]
        peak = np.abs(mono).max()
        if not np.isfinite(peak):
            raise ReadError(
                f"Expected finite samples. Received: NaN or infinity in {name!r}.", "not_finite"
            )
        if peak < SILENCE:
            raise ReadError(
                f"Expected a note that sounds. Received: a peak of {peak:.1g} of full scale in the "
                f"{self.clip_seconds:g} s that are read of {name!r}.",
                "silent_audio",
            )
        whole = to_int16(mono)
        return np.pad(whole, (0, self.num_samples - len(whole)))


def audio_of(example: Example) -> np.ndarray:
    """The sound of an example, or of a batch of them.

    Args:
      example: With `audio`, int16 [..., samples].

    Returns:
      float32 [..., samples], within -1 to 1.
    """
    return from_int16(example["audio"])


def _check(samples: np.ndarray, sample_rate: int, name: str) -> None:
    """Checks that audio is some, of a rate and a form that can be brought into ours."""
    if samples.ndim not in (1, 2) or not np.issubdtype(samples.dtype, np.floating):
        raise ReadError(
            f"Expected float [samples] or [samples, channels]. Received: {samples.dtype} "
            f"{list(samples.shape)} in {name!r}.",
            "bad_shape",
        )
    check_recording(sample_rate, samples.shape[1] if samples.ndim == 2 else 1, name)
    if not len(samples):
        raise ReadError(f"Expected audio. Received: no samples in {name!r}.", "empty_audio")
