"""Lists of models and labels: what is taken and what is refused, with the stock texts."""

import grpc
import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from tfmusicgan.errors import ConfigError
from tfmusicgan.serving import messages
from tfmusicgan.serving.server import model_config
from tfmusicgan.serving.server.labels import Labels
from tfmusicgan.serving.server.model_config import ModelConfig
from tfmusicgan.serving.server.statuses import RequestError
from tfmusicgan.serving.server.version_policy import Kind, VersionPolicy

Code = grpc.StatusCode

EXAMPLE = """
model_config_list {
  config {
    name: "tunes" base_path: "/m/tunes" model_platform: "tensorflow"
    model_version_policy { specific { versions: 4 versions: 9 } }
    version_labels { key: "stable" value: 4 }
    version_labels { key: "canary" value: 9 }
    logging_config { sampling_config { sampling_rate: 0.5 } }
  }
  config { name: "bach" base_path: "/m/bach" model_type: TENSORFLOW }
}
"""


def listed(text):
    """A list of models, sent as a stock client sends it."""
    stock = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    return messages.ModelServerConfig.FromString(stock.SerializeToString())


def one(fields, name="m"):
    return listed(f'model_config_list {{ config {{ name: "{name}" {fields} }} }}')


def test_a_list_is_read():
    tunes, bach = model_config.models_of(listed(EXAMPLE), [])
    assert tunes == ModelConfig(
        "tunes",
        "/m/tunes",
        "tensorflow",
        VersionPolicy(Kind.SPECIFIC, 0, frozenset({4, 9})),
        {"stable": 4, "canary": 9},
    )
    assert bach == ModelConfig("bach", "/m/bach", "tensorflow", VersionPolicy(), {})


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (
            listed('model_config_list { config { name: "m" } config { name: "m" } }'),
            "Illegal to list model m multiple times in config list",
        ),
        (
            one('base_path: "models/m"'),
            "Expected model m to have an absolute path or URI; got base_path()=models/m",
        ),
        (
            one('base_path: "/m"'),
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
            "ModelServerConfig::model_platform, model name is m",
        ),
        (
            one('base_path: "/m" model_platform: "tensorflow" model_type: TENSORFLOW'),
            "Illegal setting both ModelServerConfig::model_type (deprecated) and "
            "ModelServerConfig::model_platform.",
        ),
        (
            one('base_path: "/m" model_type: OTHER'),
            "ModelServerConfig::model_type choice 2 not supported.",
        ),
        (
            one('base_path: "/m" model_platform: "caffe"', name="old"),
            "Illegal to change a model's platform. For model old platform was tensorflow and new "
            "platform requested is caffe",
        ),
    ],
)
def test_refused_lists(config, text):
    with pytest.raises(RequestError) as refusal:
        model_config.models_of(config, [ModelConfig("old", "/old")])
    assert (refusal.value.code, str(refusal.value)) == (Code.INVALID_ARGUMENT, text)


@pytest.mark.parametrize(
    ("model", "code", "text"),
    [
        (
            ModelConfig("m", "/m", "caffe"),
            Code.INVALID_ARGUMENT,
            "Model m requests unsupported platform caffe",
        ),
        (
            ModelConfig("m", "s3://bucket/m"),
            Code.UNIMPLEMENTED,
            "File system scheme 's3' not implemented (file: 's3://bucket/m')",
        ),
    ],
)
def test_models_that_cannot_be_run_here(model, code, text):
    with pytest.raises(RequestError) as refusal:
        model_config.require_platforms([ModelConfig("fine", "/fine"), model])
    assert (refusal.value.code, str(refusal.value)) == (code, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"model_config_list .* in '.*c\.config'. Received: no model"),
        ("custom_model_config {}", "Received: custom_model_config"),
        ("model_config_list {\n config {\n  nam: 'x' } }", 'line 3, column 3: .*field named "nam"'),
        ("model_config_list {", "line 1, column 19: Expected"),
        ("model_config_list { config { name: 'BEGIN PRIVATE KEY' nam: 1 } }", "line 1"),
        ("\xff", "no UTF-8 text"),
        (None, "no file that can be read"),
    ],
)
def test_bad_files_are_one_clear_line(tmp_path, text, message):
    path = tmp_path / "c.config"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=message) as error:
        model_config.read_config_file(str(path))
    assert "\n" not in str(error.value)
    assert "PRIVATE KEY" not in str(error.value)
    assert str(path) in str(error.value)


def labelled(**labels):
    return [ModelConfig("m", "/m", labels=labels)]


def test_labels_only_for_versions_that_answer():
    labels = Labels()
    labels.assign(labelled(stable=1, canary=1), lambda name: {1} if name == "m" else {})
    with pytest.raises(RequestError) as refusal:
        labels.assign(labelled(stable=1, canary=2), lambda name: {1})
    assert (refusal.value.code, str(refusal.value)) == (
        Code.FAILED_PRECONDITION,
        "Request to assign label to version 2 of model m, which is not currently available for "
        "inference",
    )
    assert labels.version("m", "canary") == 1  # all or none
    labels.assign(labelled(canary=2), lambda name: {1, 2})
    assert labels.version("m", "canary") == 2
    for model, label in (("m", "stable"), ("n", "canary")):
        with pytest.raises(RequestError, match=f"^Unrecognized servable version label: {label}$"):
            labels.version(model, label)


def test_labels_for_versions_to_come_unless_in_use():
    labels = Labels(allow_unavailable=True)
    labels.assign(labelled(stable=1), lambda name: ())
    labels.assign(labelled(stable=1, canary=2), lambda name: ())  # the same again is no move
    with pytest.raises(RequestError, match="version 2 of model m, which is not currently"):
        labels.assign(labelled(stable=2), lambda name: {1})
    labels.assign(labelled(stable=2), lambda name: {1, 2})
    assert labels.version("m", "stable") == 2
