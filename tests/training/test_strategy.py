"""Devices: strategies by name and what they refuse."""

import json

import pytest
import tensorflow as tf

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


@pytest.mark.parametrize("text", [None, "", "{", "3", '["cluster"]', json.dumps({"cluster": {}})])
def test_several_workers_need_their_cluster(monkeypatch, text):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ConfigError, match=r"TF_CONFIG as JSON with cluster and task. Received"):
        strategy.make_strategy("multi_worker")
