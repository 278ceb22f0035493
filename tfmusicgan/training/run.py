"""A run's folder: the resolved settings that are enough to run again, checkpoints and logs."""

import contextlib
import dataclasses
import json
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import keras

from tfmusicgan import __version__, models, recipes, representations
from tfmusicgan.errors import CheckpointError, OutputExistsError
from tfmusicgan.files import locked, partial_name, remove_folder, write_whole
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.recipes.base import Recipe
from tfmusicgan.training.checkpoints import CheckpointInfo, CheckpointStore

FORMAT_VERSION = 1
_SETTINGS = "run.json"
_NEEDED = {"recipe", "preset", "config", "representation", "records", "seed"}


@dataclasses.dataclass(frozen=True)
class Run:
    """One training run on disk.

    Attributes:
      folder: Holds `run.json`, `checkpoints/` and `logs/`.
      settings: What `run.json` holds: format, version, recipe, preset, config, representation,
        records (the dataset with its licence, the sources, the number of examples), seed,
        precision, and the number of groups that the records' shards are dealt to.
    """

    folder: pathlib.Path
    settings: Mapping[str, Any]

    @classmethod
    def plan(
        cls,
        folder: str | pathlib.Path,
        recipe: Recipe,
        preset: str,
        assignments: Sequence[str],
        records: Mapping[str, Any],
        representation: Mapping[str, Any],
        seed: int,
        file_groups: int = 1,
    ) -> Self:
        """Resolves a run's settings; nothing is written before `begin`.

        Args:
          folder: The run's folder; a link to one means that one.
          recipe: What to train.
          preset: The recipe's preset.
          assignments: `name=value` hyperparameters.
          records: Facts of the record set, JSON-able.
          representation: The records' representation entry.
          seed: Of weights, noise and data order.
          file_groups: Of the records' shards, of which each worker reads its own.

        Returns:
          The run.

        Raises:
          ConfigError: If the preset or a hyperparameter is unknown.
        """
        config = recipes.override(recipe.preset(preset).config, assignments)
        settings = {
            "format": FORMAT_VERSION,
            "version": __version__,
            "recipe": recipe.name,
            "preset": preset,
            "config": dataclasses.asdict(config),
            "representation": dict(representation),
            "records": dict(records),
            "seed": seed,
            "precision": keras.config.dtype_policy().name,
            "file_groups": file_groups,
        }
        # The real path: a link would be deleted in place of its folder, and `.` has no name.
        folder = pathlib.Path(os.path.realpath(folder))
        # Through JSON: tuples as the file will give them back.
        return cls(folder, json.loads(json.dumps(settings)))

    @contextlib.contextmanager
    def taken_up(self, overwrite: bool = False) -> Iterator[None]:
        """Makes the run's folder as `begin` does, and keeps other processes out of it meanwhile.

        Raises:
          OutputExistsError: See `begin`; or if another process trains there.
        """
        with contextlib.ExitStack() as stack:
            try:
                if self.folder.is_dir():  # before anything is deleted
                    with locked(self.folder):
                        pass
                self.begin(overwrite)
                stack.enter_context(locked(self.folder))
            except BlockingIOError:
                raise OutputExistsError(
                    f"Another process trains in {self.folder}. Wait for it, or name another "
                    "--output."
                ) from None
            yield

    def begin(self, overwrite: bool = False) -> None:
        """Makes the run's folder, or takes it up again when its settings are the same.

        Args:
          overwrite: Delete what is there first.

        Raises:
          OutputExistsError: If the folder holds another run, or something else.
        """
        partial = partial_name(self.folder / _SETTINGS)
        # Only ever a run: a mistyped --output must not cost a folder of something else.
        if overwrite and _read_settings(self.folder) is not None:
            remove_folder(self.folder)
        if self.folder.exists():
            if not self.folder.is_dir():
                raise OutputExistsError(
                    f"Expected a folder or nothing. Received: {self.folder}, a file. Name another "
                    "--output."
                )
            if any(path != partial for path in self.folder.iterdir()):
                _check_same(self.folder, self.settings, self._defaults())
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / _SETTINGS, json.dumps(self.settings, indent=1) + "\n")

    def _defaults(self) -> dict[str, Any]:
        """What a hyperparameter was before there was one: a new one changes nothing by itself."""
        fields = dataclasses.fields(self.recipe.preset(self.settings["preset"]).config)
        return {field.name: field.default for field in fields}

    @staticmethod
    def file_groups_at(folder: str | pathlib.Path) -> int | None:
        """The file groups of the run in a folder; None where there is no run."""
        settings = _read_settings(pathlib.Path(folder))
        return None if settings is None else settings.get("file_groups", 1)

    @classmethod
    def open(cls, folder: str | pathlib.Path) -> Self:
        """Opens a run's folder.

        Raises:
          CheckpointError: If it is not one, or damaged, or of another format version.
        """
        folder = pathlib.Path(folder)
        settings = _read_settings(folder)
        if settings is None:
            raise CheckpointError(
                f"Expected a training run's folder with {_SETTINGS}. Received: {folder}. Train "
                "first with tfmusicgan-train, and name its --output."
            )
        if settings.get("format") != FORMAT_VERSION:
            raise CheckpointError(
                f"Expected run format {FORMAT_VERSION}. Received: format "
                f"{settings.get('format')} in {folder}. Use the release that wrote it."
            )
        missing = sorted(_NEEDED - set(settings))
        if missing:
            raise CheckpointError(
                f"Expected {_SETTINGS} with {', '.join(missing)}. Received: {folder / _SETTINGS} "
                "without. Name another run, or train again."
            )
        return cls(folder, settings)

    @property
    def recipe(self) -> Recipe:
        """The run's recipe."""
        return recipes.get(self.settings["recipe"])

    @property
    def logs(self) -> pathlib.Path:
        """TensorBoard's folder."""
        return self.folder / "logs"

    def store(self, keep_latest: int = 3, keep_every: int = 0) -> CheckpointStore:
        """The run's checkpoints."""
        return CheckpointStore(
            self.folder / "checkpoints", self.recipe.name, keep_latest, keep_every
        )

    def build_model(self) -> MusicGAN:
        """Builds the untrained model of the settings; in double precision if the run is.

        A run in half precision has float32 weights, and is sampled in what the process computes in.

        Raises:
          ConfigError: If a hyperparameter is unknown to this release.
        """
        recipe = self.recipe
        preset = recipe.preset(self.settings["preset"]).config
        values = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in self.settings["config"].items()
        }
        config = recipes.rebuild(type(preset), values)
        representation = representations.from_manifest(self.settings["representation"])
        policy = keras.config.dtype_policy()
        if self.settings.get("precision") == "float64":
            keras.config.set_dtype_policy("float64")
        try:
            return models.get(recipe.model)(config, representation, seed=self.settings["seed"])
        finally:
            keras.config.set_dtype_policy(policy)

    def load_model(self, checkpoint: str = "latest") -> tuple[MusicGAN, CheckpointInfo]:
        """Builds the model and loads a checkpoint for sampling.

        Args:
          checkpoint: `latest`, `best`, `ema`, or a checkpoint folder's path.

        Raises:
          CheckpointError: If there is no such checkpoint, or it does not fit.
        """
        store = self.store()
        info = store.find(checkpoint)
        model = self.build_model()
        store.restore(model, info, expect_training=False)
        # The stage that trained it: where a stage begins, it has trained nothing yet.
        model.begin_stage(max(info.step - 1, 0))
        if checkpoint == "ema":
            model.use_averaged_weights()
        return model, info


def _read_settings(folder: pathlib.Path) -> dict[str, Any] | None:
    try:
        settings = json.loads((folder / _SETTINGS).read_text())
    except (OSError, ValueError):
        return None
    return settings if isinstance(settings, dict) else None


def _check_same(
    folder: pathlib.Path, settings: Mapping[str, Any], defaults: Mapping[str, Any]
) -> None:
    there = _read_settings(folder)
    if there is None:
        raise OutputExistsError(
            f"Expected an empty folder or a training run. Received: {folder}, which holds "
            "something else. Name another --output."
        )
    there = {"file_groups": 1, **there}  # earlier releases had no groups
    changed = [
        name
        for name, value in settings.items()
        if name not in ("version", "config") and there.get(name) != value
    ]
    config = {**defaults, **there.get("config", {})}
    changed += [name for name, value in settings["config"].items() if config.get(name) != value]
    # A run may be made longer, unless its rates follow from its length; everything else would make
    # it another run. By policy gradient it ends with rounds; without any it has no optimizer for
    # them.
    longer = {"training_steps", "total_images"}
    if config.get("rounds") and settings["config"].get("rounds"):
        longer.add("rounds")
    phases = (config.get("rounds"), config.get("discriminator_sets"))
    if phases == (0, 0) and config.get("likelihood_learning_rate_decay", "none") == "none":
        longer.add("likelihood_steps")  # likelihood is all that it learns by
    if config.get("learning_rate_decay", "none") == "none":
        changed = [name for name in changed if name not in longer]
    if changed:
        raise OutputExistsError(
            f"Expected the settings of the run in {folder}. Received others: "
            f"{', '.join(sorted(changed))}. Name another --output, or start anew with --overwrite."
        )
