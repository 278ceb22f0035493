"""Music as a sequence of events of real numbers: length, frequency, intensity, time.

Source: Mogren (2016), "C-RNN-GAN", section 3, https://arxiv.org/abs/1611.09904; ticks, order of the
features and several tones to a step by the released code, github.com/olofmogren/c-rnn-gan at
9edafc0.
"""

import dataclasses
from typing import ClassVar

import numpy as np

from tfmusicgan.errors import ConfigError, ConversionError
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import note_events_numbers as numbers
from tfmusicgan.representations.base import Encoded, Example, FieldSpec
from tfmusicgan.representations.note_events_numbers import MAX_TICKS, TICKS_PER_QUARTER, Events
from tfmusicgan.representations.parameters import PlainParameters, check_whole_numbers
from tfmusicgan.representations.piano_roll_grid import ROUNDING_STEPS
from tfmusicgan.representations.score_header import check_qpm

FEATURES = ("standardised", "raw")
# Of a window: eight of them, of the longest times, are as many ticks as the graph can add.
_MOST_TIMES = 2**13
# Over eight thousand bars; what is longer is a damaged file.
MAX_QUARTERS = 2**15


@dataclasses.dataclass(frozen=True)
class NoteEvents(PlainParameters):
    """Windows of a piece as events, each a note, or with several tones a chord, of real numbers.

    Array `note_events`: float32 [length, features]. A step has the time since the onset of the step
    before it, then of each tone length, frequency and intensity: 1 + 3 * tones features. With
    `tone_times` each tone has all four, its time being that since the tone before it: 4 * tones
    features, and decoded, the tones of a step may begin one after another. Steps are in order of
    onset and pitch, and notes of one onset have a time of 0 between them; with several tones, those
    of one onset share a step, as far as they fit, and tones that a step does not have are silent.
    The first event of a piece has the time 0; the first of a later window keeps its distance from
    the event before it.

    Times are ticks, 384 to a quarter note (by the piece's own tempos). With the standardised
    features they are in quarter notes, frequencies in octaves above middle C, and intensities are
    (velocity - 64) / 32, of silent tones -3; -2 and less is silent. Raw ones, as published, are
    ticks, hertz and velocities, and of silent tones 0.

    Decoded, a note ends where its pitch begins anew, and the longest stays of notes of one pitch
    and onset. Lost: silence before the first note, tempo, programs and instruments, drums, pedals,
    notes of more than 64 quarters and silences of more, times within a tick (a note is of one at
    least).

    Attributes:
      length: Steps in a window.
      hop: Steps from the beginning of a window to that of the next; by default `length`.
      tones: Tones of a step; the paper has 1, and 3 in C-RNN-GAN-3.
      features: `"standardised"`, or `"raw"` as published.
      tone_times: Whether each tone of a step has a time of its own, as the paper has it; the
        released code has one for all, which is enough for tones of one onset.
      pad_short: Whether a piece shorter than a window is filled up with silent steps, as published.
        They teach that silence is music: by default it is left out.
    """

    name: ClassVar[str] = "note_events"
    version: ClassVar[int] = 2

    length: int = 100
    hop: int | None = None
    tones: int = 1
    features: str = "standardised"
    tone_times: bool = False
    pad_short: bool = False

    def __post_init__(self):
        """Checks the ranges.

        Raises:
          ConfigError: If a parameter is out of range.
        """
        ranges = {"length": (2, 4096), "tones": (1, 8)}
        check_whole_numbers(self, ranges | ({} if self.hop is None else {"hop": (1, 4096)}))
        if self.features not in FEATURES:
            raise ConfigError(
                f"features: expected one of {', '.join(FEATURES)}. Received: {self.features!r}."
            )
        for name in ("tone_times", "pad_short"):
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise ConfigError(f"{name}: expected true or false. Received: {value!r}.")
        if self.tone_times and self.length * self.tones > _MOST_TIMES:
            raise ConfigError(
                f"length: expected at most {_MOST_TIMES // self.tones} with tone_times and "
                f"{self.tones} tones. Received: {self.length}."
            )

    @property
    def raw(self) -> bool:
        """Whether features are as published."""
        return self.features == "raw"

    @property
    def num_features(self) -> int:
        """Numbers of a step."""
        return self.num_times + 3 * self.tones

    @property
    def num_times(self) -> int:
        """Times of a step."""
        return self.tones if self.tone_times else 1

    @property
    def time_features(self) -> tuple[int, ...]:
        """Which features of a step are times."""
        return tuple(range(0, self.num_features, self.num_features // self.num_times))

    @property
    def spec(self) -> dict[str, FieldSpec]:
        """The one array of an example."""
        units = "ticks (384 to a quarter), hertz, velocity"
        if not self.raw:
            units = "quarter notes, octaves above middle C, (velocity - 64) / 32"
        tone = "length, frequency and intensity"
        tones = f"time since the step before, then {self.tones} times {tone}"
        if self.tone_times:
            tones = f"{self.tones} times time since the tone before, {tone}"
        meaning = f"step, feature: {tones}; in {units}"
        return {self.name: FieldSpec((self.length, self.num_features), "float32", meaning)}

    def encode(self, sequence: NoteSequence) -> list[Example]:
        """Cuts a piece into windows of events.

        Args:
          sequence: The piece; it stays as it is.

        Returns:
          Windows in order, `{"note_events": float32 [length, features]}`; the arrays are read-only,
          and windows that overlap share memory.

        Raises:
          ConversionError: With reason `"bad_times"`, `"too_long"`, `"no_notes"` (none but drums) or
            `"too_short"` (less than a window).
        """
        return self.encode_counted(sequence)[0]

    def encode_counted(self, sequence: NoteSequence) -> Encoded:
        """As `encode`, with what is left out of a piece that is kept, by reason.

        `"short_last_window"`: what is left at the end.
        """
        features = self._to_features(self.find_events(sequence))
        steps = len(features)
        if steps < self.length:
            if not self.pad_short:
                raise ConversionError(
                    f"Expected a piece of {self.length} events. Received: {steps} in "
                    f"{_name_of(sequence)!r}.",
                    reason="too_short",
                )
            features = np.concatenate([features, self._silence(self.length - steps)])
        features.flags.writeable = False
        hop = self.length if self.hop is None else self.hop
        starts = range(0, len(features) - self.length + 1, hop)
        windows = [{self.name: features[start : start + self.length]} for start in starts]
        reached = starts[-1] + max(self.length, hop)
        return Encoded(windows, {"short_last_window": int(reached < len(features))})

    def find_events(self, sequence: NoteSequence) -> Events:
        """The events of a whole piece.

        Raises:
          ConversionError: With reason `"bad_times"`, `"too_long"` or `"no_notes"`.
        """
        name = _name_of(sequence)
        rows = [
            (note.start_time, note.end_time, note.pitch, note.velocity)
            for note in sequence.notes
            if not note.is_drum and note.velocity > 0 and 0 <= note.pitch <= 127
        ]
        if not rows:
            raise ConversionError(
                f"Expected notes. Received: none but drums in {name!r}.", reason="no_notes"
            )
        columns = np.array(rows, np.float64)
        start, end = self._ticks(sequence, columns[:, :2].T, name)
        pitch, velocity = columns[:, 2].astype(np.int64), columns[:, 3].astype(np.int64)
        length = np.maximum(end - start, 1).clip(max=MAX_TICKS)
        order = np.lexsort((velocity, length, pitch, start))
        start = start[order]
        fresh = np.append(True, start[1:] > start[:-1])  # where an onset differs from the last
        if self.tones > 1:
            # The place of each note among those of its onset, and by it the step and the tone.
            place = np.arange(len(start)) - np.flatnonzero(fresh)[np.cumsum(fresh) - 1]
            tone = place % self.tones
        else:
            tone = np.zeros(len(start), np.int64)
        step = np.cumsum(tone == 0) - 1
        first = start[tone == 0]
        values = np.zeros((4, len(first), self.tones), np.int64)
        values[1:, step, tone] = length[order], pitch[order], velocity[order].clip(max=127)
        values[0, :, 0] = np.diff(first, prepend=first[0]).clip(max=MAX_TICKS)
        return Events(*values)

    def decode(self, example: Example, qpm: float = 120.0) -> NoteSequence:
        """Builds the NoteSequence of a window, or of several that follow each other.

        Args:
          example: `{"note_events": float [steps, features]}` of any number of steps from one.
          qpm: Tempo in quarter notes per minute, 4 to 1,000.

        Returns:
          A valid NoteSequence for the piano, in 4/4, with the velocities and times of the events.

        Raises:
          ConversionError: If the array's shape or dtype is not the spec's.
          ConfigError: If `qpm` is out of range.
        """
        check_qpm(qpm)
        notes = self.find_notes(example[self.name])
        sequence = numbers.event_header()
        sequence.tempos.add(qpm=qpm)
        # The graph half uses the same operations in order.
        sequence.total_time = notes.total * numbers.SECONDS_PER_TICK / qpm
        columns = (notes.start, notes.end, notes.pitch, notes.velocity)
        for start, end, pitch, velocity in zip(*(c.tolist() for c in columns), strict=True):
            sequence.notes.add(
                pitch=pitch,
                velocity=velocity,
                start_time=start * numbers.SECONDS_PER_TICK / qpm,
                end_time=end * numbers.SECONDS_PER_TICK / qpm,
            )
        return sequence

    def find_notes(self, features: np.ndarray) -> numbers.Notes:
        """The notes that a window sounds.

        Args:
          features: float [steps, features].

        Raises:
          ConversionError: If the array's shape or dtype is not the spec's.
        """
        features = np.asarray(features)
        shape_is_right = features.ndim == 2 and features.shape[1:] == (self.num_features,)
        if not shape_is_right or not len(features) or features.dtype.kind != "f":
            raise ConversionError(
                f"Expected events as real numbers [steps, {self.num_features}], at least one. "
                f"Received: {features.dtype} {list(features.shape)}.",
                reason="bad_shape",
            )
        return numbers.find_notes(self.read_features(features.astype(np.float32)))

    def read_features(self, features: np.ndarray) -> Events:
        """The events that features stand for: see `note_events_numbers.from_features`.

        Args:
          features: float32 [steps, features].

        Returns:
          Times and tones of all steps, in ticks, MIDI pitches and velocities.
        """
        return numbers.from_features(features, self.raw, self.num_times)

    def _to_features(self, events: Events) -> np.ndarray:
        return numbers.to_features(events, self.raw, self.num_times)

    def _silence(self, steps: int) -> np.ndarray:
        return self._to_features(Events(*np.zeros((4, steps, self.tones), np.int64)))

    def _ticks(self, sequence: NoteSequence, seconds: np.ndarray, name: str) -> np.ndarray:
        if not np.isfinite(seconds).all():
            raise ConversionError(f"Expected finite times in {name!r}.", reason="bad_times")
        quarters = transforms.seconds_to_quarters(sequence, seconds)
        if quarters.max() > MAX_QUARTERS:
            raise ConversionError(
                f"Expected at most {MAX_QUARTERS} quarter notes. Received: {quarters.max():.0f} "
                f"in {name!r}.",
                reason="too_long",
            )
        return np.floor(quarters * TICKS_PER_QUARTER + (0.5 + ROUNDING_STEPS)).astype(np.int64)


def _name_of(sequence: NoteSequence) -> str:
    return sequence.id or sequence.filename or "the sequence"
