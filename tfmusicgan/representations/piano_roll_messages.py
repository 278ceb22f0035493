"""Batches of multi-track piano-rolls to NoteSequences, the NumPy half."""

import typing

import numpy as np

from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.piano_roll_grid import find_runs
from tfmusicgan.representations.score_header import check_qpm, score_header
from tfmusicgan.representations.tracks import by_part

if typing.TYPE_CHECKING:
    from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll

VELOCITY = 100


def hit_cells(representation: "MultitrackPianoRoll") -> np.ndarray:
    """Bool [num_pitches * tracks]: cells where every one is a note of its own (drum onsets)."""
    hits = [track.is_drum and representation.drum_onsets_only for track in representation.tracks]
    return np.tile(np.array(hits), representation.num_pitches)


def decode_batch(
    piano_rolls: np.ndarray, representation: "MultitrackPianoRoll", qpm: float = 120.0
) -> list[NoteSequence]:
    """Builds the NoteSequences of several phrases, or of longer pieces of equal length.

    Every run of ones is a note, over bar lines too, also where one phrase follows another; in drum
    tracks of onsets every one is a note of one step. Notes are sorted by start, pitch and track,
    and have velocity 100, the track's program and drum flag, and the track's index as instrument
    (and part, for tracks by part).

    Args:
      piano_rolls: bool [pieces, bars, steps_per_bar, num_pitches, tracks], of one bar at least.
      representation: Gives the grid and the tracks.
      qpm: Tempo in quarter notes per minute, 4 to 1,000.

    Returns:
      One valid NoteSequence per piece: ticks_per_quarter, one tempo, one time signature, and a
      total_time of all its bars, silence at its end included.

    Raises:
      ConversionError: If the array's shape or dtype is not that of the representation.
      ConfigError: If `qpm` is out of range.
    """
    bar = representation.spec["piano_roll"].shape[1:]
    shape = piano_rolls.shape[1:]
    if shape[1:] != bar or not shape[0] or piano_rolls.dtype != bool:
        raise ConversionError(
            f"Expected piano-rolls of bool [bars, {', '.join(map(str, bar))}], of one bar at "
            f"least. Received: {piano_rolls.dtype} {list(shape)}.",
            reason="bad_shape",
        )
    num_steps = shape[0] * representation.steps_per_bar
    header = _header(representation, qpm, num_steps)
    tracks, hits = representation.tracks, hit_cells(representation)
    grids = piano_rolls.reshape(len(piano_rolls), num_steps, len(hits))
    runs = find_runs(grids, hits)
    sequences = []
    for _ in range(len(piano_rolls)):
        sequences.append(NoteSequence())
        sequences[-1].CopyFrom(header)
    pitch, track = np.divmod(runs.cell, representation.num_tracks)
    parts = by_part(tracks)
    rows = zip(
        runs.row.tolist(),
        step_seconds(runs.start, representation, qpm).tolist(),
        step_seconds(runs.end, representation, qpm).tolist(),
        (pitch + representation.lowest_pitch).tolist(),
        track.tolist(),
        strict=True,
    )
    for row, start, end, midi_pitch, index in rows:
        sequences[row].notes.add(
            pitch=midi_pitch,
            velocity=VELOCITY,
            start_time=start,
            end_time=end,
            instrument=index,
            program=tracks[index].program,
            is_drum=tracks[index].is_drum,
            part=tracks[index].part if parts else 0,
        )
    return sequences


def step_seconds(
    steps: np.ndarray, representation: "MultitrackPianoRoll", qpm: float
) -> np.ndarray:
    """Beginnings of steps in seconds, float64; the graph half uses the same operations in order."""
    return steps * 60.0 / (qpm * representation.steps_per_beat)


def _header(representation: "MultitrackPianoRoll", qpm: float, num_steps: int) -> NoteSequence:
    """All of a NoteSequence but its notes.

    Raises:
      ConfigError: If `qpm` is out of range.
    """
    check_qpm(qpm)
    header = constant_header(representation)
    header.tempos.add(qpm=qpm)
    header.total_time = float(step_seconds(np.float64(num_steps), representation, qpm))
    return header


def constant_header(representation: "MultitrackPianoRoll") -> NoteSequence:
    """What the NoteSequences of a representation share: all but notes, tempo and total_time."""
    rep = representation
    names = [track.name for track in rep.tracks]
    header = score_header(rep.steps_per_beat, rep.beats_per_bar, names)
    for track in rep.tracks:
        if track.part is not None:
            header.part_infos.add(part=track.part, name=track.name)
    return header
