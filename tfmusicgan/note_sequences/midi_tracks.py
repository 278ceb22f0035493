"""One MIDI track's events through symusic, grouped and ended as pretty_midi does.

`midi.py` says which rules hold; this module is how. A track is parsed alone, as a file of its own,
because symusic's scores don't say which track an instrument came from.
"""

import dataclasses
import re

import numpy as np
from symusic import core

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import midi_chunks
from tfmusicgan.note_sequences.midi_events import Instrument, copied_events, walk_track

_LARGE_TRACK_BYTES = 64 * 1024
"""From this size on a track is walked in Python first, to know what parsing it would take: symusic,
like pretty_midi, copies a channel's early control changes and bends to each of its programs."""

_MARK = "the notes end here"
# Behind the track's last event: the mark, then one tick later note-offs for every pitch.
_MARK_EVENTS = b"\xff\x06" + bytes([len(_MARK)]) + _MARK.encode() + b"\x01\xff\x01\x00"
_NOTE_OFFS = tuple(
    b"\x00" + bytes([0x80 | channel]) + b"\x00".join(bytes([pitch, 0]) for pitch in range(128))
    for channel in range(16)
)
_PROGRAM_CHANGE = re.compile(rb"[\xc0-\xcf][\x00-\x7f]")
_END_OF_TRACK = b"\x00\xff\x2f\x00"


@dataclasses.dataclass(frozen=True)
class MetaEvents:
    """A track's events that concern the whole piece.

    Attributes:
      tempos: (tick, microseconds a quarter note).
      time_signatures: (tick, numerator, denominator).
      key_signatures: (tick, sharps from -7 to 7, 1 for minor or 0).
    """

    tempos: list[tuple[int, int]]
    time_signatures: list[tuple[int, int, int]]
    key_signatures: list[tuple[int, int, int]]


@dataclasses.dataclass(frozen=True)
class Track:
    """What one MTrk chunk holds; only instruments with notes, in pretty_midi's order."""

    instruments: list[Instrument]
    meta: MetaEvents


def read_track(track: bytes, ticks_per_quarter: int, name: str) -> Track:
    """Parses one track.

    Args:
      track: Event bytes of an MTrk chunk.
      ticks_per_quarter: The file's time division.
      name: The file's name, for messages.

    Returns:
      Its instruments and the events that concern the whole piece.

    Raises:
      ReadError: With reason `"unreadable_midi"` or `"too_many_events"`.
    """
    if len(track) > _LARGE_TRACK_BYTES:
        _check_large_track(track, name)
    score, end_tick = _parse(track, ticks_per_quarter, name)
    parts = [part for part in score.tracks if part.note_num()]
    if not parts:
        return Track(instruments=[], meta=_meta_events(score))
    title = _track_name(parts[0].name, track)
    instruments = None
    if len(parts) == 1 and end_tick is not None and _keeps_program(track, parts[0].program):
        instruments = _instruments_by_arrays(parts[0], title, end_tick)
    if instruments is None:
        instruments = walk_track(track, title, name)
    return Track(instruments=instruments, meta=_meta_events(score))


def _parse(track: bytes, ticks_per_quarter: int, name: str) -> tuple[core.ScoreTick, int | None]:
    """Parses a track with note-offs added behind its end.

    Returns:
      The score and the tick of the added note-offs; None in place of the tick for a track without
      a proper end, which is parsed as it is.
    """
    if midi_chunks.ends_properly(track):
        # A channel that sounds has its status byte somewhere; others may be taken for one too.
        offs = b"".join(off for c, off in enumerate(_NOTE_OFFS) if bytes([0x90 | c]) in track)
        marked = midi_chunks.without_end(track) + _MARK_EVENTS + offs + _END_OF_TRACK
        score = _from_midi(midi_chunks.single_track_file(ticks_per_quarter, marked), name)
        ticks = [marker.time for marker in score.markers if marker.text == _MARK]
        if len(ticks) == 1:
            return score, ticks[0] + 1
    return _from_midi(midi_chunks.single_track_file(ticks_per_quarter, track), name), None


def _from_midi(data: bytes, name: str) -> core.ScoreTick:
    try:
        return core.ScoreTick.from_midi(data)
    except (RuntimeError, ValueError, IndexError, MemoryError) as error:
        reason = " ".join(str(error).split()).removesuffix(": iostream error")
        raise ReadError(
            f"Expected MIDI events. Received bytes that symusic cannot parse ({reason}): {name}.",
            "unreadable_midi",
        ) from error


def _keeps_program(track: bytes, program: int) -> bool:
    """Whether `program` is surely the only one in a track: pairs that look like program changes."""
    changes = set(_PROGRAM_CHANGE.findall(track))
    return not changes - {bytes([0xC0 | channel, program]) for channel in range(16)} and (
        program == 0 or len(changes) > 0
    )


def _instruments_by_arrays(
    part: core.TrackTick, title: str, end_tick: int
) -> list[Instrument] | None:
    """A track's only instrument from symusic's arrays.

    Args:
      part: The instrument, with notes.
      title: The track's name.
      end_tick: Where the notes that are never ended end.

    Returns:
      No instrument if none of its notes is ended, else one; None if notes of one pitch overlap or
      have no length, where first in, first out is not pretty_midi's rule.
    """
    notes = part.notes.numpy()
    start = notes["time"].astype(np.int64)
    end = start + notes["duration"]
    pitch = notes["pitch"]
    order = np.argsort(pitch, kind="stable")  # symusic's notes are in the order of their starts.
    later, earlier = order[1:], order[:-1]
    overlaps = (pitch[later] == pitch[earlier]) & (start[later] < end[earlier])
    # symusic counts ticks in 32 bits and starts again at the negative end; the walk doesn't.
    if overlaps.any() or (end <= start).any() or start[0] < 0:
        return None
    ended = slice(None)
    if end.max() >= end_tick:
        ended = end < end_tick
        if not ended.any():
            return []
    instrument = Instrument(
        name=title,
        program=part.program,
        is_drum=part.is_drum,
        start=start[ended],
        end=end[ended],
        pitch=pitch[ended],
        velocity=notes["velocity"][ended],
        controls=part.controls.numpy(),
        bends=part.pitch_bends.numpy(),
    )
    return [instrument]


def _track_name(text: str, track: bytes) -> str:
    """A track's name; what is not UTF-8 is read as Latin-1, as pretty_midi reads all names."""
    if "\ufffd" not in text:
        return text
    position = track.find(b"\xff\x03")
    while position >= 0:
        size = track[position + 2 : position + 3]
        raw = track[position + 3 : position + 3 + size[0]] if size else b""
        if raw.decode("utf-8", "replace") == text:
            return raw.decode("latin-1")
        position = track.find(b"\xff\x03", position + 1)
    return text


def _meta_events(score: core.ScoreTick) -> MetaEvents:
    """Tempo, time and key signature events, without those that mean nothing."""
    return MetaEvents(
        tempos=_rows(score.tempos, "time", "mspq"),
        time_signatures=[
            (tick, numerator, denominator)
            for tick, numerator, denominator in _rows(
                score.time_signatures, "time", "numerator", "denominator"
            )
            if numerator and denominator
        ],
        key_signatures=[
            (tick, sharps, mode)
            for tick, sharps, mode in _rows(score.key_signatures, "time", "key", "tonality")
            if -7 <= sharps <= 7 and mode in (0, 1)
        ],
    )


def _rows(events, *names: str) -> list[tuple[int, ...]]:
    """A symusic list's arrays as tuples of Python numbers, without negative ticks."""
    if not len(events):
        return []
    columns = events.numpy()
    rows = zip(*(columns[name].tolist() for name in names), strict=True)
    return [row for row in rows if row[0] >= 0]


def _check_large_track(track: bytes, name: str) -> None:
    """Refuses a track whose parsing would take memory out of proportion to its size."""
    num_notes, num_copied = copied_events(track)
    if num_notes > midi_chunks.MAX_NOTES or num_copied > midi_chunks.MAX_NOTES:
        raise ReadError(
            f"Expected at most {midi_chunks.MAX_NOTES} notes, and as many control changes times "
            f"programs, in a track. Received {num_notes} and {num_copied} in {name}.",
            "too_many_events",
        )
