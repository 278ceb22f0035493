"""Measures of notes: pitch without a classifier, spectra, likeness, and the table's entries."""

import types

import numpy as np
import pytest

from tfmusicgan import metrics
from tfmusicgan.metrics.different_bins import jensen_shannon
from tfmusicgan.metrics.note_metrics import Notes
from tfmusicgan.metrics.note_pitch import estimate_pitch
from tfmusicgan.metrics.note_spectra import nearest_distance, note_similarity, note_spectra

RATE = 8000
REP = types.SimpleNamespace(min_pitch=48, max_pitch=72)
RANDOM = np.random.default_rng(11)


def tone(pitch, levels=(1.0, 0.5, 0.3, 0.2), seconds=1.0, cents=0.0, rate=RATE):
    """A note with given levels of its first multiples, that fades."""
    hz = 440.0 * 2 ** ((pitch + cents / 100 - 69) / 12)
    time = np.arange(int(rate * seconds)) / rate
    wave = sum(
        level * np.sin(2 * np.pi * hz * number * time + number)
        for number, level in enumerate(levels, 1)
        if hz * number < rate / 2
    )
    return (0.3 * wave * np.exp(-2 * time)).astype(np.float32)


def _notes(pitches, **fields):
    audio = np.stack([tone(pitch) for pitch in pitches])
    return Notes((audio * 32767).astype(np.int16), np.array(pitches, np.int32), RATE, **fields)


@pytest.mark.parametrize(
    "levels",
    [
        (1.0,),
        (1.0, 0.5, 0.3, 0.2),
        (0.1, 1.0, 0.3, 0.8, 0.1),  # louder an octave higher
        (0.0, 0.6, 0.5, 0.4, 0.3),  # no fundamental
        (1.0, 0.0, 0.5, 0.0, 0.3),  # odd multiples, as a clarinet
    ],
)
def test_pitch_of_every_colour(levels):
    pitches = np.arange(40, 80)
    audio = np.stack([tone(pitch, levels, cents=17.0) for pitch in pitches])
    audio += RANDOM.normal(size=audio.shape).astype(np.float32) * 0.01
    np.testing.assert_array_equal(estimate_pitch(audio, RATE, 36, 84), pitches)


def test_pitch_of_silence_and_of_low_notes():
    audio = np.stack([tone(24, (1.0,) * 8, 4.0, rate=16000), np.zeros(64000, np.float32)])
    assert estimate_pitch(audio, 16000, 21, 96).tolist() == [24, -1]


def test_pitch_of_recorded_notes(test_data):
    import io
    import zipfile

    import soundfile

    archive = zipfile.ZipFile(test_data / "single_notes_16k/single_notes_16k.zip")
    names = sorted(name for name in archive.namelist() if name.endswith(".flac"))[::5]
    audio = [soundfile.read(io.BytesIO(archive.read(name)), dtype="int16")[0] for name in names]
    pitches = np.array([int(name.split("-")[-2]) for name in names])
    found = estimate_pitch(np.stack(audio), 16000, 24, 84)
    assert np.mean(found == pitches) > 0.9


def test_spectra_hold_time_and_frequency_apart():
    spectra = note_spectra(np.stack([tone(60), tone(60)[::-1], tone(61)]), RATE)
    assert spectra.shape == (3, 16 * 64)
    cells = spectra.reshape(3, 16, 64)
    assert cells[0, 0].max() > cells[0, -1].max() + 10  # it fades
    np.testing.assert_allclose(cells[1, 1:-1], cells[0, -2:0:-1], atol=6.0)
    assert np.abs(cells[2] - cells[0]).max() > 10


def test_nearest_distance_is_the_one_of_all_pairs():
    rows, others = RANDOM.normal(size=(5, 40)) * 20 - 50, RANDOM.normal(size=(2000, 40)) * 20 - 50
    others[1500] = rows[3]
    pairs = np.sqrt(((rows[:, np.newaxis] - others) ** 2).mean(axis=2))
    found = nearest_distance(rows.astype(np.float32), others.astype(np.float32))
    np.testing.assert_allclose(found, pairs.min(axis=1), atol=2e-2)
    assert found[3] < 1e-2
    assert np.isinf(nearest_distance(rows, others[:0])).all()


def test_likeness_is_of_pairs_of_one_pitch():
    rows = RANDOM.normal(size=(6, 30))
    pitch = np.array([60, 60, 60, 62, 62, 70])
    pairs = [(0, 1), (0, 2), (1, 2), (3, 4)]
    expected = np.mean([np.corrcoef(rows[a], rows[b])[0, 1] for a, b in pairs])
    assert note_similarity(rows, pitch) == pytest.approx(expected)
    rows[1:3] = rows[0] * 2 + 5  # louder, and otherwise the same
    rows[4] = rows[3]
    assert note_similarity(rows, pitch) == pytest.approx(1.0)
    assert np.isnan(note_similarity(rows, np.arange(6)))
    rows[:3] = -80.0  # three silent notes of one pitch are alike
    assert note_similarity(rows, pitch) == pytest.approx(1.0)
    rows[0] = RANDOM.normal(size=30)
    assert note_similarity(rows, pitch) == pytest.approx(2 / 4)


def test_measures_without_a_classifier_by_hand():
    notes = _notes([50, 55, 60, 65])
    notes.audio[3] = 0
    notes.pitch[:] = [50, 43, 61, 65]
    training = _notes([50, 55, 60, 65])
    names = metrics.names("audio")
    values = metrics.evaluate(names, notes, REP, {"training": training})
    assert values["silent_notes/share"] == 0.25
    assert values["estimated_pitch/exact"] == 0.25
    assert values["estimated_pitch/any_octave"] == 0.5
    power = (notes.audio / 32768.0) ** 2
    levels = [10 * np.log10(row.mean()) for row in power[:3]]
    assert values["level/decibels"] == pytest.approx(np.mean([*levels, -100.0]), abs=1e-4)
    difference = notes.spectra.mean(axis=0) - training.spectra.mean(axis=0)
    assert values["spectrum/decibels"] == pytest.approx(np.sqrt(np.mean(difference**2)))
    some = training[np.array([0, 0, 0, 1])]
    cells = metrics.evaluate(["ndb"], some, REP, {"training": training})
    expected = jensen_shannon(np.array([3, 1, 0, 0]), np.array([1, 1, 1, 1]))
    assert cells == {"ndb/bins": 0.0, "ndb/divergence": pytest.approx(expected)}
    assert not any(key.startswith(("pitch_", "frechet", "inception")) for key in values)


def test_measures_by_a_classifier_by_hand():
    probabilities = np.full((4, 128), 0.0, np.float32)
    probabilities[[0, 1, 2, 3], [50, 56, 60, 70]] = 1.0
    features = RANDOM.normal(size=(4, 3)).astype(np.float32)
    notes = _notes([50, 55, 60, 65], probabilities=probabilities, features=features)
    moved = _notes([50] * 4, probabilities=probabilities, features=features + np.float32([3, 0, 4]))
    values = metrics.evaluate(metrics.names("audio"), notes, REP, {"classified": moved})
    assert values["pitch_accuracy/exact"] == 0.5
    assert values["pitch_accuracy/within_semitone"] == 0.75
    assert values["pitch_entropy/nats"] == 0.0
    assert values["inception_score/pitches"] == pytest.approx(4.0)
    assert values["frechet_distance/features"] == pytest.approx(25.0, rel=1e-5)


def test_every_measure_has_a_value_by_weights_and_a_spread():
    probabilities = RANDOM.dirichlet(np.ones(128), 12).astype(np.float32)
    features = RANDOM.normal(size=(12, 3)).astype(np.float32)
    notes = _notes([48, 50, 52, 54, 56, 58] * 2, probabilities=probabilities, features=features)
    found = metrics.estimates(
        metrics.names("audio"), notes, REP, {"training": notes[::2], "classified": notes[1::2]}
    )
    assert {key.partition("/")[0] for key in found} == set(metrics.names("audio"))
    weights = np.ones((2, 12))
    weights[1, :6] = 0
    some = notes[np.arange(6, 12)]
    others = {"training": notes[::2], "classified": notes[1::2]}
    expected = metrics.evaluate(metrics.names("audio"), some, REP, others)
    for key, estimate in found.items():
        values = estimate.value(weights)
        if not np.isnan(values).all():  # resamples of a whole set mean nothing
            assert values == pytest.approx([estimate.value(), expected[key]], abs=1e-6), key
        assert estimate.spread(np.arange(12) < 6) >= 0, key
    assert len(notes[3:5]) == 2 and notes[3:5].features.shape == (2, 3)
