"""What holds for all generators whose answers are NoteSequences."""

from tests.conformance.rows import ROWS
from tests.validity import assert_valid
from tfmusicgan.note_sequences.proto import NoteSequence


def are_valid(asked, name, steps_per_quarter, decode):
    """Valid music on its grid, pairwise different, as the representation decodes raw outputs.

    Args:
      asked: The signatures of the recipe's run.
      name: The recipe.
      steps_per_quarter: The grid.
      decode: Model and outputs to NoteSequences, by the representation's NumPy half.
    """
    for signature in asked.signatures:
        outputs = asked.answers(name, signature)
        sequences = [NoteSequence.FromString(text) for text in outputs["note_sequence"]]
        for sequence in sequences:
            assert_valid(sequence, steps_per_quarter)
        heard = [s.SerializeToString(deterministic=True) for s in sequences if s.notes]
        assert len(set(heard)) == len(heard)
        if signature != "serving_default":  # controls are such that all of them sound
            assert len(heard) == ROWS
            assert decode(asked.model, outputs) == sequences
