"""What a model of tokens does not have of the music that it goes on with."""

import numpy as np

from tfmusicgan.client.model_client import ModelClient
from tfmusicgan.note_sequences.proto import NoteSequence

_SIGNATURE = "continue"
_COUNTS = ("tokens_replaced", "tokens_left_out")


def describe_changes(
    client: ModelClient, model: str, music: NoteSequence, version: int | None = None
) -> str:
    """Says what of given music a model of tokens takes otherwise, or not at all.

    It is one request more, for one row and as few new tokens as there can be.

    Args:
      client: Of the server.
      model: The name of a model with the signature `continue`.
      music: The given music.
      version: A version number; the latest available one by default.

    Returns:
      One sentence; empty where all is as it was, or the model does not tell.

    Raises:
      ServingError: With the server's code and text.
    """
    known = client.metadata(model, version).get(_SIGNATURE, {}).get("outputs", {})
    counts = [name for name in _COUNTS if name in known]  # earlier exports have fewer
    if not counts:
        return ""
    inputs = {
        "seed": np.zeros(1, np.int64),
        "length": np.ones(1, np.int32),
        "note_sequence": [music.SerializeToString()],
    }
    outputs = ("tokens", *counts)
    answer = client.predict(model, inputs, _SIGNATURE, version, output_filter=outputs)
    replaced, left_out = (int(answer[name][0]) if name in answer else 0 for name in _COUNTS)
    given = len(np.frombuffer(answer["tokens"][0], "<i4")) - 1  # at least one token is new
    changes = []
    if left_out:
        changes.append(f"its first {left_out} tokens are left out, {model} reads no more")
    if replaced:
        changes.append(
            f"{replaced} of {given} tokens are none that {model} knows, the nearest ones stand for "
            "them"
        )
    return f"Not as in the given music: {'; '.join(changes)}." if changes else ""
