"""What is on disk: models, their base folders, their integer versions.

A model's base folder holds one folder per version; its name is a whole number (leading zeros are
allowed: 00000123 is version 123). Anything else there is ignored, as TensorFlow Serving does, so a
version may be written beside the others under another name and appear by rename.
"""

import dataclasses
import os
import pathlib
import re

from tfmusicgan.errors import ExportError

_VERSION = re.compile(r"[0-9]{1,18}")


@dataclasses.dataclass(frozen=True)
class ModelSource:
    """Where models come from: a folder of models, or one model.

    Attributes:
      root: A folder whose children are models, or None.
      name: The single model's name, when there is no root.
      base_path: The single model's folder, when there is no root.
    """

    root: str | None = None
    name: str | None = None
    base_path: str | None = None

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
    entries = [entry for entry in _folders(base_path) if _VERSION.fullmatch(entry.name)]
    return {int(entry.name): entry.path for entry in entries}


def _described(folder: str) -> str:
    names = sorted(os.listdir(folder))
    if not names:
        return "an empty folder"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"a folder that holds {', '.join(names[:5])}{more}"
