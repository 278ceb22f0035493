"""Which versions of a model are wanted, and what is done next to have them served.

Both follow the stock server: its three policies (a `ServableVersionPolicy` of the model config),
and its order of steps, which keeps a model answering (availability_preserving_policy.cc).
"""

import dataclasses
import enum
from collections.abc import Collection, Mapping

from google.protobuf.message import Message


class Kind(enum.Enum):
    """Which versions of those on disk are served."""

    LATEST = "latest"
    ALL = "all"
    SPECIFIC = "specific"


@dataclasses.dataclass(frozen=True)
class VersionPolicy:
    """The versions of a model to serve, out of those on disk.

    Attributes:
      kind: The rule.
      num_versions: How many of the highest ones `LATEST` serves; 0 counts as 1.
      versions: Those that `SPECIFIC` serves.
    """

    kind: Kind = Kind.LATEST
    num_versions: int = 1
    versions: frozenset[int] = frozenset()

    @classmethod
    def from_message(cls, policy: Message) -> "VersionPolicy":
        """Reads a ServableVersionPolicy; an empty one is `latest` with one version."""
        choice = policy.WhichOneof("policy_choice")
        if choice is None:
            return cls()
        return cls(Kind(choice), policy.latest.num_versions, frozenset(policy.specific.versions))

    def wanted(self, on_disk: Mapping[int, str]) -> dict[int, str]:
        """The versions to serve: number -> folder.

        Args:
          on_disk: Every version there is.
        """
        if self.kind == Kind.ALL:
            return dict(on_disk)
        if self.kind == Kind.SPECIFIC:
            return {n: path for n, path in on_disk.items() if n in self.versions}
        highest = sorted(on_disk, reverse=True)[: max(1, self.num_versions)]
        return {n: on_disk[n] for n in highest}

    def missing(self, on_disk: Collection[int]) -> list[int]:
        """Versions that were asked for by number and are not on disk; a warning, no error."""
        return sorted(self.versions - set(on_disk)) if self.kind == Kind.SPECIFIC else []


class Step(enum.Enum):
    """What is done with a version."""

    LOAD = "load"
    UNLOAD = "unload"


def next_step(
    available: Collection[int], wanted: Collection[int], loadable: Collection[int]
) -> tuple[Step, int] | None:
    """What to do next with a model's versions.

    A version that is no longer wanted, the lowest first, is unloaded once a wanted one answers, or
    when more than one of them does, or when nothing is wanted; else the highest new one is loaded.

    Args:
      available: Versions that answer now.
      wanted: Versions that should.
      loadable: Those of `wanted` that are not loaded, and whose load has not failed.

    Returns:
      A step and its version, or None when all is as it should be.
    """
    superfluous = sorted(set(available) - set(wanted))
    answers = bool(set(available) & set(wanted))
    if superfluous and (answers or not wanted or len(superfluous) > 1):
        return Step.UNLOAD, superfluous[0]
    if loadable:
        return Step.LOAD, max(loadable)
    return None
