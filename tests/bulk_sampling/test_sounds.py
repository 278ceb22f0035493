"""Bulk sampling of a toy model of notes, whose sounds are a known function of seed and pitch."""

import io
import pathlib
import wave

import numpy as np
import pytest

from tests.serving import toy_notes
from tfmusicgan import bulk_sampling
from tfmusicgan.errors import ConfigError
from tfmusicgan.serving.exported import find_export

STEP = 1 / 32768  # of 16 bits


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "notes" / "1"
    toy_notes.write_model(folder)
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "tfmusicgan.json").write_text("{}")
    return find_export(folder)


def _sample(export, output, signature="synthesize", controls=("pitch=52",), **changes):
    numbers = {"seed": 7, "num": 11, "batch_size": 4, "shard_size": 6} | changes
    plan = bulk_sampling.make_plan(export, signature, controls, **numbers)
    return plan, bulk_sampling.sample_to_folder(plan, export, output)


def _examples(folder: pathlib.Path) -> list[dict]:
    """All records in order, as TensorFlow reads them."""
    import tensorflow as tf

    examples = []
    for record in tf.data.TFRecordDataset(sorted(map(str, folder.glob("*.tfrecord")))):
        features = tf.train.Example.FromString(record.numpy()).features.feature
        examples.append(
            {
                name: (feature.bytes_list.value or feature.int64_list.value)[0]
                for name, feature in features.items()
            }
        )
    return examples


def _samples(wav: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getframerate(), file.getnchannels()) == (toy_notes.RATE, 1)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") * STEP


def test_shards_hold_sounds_their_seeds_and_pitches(export, tmp_path):
    plan, manifest = _sample(export, tmp_path / "out", extra_files="wav")
    examples = _examples(tmp_path / "out")
    assert [example["seed"] for example in examples] == [7 * 2**32 + i for i in range(11)]
    for index, example in enumerate(examples):
        assert set(example) == {"seed", "pitch", "sample_rate", "wav"}
        assert (example["pitch"], example["sample_rate"]) == (52, 1000)
        expected = toy_notes.note(toy_notes.timbre(7 * 2**32 + index), 52)
        np.testing.assert_allclose(_samples(example["wav"]), expected, atol=STEP)
        assert (tmp_path / "out" / plan.file_name(index)).read_bytes() == example["wav"]
    assert plan.file_name(12_345) == "wav/0000012/0000012345.wav"
    assert manifest["counts"] == {"samples": 11, "silent": 0}
    assert manifest["extra_files"] == {"files": 11, "folder": "wav"}
    assert [file["samples"] for file in manifest["files"]] == [6, 5]


def test_a_signature_without_pitch_and_silent_notes(export, tmp_path):
    _sample(export, tmp_path / "default", "serving_default", ())
    assert all(
        set(example) == {"seed", "sample_rate", "wav"}
        for example in _examples(tmp_path / "default")
    )
    _, manifest = _sample(export, tmp_path / "silent", controls=(f"pitch={toy_notes.SILENT}",))
    assert manifest["counts"] == {"samples": 11, "silent": 11}


def test_batches_and_shards_change_no_sound(export, tmp_path):
    _sample(export, tmp_path / "a")
    _sample(export, tmp_path / "b", batch_size=5, shard_size=11)
    assert _examples(tmp_path / "a") == _examples(tmp_path / "b")


def test_files_of_the_other_kind(export):
    with pytest.raises(ConfigError, match=r"Expected --wav, as 'notes' answers sounds.*--midi"):
        bulk_sampling.make_plan(
            export, "serving_default", (), seed=0, num=1, batch_size=1, shard_size=1,
            extra_files="midi",
        )  # fmt: skip


def test_the_signature_that_is_meant(export):
    assert bulk_sampling.default_signature(export, with_controls=False) == "serving_default"
    assert bulk_sampling.default_signature(export, with_controls=True) == "synthesize"
