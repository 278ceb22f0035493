"""Many pieces or sounds at once: which requests they take, and what the answers are. No I/O."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

import numpy as np

from tfmusicgan.client import requests
from tfmusicgan.client.controls import (
    control_rows,
    count_rows,
    music_rows,
    seed_rows,
    split_rows,
)
from tfmusicgan.client.requests import Call, Metadata
from tfmusicgan.errors import ConfigError, unknown_name
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.serving.messages import DEFAULT_SIGNATURE
from tfmusicgan.serving.sounds import Sound

T = TypeVar("T")
MAX_ROWS = 32  # 32 pieces stay under the 4 MiB that clients with default limits accept
MAX_SOUNDS = 8  # four requests of 8 notes of 4 s at a time end well within the default deadline
MAX_REQUEST_BYTES = 3 << 20  # of given music: under the 4 MiB of a gRPC proxy's default limit

Music = NoteSequence | bytes | Sequence[NoteSequence | bytes]


@dataclasses.dataclass(frozen=True)
class Job(Generic[T]):
    """One signature asked for many rows.

    Attributes:
      model: The model's name.
      signature: The signature's name.
      version: A version number.
      label: A version label.
      seeds: int64 [rows], or None for a signature without.
      controls: Name -> one value for all rows, or one per row.
      output: The output that is wanted.
      read: A value of it to what the caller wants.
      max_rows: Most rows of a request.
    """

    model: str
    signature: str
    version: int | None
    label: str | None
    seeds: np.ndarray | None
    controls: Mapping[str, object]
    output: str
    read: Callable[[bytes], T]
    max_rows: int

    @property
    def needs_metadata(self) -> bool:
        """Whether the server has to be asked what the signature's inputs are."""
        return self.signature != DEFAULT_SIGNATURE or self.seeds is None or bool(self.controls)

    def parts(self, known: Metadata | None) -> list[dict[str, np.ndarray]]:
        """The inputs of each request, [rows, ...] each.

        Args:
          known: What the server answered; None where it was not asked.

        Raises:
          ConfigError: If the signature is unknown, or seeds or controls do not fit it.
        """
        rows = self._rows(known)
        return [
            {name: array[part] for name, array in rows.items()}
            for part in split_rows(rows, self.max_rows, MAX_REQUEST_BYTES)
        ]

    def call(self, inputs: Mapping[str, np.ndarray]) -> Call[tuple[int, list[T]]]:
        """One request, for the version that answers it and the answers.

        Args:
          inputs: One of the `parts`.
        """
        outputs = (self.output,)
        call = requests.predict(
            self.model, inputs, self.signature, self.version, self.label, outputs
        )
        return call.then(
            lambda reply: (reply.version, [self.read(v) for v in reply.outputs[self.output]])
        )

    def _rows(self, known: Metadata | None) -> dict[str, np.ndarray]:
        rows = {} if self.seeds is None else {"seed": self.seeds}
        if known is None:
            return rows
        if self.signature not in known:
            raise unknown_name("signature", self.signature, known)
        entry = known[self.signature]
        if rows and "seed" not in entry["inputs"]:
            raise ConfigError(
                f"Expected no seeds, which signature {self.signature!r} does not take. Its inputs: "
                f"{', '.join(entry['inputs'])}."
            )
        num_rows = len(rows["seed"]) if rows else count_rows(entry["inputs"], self.controls)
        return rows | control_rows(entry["inputs"], self.controls, num_rows, entry["defaults"])


def music_job(
    model: str,
    seeds: Iterable[int],
    signature: str | None,
    version: int | None,
    label: str | None,
    controls: Mapping[str, object],
    max_rows: int,
) -> Job[NoteSequence]:
    """A job of `generate`; see there.

    Raises:
      ConfigError: If the seeds are no whole numbers.
    """
    signature = signature or ("generate" if controls else DEFAULT_SIGNATURE)
    rows, read = seed_rows(seeds), NoteSequence.FromString
    return Job(model, signature, version, label, rows, controls, "note_sequence", read, max_rows)


def given_music_job(
    model: str,
    seeds: Iterable[int],
    note_sequences: Music,
    signature: str,
    version: int | None,
    label: str | None,
    controls: Mapping[str, object],
    max_rows: int,
) -> Job[NoteSequence]:
    """A job of `accompany` or `continue_piece`; see there.

    Raises:
      ConfigError: If the seeds are no whole numbers, or the music does not fit them.
    """
    seeds = list(seeds)
    controls = {"note_sequence": music_rows(note_sequences, len(seeds)), **controls}
    return music_job(model, seeds, signature, version, label, controls, max_rows)


def sound_job(
    model: str,
    seeds: Iterable[int] | None,
    signature: str | None,
    version: int | None,
    label: str | None,
    controls: Mapping[str, object],
    max_rows: int,
) -> Job[Sound]:
    """A job of `generate_audio`; see there.

    Raises:
      ConfigError: If the seeds are no whole numbers.
    """
    signature = signature or ("synthesize" if controls else DEFAULT_SIGNATURE)
    rows = None if seeds is None else seed_rows(seeds)
    most = min(max_rows, MAX_SOUNDS)
    return Job(model, signature, version, label, rows, controls, "wav", Sound.from_wav, most)
