"""The toy model's export."""

import pathlib

import pytest

from tests.bulk_sampling import toy_pieces


@pytest.fixture(scope="module")
def export(tmp_path_factory) -> pathlib.Path:
    return toy_pieces.save(tmp_path_factory.mktemp("models") / "toy" / "3")
