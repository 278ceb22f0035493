"""Fixtures shared by all tests."""

import os
import pathlib

import pytest


@pytest.fixture(scope="session")
def test_data() -> pathlib.Path:
    """The folder of real datasets; tests that need it are skipped where it is not set."""
    folder = os.environ.get("TFMUSICGAN_TEST_DATA")
    if not folder:
        pytest.skip("TFMUSICGAN_TEST_DATA is not set")
    return pathlib.Path(folder)
