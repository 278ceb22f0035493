"""NoteSequences to piano-rolls inside the graph, for models that take music as input.

`multitrack_piano_roll_graph.py` re-exports what is public here; `given_track_graph.py` reads the
one track that a model is to accompany. Bars are those of the conversion: a pick-up stands at the
end of a whole bar. Music in other meters is for `meter_graph.in_meter` to refuse; here its bars are
counted on in the representation's own.
"""

import dataclasses

import tensorflow as tf

from tfmusicgan.representations.masks_graph import where_true
from tfmusicgan.representations.meter_graph import later, missing_quarters
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.note_sequences_graph import FlatNotes, flat_notes
from tfmusicgan.representations.piano_roll_grid_graph import draw, round_steps, separate
from tfmusicgan.representations.track_assignment_graph import assign_tracks


def from_note_sequences(
    note_sequences: tf.Tensor,
    representation: MultitrackPianoRoll,
    num_bars: tf.Tensor | int | None = None,
) -> tf.Tensor:
    """Parses NoteSequences into piano-rolls of their first bars.

    Equals the phrases of `MultitrackPianoRoll.encode`, end to end and behind the bar of a pick-up,
    for sequences with the representation's meter, of that length at least, with finite times, part
    and instrument numbers below 256 and, for tracks by part, the right number of parts. Shorter
    sequences are filled up with silence; the filters (`min_notes` and the like) do not apply; of a
    wrong number of parts the first ones are taken; notes with times that are not finite are left
    out, and so are tempos.

    Args:
      note_sequences: tf.string [batch], serialised NoteSequences. Bytes that do not parse fail the
        whole batch, unless `readable_note_sequences` has replaced them.
      representation: Gives the grid and the tracks.
      num_bars: Scalar, how many bars, from 1; by default those of a phrase.

    Returns:
      bool [batch, num_bars, steps_per_bar, num_pitches, tracks].
    """
    rep = representation
    num_bars = rep.bars if num_bars is None else num_bars
    notes = read_notes(note_sequences, rep)
    return draw_tracks(notes, assign_tracks(notes, rep.tracks), rep.num_tracks, rep, num_bars)


def read_notes(note_sequences: tf.Tensor, representation: MultitrackPianoRoll) -> FlatNotes:
    """Parses the notes of a batch, in quarter notes from the beginning of each row's first bar.

    Args:
      note_sequences: As for `from_note_sequences`.
      representation: Gives the meter.
    """
    missing = missing_quarters(note_sequences, representation.beats_per_bar)
    return later(flat_notes(note_sequences), missing)


@dataclasses.dataclass(frozen=True)
class Steps:
    """Where notes are on the grid.

    Attributes:
      start: int32 [notes], first step.
      end: int32 [notes], step after the last, at least `start + 1`.
      is_long: bool [notes], whether a note is long enough for the representation.
    """

    start: tf.Tensor
    end: tf.Tensor
    is_long: tf.Tensor


def find_steps(
    notes: FlatNotes, representation: MultitrackPianoRoll, num_bars: tf.Tensor | int
) -> Steps:
    """Rounds notes to the grid, as `MultitrackPianoRoll` does.

    Args:
      notes: Of `read_notes`.
      representation: Gives the grid.
      num_bars: Scalar; steps are told apart up to shortly behind so many bars.
    """
    rep, num_steps = representation, num_bars * representation.steps_per_bar
    start = round_steps(notes.start_quarters, rep.steps_per_beat, num_steps)
    end = round_steps(notes.end_quarters, rep.steps_per_beat, num_steps)
    is_long = notes.is_drum | (end - start >= rep.min_note_steps)
    return Steps(start, tf.maximum(end, start + 1), is_long)


def in_range(pitch: tf.Tensor, representation: MultitrackPianoRoll) -> tf.Tensor:
    """Whether MIDI numbers are pitches of the representation: bool, the same shape."""
    lowest = representation.lowest_pitch
    return (pitch >= lowest) & (pitch < lowest + representation.num_pitches)


def draw_tracks(
    notes: FlatNotes,
    track: tf.Tensor,
    num_tracks: int,
    representation: MultitrackPianoRoll,
    num_bars: tf.Tensor | int,
) -> tf.Tensor:
    """Draws notes into consecutive bars, as `piano_roll_bars.draw_bars`.

    Args:
      notes: Of `read_notes`; those outside the pitch range are left out.
      track: int32 [notes], -1 for notes to leave out.
      num_tracks: How many tracks are drawn.
      representation: Gives the grid.
      num_bars: Scalar, how many bars, from 1.

    Returns:
      bool [batch, num_bars, steps_per_bar, num_pitches, num_tracks].
    """
    rep, num_steps = representation, num_bars * representation.steps_per_bar
    steps = find_steps(notes, rep, num_bars)
    kept = (track >= 0) & in_range(notes.pitch, rep) & steps.is_long
    # A note that starts where the bars end still separates the one before it.
    kept &= (steps.start <= num_steps) & (steps.end > 0)
    pitch = tf.where(kept, notes.pitch - rep.lowest_pitch, 0)
    cell = (notes.row * rep.num_pitches + pitch) * num_tracks + track
    start, end, cell, drum = where_true(kept, steps.start, steps.end, cell, notes.is_drum)
    end = tf.where(drum, end, separate(start, end, cell, num_steps, rep.separate_notes))
    if rep.drum_onsets_only:
        end = tf.where(drum, start + 1, end)
    bar_shape = (rep.steps_per_bar, rep.num_pitches * num_tracks)
    grid = draw(start, end, cell, notes.batch, num_bars, bar_shape)
    shape = [rep.steps_per_bar, rep.num_pitches, num_tracks]
    static = num_bars if isinstance(num_bars, int) else None
    return tf.ensure_shape(
        tf.reshape(grid, [notes.batch, num_bars, *shape]), [None, static, *shape]
    )
