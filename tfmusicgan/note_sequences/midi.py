"""MIDI files (types 0 and 1) to NoteSequences, parsed by symusic, and back.

Notes, their programs and drum flags, how they are grouped into instruments, and the instruments'
numbers are those of `note_seq.midi_file_to_note_sequence` (pretty_midi). symusic pairs note-ons
with note-offs first in, first out, and gives a note the program of its start; pretty_midi doesn't.
`midi_tracks.py` takes symusic's arrays where that makes no difference, which is nearly everywhere,
and has the other tracks walked event by event (`midi_events.py`). The rules are pretty_midi's:

* One instrument per (track, channel, program), numbered by track and then by which of its notes
  ends first; the program is the one at the note's end.
* Overlapping notes of one pitch and channel: a note-off ends all that began earlier. (First in,
  first out, one missing note-off would stretch every later note of that pitch.)
* Notes that are never ended, and notes of length zero, are left out.

Choices where the readers differ:

* Tempo, time signature and key signature events count in whatever track they stand; pretty_midi
  reads the first track only, although many programs leave that empty, and then plays the file at
  120 quarter notes a minute. At one tick the first track's word counts, and its last one.
* Control changes and pitch bends before a channel's first note go to each of its instruments. (In
  pretty_midi these then share one list, so that later events of one appear in the others as well.)
* A track's name counts wherever it stands in the track.
* Key signatures that are none (more than seven accidentals, a mode that is neither major nor minor)
  and time signatures without a numerator are left out; note_seq refuses the whole file.

Without a tempo at the start it is 120 quarter notes a minute, without a time signature 4/4: the
standard's defaults, which are written into the NoteSequence.

Source: Standard MIDI Files 1.0 (RP-001); symusic 0.6.0; pretty_midi 0.2.11.
"""

import itertools
import os
import pathlib

import numpy as np

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import midi_chunks, wire
from tfmusicgan.note_sequences.midi_events import Instrument
from tfmusicgan.note_sequences.midi_tracks import MetaEvents, Track, read_track
from tfmusicgan.note_sequences.midi_writer import to_midi_bytes, write_midi
from tfmusicgan.note_sequences.normalise import check_length
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.tempo_map import TempoMap

__all__ = ["read_midi", "to_midi_bytes", "write_midi"]

_CONTROL_FIELDS = {"number": "control_number", "value": "control_value"}
_BEND_FIELDS = {"value": "bend"}
_DEFAULT_MICROSECONDS = 500_000  # A quarter note at 120 a minute.


def read_midi(source: str | os.PathLike | bytes, name: str = "") -> NoteSequence:
    """Reads one MIDI file.

    Args:
      source: A path, or the file's contents.
      name: What messages call the file; its path by default.

    Returns:
      A NoteSequence with ticks_per_quarter, tempos, time and key signatures, instrument_infos
      (track names), notes sorted by (start, pitch, instrument, end), control changes, pitch bends,
      total_time (the last note's end, seconds) and source_info.encoding_type. The parser is not
      named there: the field's list has no entry for symusic.

    Raises:
      ReadError: With reason `"unreadable_file"`, `"empty_file"`, `"too_large"`, `"not_midi"`,
        `"truncated_midi"`, `"midi_type_2"`, `"bad_time_division"`, `"unreadable_midi"`,
        `"bad_tempo"`, `"too_long"`, `"too_many_events"` or `"no_notes"`.
    """
    if isinstance(source, bytes):
        data, name = source, name or "MIDI bytes"
    else:
        name = name or os.fspath(source)
        data = _read_bytes(pathlib.Path(source), name)
    chunks = midi_chunks.split_chunks(data, name)
    metas: list[MetaEvents] = []
    instruments: list[Instrument] = []
    numbers = np.zeros(3, np.int64)
    for events in chunks.tracks:
        track = read_track(events, chunks.ticks_per_quarter, name)
        metas.append(track.meta)
        instruments.extend(track.instruments)
        numbers += _num_events(track)
        _check_numbers(*numbers.tolist(), name)
    if not instruments:
        raise ReadError(f"Expected notes. Received a MIDI file without any: {name}.", "no_notes")
    clock = _tempo_map(metas, chunks.ticks_per_quarter, name)
    sequence = NoteSequence(ticks_per_quarter=chunks.ticks_per_quarter)
    sequence.source_info.encoding_type = NoteSequence.SourceInfo.MIDI
    _add_meta_events(sequence, metas, clock)
    _add_notes(sequence, instruments, clock)
    last_tick = max(int(instrument.end.max()) for instrument in instruments)
    check_length(last_tick / chunks.ticks_per_quarter, sequence.total_time, name)
    _add_events(sequence, instruments, clock)
    for number, instrument in enumerate(instruments):
        if instrument.name:
            sequence.instrument_infos.add(instrument=number, name=instrument.name)
    return sequence


def _read_bytes(path: pathlib.Path, name: str) -> bytes:
    """Reads a file, but not one that is too large to be parsed."""
    try:
        with path.open("rb") as file:
            # One byte more than is allowed, so that split_chunks sees that it is too large.
            return file.read(midi_chunks.MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ReadError(
            f"Expected a readable file. Received {error.strerror}: {name}.", "unreadable_file"
        ) from error


def _tempo_map(metas: list[MetaEvents], ticks_per_quarter: int, name: str) -> TempoMap:
    events = _merge([meta.tempos for meta in metas])
    if not events or events[0][0] > 0:
        events.insert(0, (0, _DEFAULT_MICROSECONDS))
    if min(micros for _, micros in events) < 1:
        raise ReadError(
            f"Expected a tempo of at least 1 microsecond a quarter note. Received 0 in {name}.",
            "bad_tempo",
        )
    # Repetitions are left out, as pretty_midi does: programs restate the tempo often.
    kept = [events[0]]
    kept += [new for old, new in itertools.pairwise(events) if new[1] != old[1]]
    ticks = np.array([tick for tick, _ in kept], np.int64)
    micros = np.array([micros for _, micros in kept], np.float64)
    return TempoMap(ticks, 6e7 / micros, ticks_per_quarter)


def _merge(tracks: list[list[tuple[int, ...]]]) -> list[tuple[int, ...]]:
    """Merges (tick, ...) events of tracks; of one tick the first track's last event stays."""
    by_tick: dict[int, tuple[int, ...]] = {}
    for events in reversed(tracks):
        for event in events:
            by_tick[event[0]] = event
    return [by_tick[tick] for tick in sorted(by_tick)]


def _num_events(track: Track) -> tuple[int, int, int]:
    """Numbers of notes, of control changes and pitch bends, and of meta events."""
    return (
        sum(len(i.pitch) for i in track.instruments),
        sum(len(i.controls["time"]) + len(i.bends["time"]) for i in track.instruments),
        len(track.meta.tempos) + len(track.meta.time_signatures) + len(track.meta.key_signatures),
    )


def _check_numbers(num_notes: int, num_controls: int, num_meta: int, name: str) -> None:
    """Refuses files with more events than any music has."""
    if max(num_notes, num_controls) > midi_chunks.MAX_NOTES:
        raise ReadError(
            f"Expected at most {midi_chunks.MAX_NOTES} notes, and as many control changes and "
            f"pitch bends. Received {num_notes} and {num_controls} in {name}.",
            "too_many_events",
        )
    if num_meta > midi_chunks.MAX_META_EVENTS:
        raise ReadError(
            f"Expected at most {midi_chunks.MAX_META_EVENTS} tempo changes and signatures. "
            f"Received {num_meta} in {name}.",
            "too_many_events",
        )


def _add_meta_events(sequence: NoteSequence, metas: list[MetaEvents], clock: TempoMap) -> None:
    """Writes tempos, time signatures and key signatures."""
    for seconds, qpm in zip(clock.seconds.tolist(), clock.qpm.tolist(), strict=True):
        sequence.tempos.add(time=seconds, qpm=qpm)
    meters = _merge([meta.time_signatures for meta in metas])
    if not meters or meters[0][0] > 0:
        meters.insert(0, (0, 4, 4))
    for tick, numerator, denominator in meters:
        seconds = float(clock.to_seconds(np.array([tick]))[0])
        sequence.time_signatures.add(time=seconds, numerator=numerator, denominator=denominator)
    for tick, sharps, is_minor in _merge([meta.key_signatures for meta in metas]):
        seconds = float(clock.to_seconds(np.array([tick]))[0])
        signature = NoteSequence.KeySignature
        sequence.key_signatures.add(
            time=seconds,
            # Each sharp is a fifth up from C; a minor key's tonic lies three semitones lower.
            key=(7 * sharps - 3 * is_minor) % 12,
            mode=signature.MINOR if is_minor else signature.MAJOR,
        )


def _add_notes(sequence: NoteSequence, instruments: list[Instrument], clock: TempoMap) -> None:
    """Writes all notes, sorted by (start, pitch, instrument, end), and the total time."""
    sizes = [len(instrument.pitch) for instrument in instruments]
    start = np.concatenate([instrument.start for instrument in instruments])
    end = np.concatenate([instrument.end for instrument in instruments])
    pitch = np.concatenate([instrument.pitch for instrument in instruments])
    velocity = np.concatenate([instrument.velocity for instrument in instruments])
    number = np.repeat(np.arange(len(instruments)), sizes)
    order = np.lexsort((velocity, end, number, pitch, start))
    number = number[order]
    end_seconds = clock.to_seconds(end[order])
    columns = {
        "pitch": pitch[order],
        "velocity": velocity[order],
        "start_time": clock.to_seconds(start[order]),
        "end_time": end_seconds,
        "instrument": number,
        "program": np.array([i.program for i in instruments], np.uint8)[number],
        "is_drum": np.array([i.is_drum for i in instruments])[number],
    }
    wire.add_notes(sequence, columns)
    sequence.total_time = float(end_seconds.max())


def _add_events(sequence: NoteSequence, instruments: list[Instrument], clock: TempoMap) -> None:
    """Writes control changes and pitch bends, instrument by instrument, in file order."""
    for kind, fields, add in (
        ("controls", _CONTROL_FIELDS, wire.add_control_changes),
        ("bends", _BEND_FIELDS, wire.add_pitch_bends),
    ):
        events = [getattr(instrument, kind) for instrument in instruments]
        sizes = [len(event["time"]) for event in events]
        if not sum(sizes):
            continue
        number = np.repeat(np.arange(len(instruments)), sizes)
        ticks = np.concatenate([event["time"] for event in events]).astype(np.int64)
        columns = {"time": clock.to_seconds(ticks)}
        for source, target in fields.items():
            columns[target] = np.concatenate([event[source] for event in events])
        columns["instrument"] = number
        columns["program"] = np.array([i.program for i in instruments])[number]
        columns["is_drum"] = np.array([i.is_drum for i in instruments])[number]
        add(sequence, columns)
