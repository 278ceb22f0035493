"""One MIDI track's events through symusic, grouped and ended as pretty_midi does.

`midi.py` says which rules hold; this module is how. A track is parsed alone, as a file of its own,
because symusic's scores don't say which track an instrument came from.
"""

import dataclasses

import numpy as np
from symusic import core

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import midi_chunks

_LARGE_TRACK_BYTES = 256 * 1024
"""From this size on a track is walked in Python first, to know what parsing it would take."""

_MAX_COPIED_EVENTS = 8_000_000
"""symusic copies a channel's early control changes and bends to each of its programs."""

_MARK = "the notes end here"
# Behind the track's last event: the mark, then one tick later note-offs for every pitch.
_MARK_EVENTS = b"\xff\x06" + bytes([len(_MARK)]) + _MARK.encode() + b"\x01\xff\x01\x00"
_NOTE_OFFS = tuple(
    b"\x00" + bytes([0x80 | channel]) + b"\x00".join(bytes([pitch, 0]) for pitch in range(128))
    for channel in range(16)
)
_END_OF_TRACK = b"\x00\xff\x2f\x00"


@dataclasses.dataclass(frozen=True)
class Instrument:
    """The notes of one (track, channel, program); times in ticks.

    Attributes:
      name: The track's name, or "".
      program: 0 to 127.
      is_drum: Whether it plays on MIDI channel 10.
      start, end: [notes] int64 ticks.
      pitch, velocity: [notes] int8, 0 to 127.
      controls: Arrays `time`, `number`, `value`, each [control changes].
      bends: Arrays `time`, `value` (-8192 to 8191), each [pitch bends].
    """

    name: str
    program: int
    is_drum: bool
    start: np.ndarray
    end: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    controls: dict[str, np.ndarray]
    bends: dict[str, np.ndarray]


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
      ReadError: With reason `"unreadable_midi"`, `"too_long"` or `"too_many_events"`.
    """
    if len(track) > _LARGE_TRACK_BYTES:
        _check_large_track(track, name)
    score, end_tick = _parse(track, ticks_per_quarter, name)
    instruments = []
    for part in score.tracks:
        instrument = _instrument(part, track, end_tick, name)
        if len(instrument.pitch):
            instruments.append(instrument)
    if len(instruments) > 1:
        instruments = _in_order_of_first_end(instruments, track)
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


def _instrument(part: core.TrackTick, track: bytes, end_tick: int | None, name: str) -> Instrument:
    """Makes an instrument of symusic's arrays, with pretty_midi's note ends."""
    notes = part.notes.numpy()
    start = notes["time"].astype(np.int64)
    end = start + notes["duration"]
    if start.size and (int(start.min()) < 0 or int(end.min()) < 0):
        # symusic counts ticks in 32 bits and starts again at the negative end.
        raise ReadError(f"Expected at most 2**31 ticks. Received more in {name}.", "too_long")
    pitch = notes["pitch"]
    keep = end > start
    end = _first_end_after_start(start, end, pitch)
    if end_tick is not None:
        keep &= end < end_tick
    return Instrument(
        name=_track_name(part.name, track),
        program=part.program,
        is_drum=part.is_drum,
        start=start[keep],
        end=end[keep],
        pitch=pitch[keep],
        velocity=notes["velocity"][keep],
        controls=part.controls.numpy(),
        bends=part.pitch_bends.numpy(),
    )


def _first_end_after_start(start: np.ndarray, end: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """[notes] ends: for each note the first end of its pitch that comes after its start."""
    span = int(end.max(initial=0)) + 1
    base = pitch.astype(np.int64) * span
    ends = np.sort(base + end)
    # A note that ends where it starts may have no later end; those are left out afterwards.
    index = np.minimum(np.searchsorted(ends, base + start, side="right"), max(len(ends) - 1, 0))
    return ends[index] - base if len(ends) else end


def _in_order_of_first_end(instruments: list[Instrument], track: bytes) -> list[Instrument]:
    """Sorts a track's instruments by which of their notes ends first.

    Args:
      instruments: In symusic's order: by channel, then by program.
      track: The track's event bytes, walked if two instruments have their first end at one tick.

    Returns:
      The same instruments in pretty_midi's order.
    """
    first_ends = [int(instrument.end.min()) for instrument in instruments]
    if len(set(first_ends)) == len(first_ends):
        return [instruments[i] for i in np.argsort(first_ends)]
    found = _first_ends(track, len(instruments))
    if len(found) < len(instruments):
        return [instruments[i] for i in np.argsort(first_ends, kind="stable")]
    ranks = {key: rank for rank, key in enumerate(sorted(found))}
    return [instruments[ranks[key]] for key in found]


def _first_ends(track: bytes, num_instruments: int) -> list[tuple[int, int]]:
    """(channel, program) pairs in the order in which one of their notes ends for the first time."""
    programs = [0] * 16
    sounding: dict[tuple[int, int], int] = {}
    found: dict[tuple[int, int], None] = {}
    for tick, status, first, second in midi_chunks.scan_channel_events(track):
        kind, channel = status & 0xF0, status & 0x0F
        if kind == 0xC0:
            programs[channel] = first
        elif kind == 0x90 and second:
            sounding.setdefault((channel, first), tick)
        elif kind in (0x80, 0x90) and sounding.pop((channel, first), tick) < tick:
            found[channel, programs[channel]] = None
            if len(found) == num_instruments:
                break
    return list(found)


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
    tempos = score.tempos.numpy()
    meters = score.time_signatures.numpy()
    keys = score.key_signatures.numpy()
    return MetaEvents(
        tempos=_rows(tempos["time"], tempos["mspq"]),
        time_signatures=[
            (tick, numerator, denominator)
            for tick, numerator, denominator in _rows(
                meters["time"], meters["numerator"], meters["denominator"]
            )
            if numerator and denominator
        ],
        key_signatures=[
            (tick, sharps, mode)
            for tick, sharps, mode in _rows(keys["time"], keys["key"], keys["tonality"])
            if -7 <= sharps <= 7 and mode in (0, 1)
        ],
    )


def _rows(*columns: np.ndarray) -> list[tuple[int, ...]]:
    """Rows of arrays of one length as tuples of Python numbers, without negative ticks."""
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [row for row in rows if row[0] >= 0]


def _check_large_track(track: bytes, name: str) -> None:
    """Refuses a track whose parsing would take memory out of proportion to its size."""
    num_notes = 0
    early_events = [0] * 16
    programs: list[set[int]] = [{0} for _ in range(16)]
    for _, status, first, second in midi_chunks.scan_channel_events(track):
        kind, channel = status & 0xF0, status & 0x0F
        if kind == 0x90 and second:
            num_notes += 1
        elif kind == 0xC0:
            programs[channel].add(first)
        elif kind in (0xB0, 0xE0):
            early_events[channel] += 1
    copied = sum(n * len(p) for n, p in zip(early_events, programs, strict=True))
    if num_notes > midi_chunks.MAX_NOTES or copied > _MAX_COPIED_EVENTS:
        raise ReadError(
            f"Expected at most {midi_chunks.MAX_NOTES} notes and {_MAX_COPIED_EVENTS} control "
            f"changes times programs in a track. Received {num_notes} and {copied} in {name}.",
            "too_many_events",
        )
