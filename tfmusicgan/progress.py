"""A progress bar for long work: redrawn in a terminal, a line now and then in a log."""

import sys
import time
from typing import Self, TextIO

_BAR_CELLS = 30
_TERMINAL_SECONDS = 0.2
_LOG_SECONDS = 15.0


class ProgressBar:
    """Shows how much is done; use it in a `with` block.

    Args:
      title: What is being done, e.g. `"Converting"`.
      total: How many units make the whole; None if nobody knows.
      unit: What is counted, e.g. `"shards"`.
      stream: Where to; standard error by default.
    """

    def __init__(self, title: str, total: int | None, unit: str = "", stream: TextIO | None = None):
        self.title = title
        self.total = total
        self.unit = unit
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._done = 0
        self._started = self._shown = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def update(self, done: int, note: str = "") -> None:
        """Says how many units are done by now.

        Args:
          done: Units done in all, not since the last call.
          note: A few words shown behind the count.
        """
        self._done = done
        now = time.monotonic()
        if now - self._shown >= (_TERMINAL_SECONDS if self._is_terminal else _LOG_SECONDS):
            self._shown = now
            self._show(note)

    def __exit__(self, error_type: type | None, *_) -> None:
        self._show("" if error_type is None else "stopped")
        if self._is_terminal:
            self._stream.write("\n")
            self._stream.flush()

    def _show(self, note: str) -> None:
        end = "" if self._is_terminal else "\n"
        start = "\r\x1b[K" if self._is_terminal else ""
        self._stream.write(f"{start}{self._line(note)}{end}")
        self._stream.flush()

    def _line(self, note: str) -> str:
        seconds = time.monotonic() - self._started
        count = f"{self._done:,}" if self.total is None else f"{self._done:,}/{self.total:,}"
        parts = [self.title, f"{count} {self.unit}".strip(), _clock(seconds)]
        if self.total:
            filled = min(_BAR_CELLS, _BAR_CELLS * self._done // self.total)
            parts.insert(1, f"[{'#' * filled}{'.' * (_BAR_CELLS - filled)}]")
            if 0 < self._done < self.total:
                parts.append(f"{_clock(seconds * (self.total / self._done - 1))} left")
        return "  ".join([*parts, note] if note else parts)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
