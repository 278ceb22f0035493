"""What an evaluation measures of piano-rolls beside the recipe's metrics."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tfmusicgan.evaluation import published_rows
from tfmusicgan.evaluation.estimated_rows import estimated_rows
from tfmusicgan.evaluation.report import HELD_OUT, TRAINED, TRAINING, UNTRAINED, Rows
from tfmusicgan.metrics import accompaniment
from tfmusicgan.metrics.histograms import histograms
from tfmusicgan.metrics.memorisation import nearest_distance, self_similarity, transposed
from tfmusicgan.metrics.musical import drum_period
from tfmusicgan.models.piano_roll_gan import PianoRollGAN
from tfmusicgan.progress import ProgressBar
from tfmusicgan.recipes.base import Recipe
from tfmusicgan.records.manifest import Manifest
from tfmusicgan.records.pieces import spread_pieces
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.training.monitor import held_out_split

_FIELD = "piano_roll"
# Training phrases compared at once: products of larger matrices are faster.
_PHRASES_AT_ONCE = 1024


def measure(
    recipe: Recipe,
    phrases: Mapping[str, np.ndarray],
    models: Mapping[str, PianoRollGAN],
    train: RecordSet,
) -> dict[str, Any]:
    """The fields of an `Evaluation` that are measured of piano-rolls.

    Args:
      recipe: Names the metrics, and has the paper's rows.
      phrases: Row name to bool [n, bars, steps, pitches, tracks].
      models: The untrained and the trained model.
      train: The training split.
    """
    model = models[TRAINED]
    given = model.condition_track
    harmony = {} if given is None else _harmony(phrases, given, train)
    measured = _measure(recipe, phrases, model.representation, given)
    semitones = model.model_config.max_transposition_semitones
    if semitones:
        copies = f"up to {semitones} semitones up and down, as it was trained with them"
        measured["notes"] += (f"nearest_training_phrase: of phrases in every key, {copies}.",)
    return {
        "memorisation": _memorisation(phrases, train, model),
        **harmony,
        **measured,
    }


def _harmony(phrases: Mapping[str, np.ndarray], given: int, train: RecordSet) -> dict[str, Any]:
    """The fields of an `Evaluation` that are harmony with the given track; none where it has none.

    Args:
      phrases: Row name to bool [n, bars, steps, pitches, tracks].
      given: Index of the given track.
      train: The training split.
    """
    pieces = _pieces(phrases, train)
    found = {
        row: accompaniment.exchanged_distances(rolls, pieces[row], given, train.representation)
        for row, rolls in phrases.items()
    }
    if not all(found.values()):
        return {}
    return {
        "accompaniment": {
            row: accompaniment.harmony_with_given(distances) for row, distances in found.items()
        },
        "accompaniment_intervals": {
            row: accompaniment.nearer_intervals(found[row]) for row in (UNTRAINED, TRAINED)
        },
    }


def _pieces(phrases: Mapping[str, np.ndarray], train: RecordSet) -> dict[str, np.ndarray]:
    """Row name to the piece that each given track is of: int64 [n]."""
    found = {TRAINING: spread_pieces(train, len(phrases[TRAINING]))}
    if HELD_OUT in phrases:
        split = held_out_split(Manifest.read(train.directory))
        held_out = RecordSet.open(train.directory, split)
        found[HELD_OUT] = spread_pieces(held_out, len(phrases[HELD_OUT]))
    # Samples are played to these in turn, from the first again where they are more.
    source = found.get(HELD_OUT, found[TRAINING])
    for row in (UNTRAINED, TRAINED):
        found[row] = np.resize(source, len(phrases[row]))
    return found


def _measure(
    recipe: Recipe,
    phrases: Mapping[str, np.ndarray],
    representation: MultitrackPianoRoll,
    given: int | None = None,
) -> dict:
    """The fields of an `Evaluation` that are functions of the phrases and the recipe.

    Args:
      recipe: Names the metrics, and has the paper's rows.
      phrases: Row name to bool [n, bars, steps, pitches, tracks].
      representation: What the axes mean.
      given: Index of the track that the model is given, whose own metrics no training can move.
    """
    measured = estimated_rows(recipe, phrases, representation)
    name = None if given is None else representation.tracks[given].name
    compared, about_the_paper = published_rows.compare(recipe, phrases, representation, name)
    notes = []
    if given is not None:
        source = HELD_OUT if HELD_OUT in phrases else TRAINING
        spread = measured["spread"].items()
        measured["spread"] = {key: one for key, one in spread if key.partition("/")[2] != name}
        notes.append(f"{name} is given, from the {source}: its own metrics are not judged.")
    if "drum_pattern" in recipe.metrics and drum_period(representation.steps_per_beat) is None:
        notes.append(
            f"drum_pattern is undefined at {representation.steps_per_beat} steps a beat: all steps "
            "are on the grid of sixteenths, or not all sixteenths are steps."
        )
    return {
        **measured,
        "histograms": {row: histograms(rolls, representation) for row, rolls in phrases.items()},
        **compared,
        "notes": (*notes, *about_the_paper),
    }


def _memorisation(phrases: Mapping[str, np.ndarray], train: RecordSet, model: PianoRollGAN) -> Rows:
    """What held-out and trained phrases share with the training data, and with each other.

    A model that was trained on transposed phrases may copy one as transposed.
    """
    given, semitones = model.condition_track, model.model_config.max_transposition_semitones
    new = {row: _generated(phrases[row], given) for row in (HELD_OUT, TRAINED) if row in phrases}
    nearest = _nearest(new, train, given, semitones)
    return {
        row: {
            "nearest_training_phrase": nearest[row],
            "self_similarity": float(self_similarity(rolls)),
        }
        for row, rolls in new.items()
    }


def _generated(rolls: np.ndarray, given: int | None) -> np.ndarray:
    """The tracks that a model makes: all but the given one."""
    return rolls if given is None else np.delete(rolls, given, axis=-1)


def _nearest(
    rows: Mapping[str, np.ndarray],
    records: RecordSet,
    given: int | None = None,
    most_semitones: int = 0,
) -> dict[str, float]:
    """Each row's mean distance to the nearest phrase of the whole split, read part by part.

    Args:
      rows: Row name to bool [n, bars, steps, pitches, tracks], without the given track.
      records: The split.
      given: The given track's index.
      most_semitones: Training phrases count in every key up to so many semitones up and down.
    """
    is_drum = [track.is_drum for track in records.representation.tracks]
    shifts = range(-most_semitones, most_semitones + 1)
    phrases = np.concatenate(list(rows.values()))
    nearest = np.full(len(phrases), np.inf)
    done = 0
    with ProgressBar("Comparing", records.num_examples, "training phrases") as bar:
        for known in _parts(records):
            for semitones in shifts:
                moved = _generated(transposed(known, semitones, is_drum), given)
                nearest = np.fmin(nearest, nearest_distance(phrases, moved))
            done += len(known)
            bar.update(done)
    ends = np.cumsum([len(rolls) for rolls in rows.values()])[:-1]
    return {
        row: float(np.mean(distances))
        for row, distances in zip(rows, np.split(nearest, ends), strict=True)
    }


def _parts(records: RecordSet) -> Iterator[np.ndarray]:
    """The phrases of a split, many at once."""
    batches: list[np.ndarray] = []
    for batch in records.examples():
        batches.append(batch[_FIELD])
        if sum(map(len, batches)) >= _PHRASES_AT_ONCE:
            yield np.concatenate(batches)
            batches = []
    if batches:
        yield np.concatenate(batches)
