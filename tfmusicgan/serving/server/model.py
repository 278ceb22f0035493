"""All versions of one model, and the task that brings them in line with what is wanted."""

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from concurrent.futures import Executor

import grpc
from absl import logging

from tfmusicgan.serving.server.statuses import RequestError
from tfmusicgan.serving.server.version import State, Version
from tfmusicgan.serving.server.version_policy import Step, next_step


@dataclasses.dataclass(frozen=True)
class LoadRetries:
    """What is done about a version that cannot be loaded.

    Attributes:
      number: How often it is tried again, as long as it is wanted; it counts as LOADING meanwhile.
      seconds: The pause before each.
    """

    number: int = 0
    seconds: float = 60.0


class Model:
    """One model; lives in one event loop.

    One version after another is loaded or unloaded, in the order of `next_step`. A model that is
    busy with it, or waits for requests inside a version, holds up no other model.

    Args:
      name: What requests call it.
      make_version: Gives a new `Version` of a number and a folder.
      pool: Where versions are loaded.
      on_change: Called whenever a version has been loaded or unloaded.
      retries: What is done about a version that cannot be loaded.

    Attributes:
      name: What requests call it.
      versions: Every version it has had, by number.
      available: Those that answer now.
    """

    def __init__(
        self,
        name: str,
        make_version: Callable[[str, int, str], Version],
        pool: Executor,
        on_change: Callable[[], None],
        retries: LoadRetries = LoadRetries(),
    ):
        self.name = name
        self.versions: dict[int, Version] = {}
        self.available: dict[int, Version] = {}
        self._make_version = make_version
        self._pool = pool
        self._on_change = on_change
        self._retries = retries
        self._wish = asyncio.Event()  # set when something else is wanted
        self._wanted: dict[int, str] = {}
        self._given_up: set[int] = set()  # failed to load, and not to be tried again
        self._task: asyncio.Task | None = None

    def want(self, wanted: Mapping[int, str]) -> None:
        """Says what is to be served from now on; the work goes on in the background.

        A version that could not be loaded is tried again once it has been unwanted in between,
        as one is that was taken away to be mended.

        Args:
          wanted: Version -> folder.
        """
        self._wanted = dict(wanted)
        self._wish.set()
        self._given_up &= wanted.keys()
        if self._task is None and self._next_step() is not None:
            self._task = asyncio.create_task(self._work())
            self._task.add_done_callback(self._log_failure)

    async def settle(self) -> None:
        """Waits until there is nothing left to do."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """Gives up what is being loaded, and unloads the rest once the requests inside are done."""
        self._wanted = {}
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        self.available.clear()
        loaded = (State.AVAILABLE, State.UNLOADING)
        rest = [version for version in self.versions.values() if version.state in loaded]
        await asyncio.gather(*(version.unload() for version in rest))
        self._on_change()

    def cancel_runs(self) -> None:
        """Ends the runs inside its versions as soon as they notice."""
        for version in self.versions.values():
            version.cancel_runs()

    def latest(self) -> Version | None:
        """The highest version that answers."""
        return self.available[max(self.available)] if self.available else None

    def _next_step(self) -> tuple[Step, int] | None:
        loadable = self._wanted.keys() - self.available.keys() - self._given_up
        return next_step(self.available, self._wanted, loadable)

    async def _work(self) -> None:
        try:
            while (step := self._next_step()) is not None:
                await (self._load if step[0] == Step.LOAD else self._unload)(step[1])
                self._on_change()
        finally:
            self._task = None

    async def _load(self, number: int) -> None:
        version = self._make_version(self.name, number, self._wanted[number])
        self.versions[number] = version
        self._given_up.add(number)
        for retry in range(self._retries.number + 1):
            if retry:
                error, version.error = version.error, None
                version.state = State.LOADING
                if not await self._still_wanted(number):
                    version.state, version.error = State.END, error
                    break
            await self._try(version)
            if version.state == State.AVAILABLE:
                self._given_up.discard(number)
                self.available[number] = version
                break

    async def _try(self, version: Version) -> None:
        try:
            await version.load(self._pool)
        except Exception as error:  # no memory, say: the other models and versions go on
            logging.exception("Model %s version %d", self.name, version.number)
            version.error = RequestError(grpc.StatusCode.INTERNAL, repr(error))
            version.state = State.END

    async def _still_wanted(self, number: int) -> bool:
        """Whether a version is wanted throughout the pause before it is tried again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._retries.seconds):
                while number in self._wanted:
                    self._wish.clear()
                    await self._wish.wait()
        return number in self._wanted

    async def _unload(self, number: int) -> None:
        # Out of the list first: a request that comes now finds another version or none.
        await self.available.pop(number).unload()

    def _log_failure(self, task: asyncio.Task) -> None:
        if not task.cancelled() and task.exception() is not None:
            logging.error("Versions of model %s stay as they are: %r", self.name, task.exception())
