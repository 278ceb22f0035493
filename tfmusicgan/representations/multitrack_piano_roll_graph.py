"""The graph half of `multitrack_piano_roll.py`: piano-rolls to NoteSequences, core ops only.

The other direction is written in `multitrack_piano_roll_graph_input.py`, `given_track_graph.py`,
`meter_graph.py` and `note_sequences_graph.py`.
"""

import numpy as np
import tensorflow as tf

from tfmusicgan.representations.given_track_graph import count_bars, count_notes, given_track
from tfmusicgan.representations.meter_graph import in_meter
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.multitrack_piano_roll_graph_input import (
    from_note_sequences,
    read_notes,
)
from tfmusicgan.representations.note_sequences_graph import (
    note_sequence_qpm,
    readable_note_sequences,
)
from tfmusicgan.representations.piano_roll_messages import VELOCITY, constant_header, hit_cells
from tfmusicgan.representations.score_messages_graph import checked_qpm, encode_sequences
from tfmusicgan.representations.tracks import by_part

__all__ = [
    "count_bars",
    "count_notes",
    "from_note_sequences",
    "given_track",
    "in_meter",
    "note_sequence_qpm",
    "read_notes",
    "readable_note_sequences",
    "to_note_sequences",
]


def to_note_sequences(
    piano_roll: tf.Tensor,
    representation: MultitrackPianoRoll,
    qpm: tf.Tensor,
    num_bars: tf.Tensor | None = None,
) -> tf.Tensor:
    """Serialises the NoteSequences of a batch of phrases, or of longer pieces.

    The messages equal those of `MultitrackPianoRoll.decode` with the same (float32) tempo, of each
    row's own bars. Notes go on over the lines between bars and phrases.

    Args:
      piano_roll: bool [batch, bars, steps_per_bar, num_pitches, tracks]; any number of bars.
      representation: Gives the grid and the tracks.
      qpm: float32 [batch], quarter notes per minute, within 4-1,000.
      num_bars: int32 [batch], how many bars of each row count, from 1 to all of them; the others
        are padding. By default all count.

    Returns:
      tf.string [batch].

    Raises:
      InvalidArgumentError: When run with a tempo out of range.
    """
    qpm = checked_qpm(qpm)
    # The operations of piano_roll_messages.step_seconds, in its order.
    steps_per_minute = qpm * representation.steps_per_beat
    batch, longest = tf.shape(piano_roll)[0], tf.shape(piano_roll)[1]
    steps_and_cells = [representation.steps_per_bar, len(hit_cells(representation))]
    if num_bars is None:
        num_bars = tf.fill([batch], longest)
        bars = tf.reshape(piano_roll, [batch * longest, *steps_and_cells])
    else:
        num_bars = tf.clip_by_value(num_bars, 1, longest)
        bars = tf.reshape(piano_roll, [batch, longest, *steps_and_cells])
        # One long row among short ones costs the time and memory of its own bars alone.
        bars = tf.boolean_mask(bars, tf.sequence_mask(num_bars, longest))
    row, start, end, cell = _find_runs(bars, num_bars, representation)
    rate = tf.gather(steps_per_minute, row)
    notes = _note_fields(
        cell,
        tf.cast(start, tf.float64) * 60.0 / rate,
        tf.cast(end, tf.float64) * 60.0 / rate,
        representation,
    )
    total = tf.cast(num_bars * representation.steps_per_bar, tf.float64) * 60.0 / steps_per_minute
    return encode_sequences(constant_header(representation), qpm, total, row, notes)


def _find_runs(
    bars: tf.Tensor, num_bars: tf.Tensor, representation: MultitrackPianoRoll
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Finds the notes of all rows.

    Args:
      bars: bool [bars of all rows, steps_per_bar, cells], one row's bars after the other's.
      num_bars: int32 [batch], bars of each row.
      representation: Gives the grid and the tracks.

    Returns:
      Row, first step, step after the last and cell of every note, by row, start and cell.
    """
    steps, cells = representation.steps_per_bar, len(hit_cells(representation))
    grid = tf.transpose(tf.reshape(bars, [tf.shape(bars)[0] * steps, cells]))
    row_of_bar = tf.repeat(tf.range(tf.size(num_bars)), num_bars)
    origin = tf.cast(tf.cumsum(num_bars, exclusive=True) * steps, tf.int64)
    # What may go on in the next step: all but drum hits and a row's last step.
    last_step = origin[1:, tf.newaxis] - 1
    num_steps = tf.shape(grid, tf.int64)[1:]
    goes_on = tf.scatter_nd(last_step, tf.ones_like(origin[1:]), num_steps) == 0
    held = grid & ~hit_cells(representation)[:, np.newaxis] & goes_on
    silence = tf.zeros_like(held[:, :1])
    first = tf.where(grid & ~tf.concat([silence, held[:, :-1]], axis=1))
    last = tf.where(grid & ~(held & tf.concat([grid[:, 1:], silence], axis=1)))
    # Runs begin and end in the same order within a cell.
    cell, start, end = first[:, 0], first[:, 1], last[:, 1] + 1
    order = tf.argsort(start * cells + cell)
    start, end, cell = (tf.gather(column, order) for column in (start, end, cell))
    row = tf.gather(row_of_bar, start // steps)
    start, end = (side - tf.gather(origin, row) for side in (start, end))
    return row, start, end, cell


def _note_fields(
    cell: tf.Tensor,
    start_seconds: tf.Tensor,
    end_seconds: tf.Tensor,
    representation: MultitrackPianoRoll,
) -> dict[str, tf.Tensor]:
    tracks = representation.tracks
    track = tf.cast(cell % representation.num_tracks, tf.int32)
    pitch = tf.cast(cell // representation.num_tracks, tf.int32) + representation.lowest_pitch
    fields = {
        "pitch": pitch,
        "velocity": tf.fill(tf.shape(pitch), VELOCITY),
        "start_time": start_seconds,
        "end_time": end_seconds,
        "instrument": track,
        "program": tf.gather(np.array([t.program for t in tracks], np.int32), track),
        "is_drum": tf.gather(np.array([t.is_drum for t in tracks]), track),
    }
    if by_part(tracks):
        fields["part"] = tf.gather(np.array([t.part for t in tracks], np.int32), track)
    return fields
