"""Record sets that several tests only read."""

import shutil

import pytest

from tests.records.pieces import OPTIONS, write_pieces, write_records
from tfmusicgan import datasets
from tfmusicgan.records.convert import convert


@pytest.fixture(scope="package")
def music(tmp_path_factory):
    return write_pieces(tmp_path_factory.mktemp("music") / "m", 20)


@pytest.fixture(scope="package")
def records(music, tmp_path_factory):
    """An uninterrupted run, against which the others are compared."""
    output = tmp_path_factory.mktemp("records") / "records"
    convert(datasets.get("midi"), OPTIONS, output, [str(music)])
    return output


@pytest.fixture(scope="package")
def directory(tmp_path_factory):
    """A set to read: four shards in its training split."""
    return write_records(tmp_path_factory.mktemp("reader"), num_pieces=20, bars=9, num_shards=4)


@pytest.fixture
def damaged(directory, tmp_path):
    """A copy to damage."""
    return shutil.copytree(directory, tmp_path / "records")
