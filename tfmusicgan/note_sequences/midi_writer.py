"""NoteSequences to MIDI files (type 1), written by symusic.

Kept: notes with velocities, programs and drums, tempo changes, time and key signatures, control
changes, pitch bends, instrument names. Times are rounded to ticks (ticks_per_quarter, 480 where the
sequence has none), tempos to whole microseconds a quarter note. MIDI knows major and minor keys
only: others become the major key with the same sharps or flats. Tempos and time signatures that
count nowhere (`transforms.py`), such as 0/4, are left out. What MIDI cannot hold is refused.
"""

import collections
import os
from collections.abc import Iterable

import numpy as np
from symusic import core

from tfmusicgan.errors import ConversionError
from tfmusicgan.files import replacing
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.transforms import MODE_TONICS, seconds_to_quarters

_TICKS_PER_QUARTER = 480
_MAX_TICKS_PER_QUARTER = 0x7FFF
_MAX_TICKS = 2**31 - 1  # What symusic counts with.
_MAX_GAP_TICKS = 2**28 - 1  # What a delta time holds; larger ones wrap.
_MICROSECONDS = 6e7  # In a minute.
_MIN_QPM, _MAX_QPM = _MICROSECONDS / (2**24 - 1), _MICROSECONDS
_LARGEST_NUMERATOR = 255
_DENOMINATORS = tuple(2**power for power in range(8))
# By mode, semitones above the tonic of the major key with the same signature.
_TONICS = {
    mode: MODE_TONICS.get(name.lower(), 0) for name, mode in NoteSequence.KeySignature.Mode.items()
}


def write_midi(sequence: NoteSequence, path: str | os.PathLike) -> None:
    """Writes a MIDI file, whole or not at all: to a temporary name, then renamed.

    Args:
      sequence: See `to_midi_bytes`.
      path: Replaced if it is there.

    Raises:
      ConversionError: If the sequence has what MIDI cannot hold; see `to_midi_bytes`.
      OSError: If the file cannot be written.
    """
    data = to_midi_bytes(sequence)
    with replacing(path) as partial:
        partial.write_bytes(data)


def to_midi_bytes(sequence: NoteSequence) -> bytes:
    """A NoteSequence as the bytes of a MIDI file of type 1.

    One track per (instrument, program, drum flag), in that order, after a track with tempos and
    signatures. A note shorter than a tick lasts one.

    Args:
      sequence: Not changed.

    Returns:
      The file's bytes.

    Raises:
      ConversionError: If a note's pitch, velocity or program, or a control change's number or value
        is not within 0 to 127, a pitch bend not within -8192 to 8191, a time or the time between
        two events of a track too long for MIDI's ticks, a tempo or a time signature none of MIDI's,
        or a note ends before it starts; reason `"not_midi_range"`.
    """
    ticks_per_quarter = sequence.ticks_per_quarter or _TICKS_PER_QUARTER
    ticks_per_quarter = min(max(ticks_per_quarter, 1), _MAX_TICKS_PER_QUARTER)
    to_ticks = _Clock(sequence, ticks_per_quarter)
    _check_notes(sequence.notes)
    _check_controls(sequence)
    score = core.ScoreTick(ticks_per_quarter)
    _add_meta_events(score, sequence, to_ticks)
    to_ticks.end_track()
    names = {info.instrument: info.name for info in sequence.instrument_infos}
    for (instrument, program, is_drum), events in sorted(_by_instrument(sequence).items()):
        track = core.TrackTick(names.get(instrument, ""), program, is_drum)
        _add_notes(track, events["notes"], to_ticks)
        controls = events["control_changes"]
        track.controls = core.ControlChangeTickList.from_numpy(
            to_ticks([control.time for control in controls]),
            np.array([control.control_number for control in controls], np.uint8),
            np.array([control.control_value for control in controls], np.uint8),
        )
        bends = events["pitch_bends"]
        track.pitch_bends = core.PitchBendTickList.from_numpy(
            to_ticks([bend.time for bend in bends]),
            np.array([bend.bend for bend in bends], np.int32),
        )
        to_ticks.end_track()
        score.tracks.append(track)
    return score.dumps_midi()


class _Clock:
    """Seconds to ticks, int32; refuses those that a track of MIDI has no numbers for."""

    def __init__(self, sequence: NoteSequence, ticks_per_quarter: int):
        self._sequence, self._ticks_per_quarter = sequence, ticks_per_quarter
        self._track = [np.zeros(1, np.int32)]

    def __call__(self, seconds: list[float]) -> np.ndarray:
        quarters = seconds_to_quarters(self._sequence, np.array(seconds, np.float64))
        ticks = np.maximum(np.rint(quarters * self._ticks_per_quarter), 0)
        fits = ticks <= _MAX_TICKS  # Not of NaN.
        if not fits.all():
            came = (
                f"{seconds[int(fits.argmin())]:.3f} s, {self._ticks_per_quarter} to a quarter note"
            )
            raise _not_midi(f"times of at most {_MAX_TICKS} ticks", came)
        self._track.append(ticks.astype(np.int32))
        return self._track[-1]

    def end_track(self) -> None:
        """Looks at the times between the events that there have been."""
        gaps = np.diff(np.sort(np.concatenate(self._track)))
        if gaps.max(initial=0) > _MAX_GAP_TICKS:
            quarters = gaps.max() / self._ticks_per_quarter
            raise _not_midi(
                f"at most {_MAX_GAP_TICKS} ticks from one event of a track to the next",
                f"{quarters:.0f} quarter notes of {self._ticks_per_quarter}",
            )
        self._track = [np.zeros(1, np.int32)]


def _check_notes(notes: Iterable[NoteSequence.Note]) -> None:
    """Refuses notes with numbers that have no place in MIDI."""
    for note in notes:
        in_range = all(0 <= value <= 127 for value in (note.pitch, note.velocity, note.program))
        if not in_range or note.end_time < note.start_time:
            raise _not_midi(
                "pitch, velocity and program from 0 to 127 and an end after the start",
                f"pitch {note.pitch}, velocity {note.velocity}, program {note.program}, "
                f"{note.start_time:.3f} to {note.end_time:.3f} s",
            )


def _check_controls(sequence: NoteSequence) -> None:
    """Refuses control changes and pitch bends with numbers that have no place in MIDI."""
    for control in sequence.control_changes:
        number, value, program = control.control_number, control.control_value, control.program
        if not all(0 <= one <= 127 for one in (number, value, program)):
            raise _not_midi(
                "control number, value and program from 0 to 127",
                f"number {number}, value {value}, program {program} at {control.time:.3f} s",
            )
    for bend in sequence.pitch_bends:
        if not (-8192 <= bend.bend <= 8191 and 0 <= bend.program <= 127):
            raise _not_midi(
                "pitch bends from -8192 to 8191 and program from 0 to 127",
                f"bend {bend.bend}, program {bend.program} at {bend.time:.3f} s",
            )


def _not_midi(expected: str, received: str) -> ConversionError:
    return ConversionError(f"Expected {expected}. Received {received}.", "not_midi_range")


def _by_instrument(sequence: NoteSequence) -> dict[tuple[int, int, bool], dict[str, list]]:
    """Events of each (instrument, program, drum flag), by the field they come from."""
    grouped: dict = collections.defaultdict(lambda: collections.defaultdict(list))
    for field in ("notes", "control_changes", "pitch_bends"):
        for event in getattr(sequence, field):
            grouped[event.instrument, event.program, event.is_drum][field].append(event)
    return grouped


def _add_meta_events(score: core.ScoreTick, sequence: NoteSequence, to_ticks: _Clock) -> None:
    """Adds tempos, time signatures and key signatures."""
    _add_tempos(score, sequence, to_ticks)
    _add_meters(score, sequence, to_ticks)
    keys = sequence.key_signatures
    # Of unknown modes as of those that are not specified: the major key's.
    tonics = [key.key - _TONICS.get(key.mode, 0) for key in keys]
    score.key_signatures = core.KeySignatureTickList.from_numpy(
        to_ticks([key.time for key in keys]),
        # Sharps from -5 to 6 of the major key with the same signature.
        np.array([(7 * tonic + 5) % 12 - 5 for tonic in tonics], np.int8),
        np.array([key.mode == NoteSequence.KeySignature.MINOR for key in keys], np.uint8),
    )


def _add_tempos(score: core.ScoreTick, sequence: NoteSequence, to_ticks: _Clock) -> None:
    """Adds tempos."""
    tempos = [tempo for tempo in sequence.tempos if tempo.qpm > 0]
    for tempo in tempos:
        if not _MIN_QPM <= tempo.qpm <= _MAX_QPM:
            raise _not_midi(
                f"tempos from {_MIN_QPM:.4f} to {_MAX_QPM:.0f} quarter notes a minute",
                f"{tempo.qpm:g} at {tempo.time:.3f} s",
            )
    score.tempos = core.TempoTickList.from_numpy(
        to_ticks([tempo.time for tempo in tempos]),
        np.array([round(_MICROSECONDS / tempo.qpm) for tempo in tempos], np.int32),
    )


def _add_meters(score: core.ScoreTick, sequence: NoteSequence, to_ticks: _Clock) -> None:
    """Adds time signatures."""
    meters = [m for m in sequence.time_signatures if m.numerator > 0 and m.denominator > 0]
    for meter in meters:
        if meter.numerator > _LARGEST_NUMERATOR or meter.denominator not in _DENOMINATORS:
            raise _not_midi(
                f"time signatures of at most {_LARGEST_NUMERATOR} beats that are a whole, a half, "
                f"..., or a 1/{_DENOMINATORS[-1]} note",
                f"{meter.numerator}/{meter.denominator} at {meter.time:.3f} s",
            )
    score.time_signatures = core.TimeSignatureTickList.from_numpy(
        to_ticks([meter.time for meter in meters]),
        np.array([meter.numerator for meter in meters], np.uint8),
        np.array([meter.denominator for meter in meters], np.uint8),
    )


def _add_notes(track: core.TrackTick, notes: list, to_ticks: _Clock) -> None:
    """Adds one instrument's notes."""
    start = to_ticks([note.start_time for note in notes])
    end = to_ticks([note.end_time for note in notes])
    track.notes = core.NoteTickList.from_numpy(
        start,
        np.maximum(end - start, 1),
        np.array([note.pitch for note in notes], np.int8),
        np.array([note.velocity for note in notes], np.int8),
    )
