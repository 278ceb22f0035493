"""Pypianoroll's .npz files, as in the Lakh Pianoroll Dataset (LPD), to NoteSequences.

A file holds, for every track k from 0 on, a matrix [steps, 128 pitches] of velocities (or of
booleans) as `scipy.sparse.csc_matrix` stores it: `pianoroll_<k>_csc_data`, `_csc_indices` (steps),
`_csc_indptr` (per pitch) and `_csc_shape`; `tempo` (quarter notes a minute at every step) and
`downbeat` (true where a bar begins), each of which may be missing; and `info.json` with the name,
the steps of a beat (`resolution`, before release 1.0 `beat_resolution`) and every track's program,
drum flag and name.

* A run of steps of one pitch is a note. Its velocity is the run's mean, as pypianoroll plays it;
  100 where the matrix is of booleans. (LPD leaves a step of silence between repeated notes.)
* Tempos are rounded to a thousandth: what differs by less is one tempo with the noise of division.
  Pypianoroll's reader of MIDI writes the tempos of a piece's beats one after the other, 24 times
  over, where each is meant 24 times on end; such an array is read as it is meant.
* Bars are what lies between two downbeats, in quarter notes. Pypianoroll marks none after a piece's
  last change of meter, and so only the first step of a piece of one meter, such as all of LPD's
  cleansed part: from the last downbeat on, bars are as long as the one before it, and of four beats
  if there is none.
* A beat is taken for a quarter note, as it is in 4/4. (In 6/8 pypianoroll's beats are dotted.)

Source: github.com/salu133445/pypianoroll, `inputs.py` and `outputs.py` of release 1.0.4 and
`multitrack.py` of 0.5.3; salu133445.github.io/lakh-pianoroll-dataset.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import midi_chunks, wire
from tfmusicgan.note_sequences.normalise import check_length
from tfmusicgan.note_sequences.npz_file import NpzFile
from tfmusicgan.note_sequences.pianoroll_times import meters, not_pianoroll, tempo_map, too_many
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.tempo_map import TempoMap

MAX_TRACKS = 1024
"""Tracks in one file."""

MAX_RESOLUTION = 32_767
"""Steps in a beat: as many as MIDI can tell."""

_NUM_PITCHES = 128
_BINARY_VELOCITY = 100


def read_pianoroll_npz(path: str | os.PathLike, name: str = "") -> NoteSequence:
    """Reads one file that `pypianoroll.save` wrote.

    Args:
      path: The file.
      name: What messages call it; its path by default.

    Returns:
      A NoteSequence with ticks_per_quarter (the steps of a beat), tempos, time signatures,
      instrument_infos (track names), notes sorted by (start, pitch, instrument, end), one
      instrument per track, and total_time (the last note's end, seconds).

    Raises:
      ReadError: With reason `"unreadable_file"`, `"empty_file"`, `"too_large"`, `"not_npz"`,
        `"not_pianoroll"` (an .npz of something else, or one that contradicts itself), `"too_long"`,
        `"too_many_events"` or `"no_notes"`.
    """
    name = name or os.fspath(path)
    file = NpzFile(path, name)
    info = _read_info(file)
    resolution = _number(info, ("resolution", "beat_resolution"), 1, MAX_RESOLUTION, name)
    tracks, num_notes = [], 0
    while (index := len(tracks)) < MAX_TRACKS and str(index) in info:
        tracks.append(_read_track(file, info[str(index)], index))
        num_notes += len(tracks[-1]["pitch"])
        if num_notes > midi_chunks.MAX_NOTES:
            raise too_many(f"{midi_chunks.MAX_NOTES} notes", name)
    tempo, downbeat = (_read_line(file, member) for member in ("tempo", "downbeat"))
    notes = {key: np.concatenate([track[key] for track in tracks]) for key in tracks[0]}
    if not num_notes:
        raise ReadError(f"Expected notes. Received a piano-roll without any: {name}.", "no_notes")
    sequence = NoteSequence(ticks_per_quarter=resolution)
    clock = tempo_map(tempo, resolution, name)
    for seconds, qpm in zip(clock.seconds.tolist(), clock.qpm.tolist(), strict=True):
        sequence.tempos.add(time=seconds, qpm=qpm)
    last_step = int(notes["end"].max())
    for step, numerator, denominator in meters(downbeat, resolution, name):
        seconds = float(clock.to_seconds(np.array(step)))
        sequence.time_signatures.add(time=seconds, numerator=numerator, denominator=denominator)
    seconds = float(clock.to_seconds(np.array(last_step)))
    check_length(last_step / resolution, seconds, name)
    _add_notes(sequence, notes, clock)
    sequence.total_time = seconds
    for index in range(len(tracks)):
        if title := info[str(index)].get("name"):
            # JSON can escape halves of characters, which UTF-8 cannot write.
            text = str(title).encode("utf-8", "replace").decode("utf-8")
            sequence.instrument_infos.add(instrument=index, name=text)
    return sequence


def _read_info(file: NpzFile) -> Mapping[str, Any]:
    """The file's `info.json`, with at least one track that is an object."""
    if "info.json" not in file:
        raise not_pianoroll(file.name, "it has no info.json, which pypianoroll writes")
    try:
        info = json.loads(file.read("info.json"))
    except (ValueError, RecursionError):
        raise not_pianoroll(file.name, "its info.json is no JSON") from None
    if not isinstance(info, dict):
        raise not_pianoroll(file.name, "its info.json is no object")
    if "0" not in info:
        raise not_pianoroll(file.name, "it has no tracks")
    if str(MAX_TRACKS) in info:
        raise too_many(f"{MAX_TRACKS} tracks", file.name)
    return info


def _number(
    values: Mapping[str, Any], keys: tuple[str, ...], low: int, high: int, name: str
) -> int:
    """The whole number under the first of these keys that is there."""
    value = next((values[key] for key in keys if values.get(key) is not None), None)
    if not isinstance(value, int) or not low <= value <= high:
        came = repr(value)[:50]
        raise not_pianoroll(name, f"its {' or '.join(keys)} is {came}, not {low}-{high}")
    return int(value)


def _read_track(file: NpzFile, info: Any, index: int) -> dict[str, np.ndarray]:
    """The notes of a track: arrays [notes] of int64, times in steps, `is_drum` of bool."""
    if not isinstance(info, dict):
        raise not_pianoroll(file.name, f"its info.json describes no track {index}")
    program = _number(info, ("program",), 0, 127, file.name)
    is_drum = bool(_number(info, ("is_drum",), 0, 1, file.name))
    step, pitch, velocity = _read_cells(file, index)
    # By pitch, then step: a note begins where either is not the last one's next.
    first = np.flatnonzero(
        np.concatenate([[True], (np.diff(pitch) != 0) | (np.diff(step) != 1)])[: len(step)]
    )
    last = np.concatenate([first[1:], [len(step)]])[: len(first)] - 1
    mean = np.add.reduceat(velocity, first) // (last - first + 1) if len(first) else velocity
    return {
        "pitch": pitch[first],
        "velocity": mean,
        "start": step[first],
        "end": step[last] + 1,
        "instrument": np.full(len(first), index, np.int64),
        "program": np.full(len(first), program, np.int64),
        "is_drum": np.full(len(first), is_drum),
    }


def _read_cells(file: NpzFile, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The cells of a track that sound: step, pitch, velocity (1-127), by pitch, then step."""
    data, step, starts, shape = (
        file.array(f"pianoroll_{index}_csc_{part}")
        for part in ("data", "indices", "indptr", "shape")
    )
    whole = all(array.ndim == 1 and array.dtype.kind in "iu" for array in (step, starts, shape))
    if not whole or shape.shape != (2,) or starts.shape != (_NUM_PITCHES + 1,):
        raise not_pianoroll(file.name, f"track {index} is no matrix of steps and 128 pitches")
    step, starts = step.astype(np.int64), starts.astype(np.int64)
    num_steps, num_pitches = shape.tolist()
    sizes = np.diff(starts)
    fits = num_pitches == _NUM_PITCHES and starts[0] == 0 and sizes.min() >= 0
    fits &= data.shape == step.shape == (starts[-1],)
    if not fits or (len(step) and not 0 <= step.min() <= step.max() < num_steps):
        raise not_pianoroll(file.name, f"the matrix of track {index} contradicts itself")
    pitch = np.repeat(np.arange(_NUM_PITCHES), sizes)
    order = np.lexsort((step, pitch))
    step, data = step[order], data[order]
    if ((np.diff(pitch) == 0) & (np.diff(step) == 0)).any():
        raise not_pianoroll(file.name, f"track {index} has a cell twice")
    if data.dtype == bool:
        velocity = np.where(data, _BINARY_VELOCITY, 0)
    else:
        velocity = np.nan_to_num(data.clip(0, 127), nan=0.0).astype(np.int64)
    sounds = velocity > 0
    return step[sounds], pitch[sounds], velocity[sounds]


def _read_line(file: NpzFile, member: str) -> np.ndarray:
    """`tempo` or `downbeat` as [steps]; empty if the file has none. Some are columns [steps, 1]."""
    if f"{member}.npy" not in file:
        return np.zeros(0)
    array = file.array(member)
    if array.size != max(array.shape, default=1):
        raise not_pianoroll(file.name, f"its {member} has the shape {array.shape}")
    return array.reshape(-1)


def _add_notes(sequence: NoteSequence, notes: dict[str, np.ndarray], clock: TempoMap) -> None:
    """Writes the notes, sorted as in every reader's sequence."""
    keys = ("velocity", "end", "instrument", "pitch", "start")
    order = np.lexsort([notes[key] for key in keys])
    columns = {key: values[order] for key, values in notes.items()}
    start, end = columns.pop("start"), columns.pop("end")
    columns["start_time"], columns["end_time"] = clock.to_seconds(start), clock.to_seconds(end)
    wire.add_notes(sequence, columns)
