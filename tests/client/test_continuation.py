"""What a model goes on with in place of its music, told by a client that is made up here."""

import numpy as np
import pytest

from tfmusicgan.client.continuation import describe_changes
from tfmusicgan.note_sequences.proto import NoteSequence

BOTH = {"tokens_replaced": 3, "tokens_left_out": 40}


class Client:
    """Of a server that says some counts of eight given tokens and a new one."""

    def __init__(self, counts, signature="continue"):
        self.counts, self.signature, self.asked = counts, signature, []

    def metadata(self, model, version):
        return {
            self.signature: {"outputs": dict.fromkeys(["note_sequence", "tokens", *self.counts])}
        }

    def predict(self, model, inputs, signature, version, output_filter):
        self.asked.append((signature, inputs["length"].tolist(), sorted(output_filter)))
        tokens = np.arange(9, dtype="<i4").tobytes()
        return {"tokens": [tokens]} | {name: [count] for name, count in self.counts.items()}


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (
            BOTH,
            "Not as in the given music: its first 40 tokens are left out, tunes reads no more; "
            "3 of 8 tokens are none that tunes knows, the nearest ones stand for them.",
        ),
        (BOTH | {"tokens_replaced": 0}, r"its first 40 tokens are left out, tunes reads no more."),
        ({"tokens_replaced": 2}, "2 of 8 tokens are none that tunes knows"),  # an earlier export
        (dict.fromkeys(BOTH, 0), None),
        ({}, None),
    ],
)
def test_what_is_said(counts, said):
    client = Client(counts)
    found = describe_changes(client, "tunes", NoteSequence())
    assert said in found if said else not found
    asked = [("continue", [1], sorted(["tokens", *counts]))] if counts else []
    assert client.asked == asked


def test_a_model_that_does_not_go_on():
    client = Client(BOTH, "generate")
    assert describe_changes(client, "tunes", NoteSequence()) == "" and not client.asked
