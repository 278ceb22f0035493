"""What is on disk: models, their base folders, their integer versions.

A model's base folder holds one folder per version; its name is a whole number (leading zeros are
allowed: 00000123 is version 123). Anything else there is ignored, as TensorFlow Serving does, so a
version may be written beside the others under another name and appear by rename. A number beyond
int64 is ignored as well, with a warning.
"""

import dataclasses
import functools
import os
import pathlib
import re
from collections.abc import Sequence

from absl import logging

from tfmusicgan.errors import ExportError
from tfmusicgan.serving.server.model_config import ModelConfig
from tfmusicgan.serving.server.version_policy import VersionPolicy
from tfmusicgan.serving.versions import MAX_VERSION

_VERSION = re.compile(r"[0-9]+")


@dataclasses.dataclass
class Look:
    """What one look at the disk found.

    Attributes:
      wanted: Model -> version to serve -> its folder.
      unseen: Model -> why its folder could not be looked into; it is served as before.
      warnings: What a list of models asks for and the disk lacks.
    """

    wanted: dict[str, dict[int, str]] = dataclasses.field(default_factory=dict)
    unseen: dict[str, str] = dataclasses.field(default_factory=dict)
    warnings: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class ModelSource:
    """Where models come from: a folder of models, one model, or a file that lists them.

    Attributes:
      root: A folder whose children are models, or None.
      name: The single model's name, when there is no root.
      base_path: The single model's folder, when there is no root.
      config_file: A `ModelServerConfig` in text form, in place of both (see `ListedModels`).
    """

    root: str | None = None
    name: str | None = None
    base_path: str | None = None
    config_file: str | None = None

    def scan(self) -> dict[str, dict[int, str]]:
        """Lists what is on disk now.

        Returns:
          Model name -> version -> folder. With a root, folders without a version are no models.

        Raises:
          ExportError: If the root, or the single model's folder, does not exist.
        """
        if self.root is None:
            return {self.name: _versions(self.base_path)}
        models = {}
        for entry in _folders(self.root):
            if versions := _versions(entry.path):
                models[entry.name] = versions
        return models

    def look(self) -> Look:
        """Of every model its highest version.

        Raises:
          ExportError: If the root, or the single model's folder, does not exist.
        """
        policy = VersionPolicy()
        return Look({name: policy.wanted(versions) for name, versions in self.scan().items()})

    def require_models(self) -> None:
        """Checks, before a server starts, that there is something to serve.

        Raises:
          ExportError: If there is not; the message says what is there and what was expected.
        """
        found = self.scan()
        if any(found.values()):
            return
        folder = self.base_path if self.root is None else self.root
        inside = _described(folder)
        if self.root is None:
            raise ExportError(
                f"Expected version folders ({folder}/1/saved_model.pb) in {folder!r}. Received: "
                f"{inside}. Write one with tfmusicgan-export."
            )
        hint = "Write one with tfmusicgan-export."
        if _versions(folder):
            parent = pathlib.Path(folder).absolute()
            hint = f"It is itself one model: use --model_root={parent.parent}."
        raise ExportError(
            f"Expected one folder per model, with version folders (MODEL/1/saved_model.pb), in "
            f"{folder!r}. Received: {inside}. {hint}"
        )


@dataclasses.dataclass(frozen=True)
class ListedModels:
    """The models of a list.

    Attributes:
      models: Their names, folders and version policies.
    """

    models: Sequence[ModelConfig]

    def look(self) -> Look:
        """Of every model the versions that its policy asks for."""
        look = Look()
        for model in self.models:
            try:
                on_disk = _versions(model.base_path)
            except (ExportError, OSError) as error:
                # With the stock server one such model stops the look at all of them.
                look.unseen[model.name] = (
                    f"Could not find base path {model.base_path} for servable {model.name}: {error}"
                )
                continue
            look.wanted[model.name] = model.policy.wanted(on_disk)
            look.warnings += [
                f"Version {number} of servable {model.name}, which was requested to be served as a "
                "'specific' version in the servable's version policy, was not found in the file "
                "system"
                for number in model.policy.missing(on_disk)
            ]
            if not look.wanted[model.name]:
                look.warnings.append(no_versions(model))
        return look


def no_versions(model: ModelConfig) -> str:
    """The stock server's words for a folder without a version to serve."""
    return f"No versions of servable {model.name} found under base path {model.base_path}"


def _folders(folder: str) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return sorted((e for e in entries if e.is_dir()), key=lambda e: e.name)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ExportError(
            f"Expected a folder of exported models. Received: {folder!r}, which does not exist or "
            "is no folder. Write one with tfmusicgan-export."
        ) from error


def _versions(base_path: str) -> dict[int, str]:
    # Sorted by name: of "1" and "01", which are the same version, the shorter is used.
    versions = {}
    for entry in _folders(base_path):
        if not _VERSION.fullmatch(entry.name):
            continue
        digits = entry.name.lstrip("0")
        # By its length first: Python refuses to read numbers of thousands of digits.
        if len(digits) > 19 or int(digits or "0") > MAX_VERSION:
            _warn_of(entry.path)
        else:
            versions[int(digits or "0")] = entry.path
    return versions


@functools.cache  # once a folder, not at every look
def _warn_of(path: str) -> None:
    logging.warning("%s is no version: the highest possible one is %d", path, MAX_VERSION)


def _described(folder: str) -> str:
    names = sorted(os.listdir(folder))
    if not names:
        return "an empty folder"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"a folder that holds {', '.join(names[:5])}{more}"
