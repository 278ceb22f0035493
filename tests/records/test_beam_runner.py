"""One function over many elements, in this process and in worker processes."""

import functools
import logging
import os
import pathlib
import signal
import threading

import pytest

from tfmusicgan.errors import ConversionError, MusicGanError, WorkerLostError
from tfmusicgan.records.beam_runner import run_all


def _leave(element, folder):
    pathlib.Path(folder, f"{element}-{os.getpid()}").touch()


def _refuse(element):
    raise ConversionError(f"Expected another element. Received: {element!r}.", reason="odd")


def _break(element):
    raise RuntimeError("a mistake of ours")


@pytest.mark.parametrize("num_workers", [1, 2])
def test_every_element_is_run_once(tmp_path, num_workers):
    leave = functools.partial(_leave, folder=str(tmp_path))
    run_all(leave, list(range(7)), "numbers", num_workers=num_workers)
    left = [path.name.split("-") for path in tmp_path.iterdir()]
    assert sorted(number for number, _ in left) == list("0123456")
    processes = {int(process) for _, process in left}
    assert len(processes) == num_workers
    assert (os.getpid() in processes) == (num_workers == 1)


@pytest.mark.parametrize("num_workers", [1, 2])
def test_our_errors_keep_their_class_and_message(num_workers):
    with pytest.raises(ConversionError) as error:
        run_all(_refuse, ["a, b: c"], "texts", num_workers=num_workers)
    assert str(error.value) == "Expected another element. Received: 'a, b: c'."


def test_other_errors_are_not_hidden():
    with pytest.raises(RuntimeError, match=r"a mistake of ours"):
        run_all(_break, [1], "numbers")


def _leave_or_die(element, folder):
    if element == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    _leave(element, folder)


def test_a_killed_worker_ends_the_run_in_one_line(tmp_path, capfd):
    hook = threading.excepthook
    die = functools.partial(_leave_or_die, folder=str(tmp_path))
    with pytest.raises(WorkerLostError, match=r"worker process was lost \(exit status -9; .*again"):
        run_all(die, list(range(7)), "numbers", num_workers=2)
    assert capfd.readouterr() == ("", "")
    assert threading.excepthook is hook
    assert "4" not in [path.name.split("-")[0] for path in tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("runner", "options", "reason"),
    [
        ("FlinkRunner", "--flink_job_server_jar=/nowhere.jar", r'.*jar URL "/nowhere\.jar"'),
        ("DataflowRunner", "", r".*Missing required option: region"),
    ],
)
def test_what_stops_another_runner_is_one_error(runner, options, reason):
    with pytest.raises(MusicGanError, match=f"Beam's {runner} did not run .* its end: {reason}"):
        run_all(_break, [1], "numbers", runner=runner, beam_options=options)


def test_nothing_to_do_starts_nothing():
    run_all(_break, [], "numbers", runner="Nowhere")


def test_logging_is_left_as_it_was(tmp_path):
    before = logging.root.manager.disable
    run_all(functools.partial(_leave, folder=str(tmp_path)), [1], "numbers")
    assert logging.root.manager.disable == before
