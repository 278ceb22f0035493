"""NoteSequences to MIDI files (type 1), written by symusic.

Kept: notes with velocities, programs and drums, tempo changes, time and key signatures, control
changes, pitch bends, instrument names. Times are rounded to ticks (ticks_per_quarter, 480 where the
sequence has none), tempos to whole microseconds a quarter note.
"""

import collections
import os
from collections.abc import Callable, Iterable

import numpy as np
from symusic import core

from tfmusicgan.errors import ConversionError
from tfmusicgan.files import replacing
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.transforms import seconds_to_quarters

_ToTicks = Callable[[list[float]], np.ndarray]  # Seconds to int32 ticks.

_TICKS_PER_QUARTER = 480
_MAX_TICKS_PER_QUARTER = 0x7FFF
_MAX_MICROSECONDS = 2**24 - 1


def write_midi(sequence: NoteSequence, path: str | os.PathLike) -> None:
    """Writes a MIDI file, whole or not at all: to a temporary name, then renamed.

    Args:
      sequence: See `to_midi_bytes`.
      path: Replaced if it is there.

    Raises:
      ConversionError: If the sequence has notes that MIDI cannot hold.
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
      ConversionError: If a note's pitch, velocity or program is not within 0 to 127, or it ends
        before it starts; reason `"not_midi_range"`.
    """
    ticks_per_quarter = sequence.ticks_per_quarter or _TICKS_PER_QUARTER
    ticks_per_quarter = min(max(ticks_per_quarter, 1), _MAX_TICKS_PER_QUARTER)

    def to_ticks(seconds: list[float]) -> np.ndarray:
        quarters = seconds_to_quarters(sequence, np.array(seconds, np.float64))
        return np.maximum(np.rint(quarters * ticks_per_quarter), 0).astype(np.int32)

    _check_notes(sequence.notes)
    score = core.ScoreTick(ticks_per_quarter)
    _add_meta_events(score, sequence, to_ticks)
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
        score.tracks.append(track)
    return score.dumps_midi()


def _check_notes(notes: Iterable[NoteSequence.Note]) -> None:
    """Refuses notes with numbers that have no place in MIDI."""
    for note in notes:
        in_range = all(0 <= value <= 127 for value in (note.pitch, note.velocity, note.program))
        if not in_range or note.end_time < note.start_time:
            raise ConversionError(
                f"Expected pitch, velocity and program from 0 to 127 and an end after the start. "
                f"Received pitch {note.pitch}, velocity {note.velocity}, program {note.program}, "
                f"{note.start_time:.3f} to {note.end_time:.3f} s.",
                "not_midi_range",
            )


def _by_instrument(sequence: NoteSequence) -> dict[tuple[int, int, bool], dict[str, list]]:
    """Events of each (instrument, program, drum flag), by the field they come from."""
    grouped: dict = collections.defaultdict(lambda: collections.defaultdict(list))
    for field in ("notes", "control_changes", "pitch_bends"):
        for event in getattr(sequence, field):
            grouped[event.instrument, event.program, event.is_drum][field].append(event)
    return grouped


def _add_meta_events(score: core.ScoreTick, sequence: NoteSequence, to_ticks: _ToTicks) -> None:
    """Adds tempos, time signatures and key signatures."""
    tempos = [tempo for tempo in sequence.tempos if tempo.qpm > 0]
    micros = [min(max(round(6e7 / tempo.qpm), 1), _MAX_MICROSECONDS) for tempo in tempos]
    score.tempos = core.TempoTickList.from_numpy(
        to_ticks([tempo.time for tempo in tempos]), np.array(micros, np.int32)
    )
    meters = sequence.time_signatures
    score.time_signatures = core.TimeSignatureTickList.from_numpy(
        to_ticks([meter.time for meter in meters]),
        np.array([meter.numerator for meter in meters], np.uint8),
        np.array([meter.denominator for meter in meters], np.uint8),
    )
    keys = sequence.key_signatures
    is_minor = [key.mode == NoteSequence.KeySignature.MINOR for key in keys]
    tonics = [key.key + 3 * minor for key, minor in zip(keys, is_minor, strict=True)]
    score.key_signatures = core.KeySignatureTickList.from_numpy(
        to_ticks([key.time for key in keys]),
        # Sharps from -5 to 6 of the major key with the same signature.
        np.array([(7 * tonic + 5) % 12 - 5 for tonic in tonics], np.int8),
        np.array(is_minor, np.uint8),
    )


def _add_notes(track: core.TrackTick, notes: list, to_ticks: _ToTicks) -> None:
    """Adds one instrument's notes."""
    start = to_ticks([note.start_time for note in notes])
    end = to_ticks([note.end_time for note in notes])
    track.notes = core.NoteTickList.from_numpy(
        start,
        np.maximum(end - start, 1),
        np.array([note.pitch for note in notes], np.int8),
        np.array([note.velocity for note in notes], np.int8),
    )
