"""Devices: strategies by name and what they refuse."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import tensorflow as tf
from tensorflow.python.framework import config

from tests.devices import mirrored
from tests.models.tiny import make_batch, make_model
from tfmusicgan.errors import ConfigError
from tfmusicgan.training import strategy


def test_none_is_one_device():
    assert strategy.make_strategy("none").num_replicas_in_sync == 1


def test_mirrored_takes_every_device():
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    assert strategy.make_strategy("mirrored").num_replicas_in_sync == len(devices)
    assert strategy.use_xla() is bool(tf.config.list_logical_devices("GPU"))


def test_unknown_names():
    with pytest.raises(ConfigError, match=r"none, mirrored, multi_worker. Received: 'tpu'"):
        strategy.make_strategy("tpu")
    with pytest.raises(ConfigError, match=r"float32, mixed_bfloat16, .*Received: 'float8'"):
        strategy.prepare_devices("float8")


def _cluster(workers, kind="worker", index=0, job="worker"):
    return json.dumps({"cluster": {job: workers}, "task": {"type": kind, "index": index}})


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (None, "something else"),
        ("", "something else"),
        ("{", "something else"),
        ("3", "something else"),
        ('["cluster", "task"]', "something else"),
        (json.dumps({"cluster": {}}), "something else"),
        (json.dumps({"cluster": 3, "task": 4}), "something else"),
        (json.dumps({"cluster": {}, "task": {}}), "something else"),
        (json.dumps({"cluster": {}, "task": {"type": "worker", "index": 0}}), "other jobs"),
        (_cluster(["a:1"], job="ps", kind="ps"), "other jobs"),
        (_cluster([]), "without a list"),
        (_cluster("a:1"), "without a list"),
        (_cluster(["localhost"]), "not host:port"),
        (_cluster(["a:1", 5]), "not host:port"),
        (_cluster(["a:1"], index=5), "not in the cluster"),
        (_cluster(["a:1"], index=-1), "not in the cluster"),
        (_cluster(["a:1"], kind="chief"), "not in the cluster"),
    ],
)
def test_several_workers_need_their_cluster(monkeypatch, text, wrong):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ConfigError, match=rf"TF_CONFIG as JSON with .* Received .*{wrong}"):
        strategy.make_strategy("multi_worker")


def test_a_worker_that_waits_for_others_ends_at_ctrl_c():
    alone = _cluster(["127.0.0.1:0", "127.0.0.1:1"], index=1)  # nobody answers at port 0
    code = "from tfmusicgan.training import strategy; strategy.make_strategy('multi_worker')"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "TF_CONFIG": alone},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for line in process.stderr:
            if "Waiting for all 2 workers" in line:
                break
        time.sleep(1)  # into TensorFlow, where no Python handler runs
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == -signal.SIGINT
    finally:
        process.kill()
        process.communicate()


def _devices(number):
    return mirrored(number) if number > 1 else tf.distribute.get_strategy()


@pytest.mark.parametrize(("wanted", "devices", "expected"), [(True, 1, True), (False, 2, False)])
def test_xla_is_what_the_user_wants(wanted, devices, expected):
    assert strategy.decide_xla(wanted, _devices(devices)) is expected


def test_xla_is_for_one_device_of_a_process(monkeypatch):
    with pytest.raises(ConfigError, match=r"one device in a process with --xla. Received: 2"):
        strategy.decide_xla(True, _devices(2))
    monkeypatch.setattr(strategy, "use_xla", lambda: True)  # as with GPUs
    assert strategy.decide_xla(None, _devices(1)) and not strategy.decide_xla(None, _devices(2))


def test_a_models_step_is_compiled_where_it_is_asked_for(monkeypatch):
    assert config.is_op_determinism_enabled()  # where Keras would turn it off
    model = make_model("musegan_composer_chorales")
    dataset = tf.data.Dataset.from_tensors(make_batch(model))
    asked, function = [], tf.function

    def remember(*arguments, **options):
        asked.append(options.get("jit_compile", False))
        return function(*arguments, **options)

    monkeypatch.setattr(tf, "function", remember)
    for wanted in (False, True):
        model.compile(jit_compile=wanted)
        asked.clear()
        model.fit(dataset, verbose=0)
        assert model.jit_compile is wanted and (True in asked) is wanted
    assert int(model.step.numpy()) == 2
