"""One track of a piece as piano-roll: the music that a model is to accompany, the NumPy half.

`given_track_graph.py` does the same inside the graph. Unlike `MultitrackPianoRoll.encode`, which
chooses good phrases for training, nothing here is filtered out but notes shorter than
`min_note_steps`: pitches outside the range are moved into it by octaves, and of a wrong number of
parts the first ones count. Bars are those of the conversion: a pick-up, what is before a time
signature less than a bar after the start, stands at the end of a whole bar.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.bar_stretches import MAX_BARS, missing_quarters
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.note_arrays import note_arrays
from tfmusicgan.representations.octaves import fold
from tfmusicgan.representations.piano_roll_bars import draw_bars
from tfmusicgan.representations.piano_roll_grid import round_steps
from tfmusicgan.representations.track_assignment import assign_tracks


class NoteCounts(NamedTuple):
    """What became of the notes of a given track.

    Attributes:
      moved: Notes that are in other octaves than they were.
      left_out: Notes that are not there: too short, behind the bars or of no pitch of the range.
    """

    moved: int
    left_out: int


def encode_track(
    sequence: NoteSequence,
    representation: MultitrackPianoRoll,
    track_index: int,
    num_bars: int | None = None,
) -> np.ndarray:
    """The notes of one track of a piece.

    Where the track has no note, all pitched notes count, whatever plays them; a drum track takes
    drum notes alone, and keeps their pitches.

    Args:
      sequence: The piece; it stays as it is.
      representation: Gives the grid and the tracks.
      track_index: The track.
      num_bars: How many bars; by default `count_bars`.

    Returns:
      bool [num_bars, steps_per_bar, num_pitches].

    Raises:
      ConversionError: If a time or tempo is not finite (reason `"bad_times"`), or music is in
        another meter than the representation's (`"no_bars_in_meter"`).
    """
    rep, notes = representation, _read(sequence, representation)
    taken = _taken(notes, rep, track_index)
    pitch = _pitches(notes, rep, track_index)
    if num_bars is None:
        num_bars = count_bars(sequence, rep)
    drawn = taken & (pitch >= 0) & (pitch < rep.num_pitches)
    cell = pitch[drawn] * rep.num_tracks + track_index
    start, end = notes.start_quarters[drawn], notes.end_quarters[drawn]
    return draw_bars(rep, num_bars, start, end, cell)[..., track_index]


def count_bars(
    sequence: NoteSequence, representation: MultitrackPianoRoll, max_bars: int = MAX_BARS
) -> int:
    """Counts the bars of a piece, up to the last step of the grid at which a note sounds.

    All notes count, whatever their track and pitch.

    Args:
      sequence: The piece; it stays as it is.
      representation: Gives the grid.
      max_bars: The most that are counted, whatever times the piece has.

    Returns:
      A number within 1 and `max_bars`.

    Raises:
      ConversionError: As of `encode_track`.
    """
    rep, notes = representation, _read(sequence, representation)
    num_steps = max_bars * rep.steps_per_bar
    start, end, is_long = _steps(notes, rep, num_steps)
    end = np.maximum(end, start + 1)
    if rep.drum_onsets_only:
        end = np.where(notes.is_drum, start + 1, end)
    # Behind the last bar lengths are not told apart any more.
    heard = (is_long | (start >= num_steps)) & _is_midi(notes.pitch)
    last = int(end[heard].max(initial=1).clip(1, num_steps))
    return -(-last // rep.steps_per_bar)


def count_notes(
    sequence: NoteSequence,
    representation: MultitrackPianoRoll,
    track_index: int,
    num_bars: int = MAX_BARS,
) -> NoteCounts:
    """Counts the notes of one track that `encode_track` moves or leaves out.

    Args:
      sequence: The piece; it stays as it is.
      representation: Gives the grid and the tracks.
      track_index: The track.
      num_bars: How many bars.

    Raises:
      ConversionError: As of `encode_track`.
    """
    rep, notes = representation, _read(sequence, representation)
    taken = _taken(notes, rep, track_index)
    pitch = _pitches(notes, rep, track_index)
    num_steps = num_bars * rep.steps_per_bar
    start, end, is_long = _steps(notes, rep, num_steps)
    inside = (start < num_steps) & (np.maximum(end, start + 1) > 0)
    drawn = taken & is_long & inside & (pitch >= 0) & (pitch < rep.num_pitches)
    moved = drawn & (pitch + rep.lowest_pitch != notes.pitch)
    return NoteCounts(int(moved.sum()), int((taken & ~drawn).sum()))


@dataclasses.dataclass(frozen=True)
class _Notes:
    """The notes of a piece.

    Attributes:
      start_quarters: float64 [notes], quarter notes from the beginning of the first bar.
      end_quarters: float64 [notes].
      pitch: int64 [notes].
      is_drum: bool [notes].
      track: int64 [notes], -1 for none.
    """

    start_quarters: np.ndarray
    end_quarters: np.ndarray
    pitch: np.ndarray
    is_drum: np.ndarray
    track: np.ndarray


def _read(sequence: NoteSequence, rep: MultitrackPianoRoll) -> _Notes:
    notes = note_arrays(sequence)
    tempos = [value for tempo in sequence.tempos for value in (tempo.time, tempo.qpm)]
    if not np.isfinite(np.concatenate([notes.start_seconds, notes.end_seconds, tempos])).all():
        name = sequence.id or sequence.filename or "the sequence"
        raise ConversionError(f"Expected finite times and tempos in {name!r}.", reason="bad_times")
    missing = missing_quarters(sequence, rep.beats_per_bar)
    start, end = (
        transforms.seconds_to_quarters(sequence, seconds) + missing
        for seconds in (notes.start_seconds, notes.end_seconds)
    )
    track = assign_tracks(notes, sequence, rep.tracks, strict=False)
    return _Notes(start, end, notes.pitch, notes.is_drum, track)


def _taken(notes: _Notes, rep: MultitrackPianoRoll, track_index: int) -> np.ndarray:
    """Bool [notes]: those of the track or, where there are none, all pitched ones."""
    taken = notes.track == track_index
    if taken.any() or rep.tracks[track_index].is_drum:
        return taken
    return ~notes.is_drum


def _pitches(notes: _Notes, rep: MultitrackPianoRoll, track_index: int) -> np.ndarray:
    """int64 [notes]: places in the range, moved by octaves; outside where there is none."""
    pitch = notes.pitch
    if not rep.tracks[track_index].is_drum:
        pitch = fold(pitch, rep.lowest_pitch, rep.num_pitches)
    return np.where(_is_midi(notes.pitch), pitch - rep.lowest_pitch, -1)


def _steps(
    notes: _Notes, rep: MultitrackPianoRoll, num_steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First step, step after the last, and whether a note is long enough for the grid."""
    start = round_steps(notes.start_quarters, rep.steps_per_beat, num_steps)
    end = round_steps(notes.end_quarters, rep.steps_per_beat, num_steps)
    return start, end, notes.is_drum | (end - start >= rep.min_note_steps)


def _is_midi(pitch: np.ndarray) -> np.ndarray:
    return (pitch >= 0) & (pitch < 128)
