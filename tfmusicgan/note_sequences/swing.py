"""Swing: pairs of even eighths played long and short, as jazz is written and played."""

import numpy as np

from tfmusicgan.errors import ConfigError
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.proto import NoteSequence

EVEN, WIDEST = 1.0, 3.0
"""Least and greatest ratio: even eighths, and a dotted eighth with a sixteenth."""

_TOLERANCE_QUARTERS = 1e-3


def swing(sequence: NoteSequence, ratio: float) -> NoteSequence:
    """A copy in which the second eighth of a quarter note comes late.

    With ratio 2, of twelve steps to a quarter note a pair of 6 and 6 becomes 8 and 4, as JazzGAN's
    sheets are exported. What begins or ends in the middle of a quarter note is moved; a part's
    quarter notes in which something begins elsewhere, triplets or sixteenths, stay even. Chord
    symbols are a part of their own. So do meters of eighths stay even (6/8, 7/8), and quarter notes
    count from where a meter begins. Other events, such as pedals, are not moved.

    Args:
      sequence: Not changed.
      ratio: How many times as long the first eighth is as the second, 1 to 3; 1 is even.

    Returns:
      A new sequence.

    Raises:
      ConfigError: If the ratio is out of its range.
    """
    if not EVEN <= ratio <= WIDEST:
        raise ConfigError(f"Expected swing within {EVEN:g}-{WIDEST:g}. Received: {ratio:g}.")
    result = NoteSequence()
    result.CopyFrom(sequence)
    if ratio == EVEN:
        return result
    parts: dict[int, list[NoteSequence.Note]] = {}
    for note in result.notes:
        parts.setdefault(note.instrument, []).append(note)
    for notes in parts.values():
        seconds = np.array([(note.start_time, note.end_time) for note in notes])
        moved = _move(sequence, seconds, ratio)
        for note, (start, end) in zip(notes, moved.tolist(), strict=True):
            note.start_time, note.end_time = start, end
    kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
    chords = [text for text in result.text_annotations if text.annotation_type == kind]
    times = np.array([text.time for text in chords], np.float64)
    for text, time in zip(chords, _move(sequence, times[:, np.newaxis], ratio), strict=True):
        text.time = time[0]
    # Of several parts another may now be first.
    result.notes.sort(key=lambda note: note.start_time)
    result.total_time = max([result.total_time, *(note.end_time for note in result.notes)])
    return result


def _move(sequence: NoteSequence, seconds: np.ndarray, ratio: float) -> np.ndarray:
    """Times of one part: float [n, columns], beginnings in the first column."""
    quarters = transforms.seconds_to_quarters(sequence, seconds)
    begins, swings = _meter_of(sequence, quarters)
    # Which quarter note of the piece, and where in it.
    number = np.floor(quarters - begins + _TOLERANCE_QUARTERS) + begins
    place = quarters - number
    is_middle = np.abs(place - 0.5) < _TOLERANCE_QUARTERS
    even = ~is_middle[:, 0] & (place[:, 0] > _TOLERANCE_QUARTERS)
    is_swung = swings & ~np.isin(number, number[even, 0])
    late = ratio / (1.0 + ratio)
    moves = is_swung & is_middle
    target = np.where(moves, late, place)
    # What is shorter than an eighth from the middle on keeps its share of what is left.
    short = moves[:, :1] & (number == number[:, :1]) & (place > place[:, :1])
    target = np.where(short, late + (place - 0.5) * 2.0 * (1.0 - late), target)
    changed = moves | short
    return np.where(changed, transforms.quarters_to_seconds(sequence, number + target), seconds)


def _meter_of(sequence: NoteSequence, quarters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the meter at each place begins, and whether its beats can swing."""
    segments = transforms.meter_segments(sequence)
    starts = np.array([segment.start_quarter for segment in segments])
    swings = np.array([segment.denominator <= 4 for segment in segments])
    index = np.searchsorted(starts, quarters + _TOLERANCE_QUARTERS, side="right") - 1
    return starts[index.clip(min=0)], swings[index.clip(min=0)]
