"""Melodies of tokens to NoteSequences, the NumPy half: runs of equal tokens are notes."""

import numpy as np

from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.score_header import check_qpm, score_header

VELOCITY = 80


def tokens_to_note_sequence(
    tokens: np.ndarray, lowest_pitch: int, num_pitches: int, qpm: float
) -> NoteSequence:
    """Builds the NoteSequence of one melody.

    Equal tokens in a row are one note, of velocity 80, program 0 (piano) and instrument 0, which is
    named `melody`; the meter is 4/4.

    Args:
      tokens: [tokens] of any integer dtype, at least one; 0 for silence, 1 for `lowest_pitch`.
      lowest_pitch: MIDI number of the first key.
      num_pitches: Number of keys.
      qpm: Tokens (quarter notes) per minute, 4 to 1,000.

    Returns:
      A valid NoteSequence with a total_time of all tokens, silence at the end included.

    Raises:
      ConversionError: If the shape, the dtype or a token is none of these.
      ConfigError: If `qpm` is out of range.
    """
    check_tokens(tokens, num_pitches + 1)
    check_qpm(qpm)
    sequence = melody_header()
    sequence.tempos.add(qpm=qpm)
    # The graph half uses the same operations in order.
    sequence.total_time = len(tokens) * 60.0 / qpm
    for start, end in zip(*(side.tolist() for side in find_notes(tokens)), strict=True):
        sequence.notes.add(
            pitch=int(tokens[start]) - 1 + lowest_pitch,
            velocity=VELOCITY,
            start_time=start * 60.0 / qpm,
            end_time=end * 60.0 / qpm,
        )
    return sequence


def check_tokens(tokens: np.ndarray, num_tokens: int) -> None:
    """Checks the tokens of one piece.

    Raises:
      ConversionError: If they are no [tokens] of whole numbers, at least one, below `num_tokens`.
    """
    if tokens.ndim != 1 or not tokens.size or not np.issubdtype(tokens.dtype, np.integer):
        raise ConversionError(
            "Expected tokens as whole numbers [tokens], at least one. "
            f"Received: {tokens.dtype} {list(tokens.shape)}.",
            reason="bad_shape",
        )
    if tokens.min() < 0 or tokens.max() >= num_tokens:
        raise ConversionError(
            f"Expected tokens within 0-{num_tokens - 1}. Received: {tokens.min()} to "
            f"{tokens.max()}.",
            reason="bad_tokens",
        )


def find_notes(tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First tokens of all notes, and the tokens after their last: int64 [notes] each."""
    changes = np.flatnonzero(tokens[1:] != tokens[:-1]) + 1
    start, end = np.append(0, changes), np.append(changes, len(tokens))
    sounds = tokens[start] > 0
    return start[sounds], end[sounds]


def melody_header() -> NoteSequence:
    """What decoded melodies share: all but notes, tempo and total_time."""
    return score_header(steps_per_beat=1, beats_per_bar=4, instrument_names=["melody"])
