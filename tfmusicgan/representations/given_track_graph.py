"""The graph half of `given_track.py`: the track that a model is to accompany, core ops only.

`multitrack_piano_roll_graph.py` re-exports what is public here.
"""

import dataclasses

import tensorflow as tf

from tfmusicgan.representations.bar_stretches import MAX_BARS
from tfmusicgan.representations.given_track import NoteCounts
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.multitrack_piano_roll_graph_input import (
    draw_tracks,
    find_steps,
    in_range,
)
from tfmusicgan.representations.note_sequences_graph import FlatNotes
from tfmusicgan.representations.octaves_graph import fold
from tfmusicgan.representations.track_assignment_graph import assign_tracks


def given_track(
    notes: FlatNotes,
    representation: MultitrackPianoRoll,
    track_index: int,
    num_bars: tf.Tensor | int,
) -> tf.Tensor:
    """Draws the track that a model is to accompany.

    Of each sequence the notes of one track, as `from_note_sequences` assigns them. Where there are
    none, all its pitched notes, whatever plays them: a melody sung into a model that accompanies
    pianos. Pitches outside the range are moved into it by octaves. A drum track takes drum notes
    alone, and keeps their pitches.

    Equals `given_track.encode_track` of each sequence.

    Args:
      notes: Of `read_notes`, of sequences that `in_meter` passed on.
      representation: Gives the grid and the tracks.
      track_index: The track.
      num_bars: Scalar, how many bars, from 1; `count_bars` tells how many a sequence fills.

    Returns:
      bool [batch, num_bars, steps_per_bar, num_pitches].
    """
    notes, taken = _given(notes, representation, track_index)
    track = tf.where(taken, 0, -1)
    return draw_tracks(notes, track, 1, representation, num_bars)[..., 0]


def count_bars(
    notes: FlatNotes, representation: MultitrackPianoRoll, max_bars: int = MAX_BARS
) -> tf.Tensor:
    """Counts the bars of each sequence, up to the last step of the grid at which a note sounds.

    All notes count, whatever their track and pitch; one held into the next bar by less than half a
    step does not reach it. Equals `given_track.count_bars` of each sequence.

    Args:
      notes: As for `given_track`.
      representation: Gives the grid.
      max_bars: The most that are counted, whatever times a sequence has.

    Returns:
      int32 [batch], within 1 and `max_bars`.
    """
    rep = representation
    num_steps = max_bars * rep.steps_per_bar
    steps = find_steps(notes, rep, max_bars)
    end = steps.end
    if rep.drum_onsets_only:
        end = tf.where(notes.is_drum, steps.start + 1, end)
    # Behind the last bar lengths are not told apart any more.
    heard = (steps.is_long | (steps.start >= num_steps)) & _is_midi(notes.pitch)
    last = tf.math.unsorted_segment_max(tf.where(heard, end, 0), notes.row, notes.batch)
    last = tf.clip_by_value(last, 1, num_steps)
    return (last + rep.steps_per_bar - 1) // rep.steps_per_bar


def count_notes(
    notes: FlatNotes,
    representation: MultitrackPianoRoll,
    track_index: int,
    num_bars: tf.Tensor | int = MAX_BARS,
) -> NoteCounts:
    """Counts the notes of one track that `given_track` moves or leaves out.

    Equals `given_track.count_notes` of each sequence. Notes with times that are not finite do not
    count.

    Args:
      notes: As for `given_track`.
      representation: Gives the grid and the tracks.
      track_index: The track.
      num_bars: Scalar, how many bars.

    Returns:
      int32 [batch] each.
    """
    rep = representation
    placed, taken = _given(notes, rep, track_index)
    steps = find_steps(notes, rep, num_bars)
    inside = (steps.start < num_bars * rep.steps_per_bar) & (steps.end > 0)
    drawn = taken & steps.is_long & inside & in_range(placed.pitch, rep)
    moved = drawn & (placed.pitch != notes.pitch)
    return NoteCounts(
        *(
            tf.math.unsorted_segment_sum(tf.cast(which, tf.int32), notes.row, notes.batch)
            for which in (moved, taken & ~drawn)
        )
    )


def _given(
    notes: FlatNotes, rep: MultitrackPianoRoll, track_index: int
) -> tuple[FlatNotes, tf.Tensor]:
    """Notes with their pitches in the answer, and which are taken for the track: bool [notes]."""
    taken = assign_tracks(notes, rep.tracks) == track_index
    if rep.tracks[track_index].is_drum:
        return notes, taken
    count = tf.math.unsorted_segment_sum(tf.cast(taken, tf.int32), notes.row, notes.batch)
    taken |= ~notes.is_drum & (tf.gather(count, notes.row) == 0)
    # What clients send may be no MIDI number: then it is of no octave either.
    is_midi = _is_midi(notes.pitch)
    folded = fold(tf.where(is_midi, notes.pitch, 0), rep.lowest_pitch, rep.num_pitches)
    return dataclasses.replace(notes, pitch=tf.where(is_midi, folded, -1)), taken


def _is_midi(pitch: tf.Tensor) -> tf.Tensor:
    return (pitch >= 0) & (pitch < 128)
