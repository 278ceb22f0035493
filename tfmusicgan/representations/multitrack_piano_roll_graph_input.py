"""NoteSequences to piano-rolls inside the graph, for models that take music as input.

`multitrack_piano_roll_graph.py` re-exports `from_note_sequences`.
"""

import numpy as np
import tensorflow as tf

from tfmusicgan.representations import protos_graph
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.piano_roll_grid import MARGIN_STEPS, ROUNDING_STEPS
from tfmusicgan.representations.track_assignment import program_table
from tfmusicgan.representations.tracks import by_part

_NOTE = "magenta.NoteSequence.Note"
_SEQUENCE = "magenta.NoteSequence"
_NOTE_FIELDS = {
    "pitch": tf.int32,
    "program": tf.int32,
    "is_drum": tf.bool,
    "part": tf.int32,
    "instrument": tf.int32,
    "start_time": tf.float64,
    "end_time": tf.float64,
}

# Part and instrument numbers are told apart below this.
_MAX_PARTS = 256


def from_note_sequences(
    note_sequences: tf.Tensor, representation: MultitrackPianoRoll
) -> tf.Tensor:
    """Parses NoteSequences into their first phrase.

    Equals the first phrase of `MultitrackPianoRoll.encode` for sequences with one tempo (or none:
    120) and the representation's meter from time 0, of a phrase's length at least, with finite
    times, part and instrument numbers below 256 and, for tracks by part, the right number of parts.
    Shorter sequences are filled up with silence; the filters (`min_notes` and the like) do not
    apply; of a wrong number of parts the first ones are taken.

    Args:
      note_sequences: tf.string [batch], serialised NoteSequences.
      representation: Gives the grid and the tracks.

    Returns:
      bool [batch, bars, steps_per_bar, num_pitches, tracks].
    """
    rep = representation
    batch = tf.shape(note_sequences)[0]
    fields = {"notes": tf.string, "tempos": tf.string, "part_infos": tf.string}
    parsed = protos_graph.decode_messages(note_sequences, _SEQUENCE, fields)
    serialized, row = protos_graph.flat_submessages(*parsed["notes"])
    row = tf.cast(row, tf.int32)
    notes = protos_graph.decode_scalars(serialized, _NOTE, _NOTE_FIELDS)
    steps_per_second = _quarters_per_second(*parsed["tempos"], batch) * rep.steps_per_beat
    start = _round_steps(notes["start_time"] * tf.gather(steps_per_second, row), rep)
    end = _round_steps(notes["end_time"] * tf.gather(steps_per_second, row), rep)
    track = _assign_tracks(notes, row, parsed["part_infos"], batch, rep)
    pitch = notes["pitch"] - rep.lowest_pitch
    drum = notes["is_drum"]
    kept = (track >= 0) & (pitch >= 0) & (pitch < rep.num_pitches)
    kept &= drum | (end - start >= rep.min_note_steps)
    # A note that starts where the phrase ends still separates the one before it.
    kept &= (start <= rep.phrase_steps) & (tf.maximum(end, start + 1) > 0)
    cell = row * (rep.num_pitches * rep.num_tracks) + pitch * rep.num_tracks + track
    start, end, cell, drum = (tf.boolean_mask(x, kept) for x in (start, end, cell, drum))
    end = tf.maximum(end, start + 1)
    end = tf.where(drum, end, _separate(start, end, cell, batch, rep))
    if rep.drum_onsets_only:
        end = tf.where(drum, start + 1, end)
    return _draw(start, end, cell, batch, rep)


def _quarters_per_second(tempos: tf.Tensor, sizes: tf.Tensor, batch: tf.Tensor) -> tf.Tensor:
    """float64 [batch]: the first tempo's, or that of MIDI's default of 120."""
    first = tf.where(sizes > 0, tf.pad(tempos, [[0, 0], [0, 1]])[:, 0], tf.fill([batch], ""))
    qpm = protos_graph.decode_scalars(first, "magenta.NoteSequence.Tempo", {"qpm": tf.float64})[
        "qpm"
    ]
    return tf.where(qpm > 0, qpm, 120.0) / 60.0


def _round_steps(steps: tf.Tensor, rep: MultitrackPianoRoll) -> tf.Tensor:
    steps = tf.floor(steps + (0.5 + ROUNDING_STEPS))
    low, high = float(-MARGIN_STEPS), float(rep.phrase_steps + MARGIN_STEPS)
    return tf.cast(tf.clip_by_value(steps, low, high), tf.int32)


def _assign_tracks(
    notes: dict[str, tf.Tensor],
    row: tf.Tensor,
    part_infos: tuple[tf.Tensor, tf.Tensor],
    batch: tf.Tensor,
    rep: MultitrackPianoRoll,
) -> tf.Tensor:
    """int32 [notes]: index of the track, -1 for none, as `track_assignment.assign_tracks`."""
    if not by_part(rep.tracks):
        known = (notes["program"] >= 0) & (notes["program"] < 128)
        index = tf.where(notes["is_drum"], 128, tf.where(known, notes["program"], 0))
        track = tf.gather(program_table(rep.tracks).astype(np.int32), index)
        return tf.where(known | notes["is_drum"], track, -1)
    pitched = tf.cast(~notes["is_drum"], tf.int32)
    serialized, info_row = protos_graph.flat_submessages(*part_infos)
    info = protos_graph.decode_scalars(
        serialized, "magenta.NoteSequence.PartInfo", {"part": tf.int32}
    )
    ones = tf.ones_like(info["part"])
    declared = _presence(tf.cast(info_row, tf.int32), info["part"], ones, batch)
    by_part_number = _presence(row, notes["part"], pitched, batch)
    by_instrument = _presence(row, notes["instrument"], pitched, batch)
    # As in track_assignment.assign_tracks: the declared parts if their number is right and they
    # hold all notes, else the parts that have notes, else (no part but 0) the instruments.
    complete = tf.reduce_all(declared | ~by_part_number, axis=1)
    complete &= tf.reduce_sum(tf.cast(declared, tf.int32), axis=1) == rep.num_tracks
    has_parts = tf.reduce_any(by_part_number[:, 1:], axis=1)
    use_part = complete | has_parts
    present = tf.where(complete[:, tf.newaxis], declared, by_part_number)
    present = tf.where(use_part[:, tf.newaxis], present, by_instrument)
    rank = tf.cumsum(tf.cast(present, tf.int32), axis=1, exclusive=True)
    key = tf.where(tf.gather(use_part, row), notes["part"], notes["instrument"])
    key = tf.clip_by_value(key, 0, _MAX_PARTS - 1)
    order = tf.gather_nd(rank, tf.stack([row, key], axis=1))
    track_of_part = np.argsort([track.part for track in rep.tracks]).astype(np.int32)
    track = tf.gather(track_of_part, tf.minimum(order, rep.num_tracks - 1))
    return tf.where((pitched > 0) & (order < rep.num_tracks), track, -1)


def _presence(row: tf.Tensor, key: tf.Tensor, counts: tf.Tensor, batch: tf.Tensor) -> tf.Tensor:
    """Bool [batch, 256]: which keys come with a count."""
    place = tf.stack([row, tf.clip_by_value(key, 0, _MAX_PARTS - 1)], axis=1)
    return tf.scatter_nd(place, counts, tf.stack([batch, _MAX_PARTS])) > 0


def _separate(
    start: tf.Tensor, end: tf.Tensor, cell: tf.Tensor, batch: tf.Tensor, rep: MultitrackPianoRoll
) -> tf.Tensor:
    """As `piano_roll_grid.separate`."""
    if rep.separate_notes == "never":
        return end
    shortened = tf.maximum(end - 1, start + 1)
    if rep.separate_notes == "always":
        return shortened
    # Onsets from the first step to the one after the phrase; earlier ends do not matter.
    shape = tf.stack([batch * rep.num_pitches * rep.num_tracks, rep.phrase_steps + 2])
    last = rep.phrase_steps + 1
    place = tf.stack([cell, tf.where(start < 0, last, start)], axis=1)
    onsets = tf.scatter_nd(place, tf.ones_like(start), shape)
    inside = (end >= 0) & (end <= rep.phrase_steps)
    place = tf.stack([cell, tf.where(inside, end, last)], axis=1)
    meets = inside & (tf.gather_nd(onsets, place) > 0)
    return tf.where(meets, shortened, end)


def _draw(
    start: tf.Tensor, end: tf.Tensor, cell: tf.Tensor, batch: tf.Tensor, rep: MultitrackPianoRoll
) -> tf.Tensor:
    """Bool [batch, bars, steps_per_bar, num_pitches, tracks] with every note's steps set."""
    steps = rep.phrase_steps
    start = tf.clip_by_value(start, 0, steps)
    end = tf.clip_by_value(end, 0, steps)
    # How many notes of a cell begin less how many end, summed along time.
    shape = tf.stack([batch * rep.num_pitches * rep.num_tracks, steps + 1])
    begins = tf.stack([cell, start], axis=1)
    ends = tf.stack([cell, tf.maximum(start, end)], axis=1)
    ones = tf.ones_like(start)
    change = tf.scatter_nd(tf.concat([begins, ends], 0), tf.concat([ones, -ones], 0), shape)
    sounding = tf.cumsum(change, axis=1)[:, :steps] > 0
    grids = tf.reshape(sounding, [-1, rep.num_pitches * rep.num_tracks, steps])
    return tf.reshape(
        tf.transpose(grids, [0, 2, 1]),
        [-1, rep.bars, rep.steps_per_bar, rep.num_pitches, rep.num_tracks],
    )
