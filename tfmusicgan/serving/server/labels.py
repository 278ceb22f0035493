"""Version labels: names such as "stable" and "canary" for versions of a model.

They come with the list of models. A label may be given to a version that answers; with
`allow_unavailable` also to one that does not yet, unless the label is in use for another version,
so that a label in use never points at nothing (server_core.cc, UpdateModelVersionLabelMap).
"""

from collections.abc import Callable, Collection, Iterable

from tfmusicgan.serving.server import statuses
from tfmusicgan.serving.server.model_config import ModelConfig


class Labels:
    """The labels of the last accepted list of models.

    Args:
      allow_unavailable: Whether a version may get a label before it answers.
    """

    def __init__(self, allow_unavailable: bool = False):
        self._allow_unavailable = allow_unavailable
        self._versions: dict[str, dict[str, int]] = {}

    def assign(
        self, models: Iterable[ModelConfig], available: Callable[[str], Collection[int]]
    ) -> None:
        """Replaces all labels by those of a list; all or none.

        Args:
          models: The list.
          available: A model's versions that answer now.

        Raises:
          RequestError: If a label may not be given; the labels stay as they were.
        """
        assigned: dict[str, dict[str, int]] = {}
        for model in models:
            for label, version in sorted(model.labels.items()):
                in_use = self._versions.get(model.name, {}).get(label, version)
                allowed = self._allow_unavailable and in_use == version
                if not allowed and version not in available(model.name):
                    raise statuses.failed_precondition(
                        f"Request to assign label to version {version} of model {model.name}, "
                        "which is not currently available for inference"
                    )
                assigned.setdefault(model.name, {})[label] = version
        self._versions = assigned

    def version(self, model: str, label: str) -> int:
        """The version that a label stands for.

        Raises:
          RequestError: If the model has no such label.
        """
        try:
            return self._versions[model][label]
        except KeyError:
            raise statuses.unknown_label(label) from None
