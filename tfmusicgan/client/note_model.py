"""A served model of single notes, asked by its signature `interpolate`.

All inputs are given with their types, so that the server need not be asked for these: behind an
address may be several servers of different versions, which take turns.
"""

import dataclasses
from typing import TypeVar

import numpy as np

from tfmusicgan.client import jobs
from tfmusicgan.client.music_client import MusicClient
from tfmusicgan.client.requests import Metadata
from tfmusicgan.errors import ConfigError
from tfmusicgan.serving.sounds import Sound

T = TypeVar("T")
SIGNATURE = "interpolate"
_MOST_ASKED = 5  # times for a range; no more servers are expected to take turns


class NoteModel:
    """A model of single notes.

    Args:
      client: Of the server.
      name: The model's name.
      version: A version number, for the check.

    Raises:
      ServingError: With the server's code and text.
      ConfigError: If the model has no such signature.
    """

    def __init__(self, client: MusicClient, name: str, version: int | None):
        self.name = name
        self._client = client
        self._ranges: dict[int, tuple[int, int]] = {}
        known = client.metadata(name, version)
        if SIGNATURE not in known:
            raise ConfigError(
                f"Expected a model of single notes, with the signature {SIGNATURE!r}. Received: "
                f"{name!r}, which has {', '.join(sorted(known))}."
            )

    def sounds(self, asked: np.ndarray, version: int | None) -> tuple[int, list[Sound]]:
        """The sounds of notes.

        Args:
          asked: `seed`, `other_seed`, `fraction` and `pitch`, [notes].
          version: A version number; None is the one that answers.

        Returns:
          The version that made them, 0 where the server does not say, and the sounds.

        Raises:
          ServingError: With the server's code and text.
        """
        controls = {
            "other_seed": asked["other_seed"],
            "fraction": asked["fraction"],
            "pitch": asked["pitch"],
        }
        most = min(self._client.max_rows, jobs.MAX_SOUNDS)
        return self._client.run(
            _Notes(
                *(self.name, SIGNATURE, version, None),
                *(asked["seed"], controls, "wav", Sound.from_wav, most),
            )
        )

    def pitch_range(self, version: int | None) -> tuple[int, int]:
        """The lowest and the highest pitch: a model answers which pitch it took.

        Args:
          version: A version number; None is the one that answers.

        Raises:
          ServingError: With the server's code and text.
        """
        if version in self._ranges:
            return self._ranges[version]
        seeds = np.zeros(2, np.int64)
        controls = {
            "other_seed": seeds,
            "fraction": np.zeros(2, np.float32),
            "pitch": np.array([0, 127], np.int32),
        }
        job = _Notes(self.name, SIGNATURE, version, None, seeds, controls, "pitch", int, 2)
        answered, (low, high) = self._client.run(job)
        self._ranges[answered if version is None else version] = low, high
        return low, high

    def range_of_answered(self, version: int) -> tuple[int, int] | None:
        """The range of a version that has answered; None where only others answer now.

        It is not asked for by name: where servers take turns, one that has not got the version
        might have its turn each time.

        Raises:
          ServingError: With the server's code and text.
        """
        for _ in range(_MOST_ASKED):
            if version in self._ranges:
                break
            self.pitch_range(None)
        return self._ranges.get(version)


@dataclasses.dataclass(frozen=True)
class _Notes(jobs.Job[T]):
    """A job whose inputs are all given."""

    needs_metadata = False

    def _rows(self, known: Metadata | None) -> dict[str, np.ndarray]:
        return {"seed": self.seeds, **self.controls}
