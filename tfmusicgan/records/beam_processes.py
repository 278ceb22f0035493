"""Local worker processes whose death ends the run: Beam's own would wait for the dead for ever.

Beam's runner starts a process per worker, and learns nothing of one that is killed, as the system
does when memory runs out: the call that the worker was busy with never returns. Here whoever waits
for a dead worker gets a `WorkerLostError`; the other workers finish what they have begun.
"""

import contextlib
import shlex
import sys
import threading
from collections.abc import Iterator
from typing import Any

import grpc
from apache_beam.runners.portability import local_job_service
from apache_beam.runners.portability.fn_api_runner.worker_handlers import (
    SubprocessSdkWorkerHandler,
    WorkerHandler,
)
from apache_beam.transforms.environments import Environment, SubprocessSDKEnvironment

from tfmusicgan.errors import WorkerLostError

_URN = "tfmusicgan:env:watched_process:v1"
_PAUSE_SECONDS = 0.1


@Environment.register_urn(_URN, bytes)
class WatchedProcesses(SubprocessSDKEnvironment):
    """Workers of `tfmusicgan.records.beam_worker` on this machine."""

    def to_runner_api_parameter(self, context: Any) -> tuple[str, bytes]:
        """Beam's description of the environment: its kind and the command."""
        return _URN, self.command_string.encode()


@WorkerHandler.register_environment(_URN, bytes)
class _WatchedHandler(SubprocessSdkWorkerHandler):
    """The runner's end of one worker."""

    def start_worker(self) -> None:
        self.worker = local_job_service.SubprocessSdkWorker(
            self._worker_command_line, self.control_address, self.provision_info, self.worker_id
        )
        self._stopping = threading.Event()
        self.worker_thread = threading.Thread(name="run_worker", target=self._watch, daemon=True)
        self.worker_thread.start()

    def close(self) -> None:
        self._stopping.set()  # first: of a dead worker's connection the rest may fail
        super().close()

    def _watch(self) -> None:
        try:
            self.worker.run()
        except RuntimeError as error:  # Beam's word for an exit status other than 0
            status = str(error).rpartition(" ")[2]
            lost = WorkerLostError(
                f"A worker process was lost (exit status {status}; -9 is a kill, as when memory "
                "runs out). Give the same command again to go on, with fewer --workers if it "
                "recurs."
            )
            # Again and again: the runner may have more for this worker.
            while not self._stopping.wait(_PAUSE_SECONDS):
                with contextlib.suppress(RuntimeError):  # the runner is just adding a call
                    self.control_conn.abort(lost)


def watched_processes() -> WatchedProcesses:
    """The environment for Beam's embedded runner."""
    # In place of the shell that Beam starts it with, which would outlive it.
    command = f"exec {shlex.quote(sys.executable)} -m tfmusicgan.records.beam_worker"
    return WatchedProcesses.from_command_string(command)


@contextlib.contextmanager
def quiet_threads() -> Iterator[None]:
    """Nothing is printed of threads that end because a worker's connection is gone."""
    before = threading.excepthook

    def hook(arguments: threading.ExceptHookArgs) -> None:
        if not isinstance(arguments.exc_value, grpc.RpcError):
            before(arguments)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before
