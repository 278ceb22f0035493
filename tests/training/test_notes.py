"""Monitors of notes and of classifiers, and what TensorBoard shows of notes."""

import dataclasses
import types

import numpy as np
import pytest
import tensorflow as tf

from tests.made_up_audio import tone, write_audio_records
from tests.training import events
from tfmusicgan import recipes
from tfmusicgan.metrics.note_metrics import Notes
from tfmusicgan.metrics.table import distance_to
from tfmusicgan.models.pitch_classifier import PitchClassifier
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.note_audio import NoteAudio
from tfmusicgan.training import tensorboard
from tfmusicgan.training.classifying import ClassifierMonitor, NoteClassifier, hearing
from tfmusicgan.training.note_monitor import NoteMonitor, as_notes
from tfmusicgan.training.note_pictures import draw_notes

REP = NoteAudio(sample_rate=4000, num_samples=1000, min_pitch=60, max_pitch=64)
RECIPE = dataclasses.replace(
    recipes.get("pitch_classifier"),
    kind="generator",
    metrics=("pitch_accuracy", "ndb", "estimated_pitch", "spectrum", "silent_notes"),
    collapse={"silent_notes": 0.9},
)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records") / "set"
    write_audio_records(folder, REP, 50)
    return RecordSet.open(folder)


class _Tones:
    """A model that makes a tone of its own for each seed; it keeps the sizes of its batches."""

    sampling_stage = 0
    stage_starts = ()
    step = 7

    def __init__(self, pitches, seeds, level=1.0):
        audio = [tone(p, 1000, 4000, seed=s) * level for p, s in zip(pitches, seeds, strict=True)]
        self.audio = (np.stack(audio) * 32767).astype(np.int16)
        self.pitches, self.rows = np.array(pitches, np.int32), []

    def sample_examples(self, seeds):
        self.rows.append(seeds.shape[0])
        return {"audio": tf.gather(self.audio, seeds), "pitch": tf.gather(self.pitches, seeds)}


def _monitor(records, pitches, seeds, level=1.0):
    model = _Tones(pitches, seeds, level)
    return NoteMonitor(model, RECIPE, records, num_samples=len(pitches), num_data=20)


def test_notes_are_measured_without_a_classifier(records):
    pitches = [60, 61, 62, 63, 64] * 4
    monitor = _monitor(records, pitches, range(100, 120))
    values = monitor.measure()
    assert set(monitor.sampler.model.rows) == {16}
    assert values.keys() == {
        *("estimated_pitch/exact", "estimated_pitch/any_octave", "spectrum/decibels"),
        *("silent_notes/share", "self_similarity", "distance"),
    }
    assert values.keys() == monitor.data_values.keys()
    assert values["estimated_pitch/exact"] > 0.9 and values["silent_notes/share"] == 0.0
    row = {key: values[key] for key in monitor.data_row}
    assert values["distance"] == distance_to(monitor.data_row, row) > 0
    assert monitor.data_values["distance"] == 0.0
    assert monitor.data_row["spectrum/decibels"] == pytest.approx(0.0, abs=1e-6)
    assert monitor.collapsed() is None
    # Notes that are asked for by other pitches than they have.
    wrong = _monitor(records, pitches, range(100, 120))
    wrong.sampler.model.pitches = wrong.sampler.model.pitches[::-1].copy()
    assert wrong.measure()["estimated_pitch/exact"] == 0.2
    assert wrong.measure()["distance"] > values["distance"]


def test_silence_and_one_sound_for_each_pitch_are_collapse(records):
    silent = _monitor(records, [60, 61, 60, 61], range(4), level=1e-4)
    assert silent.collapsed() == "silent_notes 1.000, at or above 0.9"
    same = _monitor(records, [60, 61, 60, 61], [7, 7, 7, 7])
    assert "notes of one pitch that are alike, self_similarity 1.000" in same.collapsed()
    assert _monitor(records, [60, 61, 60, 61], [7, 8, 9, 10]).collapsed() is None


def test_a_model_that_grows_is_judged_from_the_middle_of_its_last_stage(records):
    silent = _monitor(records, [60, 61, 60, 61], range(4), level=1e-4)
    model = silent.sampler.model
    model.stage_starts = (2, 4)
    model.model_config = types.SimpleNamespace(training_steps=12)
    assert model.step == 7 and silent.collapsed() is None
    model.step = 8
    assert silent.collapsed() == "silent_notes 1.000, at or above 0.9"


def test_tensorboard_shows_and_plays_notes(tmp_path, records):
    monitor = _monitor(records, [60, 61, 60, 64], range(4))
    writer = tf.summary.create_file_writer(str(tmp_path / "samples"))
    show = tensorboard.ShowNotes(writer, lambda: monitor.notes(3), 2, 3)
    show.set_model(types.SimpleNamespace(step=tf.Variable(0)))
    for step in (1, 2, 3):
        show.model.step.assign(step)
        show.on_train_batch_end(0)
    entries = events.read(tmp_path)
    assert [e.step for e in entries if (e.kind, e.tag) == ("images", "samples")] == [2, 3]
    clips = {e.tag: e.value for e in entries if e.kind == "audio" and e.step == 2}
    assert list(clips) == ["sample 0 C4", "sample 1 C#4", "sample 2 C4"]
    sound = tf.audio.decode_wav(tf.convert_to_tensor(clips["sample 1 C#4"]).numpy().ravel()[0])
    assert sound.sample_rate == 4000
    expected = monitor.notes(3).audio[1] / 32768.0
    np.testing.assert_allclose(sound.audio[:, 0], expected, atol=1e-4)


def test_pictures_of_sets_of_notes(tmp_path, records):
    notes = as_notes(records.spread(3), REP)
    draw_notes({"recorded": notes, "generated": notes}, tmp_path / "notes.png")
    assert (tmp_path / "notes.png").read_bytes()[:4] == b"\x89PNG"


@pytest.fixture(scope="module")
def classifier():
    config = dataclasses.replace(
        recipes.get("pitch_classifier").preset("tiny").config, frames=63, time_strides=(4, 4, 4, 1)
    )
    return PitchClassifier(config, REP, seed=2)


def test_a_note_is_heard_the_same_among_any_number(records, classifier):
    notes = as_notes(records.spread(5), REP)
    many = notes[np.arange(130) % 5]
    heard, alone = NoteClassifier(classifier).hear(many), NoteClassifier(classifier).hear(notes)
    assert heard.probabilities.shape == (130, 128) and heard.features.shape == (130, 5)
    # But for the processor's lanes, in which the last rows of a batch may be summed otherwise.
    np.testing.assert_allclose(heard.probabilities[:5], alone.probabilities, rtol=1e-4)
    np.testing.assert_allclose(heard.features[-5:], alone.features, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(heard.probabilities.sum(axis=1), 1.0, rtol=1e-5)
    logits = classifier.classify(notes.audio)["pitch"].numpy()
    np.testing.assert_allclose(alone.probabilities, tf.nn.softmax(logits), rtol=1e-3)


class _Hears:
    """A classifier that answers what a test wants."""

    representation = REP

    def __init__(self, **labels):
        self.labels = labels

    def classify(self, audio):
        sizes = {"pitch": 128, "qualities": 10, "instrument_family": 11, "instrument_source": 3}
        row = tf.cast(audio[:, 0], tf.int32)  # the fixture numbers the notes by their first sample
        outputs = {"features": tf.zeros([audio.shape[0], 2])}
        for name, size in sizes.items():
            label = self.labels.get(name, [0])
            one_hot = tf.one_hot(tf.gather(label, row % len(label)), size)
            outputs[name] = 40.0 * one_hot - 20.0
        return outputs


def test_hearing_by_hand():
    audio = np.zeros((4, 1000), np.int16)
    audio[:, 0] = np.arange(4)
    examples = {
        "audio": audio,
        "pitch": np.int32([60, 61, 62, 63]),
        "instrument_family": np.int32([1, -1, 2, 3]),
        "instrument_source": np.int32([-1] * 4),
        "qualities": np.eye(4, 10, dtype=bool),
    }
    model = _Hears(pitch=[60, 73, 63, 66], instrument_family=[1, 5, 2, 9], qualities=[0, 1, 2, 4])
    values = hearing(model, examples)
    assert values["pitch_accuracy/exact"] == 0.25
    assert values["pitch_accuracy/within_semitone"] == 0.5
    assert values["pitch_accuracy/any_octave"] == 0.5
    assert values["pitch_entropy/nats"] == pytest.approx(0.0, abs=1e-12)
    assert values["family_accuracy"] == pytest.approx(2 / 3)
    assert np.isnan(values["source_accuracy"])
    assert values["quality_accuracy"] == 38 / 40


def test_a_classifier_is_measured_on_held_out_notes(records, classifier):
    values = ClassifierMonitor(classifier, records, num_notes=7).measure()
    expected = hearing(classifier, RecordSet.open(records.directory, "validation").spread(7))
    assert values == {**expected, "distance": 1.0 - expected["pitch_accuracy/exact"]}


def test_without_held_out_notes_there_is_no_measure(tmp_path, classifier):
    write_audio_records(tmp_path / "set", REP, 10, split=(1.0, 0.0, 0.0))
    monitor = ClassifierMonitor(classifier, RecordSet.open(tmp_path / "set"))
    assert monitor.measure() == {} and monitor.data_values == {}


def test_some_of_the_notes():
    notes = Notes(np.zeros((3, 4), np.int16), np.int32([1, 2, 3]), 8000)
    assert notes[np.array([2, 0])].pitch.tolist() == [3, 1]
