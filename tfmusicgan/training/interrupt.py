"""Ctrl-C and SIGTERM: the first saves and ends the run, the second ends the process at once.

Python runs its signal handlers between bytecodes, and a training step may be one long call into
TensorFlow. The C handler writes each signal's number to a socket as well, which a thread reads:
so the second signal counts in the middle of a step, too.
"""

import contextlib
import os
import signal
import socket
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
            _say("Stopped at once.")
            os._exit(128 + number)
        self.number = number
        _say("Stopping after this step; press Ctrl-C again to stop at once, without saving.")


def _say(text: str) -> None:
    # Whoever read stderr may be gone, stopped by the same Ctrl-C.
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\n".encode())


@contextlib.contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Receives SIGINT and SIGTERM while the block runs; outside the main thread, none.

    Signals that the process was started to ignore, as scripts do in the background, stay so.

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
    thread.start()
    earlier_writing = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    heeded = [n for n in _SIGNALS if signal.getsignal(n) not in (signal.SIG_IGN, None)]
    earlier = {number: signal.signal(number, lambda *_: None) for number in heeded}
    try:
        yield request
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(earlier_writing)
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
      save: Writes a checkpoint, or nothing where another worker does.
      where: Returns the words that name the latest checkpoint.
      any_worker: From `strategy.any_worker`: a signal to one of several stops all, after the same
        step, and they wait for the checkpoint.
    """

    def __init__(
        self,
        request: StopRequest,
        save: Callable[[], None],
        where: Callable[[], str],
        any_worker: Callable[[bool], bool],
    ):
        super().__init__()
        self.request, self.save, self.where = request, save, where
        self.any_worker = any_worker

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Looks for a signal.

        Raises:
          InterruptedRunError: If there was one; the checkpoint is written.
        """
        if not self.any_worker(bool(self.request.number)):
            return
        self.save()
        self.any_worker(True)  # the others wait until it is saved
        step = int(self.model.step.numpy())
        raise InterruptedRunError(
            f"Interrupted after step {step}. {self.where()} Run the same command again to go on.",
            status=128 + (self.request.number or signal.SIGTERM),
        )
