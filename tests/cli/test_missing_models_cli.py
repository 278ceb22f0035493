"""What tfmusicgan-serve and tfmusicgan-sample say to a root without a model."""

import pytest

from tests.cli.commands import refused
from tfmusicgan.cli.sample import main as sample
from tfmusicgan.cli.serve import main as serve


@pytest.fixture
def root(tmp_path):
    """A model root whose only model has no version."""
    folder = tmp_path / "models"
    (folder / "mine" / "notes").mkdir(parents=True)
    return folder


def test_serving_a_root_without_a_model(capsys, root):
    line = refused(capsys, serve, f"--model_root={root}", "--port=0")
    assert str(root) in line and "Write one with tfmusicgan-export." in line


def test_serving_a_root_that_is_not_there(capsys, root):
    line = refused(capsys, serve, f"--model_root={root}-gone", "--port=0")
    assert f"{root}-gone" in line


def test_sampling_from_what_is_no_model(capsys, root):
    line = refused(capsys, sample, f"--model={root / 'mine'}", f"--output={root}/out", "--num=3")
    assert f"Expected a SavedModel in {root / 'mine'}" in line and "tfmusicgan-export" in line
    assert not (root / "out").exists()
