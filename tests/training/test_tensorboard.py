"""What is in the event files of a run, read back and compared with what it should be."""

import json
import math
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from tests import made_up
from tests.training import events, toy
from tfmusicgan import metrics
from tfmusicgan.metrics.memorisation import self_similarity
from tfmusicgan.models.schedules import LinearDecay
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.rendering.wav import synthesize
from tfmusicgan.training import tensorboard
from tfmusicgan.training.sampler import Sampler

RECIPE = "musegan_hybrid_chorales"


def _fit(model, batches, callbacks, per_epoch):
    dataset = tf.data.Dataset.from_tensor_slices(np.asarray(batches, np.float32))
    epochs = len(batches) // per_epoch
    return model.fit(
        dataset,
        epochs=epochs,
        steps_per_epoch=per_epoch,
        callbacks=callbacks,
        verbose=0,
        shuffle=False,
    )


def _log_training(folder):
    return tensorboard.LogTraining(tf.summary.create_file_writer(str(folder / "train")))


def test_losses_and_speed_by_training_step(tmp_path, monkeypatch):
    clock = iter([100.0, 102.0, 200.0, 200.5])
    # Not the module's own function, which other threads of this process call.
    fake = types.SimpleNamespace(monotonic=lambda: next(clock))
    monkeypatch.setattr(tensorboard, "time", fake)
    model = toy.trained(steps=7)
    history = _fit(model, np.ones((10, 3)), [_log_training(tmp_path)], per_epoch=5).history
    found = events.scalars(tmp_path, "train")
    assert found["training/toy_loss"] == dict(zip((12, 17), history["toy_loss"], strict=True))
    assert found["training/steps_per_second"] == {12: 2.5, 17: 10.0}
    assert found["learning_rate/adam"] == {12: np.float32(0.1), 17: np.float32(0.1)}
    assert len(found) == 3


class _MixedToy(toy.ToyGAN):
    """With a falling rate inside a loss scale, as in mixed precision."""

    def compile(self):
        super().compile()
        inner = keras.optimizers.Adam(LinearDecay(0.1, 8, self.step))
        self.adam = keras.optimizers.LossScaleOptimizer(inner, initial_scale=1024.0)
        self.adam.build([self.kernel])


def test_a_falling_rate_and_a_loss_scale_that_overflows(tmp_path):
    model = _MixedToy()
    model.compile()
    batches = np.ones((6, 3))
    batches[3] = 3e38  # times the scale, its gradient is no number
    _fit(model, batches, [_log_training(tmp_path)], per_epoch=2)
    found = events.scalars(tmp_path, "train")
    for step in (2, 4, 6):
        rate = found["learning_rate/adam"][step]
        np.testing.assert_allclose(rate, 0.1 * (1 - step / 8), rtol=1e-6)
    assert found["loss_scale/adam"] == {2: 1024.0, 4: 512.0, 6: 512.0}


@pytest.fixture(scope="module")
def run(tiny_run):
    return tiny_run(RECIPE)


@pytest.fixture(scope="module")
def entries(run):
    return events.read(run.logs)


def test_a_run_logs_every_number_of_the_training(run):
    found = events.scalars(run.logs, "train")
    config = run.settings["config"]
    names = {"critic_loss", "generator_loss", "critic_gap", "gradient_penalty"}
    names |= {"critic_gradient_norm", "generator_gradient_norm", "steps_per_second"}
    rates = {f"learning_rate/{network}_optimizer" for network in ("critic", "generator")}
    assert found.keys() == {f"training/{name}" for name in names} | rates
    for tag, values in found.items():
        assert list(values) == [3, 4], tag
        assert all(math.isfinite(value) for value in values.values())
    for step in (3, 4):
        values = {name: found[f"training/{name}"][step] for name in names}
        penalty = config["gradient_penalty_weight"] * values["gradient_penalty"]
        np.testing.assert_allclose(values["critic_loss"], penalty - values["critic_gap"], rtol=1e-4)
        assert min(values[f"{network}_gradient_norm"] for network in ("critic", "generator")) > 0
        assert all(found[tag][step] == np.float32(config["learning_rate"]) for tag in rates)


def test_the_samples_metrics_stand_beside_the_datas(run, tiny_records):
    records = RecordSet.open(tiny_records[RECIPE], "train")
    parts = [part["piano_roll"] for part in records.examples(None)]
    phrases = {"data": np.concatenate(parts)}
    model, _ = run.load_model("latest")
    phrases["samples"] = Sampler(model).examples(np.arange(8))["piano_roll"]
    rows = {}
    for name, rolls in phrases.items():
        row = metrics.evaluate(run.recipe.metrics, rolls, records.representation)
        rows[name] = row | {"self_similarity": self_similarity(rolls)}
        found = events.scalars(run.logs, name)
        assert all(list(values) == [2, 4] for values in found.values())
        logged = {tag.removeprefix("music/"): values[4] for tag, values in found.items()}
        distance = logged.pop("distance")
        assert logged.keys() == rows[name].keys()
        for key, value in logged.items():
            np.testing.assert_allclose(value, rows[name][key], rtol=1e-6, err_msg=key)
        assert distance == 0.0 if name == "data" else 0.0 < distance < 1.0


def test_pictures_and_sound_of_the_same_seeds(run, entries):
    pictures = {e.step: e.value for e in entries if (e.kind, e.tag) == ("images", "samples")}
    assert set(pictures) == {2, 4}
    width, height, png = pictures[4]
    picture = tf.io.decode_png(png).numpy()
    assert picture.shape == (int(height), int(width), 3)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 5
    sounds = {(e.tag, e.step): e.value for e in entries if e.kind == "audio"}
    wave = tf.audio.decode_wav(sounds["sample 0", 4].ravel()[0])
    assert wave.sample_rate == 22_050 and np.abs(wave.audio.numpy()).max() > 0.5
    model, _ = run.load_model("latest")
    roll = Sampler(model).examples([0])["piano_roll"][0]
    music = model.representation.decode({"piano_roll": roll}, model.model_config.qpm)
    expected = synthesize(music, sample_rate_hz=22_050) / 32768
    np.testing.assert_allclose(wave.audio.numpy(), expected, atol=1.5 / 32768)


def _show(folder, sequences, steps, every, last_step):
    writer = tf.summary.create_file_writer(str(folder / "samples"))
    show = tensorboard.ShowMusic(writer, lambda: sequences, every, last_step)
    _fit(toy.trained(), np.ones((steps, 3)), [show], per_epoch=steps)
    return [(e.kind, e.tag, e.step) for e in events.read(folder)]


def test_silence_is_a_picture_without_sound(tmp_path):
    silent = made_up.chorale(0)
    del silent.notes[:]
    found = _show(tmp_path, [silent, silent], steps=7, every=3, last_step=7)
    assert found == [("images", "samples", step) for step in (3, 6, 7)]


def test_the_first_phrase_with_notes_sounds(tmp_path):
    silent, music = made_up.chorale(0), made_up.chorale(1)
    del silent.notes[:]
    found = _show(tmp_path, [silent, music], steps=2, every=2, last_step=9)
    assert found == [("images", "samples", 2), ("audio", "sample 1", 2)]


def _text(entries, tag):
    found = [e for e in entries if (e.kind, e.tag) == ("text", f"settings/{tag}")]
    assert [e.step for e in found] == [0]
    return b"".join(found[0].value.ravel()).decode()


def test_settings_as_text(run, entries):
    assert json.loads(_text(entries, "run.json")) == run.settings
    lines = _text(entries, "hyperparameters").splitlines()
    assert lines[:2] == ["| name | value |", "|---|---|"]
    assert len(lines) == 2 + len(run.settings["config"])
    assert {"| `batch_size` | 4 |", "| `time_filters` | 8, 8 |", "| `ema_decay` | 0.9 |"} < {*lines}
    assert {"| `condition_track` | none |", "| `critic_bursts` | false |"} < {*lines}
    assert "| `checkpoint_every` | 2 |" in _text(entries, "options").splitlines()


def test_a_profile_of_the_steps_asked_for(tmp_path):
    model, profile = toy.trained(steps=10), tensorboard.Profile(tmp_path, 2, 3)
    # Two calls of `fit`, as when a run goes on in the middle of an epoch.
    for _ in range(2):
        _fit(model, np.ones((2, 3)), [profile], per_epoch=2)
    (path,) = tmp_path.glob("plugins/profile/*/*.xplane.pb")
    assert _traced_steps(path) == [12, 13]


def _traced_steps(path):
    space, steps = xplane_pb2.XSpace.FromString(path.read_bytes()), []
    for plane in space.planes:
        for event in (event for line in plane.lines for event in line.events):
            if plane.event_metadata[event.metadata_id].name != "train":
                continue
            stats = {plane.stat_metadata[s.metadata_id].name: s.int64_value for s in event.stats}
            steps.append(stats["step_num"])
    return sorted(steps)
