"""The laws of generators of melodies in bars, as far as they differ from those of other generators.

`piano_rolls.py` has the same names.
"""

import numpy as np
import pytest
import tensorflow as tf

from tests import made_up
from tests.conformance import sequences
from tests.conformance.rows import ROWS, SEEDS
from tfmusicgan import recipes
from tfmusicgan.models.midinet.pieces import MAX_BARS
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import melody_bars_graph
from tfmusicgan.representations.packing import unpack_numbers

MUSIC = "note_sequence"
LENGTHS = [3, 7, 5, 1] * 4  # bars of each row's piece
PROGRESSION = ["C", "Am7", "F", "G7", "Dm"]

# Transposition and the choice of bars are on as they are.
RANDOM = ()
LONG, SHORT, SHORT_STEPS = ("training_steps=20",), ("training_steps=4",), 4
QUICK, QUICK_STEPS = ("training_steps=4",), 4
FEWEST_TRAINABLE, FEWEST_SAVED, FEWEST_WEIGHTS = 25, 80, 20
COMPARED_STEP = 2


def signatures(name):
    """What the recipe's exports answer to."""
    names = {"serving_default", "generate", "continue"}
    return names | {"harmonize"} if _has_chords(name) else names


def steps_per_quarter(representation):
    """The grid of the music."""
    return representation.steps_per_beat


def inputs(asked, name, signature):
    """What the laws ask of a recipe's signature, beside the seeds."""
    del asked
    if signature == "serving_default":
        return {}
    found = {
        "temperature": np.array([0.0, 1.0] * (ROWS // 2), np.float32),
        "num_bars": np.array(LENGTHS, np.int32),
        "sound_chords": np.array([False, True] * (ROWS // 2)),
    }
    if signature == "continue":
        return {**found, "note_sequence": music(name), "chords": _chords()}
    return {**found, "qpm": np.full(ROWS, 90.0, np.float32), "chords": _chords()}


def answers_are_valid(asked, name):
    """Answers are music, each another piece."""
    grid = steps_per_quarter(asked.model.representation)
    sequences.are_valid(asked, name, grid, decode)


def decode(model, outputs):
    """The NoteSequences of raw outputs, by the representation's NumPy half."""
    found = []
    for bars, text in zip(_bars(model, outputs), outputs["note_sequence"], strict=True):
        sequence = NoteSequence.FromString(text)
        sounds = any(note.instrument == 1 for note in sequence.notes)
        qpm = sequence.tempos[0].qpm
        found.append(model.representation.decode({"melody_bars": bars}, qpm, sounds))
    return found


def music(name):
    """A melody for each row, of one to six bars; serialised."""
    del name
    pieces = [made_up.lead_sheet(100 + row, 1 + row % 6, 80.0 + row) for row in range(ROWS)]
    return np.array([piece.SerializeToString(deterministic=True) for piece in pieces], object)


def without_gradient(name, model):
    """Parts of variables that no loss depends on: none."""
    del name, model
    return {}


def trained_optimizers(model, stage):
    """The optimizers that a step of a stage calls."""
    del stage
    return set(model.optimizers())


def draws_follow_their_controls(asked):
    """What is hotter has more pitches; what is nearly cold is nearly decided."""
    pitches = {}
    for temperature in (0.0, 0.002, 3.0):
        outputs = asked("generate", seed=SEEDS, temperature=temperature, num_bars=1)
        bars = np.array(_bars(asked.model, outputs))
        pitches[temperature] = bars[..., : asked.model.representation.steps_per_bar]
    same = [np.mean(pitches[0.0] == pitches[hot]) for hot in (0.002, 3.0)]
    assert same[0] > 0.4 > 0.1 > same[1], same  # untrained, activations are nearly equal
    variety = [np.mean([len(np.unique(row)) for row in rows]) for rows in pitches.values()]
    assert variety[0] < variety[2]


def seed_tempo_and_length_act(asked):
    """Longer pieces begin as shorter ones."""
    seeds = SEEDS[np.arange(ROWS) // 4]  # four rows each
    qpm = np.array([60.0, 120.0] * 8, np.float32)
    outputs = asked("generate", seed=seeds, qpm=qpm, num_bars=np.array(LENGTHS))
    pieces = _bars(asked.model, outputs)
    assert [len(piece) for piece in pieces] == LENGTHS
    for row in range(0, ROWS, 4):
        for later in range(1, 4):
            shorter = min(len(pieces[row]), len(pieces[row + later]))
            np.testing.assert_array_equal(pieces[row][:shorter], pieces[row + later][:shorter])
        longer = pieces[row + 1][..., :16]
        assert len(np.unique(longer, axis=0)) > 1
    assert len({pieces[row].tobytes() for row in range(0, ROWS, 4)}) == 4
    for bars, tempo, text in zip(LENGTHS, qpm, outputs["note_sequence"], strict=True):
        sequence = NoteSequence.FromString(text)
        assert sequence.tempos[0].qpm == tempo
        assert sequence.total_time == pytest.approx(bars * 4 * 60 / tempo)


def given_music_is_kept_and_decides(asked, name):
    """A piece begins with the bars it was given, and is over the chords it was given."""
    rep = asked.model.representation
    given, counts = melody_bars_graph.from_note_sequences(tf.constant(music(name)), rep, MAX_BARS)
    assert len(set(counts.numpy().tolist())) > 3
    pieces = _bars(asked.model, asked.answers(name, "continue"))
    for row, piece in enumerate(pieces):
        count = int(counts[row])
        np.testing.assert_array_equal(piece[:count], given[row, :count])
        assert len(piece) == count + LENGTHS[row]
        if _has_chords(name):
            expected = _numbers(row, LENGTHS[row])
            assert piece[count:, rep.chord_column].tolist() == expected
    # The bars are made after the given ones: other music, another end.
    cold = {"seed": SEEDS, "num_bars": 2}
    ends = [
        [
            piece[-2:, :16].tobytes()
            for piece in _bars(asked.model, asked("continue", **cold, **one))
        ]
        for one in ({"note_sequence": music(name)}, {"note_sequence": music(name)[::-1]})
    ]
    assert np.mean([one != other for one, other in zip(*ends, strict=True)]) > 0.5
    if _has_chords(name):
        bars = _bars(asked.model, asked.answers(name, "harmonize"))
        for row, piece in enumerate(bars):
            assert piece[:, rep.chord_column].tolist() == _numbers(row, LENGTHS[row])


def _has_chords(name):
    return recipes.get(name).preset("tiny").config.chord_condition


def _chords():
    """Progressions of four or five chords, each begun elsewhere."""
    rows = [PROGRESSION[row % 5 :] + PROGRESSION[: row % 5] for row in range(ROWS)]
    for row in range(0, ROWS, 3):
        rows[row][4] = ""
    return np.array([[text.encode() for text in row] for row in rows], object)


def _numbers(row, count):
    """The chord numbers of a row's first bars."""
    number = {"C": 1, "Am7": 22, "F": 6, "G7": 8, "Dm": 15}
    own = [text.decode() for text in _chords()[row] if text]
    return [number[own[bar % len(own)]] for bar in range(count)]


def _bars(model, outputs):
    columns = model.representation.num_columns
    return [unpack_numbers(text).reshape(-1, columns) for text in outputs["melody_bars"]]
