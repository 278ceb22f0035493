"""Fixtures shared by all tests."""

import os
import pathlib

import pytest

# Before any test imports TensorFlow: quiet, and no more threads than a test machine has.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(scope="session")
def test_data() -> pathlib.Path:
    """The folder of real datasets; tests that need it are skipped where it is not set."""
    folder = os.environ.get("TFMUSICGAN_TEST_DATA")
    if not folder:
        pytest.skip("TFMUSICGAN_TEST_DATA is not set")
    return pathlib.Path(folder)


@pytest.fixture(scope="session")
def tiny_records(tmp_path_factory) -> dict[str, pathlib.Path]:
    """Recipe name to a record set of made-up music in its `tiny` preset."""
    from tests import made_up
    from tfmusicgan import datasets, recipes, representations
    from tfmusicgan.note_sequences.tfrecord import NoteSequenceWriter
    from tfmusicgan.records.convert import convert
    from tfmusicgan.records.options import ConvertOptions

    makers = {"voices": made_up.chorale, "musegan": made_up.band}
    folders = {}
    for name in recipes.names():
        recipe = recipes.get(name)
        parameters = recipe.preset("tiny").representation
        source = tmp_path_factory.mktemp("music") / "music.tfrecord"
        with NoteSequenceWriter(source) as writer:
            for number in range(20):
                writer.write(makers[parameters["tracks"]](number))
        representation = representations.get(recipe.representation).from_parameters(parameters)
        folders[name] = tmp_path_factory.mktemp("records") / name
        convert(datasets.get("midi"), ConvertOptions(representation), folders[name], [str(source)])
    return folders
