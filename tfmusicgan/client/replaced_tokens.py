"""What a model of tokens does not know of the music that it goes on with."""

import numpy as np
from google.protobuf.message import Message

from tfmusicgan.client.model_client import ModelClient

_SIGNATURE = "continue"


def count_replaced(
    client: ModelClient, model: str, music: Message, version: int | None = None
) -> tuple[int, int]:
    """Counts the tokens of given music that stand for others, which the model does not know.

    It is one request more, for one row and as few new tokens as there can be.

    Args:
      client: A client of the server.
      model: The model's name.
      music: A NoteSequence.
      version: A version number; the latest available one by default.

    Returns:
      How many tokens stand for others, and how many are taken from the music in all; both are 0 for
      models that do not say.

    Raises:
      ServingError: With the server's code and text.
    """
    known = client.metadata(model, version).get(_SIGNATURE, {}).get("outputs", {})
    if "tokens_replaced" not in known:
        return 0, 0
    inputs = {
        "seed": np.zeros(1, np.int64),
        "length": np.ones(1, np.int32),
        "note_sequence": np.array([music.SerializeToString()], object),
    }
    outputs = ("tokens", "tokens_replaced")
    answer = client.predict(model, inputs, _SIGNATURE, version, None, outputs)
    # At least one token is new.
    given = len(np.frombuffer(answer["tokens"][0], "<i4")) - 1
    return int(answer["tokens_replaced"][0]), given
