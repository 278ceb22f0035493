"""The laws of generators of jazz phrases, as far as they differ from those of other generators.

`piano_rolls.py` has the same names.
"""

import numpy as np
import pytest
import tensorflow as tf

from tests import made_up
from tests.conformance import sequences
from tests.conformance.rows import ROWS, SEEDS
from tfmusicgan.models.jazzgan.pieces import READ_BARS
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.recipes.jazzgan import POLICY
from tfmusicgan.representations import jazz_phrases_graph
from tfmusicgan.representations.jazz_phrases_chords import chord_numbers, to_bits
from tfmusicgan.representations.jazz_phrases_rhythm import durations
from tfmusicgan.representations.packing import unpack_numbers

MUSIC = "note_sequence"
BARS = [3, 1, 4, 2] * 4  # of each row's piece
PROGRESSION = ["Dm7", "G7/F", "Cmaj7", "N.C.", "A7b9"]

# Transposition is on as it is.
RANDOM = ()
LONG, SHORT, SHORT_STEPS = ("training_steps=20",), ("training_steps=4",), 4
QUICK, QUICK_STEPS = ("training_steps=4",), 4  # two of each phase
FEWEST_TRAINABLE, FEWEST_SAVED, FEWEST_WEIGHTS = 20, 40, 20
COMPARED_STEP = 4  # after both phases


def signatures(name):
    """What the recipe's exports answer to."""
    del name
    return {"serving_default", "generate", "harmonize", "continue"}


def steps_per_quarter(representation):
    """The grid of the music."""
    del representation
    return 12


def inputs(asked, name, signature):
    """What the laws ask of a recipe's signature, beside the seeds."""
    del asked
    if signature == "serving_default":
        return {}
    found = {
        "temperature": np.array([0.0, 1.0] * (ROWS // 2), np.float32),
        "sound_chords": np.arange(ROWS) % 3 == 1,
        "qpm": np.full(ROWS, 90.0, np.float32),
    }
    if signature != "generate":
        found["chords"] = _chords()
        found["beats_per_chord"] = _beats()
        found["num_bars"] = np.array(BARS, np.int32)
    return {**found, "note_sequence": music(name)} if signature == "continue" else found


def answers_are_valid(asked, name):
    """Answers are music, each another piece."""
    sequences.are_valid(asked, name, steps_per_quarter(asked.model.representation), decode)


def decode(model, outputs):
    """The NoteSequences of raw outputs, by the representation's NumPy half."""
    found = []
    for fields, text in zip(_phrases(outputs), outputs["note_sequence"], strict=True):
        sequence = NoteSequence.FromString(text)
        sounds = any(note.instrument == 1 for note in sequence.notes)
        found.append(model.representation.decode(fields, sequence.tempos[0].qpm, sounds))
    return found


def music(name):
    """A melody for each row, of one to three bars; serialised."""
    del name
    pieces = [made_up.jazz_line(100 + row, 1 + row % 3, 80.0 + row) for row in range(ROWS)]
    return np.array([piece.SerializeToString(deterministic=True) for piece in pieces], object)


def without_gradient(name, model):
    """Parts of variables that no loss depends on: tokens and places that the data do not have."""
    del name, model
    return {}


def trained_optimizers(model, stage):
    """The optimizers that a step of a stage calls."""
    model.begin_stage((0, *model.stage_starts)[stage])
    policy = {key for key in model.optimizers() if "policy" in key or "baseline" in key}
    likelihood = {key for key in model.optimizers() if "likelihood" in key}
    return set(model.optimizers()) - (likelihood if model.phase == POLICY else policy)


def draws_follow_their_controls(asked):
    """What is hotter has more pitches; what is nearly cold is nearly decided."""
    pitches = {}
    for temperature in (0.0, 0.001, 3.0):
        outputs = asked("generate", seed=SEEDS, temperature=temperature)
        pitches[temperature] = [phrase["pitches"] for phrase in _phrases(outputs)]
    first = asked.model.representation.primer_notes  # the same for all

    def same(hot):
        pairs = zip(pitches[0.0], pitches[hot], strict=True)
        return np.mean([one[first] == other[first] for one, other in pairs])

    assert same(0.001) > 0.8 > 0.4 > same(3.0)
    variety = [np.mean([len(set(row.tolist())) for row in rows]) for rows in pitches.values()]
    assert variety[0] < variety[2]


def seed_tempo_and_length_act(asked):
    """Longer pieces begin as shorter ones, until these see their end, a bar before."""
    seeds = SEEDS[np.arange(ROWS) // 4]  # four rows each
    qpm = np.array([60.0, 120.0] * 8, np.float32)
    outputs = asked("harmonize", seed=seeds, qpm=qpm, num_bars=np.array(BARS), chords=_chords()[1])
    pieces = _phrases(outputs)
    assert [len(piece["chord_roots"]) for piece in pieces] == [48 * bars for bars in BARS]
    compared = 0
    for row in range(0, ROWS, 4):
        for later in range(1, 4):
            one, other = pieces[row], pieces[row + later]
            shorter = min(BARS[row], BARS[row + later])
            lengths = durations(one["rhythm"], 0, asked.model.representation.encoding)
            count = int((np.cumsum(lengths) - lengths < 48 * (shorter - 1)).sum())
            compared += count
            for name in ("pitches", "rhythm"):
                np.testing.assert_array_equal(one[name][:count], other[name][:count])
    assert compared > 16
    assert len({pieces[row]["pitches"].tobytes() for row in range(0, ROWS, 4)}) == 4
    for bars, tempo, text in zip(BARS, qpm, outputs["note_sequence"], strict=True):
        sequence = NoteSequence.FromString(text)
        assert sequence.tempos[0].qpm == tempo
        assert sequence.total_time == pytest.approx(bars * 4 * 60 / tempo)


def given_music_is_kept_and_decides(asked, name):
    """A piece begins with the notes it was given, and is over the chords it was given."""
    rep, most = asked.model.representation, 48 * READ_BARS
    given = jazz_phrases_graph.from_note_sequences(tf.constant(music(name)), rep, most, most)
    given = {key: value.numpy() for key, value in given.items()}
    assert len(set(given["num_notes"].tolist())) > 3
    pieces = _phrases(asked.answers(name, "continue"))
    for row, piece in enumerate(pieces):
        count = given["num_notes"][row]
        for key in ("pitches", "rhythm"):
            np.testing.assert_array_equal(piece[key][:count], given[key][row, :count])
        first = given["first_step"][row]
        assert piece["first_step"] == first
        bars = -(-(first + given["num_steps"][row]) // 48)
        assert len(piece["chord_roots"]) == 48 * (bars + BARS[row]) - first
        _assert_over_the_given_chords(piece, row)
    for row, piece in enumerate(_phrases(asked.answers(name, "harmonize"))):
        assert piece["first_step"] == 0 and len(piece["chord_roots"]) == 48 * BARS[row]
        _assert_over_the_given_chords(piece, row)
    # What follows is the music's: after another, another end.
    cold = {"seed": SEEDS, "num_bars": 2, "temperature": 0.0}
    ends = [
        [piece["pitches"][-3:].tobytes() for piece in _phrases(asked("continue", **cold, **one))]
        for one in ({"note_sequence": music(name)}, {"note_sequence": music(name)[::-1]})
    ]
    assert np.mean([one != other for one, other in zip(*ends, strict=True)]) > 0.5


def _assert_over_the_given_chords(piece, row):
    own = [text.decode() for text in _chords()[row] if text]
    steps = 12 * _beats()[row]
    places = piece["first_step"] + np.arange(len(piece["chord_roots"]))
    numbers = np.array([chord_numbers(symbol) for symbol in own])
    expected = numbers[places // steps % len(own)]
    np.testing.assert_array_equal(piece["chord_roots"], expected[:, 0])
    np.testing.assert_array_equal(piece["chord_tones"], to_bits(expected[:, 1]))


def _chords():
    """Progressions of four or five chords, each begun elsewhere."""
    rows = [PROGRESSION[row % 5 :] + PROGRESSION[: row % 5] for row in range(ROWS)]
    for row in range(0, ROWS, 3):
        rows[row][4] = ""
    return np.array([[text.encode() for text in row] for row in rows], object)


def _beats():
    return np.array([4, 2, 3, 1] * (ROWS // 4), np.int32)


def _phrases(outputs):
    """The fields of each row's phrase."""
    names = ("pitches", "rhythm", "chord_roots", "chord_tones")
    found = []
    for row, first in enumerate(outputs["first_step"].tolist()):
        fields = {name: unpack_numbers(outputs[name][row]) for name in names}
        fields["chord_tones"] = to_bits(fields["chord_tones"])
        fields["num_notes"] = np.array(len(fields["pitches"]))
        fields["num_steps"] = np.array(len(fields["chord_roots"]))
        found.append({**fields, "first_step": np.array(first)})
    return found
