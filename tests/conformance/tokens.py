"""The laws of generators of tokens, as far as they differ from those of other generators.

`piano_rolls.py` has the same names.
"""

import numpy as np
import pytest
import tensorflow as tf

from tests import made_up
from tests.conformance import sequences
from tests.conformance.rows import ROWS, SEEDS
from tfmusicgan import recipes
from tfmusicgan.models.token_pieces import graph_half
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.recipes.policy_gradient import DISCRIMINATOR, LIKELIHOOD, POLICY
from tfmusicgan.representations.packing import unpack_numbers

MUSIC = "note_sequence"
LENGTHS = [1, 3, 2, 1] * 4  # of each row's piece, in lengths of a training sequence

RANDOM = ("discriminator_dropout=0.25",)
# Likelihood, a set of four epochs, and a round, or two, of one update and a set.
SHORT = ("likelihood_steps=6", "discriminator_sets=1", "epochs_per_set=4", "rounds=1")
LONG, SHORT_STEPS = (*SHORT[:-1], "rounds=2"), 15
QUICK, QUICK_STEPS = ("likelihood_steps=2", "epochs_per_set=1"), 7  # two rounds as well
FEWEST_TRAINABLE, FEWEST_SAVED, FEWEST_WEIGHTS = 16, 60, 16
COMPARED_STEP = 4  # after every phase


def signatures(name):
    """What the recipe's exports answer to."""
    del name
    return {"serving_default", "generate", "continue"}


def steps_per_quarter(representation):
    """The grid of the music; a token is a quarter note where it says nothing."""
    return getattr(representation, "steps_per_quarter", 1)


def inputs(asked, name, signature):
    """What the laws ask of a recipe's signature, beside the seeds."""
    if signature == "serving_default":
        return {}
    drawn = {
        "temperature": np.array([1.0, 0.9, 1.0, 2.0] * (ROWS // 4), np.float32),
        "top_k": np.array([0, 0, 12, 20] * (ROWS // 4), np.int32),
        "top_p": np.array([1.0, 0.95, 1.0, 0.9] * (ROWS // 4), np.float32),
    }
    if signature == "continue":
        lengths = np.array([0, 2, 60, 30] * (ROWS // 4), np.int32)
        return {**drawn, "length": lengths, "note_sequence": music(name)}
    lengths = np.array(LENGTHS, np.int32) * asked.model.length
    return {**drawn, "length": lengths, "qpm": np.full(ROWS, 90.0, np.float32)}


def answers_are_valid(asked, name):
    """Answers are music, each another piece."""
    grid = steps_per_quarter(asked.model.representation)
    sequences.are_valid(asked, name, grid, decode)


def decode(model, outputs):
    """The NoteSequences of raw outputs, by the representation's NumPy half."""
    sequences = map(NoteSequence.FromString, outputs["note_sequence"])
    return [
        model.representation.decode({"tokens": tokens}, sequence.tempos[0].qpm)
        for tokens, sequence in zip(_tokens(outputs), sequences, strict=True)
    ]


def music(name):
    """A tune for each row, of one to six bars; serialised."""
    make = made_up.maker(recipes.get(name).preset("tiny").representation)
    pieces = [make(100 + row, bars=1 + row % 6, qpm=80.0 + row) for row in range(ROWS)]
    return np.array([piece.SerializeToString(deterministic=True) for piece in pieces], object)


def without_gradient(name, model):
    """Parts of variables that no loss depends on: none."""
    del name, model
    return {}


def trained_optimizers(model, stage):
    """The optimizers that a step of a stage calls: that of its phase."""
    model.begin_stage((0, *model.stage_starts)[stage])
    assert model.phase in (LIKELIHOOD, DISCRIMINATOR, POLICY)
    return {f"{model.phase}_optimizer"}


def draws_follow_their_controls(asked):
    """Temperature 0 and one token alone are sure, and what is colder or cut has less variety."""

    def draw(**controls):
        return np.array(_tokens(asked("generate", seed=SEEDS, **controls)))

    cold = draw(temperature=0.0)
    assert len(np.unique(cold, axis=0)) == 1
    np.testing.assert_array_equal(draw(top_k=1, temperature=5.0), cold)
    np.testing.assert_array_equal(draw(top_p=0.0), cold)
    plain, cool, few = draw(), draw(temperature=0.1), draw(top_k=3, temperature=5.0)
    variety = [len(np.unique(tokens)) for tokens in (cold, cool, plain)]
    assert variety[0] < variety[1] < variety[2]
    assert len(np.unique(few[:, 0])) == 3 and len(np.unique(plain[:, 0])) > 3


def seed_tempo_and_length_act(asked):
    """Longer pieces begin as shorter ones."""
    model = asked.model
    seeds = SEEDS[np.arange(ROWS) // 4]  # four rows each
    qpm = np.array([60.0, 120.0] * 8, np.float32)
    lengths = np.array(LENGTHS) * model.length
    outputs = asked("generate", seed=seeds, qpm=qpm, length=lengths)
    pieces = _tokens(outputs)
    assert [len(piece) for piece in pieces] == lengths.tolist()
    for row in range(0, ROWS, 4):
        for later in range(1, 4):
            np.testing.assert_array_equal(pieces[row], pieces[row + later][: model.length])
        assert (pieces[row + 1][model.length :] != np.tile(pieces[row], 2)).any()
    assert len({pieces[row].tobytes() for row in range(0, ROWS, 4)}) == 4
    for tokens, tempo, text in zip(pieces, qpm, outputs["note_sequence"], strict=True):
        sequence = NoteSequence.FromString(text)
        assert sequence.tempos[0].qpm == tempo
        whole = model.representation.decode({"tokens": tokens}, tempo)
        assert sequence.total_time == pytest.approx(whole.total_time)


def given_music_is_kept_and_decides(asked, name):
    """A piece begins with what it was given, and other music goes on in another way."""
    model = asked.model
    given, counts, replaced, left_out = graph_half(model.representation).from_note_sequences(
        tf.constant(music(name)), model.representation, 640
    )
    assert not left_out.numpy().any()
    most = model.max_length - model.length
    kept = np.minimum(counts, most)
    assert kept.min() > 0 and len(set(kept.tolist())) > 3
    answers = asked.answers(name, "continue")
    pieces = _tokens(answers)
    wanted = asked.inputs(name, "continue")["length"]
    wanted = np.where(wanted > 0, wanted, kept + model.length)
    for row, piece in enumerate(pieces):
        beginning = given[row, counts[row] - kept[row] : counts[row]].numpy()
        np.testing.assert_array_equal(piece[: kept[row]], beginning)
        assert len(piece) == np.clip(wanted[row], kept[row] + 1, model.max_length)
        count = int(replaced[row, counts[row] - kept[row] : counts[row]].numpy().sum())
        assert answers["tokens_replaced"][row] == count
    assert answers["tokens_left_out"].tolist() == (counts.numpy() - kept).tolist()
    # The first tune for all, and another one: what follows is the seeds' and the music's.
    asks = {"seed": SEEDS, "length": kept[0] + model.length, "temperature": 0.5}
    one = _tokens(asked("continue", note_sequence=music(name)[0], **asks))
    assert len({piece[kept[0] :].tobytes() for piece in one}) > ROWS // 2
    other = {**asks, "length": kept[1] + model.length}
    other = _tokens(asked("continue", note_sequence=music(name)[1], **other))
    ends = [(a[kept[0] :], b[kept[1] :]) for a, b in zip(one, other, strict=True)]
    assert np.mean([(a != b).any() for a, b in ends]) > 0.5


def _tokens(outputs):
    return [unpack_numbers(text) for text in outputs["tokens"]]
