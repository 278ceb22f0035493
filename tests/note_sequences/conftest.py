"""What several tests of files need."""

import pathlib

import pytest

from tests.note_sequences.folder import make_folder


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    return make_folder(tmp_path / "music")
