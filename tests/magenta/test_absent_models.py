"""Generators without a model; with exported ones see test_accompany.py and test_continue.py."""

import types

import pytest

from tests.magenta.same import options
from tfmusicgan.client import MusicClient
from tfmusicgan.errors import ExportError, SequenceGeneratorError
from tfmusicgan.magenta import LocalSequenceGenerator, ServedSequenceGenerator


def test_no_export_is_said_when_the_generator_is_made(tmp_path):
    with pytest.raises(ExportError, match="No folder"):
        LocalSequenceGenerator(tmp_path / "nowhere")


def test_what_a_model_in_this_process_refuses_is_magentas_error(tmp_path, monkeypatch):
    import tensorflow as tf

    def refuse(**_):
        raise tf.errors.InvalidArgumentError(
            None,
            None,
            "Graph execution error:\n\nDetected at node Assert defined at (most recent call last):"
            "\n<stack traces unavailable>\nin 4/4. Received:\n[3/4]\n\t [[{{node Assert}}]] "
            "[Op:__inference_signature_wrapper_f_307]",
        )

    refuse.structured_input_signature = ((), {"seed": tf.TensorSpec([None], tf.int64)})
    refuse.structured_outputs = {"note_sequence": tf.TensorSpec([None], tf.string)}
    loaded = types.SimpleNamespace(signatures={"generate": refuse})
    (tmp_path / "1" / "assets.extra").mkdir(parents=True)
    (tmp_path / "1" / "assets.extra" / "tfmusicgan.json").write_text("{}")
    (tmp_path / "1" / "saved_model.pb").touch()
    monkeypatch.setattr("tfmusicgan.magenta.models.load_export", lambda _: loaded)
    with pytest.raises(SequenceGeneratorError, match=r"^in 4/4\. Received: \[3/4\]$"):
        LocalSequenceGenerator(tmp_path).generate(None, options(0.0, 1.0))


def test_no_server_is_magentas_error():
    with MusicClient("127.0.0.1:1", 0.2) as client:
        generator = ServedSequenceGenerator(client, "tunes")
        assert generator.details.description == "tunes, served at 127.0.0.1:1"
        with pytest.raises(SequenceGeneratorError, match="UNAVAILABLE"):
            generator.generate(None, options(0.0, 1.0))
