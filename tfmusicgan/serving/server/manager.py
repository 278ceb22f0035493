"""Versions coming and going: scan, load, warm up, serve, unload.

The policy is the stock server's default: of every model the highest version on disk is served; the
new one is loaded and warmed before the old one is unloaded, and an old one keeps serving when the
new one cannot be loaded. Unloading waits for the requests that are using the version.
"""

import asyncio
import concurrent.futures

from absl import logging

from tfmusicgan.errors import ExportError
from tfmusicgan.serving.server import statuses
from tfmusicgan.serving.server.storage import ModelSource
from tfmusicgan.serving.server.version import EngineOptions, State, Version


class ModelManager:
    """All models of a server.

    Args:
      source: Where they are on disk.
      options: How they are run.
    """

    def __init__(self, source: ModelSource, options: EngineOptions):
        self._source = source
        self._options = options
        self._models: dict[str, dict[int, Version]] = {}
        self._run_pool = concurrent.futures.ThreadPoolExecutor(
            options.num_batch_threads, "batch_threads"
        )
        self._load_pool = concurrent.futures.ThreadPoolExecutor(1, "load_threads")

    async def start(self) -> int:
        """Loads every model once.

        Returns:
          How many models can be asked.

        Raises:
          MusicGanError: If there is no model, or none could be loaded.
        """
        self._source.require_models()
        await self.update()
        num_models = sum(
            any(v.state == State.AVAILABLE for v in versions.values())
            for versions in self._models.values()
        )
        if not num_models:
            failed = [v for versions in self._models.values() for v in versions.values()]
            reasons = "; ".join(f"{v.name} version {v.number}: {v.error}" for v in failed)
            raise ExportError(
                f"None of {len(failed)} models could be loaded: {reasons}. Export again with "
                "tfmusicgan-export."
            )
        return num_models

    async def update(self) -> None:
        """Brings what is served in line with what is on disk."""
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._load_pool, self._source.scan
            )
        except (ExportError, OSError) as error:
            # As with the stock server: a storage outage stops discovery, not service.
            logging.error("Models are not looked for: %s", error)
            return
        for name in sorted(found.keys() | self._models.keys()):
            await self._update_model(name, found.get(name, {}))

    async def _update_model(self, name: str, on_disk: dict[int, str]) -> None:
        versions = self._models.setdefault(name, {})
        for number, version in list(versions.items()):
            if version.state == State.END and version.error and number not in on_disk:
                # Listed as failed while it is there; once it has gone, it may come back mended.
                version.path = ""
        wanted = max(on_disk, default=None)
        if wanted is not None:
            known = versions.get(wanted)
            ended = known is not None and known.state == State.END
            if known is None or (ended and (not known.error or not known.path)):
                versions[wanted] = Version(
                    name, wanted, on_disk[wanted], self._options, self._run_pool
                )
                await versions[wanted].load(self._load_pool)
            if versions[wanted].state != State.AVAILABLE:
                return
        for number in sorted(versions):
            if number != wanted and versions[number].state == State.AVAILABLE:
                await versions[number].unload()

    async def poll(self, seconds: float) -> None:
        """Looks for new versions for ever, every so many seconds."""
        while True:
            await asyncio.sleep(seconds)
            await self.update()

    def find(self, spec) -> Version:
        """The version that a `messages.ModelSpec` asks for.

        Raises:
          RequestError: With the stock server's code and text.
        """
        if not spec.name:
            raise statuses.no_model_name()
        choice = spec.WhichOneof("version_choice")
        if choice == "version_label":
            raise statuses.unknown_label(spec.version_label)
        number = spec.version.value if choice == "version" else None
        versions = self._models.get(spec.name, {})
        available = [v for v in versions.values() if v.state == State.AVAILABLE]
        if number is not None:
            available = [version for version in available if version.number == number]
        if not available:
            raise statuses.no_servable(spec.name, number)
        return max(available, key=lambda version: version.number)

    def versions(self, spec) -> list[Version]:
        """Every version the server has had of a model, highest first (a label is ignored).

        Raises:
          RequestError: If there is none, or not the one asked for.
        """
        number = spec.version.value if spec.HasField("version") else None
        versions = self._models.get(spec.name, {})
        chosen = [v for n, v in sorted(versions.items(), reverse=True) if number in (None, n)]
        if not chosen:
            raise statuses.no_status(spec.name, number)
        return chosen

    async def close(self) -> None:
        """Unloads everything, once the requests inside are done."""
        for versions in self._models.values():
            for version in versions.values():
                if version.state == State.AVAILABLE:
                    await version.unload()
        self._run_pool.shutdown()
        self._load_pool.shutdown()
