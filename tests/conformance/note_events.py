"""The laws of generators of events of real numbers, as far as they differ from those of others.

`piano_rolls.py` has the same names.
"""

import numpy as np
import pytest
import tensorflow as tf

from tests import made_up
from tests.conformance import sequences
from tests.conformance.rows import ROWS, SEEDS
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.recipes.c_rnn_gan import PRETRAINING
from tfmusicgan.representations import note_events_graph

MUSIC = "note_sequence"
LENGTHS = [8, 21, 13, 5] * 4  # events of each row's piece

# Dropout is on as it is.
RANDOM = ()
LONG, SHORT, SHORT_STEPS = ("training_steps=20",), ("training_steps=4",), 4
QUICK, QUICK_STEPS = ("training_steps=5",), 5  # the last one after all phases
# Gradient descent keeps nothing beside the weights.
FEWEST_TRAINABLE, FEWEST_SAVED, FEWEST_WEIGHTS = 17, 17, 15
COMPARED_STEP = 4  # after every phase


def signatures(name):
    """What the recipe's exports answer to."""
    del name
    return {"serving_default", "generate", "continue"}


def steps_per_quarter(representation):
    """The grid of the music: none."""
    del representation


def inputs(asked, name, signature):
    """What the laws ask of a recipe's signature, beside the seeds."""
    del asked
    if signature == "serving_default":
        return {}
    dropout = {"dropout": np.array([False, True, True] * 5 + [False])}
    if signature == "continue":
        lengths = np.array([0, 2, 60, 30] * (ROWS // 4), np.int32)
        return {**dropout, "length": lengths, "note_sequence": music(name)}
    qpm = np.full(ROWS, 90.0, np.float32)
    return {**dropout, "length": np.array(LENGTHS, np.int32), "qpm": qpm}


def answers_are_valid(asked, name):
    """Answers are music, each another piece."""
    sequences.are_valid(asked, name, None, decode)


def decode(model, outputs):
    """The NoteSequences of raw outputs, by the representation's NumPy half."""
    texts = map(NoteSequence.FromString, outputs["note_sequence"])
    return [
        model.representation.decode({"note_events": events}, sequence.tempos[0].qpm)
        for events, sequence in zip(_events(model, outputs), texts, strict=True)
    ]


def music(name):
    """A piece for each row, of a few notes to more than a piece may have; serialised."""
    del name
    pieces = [made_up.performance(100 + row, 1 + row % 13, 80.0 + row) for row in range(ROWS)]
    return np.array([piece.SerializeToString(deterministic=True) for piece in pieces], object)


def without_gradient(name, model):
    """Parts of variables that no loss depends on: none."""
    del name, model
    return {}


def trained_optimizers(model, stage):
    """The optimizers that a step of a stage calls: the discriminator's after pretraining."""
    model.begin_stage((0, *model.stage_starts)[stage])
    return {"generator_optimizer"} if model.phase == PRETRAINING else set(model.optimizers())


def draws_follow_their_controls(asked):
    """Rows with dropout are others, and leave those without as they are."""
    dropped = np.arange(ROWS) % 3 == 1
    plain, some, all_of_them = (
        np.array(_events(asked.model, asked("generate", seed=SEEDS, dropout=each)))
        for each in (False, dropped, True)
    )
    np.testing.assert_array_equal(some[~dropped], plain[~dropped])
    np.testing.assert_array_equal(some[dropped], all_of_them[dropped])
    assert (all_of_them != plain).any(axis=(1, 2)).all()


def seed_tempo_and_length_act(asked):
    """Longer pieces begin as shorter ones."""
    seeds = SEEDS[np.arange(ROWS) // 4]  # four rows each
    qpm = np.array([60.0, 120.0] * 8, np.float32)
    outputs = asked("generate", seed=seeds, qpm=qpm, length=np.array(LENGTHS))
    pieces = _events(asked.model, outputs)
    assert [len(piece) for piece in pieces] == LENGTHS
    for row in range(0, ROWS, 4):
        for later in range(1, 4):
            shorter = min(len(pieces[row]), len(pieces[row + later]))
            np.testing.assert_array_equal(pieces[row][:shorter], pieces[row + later][:shorter])
        assert len(np.unique(pieces[row + 1], axis=0)) == LENGTHS[1]
    assert len({pieces[row].tobytes() for row in range(0, ROWS, 4)}) == 4
    for piece, tempo, text in zip(pieces, qpm, outputs["note_sequence"], strict=True):
        sequence = NoteSequence.FromString(text)
        assert sequence.tempos[0].qpm == tempo
        notes = asked.model.representation.find_notes(piece)
        assert sequence.total_time == pytest.approx(notes.total * 60 / 384 / tempo)


def given_music_is_kept_and_decides(asked, name):
    """A piece begins with the events it was given, and other music goes on in another way."""
    model = asked.model
    most = model.max_length - model.length
    given, counts = note_events_graph.from_note_sequences(
        tf.constant(music(name)), model.representation, most
    )
    kept = counts.numpy()
    assert kept.min() > 0 and len(set(kept.tolist())) > 3 and kept.max() == most
    outputs = asked.answers(name, "continue")
    pieces = _events(model, outputs)
    wanted = asked.inputs(name, "continue")["length"]
    wanted = np.where(wanted > 0, wanted, kept + model.length)
    for row, piece in enumerate(pieces):
        np.testing.assert_array_equal(piece[: kept[row]], given[row, : kept[row]])
        assert len(piece) == np.clip(wanted[row], kept[row] + 1, model.max_length)
        tempo = NoteSequence.FromString(outputs["note_sequence"][row]).tempos[0].qpm
        assert tempo == pytest.approx(80.0 + row)
    # The first piece for all, and another one: what follows is the seeds' and the music's.
    ends = []
    for row in (0, 1):
        asks = {"seed": SEEDS, "length": kept[row] + model.length}
        found = _events(model, asked("continue", note_sequence=music(name)[row], **asks))
        ends.append([piece[kept[row] :] for piece in found])
        assert len({end.tobytes() for end in ends[row]}) == ROWS
    assert np.mean([(a != b).any() for a, b in zip(*ends, strict=True)]) > 0.9


def _events(model, outputs):
    features = model.representation.num_features
    return [np.frombuffer(text, "<f4").reshape(-1, features) for text in outputs["note_events"]]
