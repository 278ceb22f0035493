"""The check of a GPU, on a machine that may have none."""

import importlib
import json
import os
import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from gpu_check import __main__ as program
from gpu_check import agreement, check, devices, report, steps
from tests.training.toy import ToyGAN
from tfmusicgan import recipes, representations
from tfmusicgan.representations.base import FieldSpec

SCRIPT = pathlib.Path(__file__).parents[1] / "scripts/gpu_check.sh"
RECIPE = "musegan_composer_chorales"
BATCH = {"x": np.array([1.0, -2.0, 0.5], np.float32)}
WEIGHTS = [np.array([0.3, 0.1, -0.2], np.float32), np.array(0, np.int64)]


class Toy(ToyGAN):
    """Two updates a step, each with a gradient of `factor` times the batch."""

    def __init__(self, factor=1.0, scaled=False):
        super().__init__()
        self.factor, self.scaled = factor, scaled
        self.compile()

    def compile(self):
        super().compile()
        if self.scaled:
            self.adam = keras.optimizers.LossScaleOptimizer(self.adam)
            self.adam.build([self.kernel])

    def train_step(self, data):
        batch = data["x"] * self.factor
        return {**super().train_step(batch), **super().train_step(batch)}


def _step(xla=False, **changes):
    return agreement.take_step(Toy(**changes), BATCH, WEIGHTS, xla)


def _assert_agrees(step, form="float32"):
    assert agreement.compare(_step(), step).within(agreement.TOLERANCES[form])


def test_a_step_is_recorded():
    step = _step()
    np.testing.assert_allclose(step.gradients["adam"], [2, -4, 1])  # of both updates
    np.testing.assert_allclose(step.movements["adam"], [-0.2, 0.2, -0.2], rtol=1e-4)
    # Before the second update Adam has moved each weight by 0.1: 0.2 * 1 - 0.2 * 2 - 0.3 * 0.5.
    assert step.values == {"toy_loss": pytest.approx(-0.35, abs=1e-5)}


def test_compiled_and_loss_scaled_steps_agree():
    _assert_agrees(_step(xla=True))
    scaled = _step(scaled=True)
    np.testing.assert_allclose(scaled.gradients["adam"], [2, -4, 1])
    _assert_agrees(scaled)


@pytest.mark.parametrize("form", agreement.TOLERANCES)
def test_wrong_steps_differ_in_every_form(form, monkeypatch):
    tolerance, right = agreement.TOLERANCES[form], _step()
    wrong = agreement.compare(right, _step(factor=1.5))  # Adam takes the factor out again
    assert wrong.values == pytest.approx(0.5, rel=0.2) and not wrong.within(tolerance)
    assert agreement.compare(right, _step(factor=-1.0)).gradients == pytest.approx(-1)
    assert not agreement.compare(right, _step(factor=-1.0)).within(tolerance)
    monkeypatch.setattr(agreement, "LOSS_SCALE", 3e38)  # overflows: no update
    skipped = agreement.compare(right, _step(scaled=True))
    assert not skipped.within(tolerance)
    monkeypatch.setattr(agreement, "LOSS_SCALE", 2.0**8)
    endless = agreement.compare(right, _step(factor=np.inf))
    assert not endless.within(tolerance)


def test_steps_that_log_something_else_are_no_comparison():
    other = agreement.StepRecord({"loss": 0.0}, {}, {})
    with pytest.raises(ValueError, match=r"Expected \['toy_loss'\]. Received: \['loss'\]"):
        agreement.compare(_step(), other)


def test_batches_have_the_readers_shape_and_the_fields_kinds(monkeypatch):
    recipe = recipes.get(RECIPE)
    preset = recipe.preset("tiny")
    model = steps.build_model(RECIPE, "tiny")
    batch = steps.make_batch(model)
    shape = representations.get(recipe.representation).from_parameters(preset.representation)
    shape = shape.spec["piano_roll"].shape
    leading = (preset.config.batch_size, preset.config.critic_updates)
    assert batch["piano_roll"].shape == (*leading, *shape)
    assert 0.04 < batch["piano_roll"].numpy().mean() < 0.06
    spec = {"wave": FieldSpec((4,), "float32", ""), "tokens": FieldSpec((9,), "int32", "")}
    monkeypatch.setattr(type(model.representation), "spec", spec)
    batch = steps.make_batch(model)
    assert batch["wave"].dtype == tf.float32 and batch["wave"].numpy().min() < 0
    assert batch["tokens"].dtype == tf.int32 and set(np.unique(batch["tokens"])) == {0, 1}


def test_what_tells_most_comes_first():
    names = ["musegan_hybrid", "musegan_hybrid_chorales", "binary_musegan"]
    plain, compiled = steps.Form("float32"), steps.Form("float32", xla=True)
    pairs = steps.in_order_of_value(names, (compiled, plain))
    assert pairs == [
        ("musegan_hybrid", compiled),
        ("binary_musegan", compiled),
        ("musegan_hybrid", plain),
        ("musegan_hybrid_chorales", compiled),
        ("binary_musegan", plain),
        ("musegan_hybrid_chorales", plain),
    ]
    pairs = steps.in_order_of_value(names, (compiled, plain), compiled_last=True)
    assert [form.xla for _, form in pairs] == [False] * 3 + [True] * 3
    assert set(steps.generators()) >= set(names)


def test_rows_that_were_not_reached_are_named(capsys):
    report.not_reached([["a", "float32"], ["b", "float32"], ["b", "tf32"]], 2)
    assert capsys.readouterr().out.splitlines() == [
        "Not reached (--minutes): float32: all 2 recipes",
        "Not reached (--minutes): tf32: b",
    ]


def test_a_form_sets_its_precision_and_takes_it_back():
    allowed = tf.config.experimental.tensor_float_32_execution_enabled
    assert {form.arithmetic for form in (*steps.GPU_FORMS, *steps.CPU_FORMS)} == set(
        agreement.TOLERANCES
    )
    before = allowed()
    with pytest.raises(RuntimeError), steps.Form("mixed_bfloat16", xla=True).active():
        assert keras.config.dtype_policy().name == "mixed_bfloat16" and allowed()
        raise RuntimeError
    with steps.Form("float32").active():
        assert not allowed()
    assert keras.config.dtype_policy().name == "float32" and allowed() == before


@pytest.fixture
def no_gpu(monkeypatch):
    """A machine without GPU, driver and libraries, whatever this one has."""
    listed = tf.config.list_physical_devices
    cpus = listed("CPU")
    monkeypatch.setattr(
        tf.config, "list_physical_devices", lambda kind=None: [] if kind == "GPU" else cpus
    )
    monkeypatch.setattr(devices, "driver", lambda: None)
    monkeypatch.setattr(devices, "_has_library", lambda name: "cudnn" not in name)


def _run(*flags):
    return program.main([f"--recipes={RECIPE}", "--forms=mixed_bfloat16", *flags])


def test_without_a_gpu_it_says_what_is_missing_and_goes_on(no_gpu, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "AGREEMENT_SHARE", 1e9)  # and no time at all for the rest
    output = tmp_path / "results.json"
    assert _run("--minutes=1e-6", f"--output={output}") == 0
    shown = capsys.readouterr().out
    assert "missing: no GPU device: TensorFlow sees none\n" in shown
    assert "missing: no NVIDIA driver" in shown
    assert "missing: no CUDA libraries: libcudnn.so.8; pip install" in shown
    assert "Not reached (--minutes): mixed_bfloat16: all 1 recipes\n" in shown
    results = json.loads(output.read_text())
    (row,) = results["agreement"]
    assert row["case"] == RECIPE and row["verdict"] == "ok" and results["speed"] == []
    assert results["speed_not_reached"] == [[RECIPE, "mixed_bfloat16"]]


def test_without_a_gpu_that_is_required_it_fails(no_gpu, capsys):
    assert _run("--require_gpu") == 1
    assert "Expected a GPU" in capsys.readouterr().out


@pytest.fixture
def some_gpu(monkeypatch, tmp_path):
    """A machine whose driver and TensorFlow show one GPU."""
    program = tmp_path / "nvidia-smi"
    answers = 'case "$1" in *driver*) echo 555.1;; *) echo "H9, 8 MiB";; esac'
    program.write_text(f"#!/bin/sh\n{answers}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    gpu = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
    logical = tf.config.LogicalDevice("/device:GPU:0", "GPU")
    details = {"device_name": "H9", "compute_capability": (9, 0)}
    experimental = tf.config.experimental
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [gpu])
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: [logical])
    monkeypatch.setattr(experimental, "get_device_details", lambda device: details)
    monkeypatch.setattr(experimental, "get_memory_growth", lambda device: device is gpu)
    monkeypatch.setattr(experimental, "get_memory_info", lambda device: {"peak": 3 * 2**20})


def test_a_gpu_is_described(some_gpu):
    rows = dict(devices.describe())
    assert rows["device GPU:0"] == "H9, compute capability 9.0, memory growth on"
    assert rows["driver"] == "555.1" and rows["the driver's GPU 0"] == "H9, 8 MiB"
    assert rows["XLA in training"] == "on" and devices.missing() == []
    assert devices.peak_megabytes() == 3


def test_a_step_that_differs_is_caught(no_gpu, capsys, monkeypatch):
    monkeypatch.setattr(check, "AGREEMENT_SHARE", 1e9)
    take = agreement.take_step

    def wrong(model, *arguments):
        if model.dtype_policy.name == "mixed_bfloat16":
            minimise = model.minimise
            model.minimise = lambda loss_fn, *rest: minimise(lambda: 2.0 * loss_fn(), *rest)
        return take(model, *arguments)

    monkeypatch.setattr(agreement, "take_step", wrong)
    assert _run("--minutes=1e-6") == 1
    shown = capsys.readouterr().out
    assert (
        "DIFFERS  largest: " in shown and "Something differs, failed or was not compared." in shown
    )


def test_a_failure_is_a_row_and_the_others_go_on(no_gpu, capsys, monkeypatch):
    monkeypatch.setattr(check, "AGREEMENT_SHARE", 1e9)
    build = steps.build_model

    def exhausted(name, preset):
        if keras.config.dtype_policy().name == "mixed_bfloat16":
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\nand more")
        return build(name, preset)

    monkeypatch.setattr(steps, "build_model", exhausted)
    status = program.main(
        [f"--recipes={RECIPE}", "--forms=mixed_bfloat16,mixed_float16", "--minutes=1e-6"]
    )
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    rows = {line[1]: line[2:] for line in lines if line[:1] == [RECIPE]}
    assert status == 1
    assert rows["mixed_bfloat16"][:2] == ["FAILED", "ResourceExhaustedError:"]
    assert rows["mixed_bfloat16"][-1] == "allocating"
    assert rows["mixed_float16"][-1] == "ok"


@pytest.mark.slow
def test_steps_are_timed(no_gpu, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(check, "AGREEMENT_SHARE", 0)
    output = tmp_path / "results.json"
    assert _run(f"--output={output}") == 1
    shown = capsys.readouterr().out
    assert "Not reached (--minutes): mixed_bfloat16: all 1 recipes\nNothing was compared" in shown
    (row,) = json.loads(output.read_text())["speed"]
    assert row["case"] == RECIPE and row["steps"] == 4
    assert row["hours"] == pytest.approx(4 * row["seconds"] / 3600)
    assert 0 < row["seconds"] < row["first_seconds"] and row["peak_megabytes"] is None
    assert 0 < row["product_share"] < 1
    # The layers' taps alone, as the benchmark counts them; the graph's products have padding too.
    monkeypatch.syspath_prepend(SCRIPT.parent / "benchmarks")
    benchmark = importlib.import_module("musegan_convolutions")
    model = steps.build_model(RECIPE, "tiny")
    taps = benchmark.step_flops(model, model.model_config.batch_size)
    assert 1 < row["flops"] / taps < 1.5


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--recipes=no_such", "--recipes: expected .*musegan_hybrid.* Received: 'no_such'."),
        ("--forms=float8", "--forms: expected .*tf32.xla.* Received: 'float8'."),
        ("--preset=huge", "--preset: expected paper, small, tiny. Received: 'huge'."),
        ("--output=no/such/file", "--output: expected a file in a folder that exists."),
        ("--minutes=0", "--minutes: expected a number above 0. Received: 0.0."),
    ],
)
def test_bad_flags_are_one_line(flag, message, capsys):
    with pytest.raises(SystemExit) as ended:
        program.main([flag])
    assert ended.value.code == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert re.search(message, error), error


def test_numbers_are_short():
    shown = [report.short(number) for number in (None, 0.5, 999.4, 999.6, 12.6e9, 4.0585e12, 8e15)]
    assert shown == ["", "0.5", "999", "1k", "12.6G", "4.06T", "8P"]


def test_the_script_can_be_run():
    assert os.access(SCRIPT, os.X_OK) and "-m gpu_check" in SCRIPT.read_text()
