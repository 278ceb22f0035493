"""What an accompaniment does not have of the music that it is played to."""

import itertools

import numpy as np

from tfmusicgan.client.model_client import ModelClient
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.proto import NoteSequence

_SIGNATURE = "accompany"
_COUNTS = ("notes_moved", "notes_left_out", "bars_left_out")


def describe_changes(
    client: ModelClient, model: str, music: NoteSequence, version: int | None = None
) -> str:
    """Says what of given music is not in its accompaniments as it was.

    Args:
      client: Of the server.
      model: The name of a model with the signature `accompany`.
      music: The given music.
      version: A version number.

    Returns:
      One sentence; empty where all is as it was, or the model does not tell.

    Raises:
      ServingError: With the server's code and text.
    """
    if not set(_COUNTS) <= set(client.metadata(model, version)[_SIGNATURE]["outputs"]):
        return ""
    # It depends on the music alone. One row takes the controls' defaults.
    inputs = {"seed": np.zeros(1, np.int64), "note_sequence": [music.SerializeToString()]}
    found = client.predict(model, inputs, _SIGNATURE, version, output_filter=_COUNTS)
    moved, left_out, bars = (int(found[name][0]) for name in _COUNTS)
    counts = {
        "notes moved by octaves": moved,
        "notes left out": left_out,
        "bars cut off at the end": bars,
        "changes of tempo left out": _count_tempo_changes(music),
    }
    listed = ", ".join(f"{what} {count}" for what, count in counts.items() if count)
    return f"Not as in the given music: {listed}." if listed else ""


def _count_tempo_changes(music: NoteSequence) -> int:
    """How often the tempo changes before the last note ends."""
    end = max((note.end_time for note in music.notes), default=0.0)
    tempos = transforms.tempos_by_time(music).items()
    heard = [qpm for time, qpm in tempos if time < end]
    return sum(a != b for a, b in itertools.pairwise(heard))
