"""Runs a command in a process group of its own, and kills the group at a chosen moment."""

import contextlib
import dataclasses
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

import outputs

_LIMIT_SECONDS = 1800.0  # of one command: one that hangs must not stop the program for ever
_POLL_SECONDS = 0.001


class Forks:
    """Starts commands one after the other; its `with` block imports TensorFlow once."""

    def __enter__(self) -> "Forks":
        program = pathlib.Path(__file__).with_name("forks.py")
        self._process = subprocess.Popen(
            [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        return self

    def __exit__(self, *_) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    @contextlib.contextmanager
    def running(self, command: Sequence[str], log: pathlib.Path) -> Iterator["Running"]:
        """Runs a command while the block does; it is killed if it is still there at the end.

        Args:
          command: Module in `tfmusicgan.cli`, and flags.
          log: File that its output is appended to.

        Yields:
          The process.
        """
        name, *flags = command
        self._process.stdin.write(json.dumps([name, flags, str(log)]).encode() + b"\n")
        running = Running(int(self._process.stdout.readline()), self._process.stdout)
        try:
            yield running
        finally:
            running.kill()


class Running:
    """A command that was started.

    Attributes:
      process: Its id and that of its group.
      status: Exit status, minus the signal's number after a kill; None while it runs.
    """

    def __init__(self, process: int, answers):
        self.process, self._answers = process, answers
        self.status: int | None = None

    def wait(self, seconds: float) -> bool:
        """Waits at most so long; whether the command has ended."""
        if self.status is None and select.select([self._answers], [], [], seconds)[0]:
            self.status = int(self._answers.readline())
        return self.status is not None

    def kill(self) -> None:
        """Kills the whole group with SIGKILL, Beam's workers too, if the command still runs."""
        if self.wait(0):
            return
        with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
            os.killpg(self.process, signal.SIGKILL)
        if not self.wait(_LIMIT_SECONDS):
            raise TimeoutError(f"Process {self.process} outlived its kill.")


@dataclasses.dataclass(frozen=True)
class Moment:
    """When to kill.

    Attributes:
      seconds: After the start, or after a half-written file or folder appeared.
      num_writes: How many of those to wait for first; with 0, `seconds` count from the start.
    """

    seconds: float
    num_writes: int = 0


@dataclasses.dataclass(frozen=True)
class Attempt:
    """How a command went.

    Attributes:
      status: Exit status, minus the signal's number after a kill.
      seconds: From its start to its end.
      landed: What it had done when it ended: "start" while it had not written anything, "write"
        when it left something half-written, else "work".
      write_seconds: How long each half-written file or folder was seen.
    """

    status: int
    seconds: float
    landed: str
    write_seconds: tuple[float, ...]


def attempt(
    forks: Forks,
    command: Sequence[str],
    folder: pathlib.Path,
    half_written: str,
    moment: Moment | None = None,
) -> Attempt:
    """Runs a command to its end, or to the moment of its kill.

    Args:
      forks: Starts it.
      command: Module in `tfmusicgan.cli`, and flags.
      folder: Where it writes; its output goes to the file `<folder>.log`.
      half_written: Glob, below the folder, of what has not got its final name yet.
      moment: When to kill it; None for never.

    Returns:
      How it went.

    Raises:
      TimeoutError: If it does not end.
    """
    before = outputs.snapshot(folder)
    known = set(folder.glob(half_written))
    seen: dict[pathlib.Path, list[float]] = {}
    num_writes = float("inf") if moment is None else moment.num_writes
    with forks.running(command, folder.with_name(f"{folder.name}.log")) as running:
        began = time.monotonic()
        while len(seen) < num_writes and not running.wait(_POLL_SECONDS):
            now = time.monotonic()
            if now - began > _LIMIT_SECONDS:
                raise TimeoutError(f"{' '.join(command)} still runs after {now - began:.0f} s.")
            for path in set(folder.glob(half_written)) - known:
                seen.setdefault(path, [now, now])[1] = now
        if moment is not None:
            running.wait(moment.seconds)
    seconds = time.monotonic() - began
    new = {path for path, state in outputs.snapshot(folder).items() if before.get(path) != state}
    is_half = any(path.relative_to(folder).as_posix() in new for path in folder.glob(half_written))
    landed = "write" if is_half else "work" if new else "start"
    return Attempt(running.status, seconds, landed, tuple(b - a for a, b in seen.values()))
