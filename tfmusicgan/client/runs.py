"""A job's requests, all answered by one version, and what is known of a server's models. No I/O.

The requests name no version unless the caller does, so that none fails while a server replaces a
version. Where several versions answered, the one that did so last makes what the others made again;
if it is gone by then, all is asked for anew.
"""

import dataclasses
import threading
from collections.abc import Sequence
from typing import Generic, TypeVar

import grpc
import numpy as np

from tfmusicgan.client import requests
from tfmusicgan.client.jobs import Job
from tfmusicgan.client.requests import Call, Described
from tfmusicgan.client.retries import ServingError
from tfmusicgan.errors import ConfigError

T = TypeVar("T")
_MOST_KNOWN = 64  # versions, of all models of a server
# Versions that a job settles on in turn; behind one address may be several servers.
_MOST_CHOSEN = 5
# What a server answers to inputs that are not its version's.
_OF_THE_REQUEST = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.NOT_FOUND,
)


class KnownModels:
    """What models of one server take and give, as it answered before; for several threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._versions: dict[tuple[str, int], Described] = {}
        self._current: dict[tuple[str, str | None], int] = {}

    def find(self, model: str, version: int | None, label: str | None) -> Described | None:
        """What is known of a version, by default of the one that answered last; None is nothing."""
        with self._lock:
            number = self._current.get((model, label)) if version is None else version
            return self._versions.get((model, number))

    def keep(self, model: str, version: int | None, label: str | None, known: Described) -> None:
        """Keeps an answer; one that names no version cannot be told from a later one's."""
        if not known.version:
            return
        with self._lock:
            self._versions[model, known.version] = known
            if version is None:
                self._current[model, label] = known.version
            while len(self._versions) > _MOST_KNOWN:
                del self._versions[next(iter(self._versions))]

    def move(self, model: str, label: str | None, version: int) -> None:
        """Another version answers now where none is named."""
        with self._lock:
            self._current[model, label] = version

    def forget(self, model: str, version: int | None, label: str | None) -> None:
        """The next job of the model has to ask."""
        with self._lock:
            number = self._current.pop((model, label), None) if version is None else version
            self._versions.pop((model, number), None)


class Run(Generic[T]):
    """One job on its way: `question`, `learn`, `calls` and `take` in turn until it is done.

    Args:
      job: What is wanted.
      models: What is known of the server's models.

    Attributes:
      is_done: Whether all answers are there.
    """

    def __init__(self, job: Job[T], models: KnownModels):
        self.is_done = False
        self._wanted = self._job = job  # as the caller asks, and with the version that is chosen
        self._models = models
        self._known = self._find()
        self._is_fresh = False
        self._parts: list[dict[str, np.ndarray]] = []
        self._replies: list[tuple[int, list[T]] | None] = []
        self._asked: list[int] = []
        self._heard: list[int] = []  # versions, in the order of their answers
        self._num_chosen = 0

    @property
    def question(self) -> Call[Described] | None:
        """The call for the signature's inputs; None where they are known or do not matter."""
        if not self._job.needs_metadata or self._known is not None:
            return None
        return requests.described(self._job.model, self._job.version, self._job.label)

    def learn(self, known: Described) -> None:
        """Takes the answer of the question."""
        self._models.keep(self._job.model, self._job.version, self._job.label, known)
        self._known, self._is_fresh = known, True

    def calls(self) -> list[Call[tuple[int, list[T]]]]:
        """The requests that are to be made.

        Raises:
          ConfigError: If the signature is unknown, or seeds or controls do not fit it.
        """
        parts = self._job.parts(self._known.signatures if self._known is not None else None)
        if not _are_equal(parts, self._parts):
            self._parts, self._replies = parts, [None] * len(parts)
        version = self._job.version
        self._asked = [
            number
            for number, reply in enumerate(self._replies)
            if reply is None or reply[0] != version
        ]
        heard = self._heard = []  # of these calls alone: cancelled ones may end later

        def hear(reply: tuple[int, list[T]]) -> tuple[int, list[T]]:
            heard.append(reply[0])
            return reply

        return [self._job.call(self._parts[number]).then(hear) for number in self._asked]

    def take(self, replies: Sequence[tuple[int, list[T]]]) -> None:
        """Takes the replies: the version and the answers of each of the calls."""
        for number, reply in zip(self._asked, replies, strict=True):
            self._replies[number] = reply
        versions = [version for version in self._heard if version]
        known = self._known.version if self._known is not None else 0
        if self._job.version is not None or len({*versions, known or None} - {None}) < 2:
            self.is_done = True
            return
        # Where a version is replaced, also by an older one, the last answer is of the one that is.
        self._choose(versions[-1])

    def _choose(self, version: int) -> None:
        self._models.move(self._job.model, self._job.label, version)
        self._job = dataclasses.replace(self._job, version=version, label=None)
        self._known, self._is_fresh = self._find(), False
        self._num_chosen += 1

    def recover(self, error: ConfigError | ServingError) -> None:
        """Goes back a step, where that may help: to the caller's version, or before what was known.

        Raises:
          ConfigError: The error, if it is final.
          ServingError: Likewise.
        """
        if self._is_gone(error):
            self._models.forget(self._job.model, self._job.version, None)
            self._job = self._wanted
            self._known, self._is_fresh = self._find(), False
            return
        is_final = isinstance(error, ServingError) and error.code not in _OF_THE_REQUEST
        if self._known is None or self._is_fresh or is_final:
            raise error
        # The job relied on an earlier answer, which may be out of date.
        self._models.forget(self._job.model, self._job.version, self._job.label)
        self._known = None

    def _is_gone(self, error: ConfigError | ServingError) -> bool:
        """Whether the server no longer has a version that was chosen here."""
        is_chosen = self._job is not self._wanted and self._num_chosen < _MOST_CHOSEN
        not_found = grpc.StatusCode.NOT_FOUND
        return is_chosen and isinstance(error, ServingError) and error.code == not_found

    @property
    def version(self) -> int:
        """The one that made all, when the job is done; 0 where the server does not say."""
        return next((version for version, _ in self._replies), 0)

    def answers(self) -> list[T]:
        """All of them in their order, when the job is done."""
        return [answer for _, answers in self._replies for answer in answers]

    def _find(self) -> Described | None:
        job = self._job
        if not job.needs_metadata:
            return None
        return self._models.find(job.model, job.version, job.label)


def _are_equal(
    parts: Sequence[dict[str, np.ndarray]], others: Sequence[dict[str, np.ndarray]]
) -> bool:
    return len(parts) == len(others) and all(
        part.keys() == other.keys() and all(np.array_equal(part[n], other[n]) for n in part)
        for part, other in zip(parts, others, strict=True)
    )
