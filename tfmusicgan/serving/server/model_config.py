"""The list of models to serve: a `ModelServerConfig`, from a file or from a request.

The checks, their order and their texts are those of the stock server's server_core.cc, so that a
HandleReloadConfigRequest is refused as there.
"""

import dataclasses
import os
import re
from collections.abc import Iterable, Mapping, Sequence

import grpc

from tfmusicgan.errors import ConfigError
from tfmusicgan.serving import messages
from tfmusicgan.serving.server import statuses
from tfmusicgan.serving.server.config_messages import read_text
from tfmusicgan.serving.server.statuses import RequestError
from tfmusicgan.serving.server.version_policy import VersionPolicy

PLATFORM = "tensorflow"
_TENSORFLOW = 1  # ModelType, which model_platform has replaced
_SCHEME = re.compile(r"([a-zA-Z][0-9a-zA-Z.]*)://")


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """One model of the list.

    Attributes:
      name: What requests call it.
      base_path: The folder of its versions.
      platform: What runs it.
      policy: Which versions are served.
      labels: Label -> version.
    """

    name: str
    base_path: str
    platform: str = PLATFORM
    policy: VersionPolicy = VersionPolicy()  # noqa: RUF009 (frozen)
    labels: Mapping[str, int] = dataclasses.field(default_factory=dict)


def read_config_file(path: str) -> messages.ModelServerConfig:
    """Reads a `--model_config_file`.

    Returns:
      A `messages.ModelServerConfig` with a list of models.

    Raises:
      ConfigError: If it cannot be read, or holds something else.
    """
    config = read_text(path, messages.ModelServerConfig)
    if config.WhichOneof("config") != "model_config_list":
        raise ConfigError(
            f"Expected model_config_list {{ config {{ name: ... base_path: ... }} }} in {path!r}. "
            f"Received: {config.WhichOneof('config') or 'no model'}. serving/models.config is an "
            "example."
        )
    return config


def models_of(
    config: messages.ModelServerConfig, previous: Iterable[ModelConfig]
) -> list[ModelConfig]:
    """Checks a list of models.

    Args:
      config: A `messages.ModelServerConfig`.
      previous: The models of the last list.

    Returns:
      The models, in order. An unknown platform is let through: see `require_platforms`.

    Raises:
      RequestError: With the stock server's code and text.
    """
    entries = config.model_config_list.config
    _require_unique_names([entry.name for entry in entries])
    for entry in entries:
        _require_absolute(entry.name, entry.base_path)
    platforms = {model.name: model.platform for model in previous}
    for entry in entries:
        old = platforms.get(entry.name)
        if old is not None and _platform(entry) != old:
            raise statuses.invalid_argument(
                f"Illegal to change a model's platform. For model {entry.name} platform was {old} "
                f"and new platform requested is {_platform(entry)}"
            )
    return [
        ModelConfig(
            entry.name,
            entry.base_path,
            _platform(entry),
            VersionPolicy.from_message(entry.model_version_policy),
            dict(entry.version_labels),
        )
        for entry in entries
    ]


def require_platforms(models: Iterable[ModelConfig]) -> None:
    """Checks that every model can be run, and is where this server can read.

    Raises:
      RequestError: With the stock server's code and text.
    """
    for model in models:
        if model.platform != PLATFORM:
            raise statuses.invalid_argument(
                f"Model {model.name} requests unsupported platform {model.platform}"
            )
        scheme = _SCHEME.match(model.base_path)
        if scheme:
            # The runtime's own words for a file system that is not linked in.
            raise RequestError(
                grpc.StatusCode.UNIMPLEMENTED,
                f"File system scheme '{scheme[1]}' not implemented (file: '{model.base_path}')",
            )


def _require_unique_names(names: Sequence[str]) -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise statuses.invalid_argument(
                f"Illegal to list model {name} multiple times in config list"
            )
        seen.add(name)


def _require_absolute(name: str, base_path: str) -> None:
    if not os.path.isabs(base_path) and not _SCHEME.match(base_path):
        raise statuses.invalid_argument(
            f"Expected model {name} to have an absolute path or URI; got base_path()={base_path}"
        )


def _platform(entry) -> str:
    if not entry.model_type:
        if not entry.model_platform:
            raise statuses.invalid_argument(
                "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
                f"ModelServerConfig::model_platform, model name is {entry.name}"
            )
        return entry.model_platform
    if entry.model_platform:
        raise statuses.invalid_argument(
            "Illegal setting both ModelServerConfig::model_type (deprecated) and "
            "ModelServerConfig::model_platform."
        )
    if entry.model_type != _TENSORFLOW:
        raise statuses.invalid_argument(
            f"ModelServerConfig::model_type choice {entry.model_type} not supported."
        )
    return PLATFORM
