"""Ctrl-C and SIGTERM: the first saves and ends the run, the second ends the process at once.

Python runs its signal handlers between bytecodes, and a training step may be one long call into
TensorFlow. The C handler writes each signal's number to a socket as well, which a thread reads:
so the second signal counts in the middle of a step, too.
"""

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator

import keras

from tfmusicgan.errors import InterruptedRunError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Whether a signal asked the run to end, and which.

    Attributes:
      number: The signal's number; 0 while there was none.
    """

    def __init__(self) -> None:
        self.number = 0

    def receive(self, number: int) -> None:
        """Notes the first signal; ends the process at the second."""
        if self.number:
            print("Stopped at once.", file=sys.stderr, flush=True)
            os._exit(128 + number)
        self.number = number
        print(
            "Stopping after this step; press Ctrl-C again to stop at once, without saving.",
            file=sys.stderr,
            flush=True,
        )


@contextlib.contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Receives SIGINT and SIGTERM while the block runs; outside the main thread, none.

    Yields:
      The request, to look at between steps.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    thread = threading.Thread(target=_listen, args=(reading, request), daemon=True)
    earlier = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
    earlier_writing = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    thread.start()
    try:
        yield request
    finally:
        signal.set_wakeup_fd(earlier_writing)
        for number, handler in earlier.items():
            signal.signal(number, handler)
        writing.close()
        thread.join()
        reading.close()


def _listen(reading: socket.socket, request: StopRequest) -> None:
    while received := reading.recv(1):
        if received[0] in _SIGNALS:
            request.receive(received[0])


class StopOnSignal(keras.callbacks.Callback):
    """Ends the run with `InterruptedRunError` after the step in which a signal came.

    Args:
      request: From `stop_request`.
      save: Writes a checkpoint; None where another process does.
      where: Returns the words that name the latest checkpoint.
    """

    def __init__(
        self, request: StopRequest, save: Callable[[], None] | None, where: Callable[[], str]
    ):
        super().__init__()
        self.request, self.save, self.where = request, save, where

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Looks for a signal.

        Raises:
          InterruptedRunError: If there was one; the checkpoint is written.
        """
        if not self.request.number:
            return
        if self.save is not None:
            self.save()
        step = int(self.model.step.numpy())
        raise InterruptedRunError(
            f"Interrupted after step {step}. {self.where()} Run the same command again to go on.",
            status=128 + self.request.number,
        )
