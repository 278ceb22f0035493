"""Which version an export becomes, and of which checkpoint."""

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan.errors import CheckpointError, ConfigError, OutputExistsError
from tfmusicgan.serving import export
from tfmusicgan.serving.export import export_run, read_manifest

RECIPE = "musegan_composer_chorales"  # the smallest export


@pytest.fixture(scope="module")
def run(tiny_run):
    return tiny_run(RECIPE)


@pytest.fixture(scope="module")
def versions(run, tmp_path_factory):
    """A root after several exports; the order of the exports matters."""
    root = tmp_path_factory.mktemp("versions")
    earlier = run.store().all()[0].path
    folders = {
        "first": export_run(run, root, name="mine"),
        "seven": export_run(run, root, name="mine", version=7, checkpoint="best"),
        "next": export_run(run, root, name="mine", checkpoint="ema"),
        "path": export_run(run, root, name="mine", checkpoint=str(earlier)),
    }
    return root, folders


def test_versions_count_up(versions):
    root, folders = versions
    assert {key: str(path.relative_to(root)) for key, path in folders.items()} == {
        "first": "mine/1",
        "seven": "mine/7",
        "next": "mine/8",
        "path": "mine/9",
    }
    assert sorted(path.name for path in (root / "mine").iterdir()) == ["1", "7", "8", "9"]


def test_the_checkpoint_asked_for(run, versions):
    _, folders = versions
    kinds = {key: read_manifest(path)["checkpoint"] for key, path in folders.items()}
    assert kinds["first"] == {"kind": "latest", "step": 4}
    assert kinds["seven"] == {"kind": "best", "step": run.store().best().step}
    assert kinds["next"] == {"kind": "ema", "step": 4}
    assert kinds["path"] == {"kind": "path", "step": 2}
    model, _ = run.load_model("ema")
    seeds = tf.range(8, dtype=tf.int64)
    expected = tf.function(model.signatures()["serving_default"].function)(seed=seeds)
    served = tf.saved_model.load(str(folders["next"])).signatures["serving_default"](seed=seeds)
    np.testing.assert_array_equal(served["note_sequence"], expected["note_sequence"])


def test_a_version_that_is_there(run, versions):
    root, folders = versions
    before = (folders["seven"] / "saved_model.pb").stat().st_ino
    with pytest.raises(
        OutputExistsError, match=r"Received: .*mine/7, which is there\. Leave --model_v"
    ):
        export_run(run, root, name="mine", version=7)
    assert (folders["seven"] / "saved_model.pb").stat().st_ino == before
    export_run(run, root, name="mine", version=7, overwrite=True)
    assert read_manifest(folders["seven"])["checkpoint"]["kind"] == "latest"


@pytest.mark.parametrize("name", ["a/b", "..", "a b", "ä.b"])
def test_names_that_cannot_be_a_folder(run, tmp_path, name):
    with pytest.raises(ConfigError, match=r"model name of letters, digits, - and _. Received"):
        export_run(run, tmp_path, name=name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("version", [-1, 2**63])
def test_numbers_that_no_version_has(run, tmp_path, version):
    with pytest.raises(ConfigError, match=rf"from 0 to {2**63 - 1}\. Received: {version}"):
        export_run(run, tmp_path, version=version)
    assert not list(tmp_path.iterdir())


def test_no_version_follows_the_highest_possible(run, tmp_path):
    root = tmp_path / run.recipe.name
    (root / str(2**63)).mkdir(parents=True)  # no version of any server
    assert export._next_version(root) == 1
    (root / str(2**63 - 1)).mkdir()
    with pytest.raises(ConfigError, match=rf"highest of .*Received: {2**63 - 1}, which no"):
        export_run(run, tmp_path)
    assert sorted(path.name for path in root.iterdir()) == [str(2**63 - 1), str(2**63)]


def test_no_such_checkpoint(run, tmp_path):
    with pytest.raises(CheckpointError, match=r"Received: nowhere"):
        export_run(run, tmp_path, checkpoint="nowhere")
    assert not list(tmp_path.iterdir())
