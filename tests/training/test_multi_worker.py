"""Two worker processes on one machine train like one process, write one folder, and go on."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan import recipes
from tfmusicgan.training import fit, strategy
from tfmusicgan.training.run import Run

RECIPE = "musegan_hybrid_chorales"
# With next to no learning rate rounding is not amplified; Adam's moments show the gradients.
SETTINGS = ("learning_rate=1e-12", "training_steps=4")


def _free_ports():
    sockets = [socket.socket() for _ in range(2)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _train(records, output, *settings):
    flags = [f"--recipe={RECIPE}", "--preset=tiny", f"--records={records}", f"--output={output}"]
    flags += ["--strategy=multi_worker", "--checkpoint_every=2", "--steps_per_epoch=3"]
    flags += [f"--set={setting}" for setting in settings]
    code = f"from tfmusicgan.cli.train import main; main({flags!r})"
    workers = [f"127.0.0.1:{port}" for port in _free_ports()]
    processes = []
    for index in range(2):
        task = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        environment = os.environ | {"TF_CONFIG": json.dumps(task), "GRPC_VERBOSITY": "NONE"}
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", code],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    try:
        outputs = [process.communicate(timeout=240)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], "\n".join(outputs)


def _values(run):
    reader = tf.train.load_checkpoint(str(run.store().latest().path / "variables"))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


@pytest.mark.slow
def test_two_workers_train_like_one_process_and_go_on(tiny_records, tmp_path):
    records = tiny_records[RECIPE]
    _train(records, tmp_path / "two", *SETTINGS)
    two = Run.open(tmp_path / "two")
    assert [info.step for info in two.store().all()] == [2, 4]
    _train(records, tmp_path / "two", *SETTINGS[:1], "training_steps=6")
    assert two.store().latest().step == 6
    longer = (*SETTINGS[:1], "training_steps=6")
    options = fit.TrainingOptions(collapse_patience=0, num_samples=8)
    one = fit.train(recipes.get(RECIPE), "tiny", records, tmp_path / "one", longer, options=options)
    expected, found = _values(one), _values(two)
    assert expected.keys() == found.keys() and len(expected) > 150
    for name, value in expected.items():
        if "VARIABLE_VALUE" in name:
            np.testing.assert_allclose(found[name], value, atol=2e-6, err_msg=name)


def test_one_process_is_its_own_chief():
    default = strategy.make_strategy("none")
    assert strategy.is_chief(default)
    strategy.wait_for_all(default)
