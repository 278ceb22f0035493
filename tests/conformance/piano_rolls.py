"""The laws of generators of piano-rolls, as far as they differ from those of other generators.

`tokens.py` has the same names.
"""

import numpy as np
import pytest
import tensorflow as tf

from tests import made_up
from tests.conformance import sequences
from tests.conformance.rows import ROWS, SEEDS
from tfmusicgan import recipes
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import given_track
from tfmusicgan.representations.packing import unpack_bytes

MUSIC = "note_sequence"
PHRASES = [1, 3, 2, 1] * 4  # of each row's piece

# All that training draws at random beside the order of the data and the latents.
RANDOM = ("critic_dropout=0.25", "max_transposition_semitones=3")
# A training of 20 steps, and one of fewer that it may go on from.
LONG, SHORT, SHORT_STEPS = ("training_steps=20",), ("training_steps=4",), 4
# Fewer steps where several devices are compared one operation at a time, and fewer updates of each.
QUICK, QUICK_STEPS = ("critic_updates=1", "training_steps=4"), 4
FEWEST_TRAINABLE, FEWEST_SAVED, FEWEST_WEIGHTS = 30, 100, 25
# The step at which a traced run is compared with one that is not.
COMPARED_STEP = 2


def signatures(name):
    """What the recipe's exports answer to."""
    names = {"serving_default", "generate"}
    return names | {"accompany"} if _is_accompaniment(name) else names


def steps_per_quarter(representation):
    """The grid of the music."""
    return representation.steps_per_beat


def inputs(asked, name, signature):
    """What the laws ask of a recipe's signature, beside the seeds."""
    if signature == "serving_default":
        return {}
    temperature = np.array([0.0, 0.7] * (ROWS // 2), np.float32)
    drawn = {"threshold": _twentieth(asked), "temperature": temperature}
    if signature == "accompany":
        return {**drawn, "note_sequence": music(name)}
    lengths = np.array(PHRASES, np.int32)
    return {**drawn, "qpm": np.full(ROWS, 90.0, np.float32), "num_phrases": lengths}


def answers_are_valid(asked, name):
    """Answers are music, each another piece."""
    grid = steps_per_quarter(asked.model.representation)
    sequences.are_valid(asked, name, grid, decode)


def decode(model, outputs):
    """The NoteSequences of raw outputs, by the representation's NumPy half."""
    sequences = map(NoteSequence.FromString, outputs["note_sequence"])
    return [
        model.representation.decode({"piano_roll": roll}, sequence.tempos[0].qpm)
        for roll, sequence in zip(_rolls(model, outputs), sequences, strict=True)
    ]


def music(name):
    """A piece for each row, of one to six bars, in the recipe's tracks; serialised.

    Some begin with a pick-up of a quarter note, and then end with a bar cut short.
    """
    make = made_up.maker(recipes.get(name).preset("tiny").representation)
    pieces = [make(100 + row, bars=1 + row % 6, qpm=80.0 + row) for row in range(ROWS)]
    for piece in pieces[::5]:
        piece.time_signatures.add(time=60 / piece.tempos[0].qpm, numerator=4, denominator=4)
    return np.array([piece.SerializeToString(deterministic=True) for piece in pieces], object)


def without_gradient(name, model):
    """Parts of variables that no loss depends on: paths to what stands still."""
    still = {}
    given = model.condition_track
    for variable in model.trainable_variables:
        if given is not None and "composer" in name and _is_output(model, variable):
            # The composer's own version of the given track is replaced: outputs [taps * tracks].
            tracks = model.representation.num_tracks
            own = np.arange(variable.shape[-1]) % tracks == given
            still[variable.path] = np.broadcast_to(own, variable.shape)
    return still


def trained_optimizers(model, stage):
    """The optimizers that a step of a stage calls."""
    del stage
    return set(model.optimizers())


def draws_follow_their_controls(asked):
    """A threshold takes notes away; the colder a draw, the nearer it is to the threshold alone."""
    model = asked.model
    threshold = _share_quantiles(asked, [0.9, 0.6, 0.3, 0.1])  # falling shares
    rows = 4 * [*threshold]
    temperature = np.repeat(np.array([0.0, 1e-3, 1.0, 5.0], np.float32), 4)
    outputs = asked("generate", seed=np.full(16, SEEDS[0]), threshold=rows, temperature=temperature)
    rolls = [_generated(model, roll) for roll in _rolls(model, outputs)]
    for first in range(0, 16, 4):  # a higher threshold only takes notes away
        for lower, higher in zip(rolls[first : first + 3], rolls[first + 1 :], strict=False):
            assert not (higher & ~lower).any()
            # Hot draws hardly follow thresholds as near to each other as these may be.
            assert higher.sum() < lower.sum() or first > 0
    distances = [np.mean(rolls[2] != rolls[row]) for row in (6, 10, 14)]
    assert distances[0] < distances[1] < distances[2]


def seed_tempo_and_length_act(asked):
    """Longer pieces begin as shorter ones."""
    model = asked.model
    bars = model.representation.bars
    seeds = SEEDS[np.arange(ROWS) // 4]  # four rows each
    qpm = np.array([60.0, 120.0] * 8, np.float32)
    threshold = np.repeat(_twentieth(asked)[:4], 4)
    outputs = asked("generate", seed=seeds, threshold=threshold, qpm=qpm, num_phrases=PHRASES)
    rolls = _rolls(model, outputs)
    assert [len(roll) for roll in rolls] == [bars * phrases for phrases in PHRASES]
    for row in range(0, ROWS, 4):
        for later in range(1, 4):
            np.testing.assert_array_equal(rolls[row], rolls[row + later][:bars])
        again = np.tile(rolls[row], (2, 1, 1, 1))
        assert (rolls[row + 1][bars:] != again).any()
    assert len({rolls[row].tobytes() for row in range(0, ROWS, 4)}) == 4
    beats = model.representation.beats_per_bar
    for phrases, tempo, text in zip(PHRASES, qpm, outputs["note_sequence"], strict=True):
        sequence = NoteSequence.FromString(text)
        assert sequence.tempos[0].qpm == tempo
        assert sequence.total_time == pytest.approx(phrases * bars * beats * 60 / tempo)


def given_music_is_kept_and_decides(asked, name):
    """An accompaniment holds what it was given, and other music has another one."""
    if not _is_accompaniment(name):
        return
    model, pieces = asked.model, [NoteSequence.FromString(text) for text in music(name)]
    rep, at = model.representation, model.condition_track
    outputs = asked.answers(name, "accompany")
    counts = [given_track.count_notes(piece, rep, at) for piece in pieces]
    assert outputs["notes_moved"].tolist() == [row.moved for row in counts]
    assert outputs["notes_left_out"].tolist() == [row.left_out for row in counts]
    assert not outputs["bars_left_out"].any()
    for roll, text, piece in zip(
        _rolls(model, outputs), outputs["note_sequence"], pieces, strict=True
    ):
        given = given_track.encode_track(piece, rep, at)
        np.testing.assert_array_equal(roll[..., at], given)
        assert given.any() and _generated(model, roll).any()
        answer = NoteSequence.FromString(text)
        assert answer.tempos[0].qpm == piece.tempos[0].qpm
        missing = 3 * 60 / piece.tempos[0].qpm if len(piece.time_signatures) > 1 else 0.0
        rest = answer.total_time - missing - piece.total_time
        assert rest == pytest.approx(60 / piece.tempos[0].qpm if missing else 0.0)
    # Other music, another answer; the seed alone decides nothing.
    turned = {**asked.inputs(name, "accompany"), "note_sequence": music(name)[::-1]}
    other = _rolls(model, asked("accompany", **turned))
    for one, two in zip(_rolls(model, outputs), other, strict=True):
        shorter = min(len(one), len(two))
        assert (_generated(model, one[:shorter]) != _generated(model, two[:shorter])).any()


def _is_accompaniment(name):
    return recipes.get(name).preset("tiny").config.condition_track is not None


def _is_output(model, variable):
    return any(variable is weight for weight in model.generator.bar_generator.steps[-1].weights)


def _rolls(model, outputs):
    shape = model.representation.spec["piano_roll"].shape
    return [unpack_bytes(text, shape) for text in outputs["piano_roll"]]


def _generated(model, roll):
    if model.condition_track is None:
        return roll
    return np.delete(roll, model.condition_track, axis=-1)


def _twentieth(asked):
    """A threshold per row that leaves about a twentieth of the cells, so there is music."""
    if "twentieth" not in asked.worked_out:
        logits = _generated(asked.model, asked.model.sample(tf.constant(SEEDS))["logits"].numpy())
        quantiles = np.quantile(logits.reshape(ROWS, -1), 0.95, axis=1)
        asked.worked_out["twentieth"] = _probability(quantiles)
    return asked.worked_out["twentieth"]


def _share_quantiles(asked, shares):
    """Thresholds that leave these shares of the cells of the first seed's phrase."""
    logits = asked.model.sample(tf.constant(SEEDS))["logits"].numpy()[0]
    return _probability(np.quantile(_generated(asked.model, logits), 1 - np.array(shares)))


def _probability(logits):
    return (1 / (1 + np.exp(-logits))).astype(np.float32)
