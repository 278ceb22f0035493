"""All models of a server: what is on disk, the list of models, labels, requests for a version.

Of every model the highest version on disk is served, or those that the list of models asks for. A
new version is loaded and warmed before an old one is unloaded, an old one keeps serving when the
new one cannot be loaded, and unloading waits for the requests that are using the version.
"""

import asyncio
import concurrent.futures
from collections.abc import Callable, Collection, Iterable, Iterator

import grpc
from absl import logging

from tfmusicgan.errors import ConfigError, ExportError, MusicGanError
from tfmusicgan.serving import messages
from tfmusicgan.serving.server import draining, model_config, statuses
from tfmusicgan.serving.server.engine import EngineOptions
from tfmusicgan.serving.server.labels import Labels
from tfmusicgan.serving.server.load_threads import LoadThreads
from tfmusicgan.serving.server.model import LoadRetries, Model
from tfmusicgan.serving.server.model_config import ModelConfig
from tfmusicgan.serving.server.statuses import RequestError
from tfmusicgan.serving.server.storage import ListedModels, Look, ModelSource, no_versions
from tfmusicgan.serving.server.version import State, Version


class ModelManager:
    """All models of a server.

    Args:
      source: Where they are on disk.
      options: How they are run.
      label_unavailable: Whether a version may get a label before it answers.
      retries: What is done about a version that cannot be loaded.

    Attributes:
      config_file: Where the list of models is read, or None.
    """

    def __init__(
        self,
        source: ModelSource,
        options: EngineOptions,
        label_unavailable: bool = False,
        retries: LoadRetries = LoadRetries(),  # noqa: B008 (frozen)
    ):
        self._source: ModelSource | ListedModels = source
        self.config_file = source.config_file
        self._options = options
        self._retries = retries
        self._listed: list[ModelConfig] = []  # the last list that was accepted
        self._labels = Labels(label_unavailable)
        self._models: dict[str, Model] = {}
        self._reloading = asyncio.Lock()
        self._looking = asyncio.Lock()  # an older look must not be acted on after a newer one
        self._changed = asyncio.Event()
        self._told: set[str] = set()  # what the last look at the disk complained about
        self._run_pool = concurrent.futures.ThreadPoolExecutor(
            options.num_batch_threads, "batch_threads", options.stand_back
        )
        # The first load starts TensorFlow's own threads, which stand back as it does.
        self._load_threads = LoadThreads(options.num_load_threads, options.stand_back)

    async def start(self) -> int:
        """Loads every model once.

        Returns:
          How many models can be asked.

        Raises:
          MusicGanError: If there is no model, or none could be loaded; of a list of models, if one
            of them could not.
        """
        try:
            if self.config_file is None:
                self._source.require_models()
            else:
                self._start_with_list(self.config_file)
            await self.update()
            for model in list(self._models.values()):
                await model.settle()
            self._load_threads.start_serving()
            self._require_answers()
        except MusicGanError:
            await self.close()
            raise
        return sum(bool(model.available) for model in self._models.values())

    def _start_with_list(self, path: str) -> None:
        try:
            self._accept(model_config.read_config_file(path))
        except RequestError as error:
            way_out = ""
            if error.code == grpc.StatusCode.FAILED_PRECONDITION:
                way_out = " --allow_version_labels_for_unavailable_models allows it."
            raise ConfigError(f"{path}: {str(error).rstrip('.')}.{way_out}") from error
        if not self._listed:
            raise ConfigError(f"Expected models to serve in {path!r}. Received: an empty list.")
        look = self._source.look()
        for model in self._listed:
            if not look.wanted.get(model.name):
                complaint = look.unseen.get(model.name) or no_versions(model)
                raise ExportError(f"{path}: {complaint}. Write one with tfmusicgan-export.")

    def _require_answers(self) -> None:
        silent = [model for model in self._models.values() if not model.available]
        num_answering = len(self._models) - len(silent)
        if not num_answering or (silent and self.config_file is not None):
            count = f"Only {num_answering}" if num_answering else "None"
            raise ExportError(
                f"{count} of {len(self._models)} models could be loaded: "
                f"{'; '.join(_failures(silent))}. Export again with tfmusicgan-export."
            )

    async def reload(self, config: messages.ModelServerConfig) -> None:
        """Serves another list of models from now on, and waits until its new models answer.

        Args:
          config: A `messages.ModelServerConfig`.

        Raises:
          RequestError: With the stock server's code and text, if the list is refused (what is
            served stays as it is), or a new model cannot be loaded (the others are served).
        """
        before = {v for model in self._models.values() for v in model.versions.values()}
        async with self._reloading:
            new = self._accept(config)
            await self.update()
        outcomes = [await self._outcome(name, before) for name in new]
        failed = [version for version in outcomes if version is not None and version.error]
        if failed:
            raise statuses.models_not_available(failed)

    async def reload_file(self) -> None:
        """Reads the config file again; with a bad one everything stays as it is.

        Raises:
          MusicGanError: What is wrong with it.
        """
        loop = asyncio.get_running_loop()
        config = await loop.run_in_executor(None, model_config.read_config_file, self.config_file)
        async with self._reloading:
            self._accept(config)
            await self.update()

    def _accept(self, config) -> list[str]:
        """Takes over a list of models, or nothing of it; returns the names not served before."""
        models = model_config.models_of(config, self._listed)
        model_config.require_platforms(models)
        self._labels.assign(models, self._available)
        self._listed = models
        if isinstance(self._source, ListedModels):
            old = {model.name for model in self._source.models}
        else:
            old = {name for name, model in self._models.items() if model.available}
        new = [model.name for model in models if model.name not in old]
        self._source = ListedModels(models)
        self._on_change()  # who waits for a model that is no longer listed does so in vain
        return new

    async def _outcome(self, name: str, before: Collection[Version]) -> Version | None:
        """Waits for the first version of a model that answers or fails after a reload."""
        while any(model.name == name for model in self._listed):
            versions = self._models[name].versions if name in self._models else {}
            for _, version in sorted(versions.items(), reverse=True):
                over = version.state == State.END and version not in before
                if over or version.state == State.AVAILABLE:
                    return version
            await self._changed.wait()
        return None  # taken off the list again meanwhile

    async def update(self) -> None:
        """Brings what is served in line with what is on disk; loads go on in the background."""
        async with self._looking:
            source = self._source
            try:
                look = await asyncio.get_running_loop().run_in_executor(None, source.look)
            except (ExportError, OSError) as error:
                # As with the stock server: a storage outage stops discovery, not service.
                self._tell(logging.error, {f"Models are not looked for: {error}"})
                return
            if source is self._source:  # else the list has changed, and will be looked for
                self._tell(logging.warning, {*look.unseen.values(), *look.warnings})
                self._want(look)

    def _want(self, look: Look) -> None:
        for name in sorted(look.wanted.keys() | self._models.keys() - look.unseen.keys()):
            if name not in self._models:
                self._models[name] = Model(
                    name, self._make_version, self._load_threads, self._on_change, self._retries
                )
            self._models[name].want(look.wanted.get(name, {}))

    def _tell(self, log: Callable[[str], None], complaints: set[str]) -> None:
        """Logs what was not complained about the last time."""
        for complaint in sorted(complaints - self._told):
            log(complaint)
        self._told = complaints

    def _make_version(self, name: str, number: int, path: str) -> Version:
        return Version(name, number, path, self._options, self._run_pool)

    def _on_change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _available(self, name: str) -> Collection[int]:
        return self._models[name].available if name in self._models else ()

    def find(self, spec: messages.ModelSpec) -> Version:
        """The version that a `messages.ModelSpec` asks for.

        Raises:
          RequestError: With the stock server's code and text.
        """
        if not spec.name:
            raise statuses.no_model_name()
        choice = spec.WhichOneof("version_choice")
        number = spec.version.value if choice == "version" else None
        if choice == "version_label":
            number = self._labels.version(spec.name, spec.version_label)
        model = self._models.get(spec.name)
        if model is not None:
            version = model.latest() if number is None else model.available.get(number)
            if version is not None:
                return version
        raise statuses.no_servable(spec.name, number)

    def has(self, name: str) -> bool:
        """Whether there is, or was, a model of that name."""
        return name in self._models

    def version(self, name: str, number: int) -> Version | None:
        """A version that the server has or had."""
        return self._models[name].versions.get(number) if name in self._models else None

    def versions(self, spec: messages.ModelSpec) -> list[Version]:
        """Every version the server has had of a model, highest first (a label is ignored).

        Raises:
          RequestError: If there is none, or not the one asked for.
        """
        number = spec.version.value if spec.HasField("version") else None
        versions = self._models[spec.name].versions if spec.name in self._models else {}
        chosen = [v for n, v in sorted(versions.items(), reverse=True) if number in (None, n)]
        if not chosen:
            raise statuses.no_status(spec.name, number)
        return chosen

    async def close(self, seconds: float = 0.0) -> bool:
        """Unloads everything, giving runs so many seconds; see `draining.close_models`."""
        pools = (self._run_pool, self._load_threads)
        return await draining.close_models(self._models.values(), pools, seconds)


def _failures(models: Iterable[Model]) -> Iterator[str]:
    versions = [version for model in models for _, version in sorted(model.versions.items())]
    for version in versions:
        if version.error is not None:
            yield f"{version.name} version {version.number}: {version.error}"
