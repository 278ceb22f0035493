"""The check of exports without Python: it runs what the stock server runs, and refuses the rest."""

import numpy as np
import pytest
import tensorflow as tf

from tests.conformance import stock_server


class _Core(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "seed")])
    def double(self, seed):
        return {"number": seed * 2, "text": tf.strings.as_string(seed), "half": seed / 2}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.string, "text")])
    def join(self, text):
        return {"joined": tf.strings.reduce_join(text, axis=1)}


class _Python(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "seed")])
    def python(self, seed):
        return {"number": tf.numpy_function(lambda s: s, [seed], tf.int64)}


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """Two exports, and what the check says of them."""
    folder, core, python = tmp_path_factory.mktemp("checked"), _Core(), _Python()
    signatures = {"double": core.double, "join": core.join}
    tf.saved_model.save(core, str(folder / "core"), signatures=signatures)
    tf.saved_model.save(python, str(folder / "python"), signatures={"double": python.python})
    seeds = {"double": {"seed": np.array([-5, 12])}}
    words = {"join": {"text": np.array([[b"so", b"la"], [b"", b"f\xff" * 50]], object)}}
    jobs = {folder / "core": seeds | words, folder / "python": seeds}
    return folder, stock_server.run(jobs)


def test_core_ops_run(checked):
    folder, (kernels, modules, answers) = checked
    ops, signatures = stock_server.read_signatures(folder / "core")
    assert {"Mul", "AsString", "ReduceJoin"} <= ops <= kernels
    assert {"double", "join"} <= set(signatures)
    assert "ctypes" in modules and "numpy" not in modules
    found = answers[folder / "core"]
    assert found["double"]["number"].tolist() == [-10, 24]
    assert found["double"]["text"].tolist() == [b"-5", b"12"]
    assert found["double"]["half"].tolist() == [-2.5, 6.0]
    assert found["join"]["joined"].tolist() == [b"sola", b"f\xff" * 50]


def test_a_python_function_is_found_and_refused(checked):
    folder, (kernels, _, answers) = checked
    assert stock_server.read_signatures(folder / "python")[0] - kernels == {"PyFunc"}
    assert answers[folder / "python"].startswith(
        "No OpKernel was registered to support Op 'PyFunc'"
    )
