"""What decoded NoteSequences have in common whatever made them: all but notes and times."""

from collections.abc import Sequence

from tfmusicgan.errors import ConfigError
from tfmusicgan.note_sequences.proto import NoteSequence

# What MIDI's three-byte tempo can hold begins at 3.6; above 1,000 no step is heard any more.
MIN_QPM, MAX_QPM = 4.0, 1000.0

# A fine grid for MIDI, unless the steps ask for a finer one: note-seq's resolution, rounded up to a
# multiple of the steps, so that every step is a whole number of ticks.
_MIN_TICKS_PER_QUARTER = 220


def check_qpm(qpm: float) -> None:
    """Checks a tempo.

    Raises:
      ConfigError: If it is out of range.
    """
    if not MIN_QPM <= qpm <= MAX_QPM:
        raise ConfigError(
            f"qpm: expected {MIN_QPM:g}-{MAX_QPM:g} quarter notes per minute. Received: {qpm}."
        )


def score_header(
    steps_per_beat: int, beats_per_bar: int, instrument_names: Sequence[str]
) -> NoteSequence:
    """A NoteSequence without notes, tempo and total_time.

    NoteSequence's `source_info` has a closed list of parsers and no free text: it says that the
    music is a score, and `collection_name` names the suite.

    Args:
      steps_per_beat: Time steps in a quarter note.
      beats_per_bar: Quarter notes in a bar.
      instrument_names: The names of instruments 0, 1 and so on.
    """
    ticks = -(-_MIN_TICKS_PER_QUARTER // steps_per_beat) * steps_per_beat
    header = NoteSequence(collection_name="tfmusicgan", ticks_per_quarter=ticks)
    header.source_info.source_type = NoteSequence.SourceInfo.SCORE_BASED
    header.time_signatures.add(numerator=beats_per_bar, denominator=4)
    for index, name in enumerate(instrument_names):
        header.instrument_infos.add(instrument=index, name=name)
    return header
