"""Ctrl-C: the first signal saves and ends the run, the second ends the process at once."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.training import toy
from tfmusicgan.errors import InterruptedRunError
from tfmusicgan.training import interrupt

_PROGRAM = """
import sys, time
from tfmusicgan.training import interrupt
with interrupt.stop_request() as request:
    print("ready", flush=True)
    if sys.argv[1] == "blocked":  # as a long operation is: no bytecode runs meanwhile
        import ctypes
        libc = ctypes.CDLL(None)
        for _ in range(60):
            libc.poll(None, 0, 500)
    deadline = time.monotonic() + 30
    while not request.number and time.monotonic() < deadline:
        time.sleep(0.01)
    print("saved", request.number, flush=True)
"""


def _ignore():
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _start(*arguments, ignore=False):
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_ignore if ignore else None,
    )
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_lets_the_step_end(number):
    process = _start("looping")
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, f"saved {int(number)}\n")
    assert err.startswith("Stopping after this step; press Ctrl-C again to stop at once")


def test_the_second_signal_ends_the_process_in_the_middle_of_an_operation():
    process = _start("blocked")
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert "Stopping after" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "Stopped at once.\n")
    assert time.monotonic() - began < 20  # the operation takes 30


def test_handlers_are_those_from_before():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with interrupt.stop_request() as request:
        assert signal.getsignal(signal.SIGINT) is not before[0]
        os.kill(os.getpid(), signal.SIGTERM)
        deadline = time.monotonic() + 30
        while not request.number and time.monotonic() < deadline:
            time.sleep(0.01)
    assert request.number == signal.SIGTERM
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_the_callback_saves_then_says_how_to_go_on():
    saved, request = [], interrupt.StopRequest()
    asked = []

    def any_worker(mine):
        asked.append(mine)
        return mine or len(asked) > 2

    save = lambda: saved.append(len(asked))  # noqa: E731
    callback = interrupt.StopOnSignal(request, save, lambda: "It is at X.", any_worker)
    callback.set_model(toy.trained(steps=3))
    callback.on_train_batch_end(0)
    assert not saved
    request.number = signal.SIGINT
    with pytest.raises(InterruptedRunError, match=r"step 3\. It is at X\. Run the same") as error:
        callback.on_train_batch_end(1)
    assert saved == [2] and error.value.status == 130
    assert asked == [False, True, True]  # the last one once it is saved
    request.number = 0
    with pytest.raises(InterruptedRunError) as error:  # another worker's signal
        callback.on_train_batch_end(2)
    assert saved == [2, 4] and error.value.status == 143


def test_ignored_signals_stay_ignored():
    process = _start("looping", ignore=True)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, f"saved {int(signal.SIGTERM)}\n")
    assert err.count("\n") == 1


def test_the_second_signal_counts_when_nobody_reads_any_more():
    process = _start("blocked")
    process.stderr.close()
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    assert process.wait(timeout=20) == 130
    process.stdout.close()
