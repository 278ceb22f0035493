"""Whether an accompaniment listens: tonal distance to the given track against another piece's.

The control of Dong et al. (2018), table 3. Each model is trained for some hundred steps on music in
which all tracks follow one chord per bar, any of 24, and asked through `accompany`. The
same measure fails for a model that ignores its input.
"""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf

from tests.models import chords
from tfmusicgan import datasets, recipes, representations
from tfmusicgan.metrics import accompaniment
from tfmusicgan.metrics.tonal_distance import tonal_distance
from tfmusicgan.note_sequences.tfrecord import RecordWriter
from tfmusicgan.recipes.base import Preset
from tfmusicgan.records.convert import convert
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.representations import given_track
from tfmusicgan.representations.packing import unpack_bytes
from tfmusicgan.training import fit

pytestmark = pytest.mark.slow

STRINGS, PIANO = 1, 2
PIECES = 72
SIZES = {
    "encoder_filters": 16,
    "first_filters": 16,
    "time_filters": (16, 16),
    "pitch_filters": (32,),
    "temporal_filters": 16,
    "critic_bar_filters": (16, 16),
    "critic_pitch_filters": (32, 32),
    "critic_time_filters": (32,),
    "critic_dense_units": 64,
    "initial_stddev": 0.1,
    "batch_size": 16,
    "critic_updates": 1,
    "learning_rate": 2e-3,
    "ema_decay": None,
}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Phrases of two bars, each with chords of its own."""
    folder = tmp_path_factory.mktemp("chords")
    with RecordWriter(folder / "chords.tfrecord") as writer:
        for number in range(400):
            writer.write(chords.piece(number, bars=8))
    tiny = recipes.get("musegan_hybrid_accompaniment").preset("tiny").representation
    parameters = {**tiny, "tracks": list(chords.TRACKS), "min_piece_tracks": 3}
    grid = representations.get("multitrack_piano_roll").from_parameters(parameters)
    source = [str(folder / "chords.tfrecord")]
    convert(datasets.get("midi"), ConvertOptions(grid), folder / "records", source)
    return folder / "records"


@pytest.fixture(scope="module")
def trained(records, tmp_path_factory):
    """Model name to a run that has learnt a little."""

    @functools.cache
    def train(name, steps):
        recipe = recipes.get(f"musegan_{name}_accompaniment")
        config = dataclasses.replace(recipe.preset("tiny").config, training_steps=steps, **SIZES)
        recipe = dataclasses.replace(recipe, presets={"tiny": Preset({}, config)})
        options = fit.TrainingOptions(
            steps_per_epoch=steps, checkpoint_every=steps, collapse_patience=0, num_samples=8
        )
        folder = tmp_path_factory.mktemp("runs") / name
        return fit.train(recipe, "tiny", records, folder, options=options)

    return train


@dataclasses.dataclass
class Answers:
    """Phrases with the music they were played to: bool [pieces, bars, steps, pitches, tracks]."""

    rolls: np.ndarray
    grid: representations.base.Representation

    def to(self, given: np.ndarray) -> "Answers":
        """The same answers beside other given tracks, [pieces, bars, steps, pitches]."""
        rolls = self.rolls.copy()
        rolls[..., PIANO] = given
        return Answers(rolls, self.grid)

    def distances(self) -> np.ndarray:
        """Tonal distance of strings to piano of each piece, NaN where no bar counts."""
        means = tonal_distance(self.rolls, self.grid.steps_per_beat, self.grid.lowest_pitch)
        pair = means.column(STRINGS, PIANO)
        with np.errstate(invalid="ignore"):
            return pair.totals / pair.counts


def _ask(accompany, grid, sequences, threshold=0.5) -> Answers:
    """Plays to NoteSequences through a signature."""
    count = len(sequences)
    outputs = accompany(
        seed=tf.range(100, 100 + count, dtype=tf.int64),
        note_sequence=tf.constant([s.SerializeToString() for s in sequences]),
        threshold=tf.fill([count], threshold),
        temperature=tf.zeros([count]),
    )
    shape = grid.spec["piano_roll"].shape
    rolls = [unpack_bytes(text, shape) for text in outputs["piano_roll"].numpy()]
    return Answers(np.stack(rolls), grid)


def _gains(answers: Answers) -> np.ndarray:
    """How much nearer each answer is to its own music than to another piece's, where defined."""
    own = answers.distances()
    other = answers.to(np.roll(answers.rolls[..., PIANO], 1, axis=0)).distances()
    return (other - own)[~np.isnan(other - own)]


def _evidence(answers: Answers) -> tuple[float, float]:
    """The mean gain over pieces, and that divided by its standard error."""
    gains = _gains(answers)
    assert len(gains) > PIECES // 2  # there is something to hear
    return float(gains.mean()), float(gains.mean() / (gains.std(ddof=1) / np.sqrt(len(gains))))


def _listens(answers: Answers) -> bool:
    gain, significance = _evidence(answers)
    return gain > 0.15 and significance > 4.0


def _verdict(answers: Answers) -> bool | None:
    """What an evaluation says of them, every answer being to another piece."""
    pieces = np.arange(len(answers.rolls))
    found = accompaniment.exchanged_distances(answers.rolls, pieces, PIANO, answers.grid)
    return accompaniment.listens(accompaniment.nearer_intervals(found)[accompaniment.NEARER])


@pytest.fixture(scope="module")
def questions():
    """Pianos of new pieces, of four bars: two phrases each."""
    return [chords.alone(chords.piece(10_000 + n, bars=4), 0) for n in range(PIECES)]


def _given(grid, sequences):
    return np.stack([given_track.encode_track(s, grid, PIANO, 4) for s in sequences])


def _deafen(model):
    """Makes the encoder's maps all zero: normalisation scales and shifts to nothing."""
    for norm in model.generator.encoder.norms:
        norm.gamma.assign(0.0 * norm.gamma)
        norm.beta.assign(0.0 * norm.beta)


@pytest.mark.parametrize(("name", "steps"), [("hybrid", 400), ("jamming", 400), ("composer", 800)])
def test_harmony_follows_the_given_track(name, steps, trained, questions):
    model, _ = trained(name, steps).load_model()
    grid = model.representation
    accompany = tf.function(model.signatures()["accompany"].function, autograph=False)
    answers = _ask(accompany, grid, questions)
    given = _given(grid, questions)
    np.testing.assert_array_equal(answers.rolls[..., PIANO], given)
    assert _listens(answers), _evidence(answers)
    assert _verdict(answers) is True

    # The same measure where the input is ignored. Played to the music of another piece:
    turned = _ask(accompany, grid, questions[1:] + questions[:1])
    assert not _listens(turned.to(given)), _evidence(turned.to(given))
    assert _verdict(turned.to(given)) is False
    # By a model that hears nothing: the given track is copied into the answer, and no more.
    # It plays less; a lower threshold makes it heard.
    _deafen(model)
    for threshold in (0.5, 0.2, 0.05, 0.01, 1e-3, 1e-4, 1e-5):
        deaf = _ask(accompany, grid, questions, threshold)
        if len(_gains(deaf)) > PIECES // 2:
            break
    np.testing.assert_array_equal(deaf.rolls[..., PIANO], given)
    assert deaf.rolls[..., STRINGS].any()
    assert not _listens(deaf), _evidence(deaf)
    assert not _verdict(deaf)
    print(name, *(_evidence(heard) for heard in (answers, turned.to(given), deaf)))


def test_the_measure_on_the_data(questions):
    tiny = recipes.get("musegan_hybrid_accompaniment").preset("tiny").representation
    parameters = {**tiny, "tracks": list(chords.TRACKS), "bars": 4, "min_piece_tracks": 3}
    grid = representations.get("multitrack_piano_roll").from_parameters(parameters)
    rolls = [grid.encode(chords.piece(10_000 + n, bars=4))[0]["piano_roll"] for n in range(PIECES)]
    data = Answers(np.stack(rolls), grid)
    np.testing.assert_array_equal(data.rolls[..., PIANO], _given(grid, questions))
    assert _listens(data)
    assert not _listens(data.to(np.roll(data.rolls[..., PIANO], 7, axis=0)))
