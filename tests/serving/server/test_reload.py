"""Lists of models under a running server: by request and by file, through the stock stubs."""

import os
import shutil
import time

import grpc
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tfmusicgan.errors import ConfigError, ExportError
from tfmusicgan.serving.server import app
from tfmusicgan.serving.server.storage import ModelSource

Code = grpc.StatusCode
AVAILABLE, END = 30, 50


@pytest.fixture
def root(toy_root, tmp_path):
    """`tunes` with versions 1 (answers 21), 2 (51) and 3 (21); `broken` with version 5."""
    for version, origin in ((1, "toy/3"), (2, "other/7"), (3, "toy/3")):
        shutil.copytree(toy_root / origin, tmp_path / f"tunes/{version}")
    shutil.copytree(toy_root / "other/7", tmp_path / "new/7")
    (tmp_path / "broken/5").mkdir(parents=True)
    return tmp_path


def entry(root, name, policy="", folder=None, **labels):
    """One model of a list."""
    pairs = "".join(f'version_labels {{ key: "{k}" value: {v} }} ' for k, v in labels.items())
    policy = f"model_version_policy {{ {policy} }}" if policy else ""
    return (
        f'config {{ name: "{name}" base_path: "{root}/{folder or name}" '
        f'model_platform: "tensorflow" {policy} {pairs}}}\n'
    )


def write_list(path, *entries):
    """A list in place of the file's."""
    return replace(path, f"model_config_list {{ {''.join(entries)} }}")


def replace(path, text):
    """Replaces the file at once, as a careful operator does: nobody reads a half of it."""
    aside = path.with_suffix(".new")
    aside.write_text(text)
    os.rename(aside, path)
    return str(path)


def serving(path, **kwargs):
    source = ModelSource(config_file=path)
    return app.running(app.ServerOptions(source, port=0, poll_seconds=0.05, **kwargs))


class Asker:
    """Asks one server."""

    def __init__(self, server):
        self.channel = grpc.insecure_channel(server.address)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)
        self.predictions = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.channel.close()

    def value(self, name, version=None, label=None):
        """qpm 10 times the version's factor, plus one; the version that answered."""
        request = predict_pb2.PredictRequest(output_filter=["value"])
        _choose(request.model_spec, name, version, label)
        request.model_spec.signature_name = "generate"
        for key, value in (("seed", tf.constant([1], tf.int64)), ("qpm", [10.0])):
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        request.inputs["threshold"].CopyFrom(tf.make_tensor_proto([0.0]))
        reply = self.predictions.Predict(request, timeout=20)
        assert reply.model_spec.version_label == ""
        return reply.outputs["value"].float_val[0], reply.model_spec.version.value

    def states(self, name, **choice):
        request = get_model_status_pb2.GetModelStatusRequest()
        _choose(request.model_spec, name, **choice)
        reply = self.models.GetModelStatus(request, timeout=20)
        return [(status.version, status.state) for status in reply.model_version_status]

    def reload(self, *entries, metric_names=(), timeout=20):
        request = model_management_pb2.ReloadConfigRequest(metric_names=metric_names)
        text_format.Parse(f"model_config_list {{ {''.join(entries)} }}", request.config)
        return self.models.HandleReloadConfigRequest(request, timeout=timeout)


def _choose(spec, name, version=None, label=None):
    spec.name = name
    if version is not None:
        spec.version.value = version
    if label is not None:
        spec.version_label = label


def refused(code, text, call, *args, **kwargs):
    with pytest.raises(grpc.RpcError) as refusal:
        call(*args, **kwargs)
    assert (refusal.value.code(), refusal.value.details()) == (code, text)


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def running(root):
    """A server with version 1 of `tunes`, and who asks it."""
    path = write_list(root / "models.config", entry(root, "tunes", "specific { versions: 1 }"))
    with serving(path) as server, Asker(server) as ask:
        yield server, ask


def several(root):
    """`tunes` with two versions, the older one labelled."""
    return entry(root, "tunes", "specific { versions: 1 versions: 2 }", stable=1)


def test_a_new_model_answers_when_the_call_does(root, running):
    server, ask = running
    assert server.num_models == 1
    assert ask.value("tunes") == (21.0, 1)
    counts = ["/tensorflow/cc/saved_model/load_attempt_count", "/no/such/metric"]
    reply = ask.reload(several(root), entry(root, "new", "all {}"), metric_names=counts)
    assert reply.HasField("status")
    assert (reply.status.error_code, reply.status.error_message) == (0, "")
    assert ask.value("new") == (51.0, 7)
    (metric,) = reply.metric
    assert metric.name == counts[0]
    assert metric.int64_value_increase in (1, 2)  # the new policy of `tunes` acts by itself


def test_a_reload_moves_versions_and_labels(root, running):
    _, ask = running
    ask.reload(several(root), entry(root, "new", "all {}"))
    wait_for(lambda: ask.states("tunes") == [(2, AVAILABLE), (1, AVAILABLE)])
    assert ask.value("tunes") == (51.0, 2)
    assert ask.value("tunes", version=1) == ask.value("tunes", label="stable") == (21.0, 1)
    assert ask.states("tunes", label="anything") == [(2, AVAILABLE), (1, AVAILABLE)]
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    _choose(request.model_spec, "tunes", label="stable")
    assert ask.predictions.GetModelMetadata(request, timeout=20).model_spec.version.value == 1
    refused(
        Code.INVALID_ARGUMENT,
        "Unrecognized servable version label: stable",
        lambda: ask.value("new", label="stable"),
    )


def test_a_refused_list_leaves_everything_as_it_is(root, running):
    _, ask = running
    ask.reload(several(root), entry(root, "new", "all {}"))
    refused(
        Code.FAILED_PRECONDITION,
        "Request to assign label to version 3 of model tunes, which is not currently available "
        "for inference",
        lambda: ask.reload(entry(root, "tunes", "all {}", stable=2, canary=3)),
    )
    refused(
        Code.INVALID_ARGUMENT,
        "Illegal to list model new multiple times in config list",
        lambda: ask.reload(entry(root, "new"), entry(root, "new")),
    )
    refused(
        Code.INVALID_ARGUMENT,
        "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
        "ModelConfigList is currently supported",
        lambda: ask.models.HandleReloadConfigRequest(
            model_management_pb2.ReloadConfigRequest(), timeout=20
        ),
    )
    assert ask.value("tunes", label="stable") == (21.0, 1)
    assert ask.states("new") == [(7, AVAILABLE)]


def test_a_model_that_cannot_be_loaded_is_told_of_and_the_rest_served(root, running):
    _, ask = running
    ask.reload(several(root), entry(root, "new", "all {}"))
    reason = f"Could not load the SavedModel in '{root}/broken/5': "
    with pytest.raises(grpc.RpcError) as refusal:
        ask.reload(several(root), entry(root, "broken"))
    assert refusal.value.code() == Code.UNKNOWN
    assert refusal.value.details().startswith(
        "1 model(s) did not become available: {{{name: broken version: 5} due to error: "
        f"FAILED_PRECONDITION: {reason}"
    )
    wait_for(lambda: ask.states("new") == [(7, END)])
    refused(Code.NOT_FOUND, "Servable not found for request: Latest(new)", lambda: ask.value("new"))
    assert ask.value("tunes", label="stable") == (21.0, 1)


def test_a_reload_waits_for_a_model_as_long_as_the_client_does(root, running):
    server, ask = running
    with pytest.raises(grpc.RpcError) as refusal:
        ask.reload(several(root), entry(root, "later"), timeout=0.3)
    assert refusal.value.code() == Code.DEADLINE_EXCEEDED
    shutil.copytree(root / "new", root / "aside")
    (root / "aside").rename(root / "later")
    wait_for(lambda: server.manager.version("later", 7) is not None)
    wait_for(lambda: ask.states("later") == [(7, AVAILABLE)])


def test_a_model_can_move_to_another_folder(root, running):
    _, ask = running
    ask.reload(several(root))
    wait_for(lambda: ask.states("tunes") == [(2, AVAILABLE), (1, AVAILABLE)])
    ask.reload(entry(root, "tunes", folder="new"))
    wait_for(lambda: ask.states("tunes") == [(7, AVAILABLE), (2, END), (1, END)])
    assert ask.value("tunes") == (51.0, 7)


def test_the_file_is_read_again(root, caplog):
    path = root / "models.config"
    labelled = entry(root, "tunes", "latest { num_versions: 2 }", stable=2, canary=3)
    write_list(path, labelled)
    with pytest.raises(ConfigError, match=r"models\.config: Request to assign label to version 3"):
        serving(str(path)).__enter__()
    options = {"config_poll_seconds": 0.05, "label_unavailable": True}
    with serving(str(path), **options) as server, Asker(server) as ask:
        assert ask.states("tunes") == [(3, AVAILABLE), (2, AVAILABLE)]
        assert ask.value("tunes", label="stable") == (51.0, 2)
        for bad in ("model_config_list { config { nam", "", "custom_model_config {}"):
            replace(path, bad)
            wait_for(lambda: "what is served stays as it is" in caplog.text)
            time.sleep(0.15)  # several looks: it is told once
            assert caplog.text.count("what is served stays as it is") == 1
            caplog.clear()
            assert ask.value("tunes", label="canary") == (21.0, 3)
        # The way to move a label: both versions, the label, then without the old one.
        write_list(path, entry(root, "tunes", "specific { versions: 2 versions: 3 }", stable=3))
        wait_for(lambda: ask.value("tunes", label="stable") == (21.0, 3))
        write_list(path, entry(root, "tunes", stable=3), entry(root, "new", first=7))
        wait_for(lambda: ask.states("tunes") == [(3, AVAILABLE), (2, END)])
        wait_for(lambda: server.manager.version("new", 7) is not None)
        wait_for(lambda: ask.states("new") == [(7, AVAILABLE)])
        assert ask.value("new", label="first") == (51.0, 7)


def test_lists_that_no_server_starts_with(root):
    path = root / "models.config"
    partly = entry(root, "tunes", "specific { versions: 1 versions: 99 }")
    write_list(path, partly, entry(root, "nowhere"))
    with pytest.raises(ExportError, match=r"models\.config: Could not find base path .*/nowhere"):
        serving(str(path)).__enter__()
    (root / "nowhere").mkdir()
    with pytest.raises(ExportError, match="No versions of servable nowhere found under base path"):
        serving(str(path)).__enter__()
    write_list(path, entry(root, "tunes", "specific { versions: 99 }"))
    with pytest.raises(ExportError, match="No versions of servable tunes found under base path"):
        serving(str(path)).__enter__()
    write_list(path, entry(root, "tunes"), entry(root, "broken"))
    with pytest.raises(ExportError, match="Only 1 of 2 models could be loaded: broken version 5"):
        serving(str(path)).__enter__()
    write_list(path)
    with pytest.raises(ConfigError, match=r"Expected models .* in '.*models\.config'"):
        serving(str(path)).__enter__()


def test_a_list_takes_the_place_of_a_root(root, toy_root):
    source = ModelSource(root=str(toy_root))
    options = app.ServerOptions(source, port=0, poll_seconds=0.05)
    with app.running(options) as server, Asker(server) as ask:
        assert ask.value("other") == (51.0, 7)
        ask.reload(entry(root, "new"), entry(toy_root, "toy", fine=3))
        assert ask.value("new") == (51.0, 7)
        assert ask.value("toy", label="fine") == (21.0, 3)
        wait_for(lambda: ask.states("other") == [(7, END)])


def test_a_list_that_is_refused_for_its_folder_takes_no_label(root):
    stable = entry(root, "tunes", "specific { versions: 1 }", stable=1)
    path = write_list(root / "models.config", stable)
    with serving(path, label_unavailable=True) as server, Asker(server) as ask:
        remote = entry("gs://bucket", "tunes", canary=1)
        text = "File system scheme 'gs' not implemented (file: 'gs://bucket/tunes')"
        refused(Code.UNIMPLEMENTED, text, ask.reload, remote)
        assert ask.value("tunes", label="stable") == (21.0, 1)
        text = "Unrecognized servable version label: canary"
        refused(Code.INVALID_ARGUMENT, text, ask.value, "tunes", label="canary")
        # A platform that no model can have does not become the one that may not be changed.
        other = entry(root, "new").replace('"tensorflow"', '"caffe"')
        text = "Model new requests unsupported platform caffe"
        refused(Code.INVALID_ARGUMENT, text, ask.reload, stable, other)
        ask.reload(stable, entry(root, "new"))
        assert ask.value("new") == (51.0, 7)
