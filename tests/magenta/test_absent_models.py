"""Generators without a model; with exported ones see test_accompany.py and test_continue.py."""

import pytest

from tests.magenta.same import options
from tfmusicgan.client import MusicClient
from tfmusicgan.errors import ExportError, SequenceGeneratorError
from tfmusicgan.magenta import LocalSequenceGenerator, ServedSequenceGenerator


def test_no_export_is_said_when_the_generator_is_made(tmp_path):
    with pytest.raises(ExportError, match="No folder"):
        LocalSequenceGenerator(tmp_path / "nowhere")


def test_no_server_is_magentas_error():
    with MusicClient("127.0.0.1:1", 0.2) as client:
        generator = ServedSequenceGenerator(client, "tunes")
        assert generator.details.description == "tunes, served at 127.0.0.1:1"
        with pytest.raises(SequenceGeneratorError, match="UNAVAILABLE"):
            generator.generate(None, options(0.0, 1.0))
