"""One line of JSON for each request, written by a thread of its own.

    {"time": "2026-07-31T12:00:00.123Z", "request_id": "...", "entrypoint": "GRPC",
     "method": "Predict", "model": "chorales", "version": 3, "signature": "generate", "rows": 4,
     "code": "OK", "ms": 12.3}

`version`, `signature` and `rows` are null where the request did not get as far. The file is opened
for appending, so that a rotation by copying and truncating it works.
"""

import datetime
import json
import queue
import re
import secrets
import sys
import threading

from absl import logging

from tfmusicgan.errors import ConfigError

REQUEST_ID = "x-request-id"  # in gRPC metadata, and as an HTTP header
STANDARD_OUTPUT = "-"
_USABLE_ID = re.compile(r"[!-~]{1,128}")


def usable_id(sent: str | bytes | None) -> str:
    """The request's own id where it is one, printable and of 128 characters at most, or a new one.

    An id goes into the answer's headers and into the log, so nothing else is let through.
    """
    if isinstance(sent, str) and _USABLE_ID.fullmatch(sent):
        return sent
    return secrets.token_hex(8)


class RequestLog:
    """A file that gets a line for each request.

    Args:
      path: The file, created where there is none; `-` is standard output.

    Raises:
      ConfigError: If it cannot be written to.
    """

    def __init__(self, path: str):
        self._path = path
        try:
            self._file = (
                sys.stdout if path == STANDARD_OUTPUT else open(path, "a", encoding="utf-8")  # noqa: SIM115
            )
        except OSError as error:
            raise ConfigError(
                f"Could not write the request log {path!r}: {error.strerror}. Give another file "
                "with --request_log, or - for standard output."
            ) from error
        self._entries: queue.SimpleQueue[dict | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="request_log", daemon=True)
        self._thread.start()

    def add(self, started: float, **fields: object) -> None:
        """Hands a line over; never waits for the disk.

        Args:
          started: When the request came, in seconds since 1970.
          **fields: What the line says.
        """
        self._entries.put({"time": started, **fields})

    def close(self) -> None:
        """Writes what was handed over."""
        self._entries.put(None)
        self._thread.join()
        if self._path != STANDARD_OUTPUT:
            self._file.close()

    def _write(self) -> None:
        failed = False
        while (entry := self._entries.get()) is not None:
            moment = datetime.datetime.fromtimestamp(entry["time"], datetime.UTC)
            entry["time"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            try:
                self._file.write(json.dumps(entry) + "\n")
                if self._entries.empty():
                    self._file.flush()
            except OSError as error:  # a full disk must not end service
                if not failed:
                    logging.error("The request log %s lacks lines: %s", self._path, error)
                failed = True
