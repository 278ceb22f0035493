"""Two worker processes on one machine train like one process, write one folder, and go on.

And one that is killed ends the other with a line that says how to go on.
"""

import functools
import json
import os
import socket
import subprocess
import sys
import time

import pytest

from tests import made_up, same_training
from tests.conformance.common import GENERATORS
from tests.eagerly import eagerly
from tfmusicgan import datasets, recipes, representations
from tfmusicgan.errors import ConfigError, OutputExistsError, RecordsError
from tfmusicgan.note_sequences.tfrecord import RecordWriter
from tfmusicgan.records.convert import convert
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.training import fit, strategy
from tfmusicgan.training.run import Run

RECIPE = "musegan_jamming_chorales"  # traced soonest
# One with a bank of given tracks, beside what every model has.
RECIPES = GENERATORS if same_training.ALL else ["musegan_jamming_chorales_accompaniment"]

ENDLESS = ("training_steps=100000", "critic_updates=1")


def _free_ports():
    sockets = [socket.socket() for _ in range(2)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _start(records, output, *settings, recipe=RECIPE, checkpoint_every=2, precision="float32"):
    """Both workers; each with its output in a pipe."""
    flags = [f"--recipe={recipe}", "--preset=tiny", f"--records={records}", f"--output={output}"]
    flags.append(f"--precision={precision}")
    flags += ["--strategy=multi_worker", f"--checkpoint_every={checkpoint_every}"]
    flags += ["--steps_per_epoch=3"]
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
    return processes


def _train(records, output, *settings, **options):
    processes = _start(records, output, *settings, **options)
    try:
        outputs = [process.communicate(timeout=480)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], "\n".join(outputs)
    return outputs


def _sharded(name, folder):
    """A record set of four shards."""
    recipe = recipes.get(name)
    parameters = recipe.preset("tiny").representation
    with RecordWriter(folder / "music.tfrecord") as writer:
        for number in range(20):
            writer.write(made_up.maker(parameters)(number))
    grid = representations.get(recipe.representation).from_parameters(parameters)
    options = ConvertOptions(grid, num_shards=4)
    convert(datasets.get("midi"), options, folder / "records", [str(folder / "music.tfrecord")])
    return folder / "records"


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Of the recipe that most tests train."""
    return _sharded(RECIPE, tmp_path_factory.mktemp("sharded"))


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_two_workers_train_like_one_process_and_go_on(name, tmp_path):
    records = _sharded(name, tmp_path)
    options = {"recipe": name, "precision": "float64"}
    shorter, steps = same_training.shorter_settings(name)
    _train(records, tmp_path / "two", *shorter, **options)
    two = Run.open(tmp_path / "two")
    assert [info.step for info in two.store().all()][-2:] == [(steps - 1) // 2 * 2, steps]
    # No checkpoint but the last one, for which the second worker has to wait.
    settings = same_training.settings(name)
    outputs = _train(records, tmp_path / "two", *settings, checkpoint_every=100, **options)
    assert all(f"for {same_training.STEPS} steps: " in output for output in outputs)
    assert two.store().latest().step == same_training.STEPS
    with same_training.double_precision(), eagerly():
        one = fit.train(
            recipes.get(name),
            "tiny",
            records,
            tmp_path / "one",
            settings,
            options=fit.TrainingOptions(steps_per_epoch=3, collapse_patience=0, num_samples=8),
            file_groups=2,
        )
    assert one.settings["file_groups"] == two.settings["file_groups"] == 2
    same_training.assert_same(one, two)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_worker_that_dies_ends_the_other_with_one_line(records, tmp_path, victim):
    processes = _start(records, tmp_path / "run", *ENDLESS)
    try:
        deadline = time.monotonic() + 300
        while not list(tmp_path.glob("run/checkpoints/step-*")) and time.monotonic() < deadline:
            assert all(process.poll() is None for process in processes)
            time.sleep(0.1)
        processes[victim].kill()
        other = processes[1 - victim].communicate(timeout=300)[0]
    finally:
        for process in processes:
            process.kill()
    assert processes[1 - victim].returncode == 1
    (line,) = [line for line in other.splitlines() if line.startswith("tfmusicgan-train: ")]
    latest = Run.open(tmp_path / "run").store().latest().path
    assert "Expected 2 workers that train together. Received: " in line
    assert "no longer answers. The last good" in line
    assert "The last good checkpoint is " in line and str(latest.parent) in line
    assert line.endswith("start the same command again on every worker: it goes on from there.")


@pytest.mark.slow
def test_a_signal_to_one_worker_stops_both_after_the_same_step(records, tmp_path):
    processes = _start(records, tmp_path / "run", *ENDLESS, checkpoint_every=1000)
    try:
        line = ""
        while "critic_loss" not in line:  # the first epoch is over
            line = processes[0].stdout.readline()
            assert line, "the first worker has ended"
        processes[1].terminate()
        outputs = [process.communicate(timeout=300)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [143, 143], "\n".join(outputs)
    latest = Run.open(tmp_path / "run").store().latest()
    for output in outputs:
        assert f"Interrupted after step {latest.step}. The last good checkpoint is " in output
        assert str(latest.path) in output


@pytest.mark.slow
def test_an_error_of_the_chief_alone_is_one_line_for_both(records, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("precious")
    processes = _start(records, tmp_path / "run")
    try:
        outputs = [process.communicate(timeout=480)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [1, 1]
    assert "which holds something else" in outputs[0]
    assert "tfmusicgan-train: Expected 2 workers that train together." in outputs[1]
    assert "Traceback" not in outputs[1]


def test_a_run_keeps_its_groups_and_says_so(records, tmp_path):
    options = fit.TrainingOptions(collapse_patience=0, num_samples=8)
    train = functools.partial(fit.train, recipes.get(RECIPE), "tiny", records, options=options)
    with eagerly():
        run = train(tmp_path / "run", ["training_steps=1"], file_groups=2)
        again = train(tmp_path / "run", ["training_steps=2"])
    assert again.settings["file_groups"] == 2 and again.store().latest().step == 2
    with pytest.raises(OutputExistsError, match=r"Received others: file_groups\."):
        train(tmp_path / "run", ["training_steps=2"], file_groups=4)
    # A run of a release that knew no groups.
    settings = {key: value for key, value in run.settings.items() if key != "file_groups"}
    (run.folder / "run.json").write_text(json.dumps(settings))
    assert Run.file_groups_at(run.folder) == 1
    old = train(run.folder, ["training_steps=2"])
    assert old.settings["file_groups"] == 1
    with pytest.raises(ConfigError, match=r"multiple of 2 workers .*Received: 1\. Train with"):
        fit._check_groups(1, 2)


def test_too_few_shards_and_groups_that_do_not_divide(records, tmp_path):
    options = fit.TrainingOptions(collapse_patience=0, num_samples=8)
    train = functools.partial(fit.train, recipes.get(RECIPE), "tiny", records, options=options)
    with pytest.raises(RecordsError, match=r"at least 5 shards .*--shards=5"):
        train(tmp_path / "run", ["batch_size=5"], file_groups=5)
    with pytest.raises(RecordsError, match=r"divides batch_size 4\. Received: 3"):
        train(tmp_path / "run", file_groups=3)
    assert not (tmp_path / "run").exists()


def test_one_process_is_its_own_chief():
    default = strategy.make_strategy("none")
    assert strategy.is_chief(default)
    assert strategy.num_workers(default) == 1
    assert [strategy.any_worker(default)(mine) for mine in (True, False)] == [True, False]
