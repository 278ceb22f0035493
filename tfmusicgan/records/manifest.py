"""The manifest of a finished record set: what is in it, how it was made, and from what.

It holds no times and no paths of the machine that wrote it, so the same input and options give the
same bytes. The format is described in tfrecords/FORMAT.md.
"""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any, Self

from tfmusicgan.errors import RecordsError

FORMAT = "tfmusicgan records"
FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json"
SPLITS = ("train", "validation", "test")
# What else a record set may hold: `oracle.npz`, what its token sequences were drawn from.
KEPT_FILES = ("oracle.npz",)


@dataclasses.dataclass(frozen=True)
class Shard:
    """One shard file.

    Attributes:
      file: File name inside the record set's folder.
      num_pieces: Pieces with at least one phrase in it (a transposed copy counts as a piece).
      num_examples: Records in it.
      num_notes: Notes of its kept pieces.
      num_bytes: Size of the file.
      num_unpacked_bytes: Size of its records before compression.
      sha256: Digest of the file.
    """

    file: str
    num_pieces: int
    num_examples: int
    num_notes: int
    num_bytes: int
    num_unpacked_bytes: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Drop:
    """What was left out for one reason.

    Attributes:
      num_pieces: Pieces left out entirely.
      num_phrases: Phrases left out of pieces that were kept otherwise.
      names: The first few pieces, in the order of their names.
    """

    num_pieces: int
    num_phrases: int
    names: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Manifest:
    """A finished record set.

    Attributes:
      dataset: Name, title, source address, licence and attribution of the music.
      representation: Name, version and parameters, as `representations.to_manifest` gives them.
      fields: Field name -> shape, dtype, how it is stored, meaning.
      options: Everything else that decided the bytes: filters, transposition, split fractions.
      shards: Split name -> its shards in order.
      drops: Reason -> what was left out.
      sources: Number of sources listed, and the SHA-256 over their names and digests.
      versions: Package name -> version that wrote the set.
      files: Name of `KEPT_FILES` -> SHA-256 of what lies beside the shards.
      lost: What -> how many of the kept pieces' no phrase could hold, such as notes outside the
        representation's pitch range, or their reader could not give them.
    """

    dataset: Mapping[str, Any]
    representation: Mapping[str, Any]
    fields: Mapping[str, Any]
    options: Mapping[str, Any]
    shards: Mapping[str, tuple[Shard, ...]]
    drops: Mapping[str, Drop]
    sources: Mapping[str, Any]
    versions: Mapping[str, str]
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    lost: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def num_examples(self, split: str) -> int:
        """Number of examples in a split."""
        return sum(shard.num_examples for shard in self.shards[split])

    def num_pieces(self, split: str) -> int:
        """Number of pieces in a split."""
        return sum(shard.num_pieces for shard in self.shards[split])

    def to_json(self) -> str:
        """The manifest file's text."""
        content = {"format": FORMAT, "format_version": FORMAT_VERSION, **dataclasses.asdict(self)}
        for name in ("files", "lost"):
            if not content[name]:  # as sets without any have always been written
                del content[name]
        return json.dumps(content, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, path: pathlib.Path) -> Self:
        """Parses a manifest file's text.

        Args:
          text: The file's contents.
          path: Where it comes from, for messages.

        Raises:
          RecordsError: If it is no manifest, or of another format version.
        """
        try:
            content = json.loads(text)
        except ValueError as error:
            raise RecordsError(
                f"{path} is not a manifest: {error}. Convert the data again."
            ) from None
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise RecordsError(
                f"{path} is not a manifest of the suite. Name a folder that tfmusicgan-convert "
                "wrote."
            )
        version = content.get("format_version")
        if version != FORMAT_VERSION:
            raise RecordsError(
                f"{path}: expected records of format version {FORMAT_VERSION}. Received: "
                f"{version}. Convert the data again with this version of the suite."
            )
        try:
            content = {"files": {}, "lost": {}, **content}
            fields = {field.name: content[field.name] for field in dataclasses.fields(cls)}
            if not set(fields["files"]) <= set(KEPT_FILES):
                raise KeyError("files")
            fields["shards"] = {
                split: tuple(Shard(**shard) for shard in shards)
                for split, shards in content["shards"].items()
            }
            if set(fields["shards"]) != set(SPLITS):
                raise KeyError("shards")
            if not all(type(count) is int for count in fields["lost"].values()):
                raise KeyError("lost")
            fields["drops"] = {
                reason: Drop(**{**drop, "names": tuple(drop["names"])})
                for reason, drop in content["drops"].items()
            }
        except (KeyError, TypeError, AttributeError) as error:
            raise RecordsError(
                f"{path} is damaged: {error!r} is missing or unknown. Convert the data again."
            ) from None
        return cls(**fields)

    @classmethod
    def read(cls, directory: pathlib.Path) -> Self:
        """Reads the manifest of a record set.

        Raises:
          RecordsError: If there is none, or it is damaged or of another format version.
        """
        path = pathlib.Path(directory, MANIFEST_NAME)
        if not path.is_file():
            raise RecordsError(_missing(path))
        return cls.from_json(path.read_bytes(), path)


def is_record_set(directory: pathlib.Path) -> bool:
    """Whether a folder has a manifest of the suite, of whatever format version."""
    try:
        content = json.loads(pathlib.Path(directory, MANIFEST_NAME).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    return isinstance(content, dict) and content.get("format") == FORMAT


def _missing(path: pathlib.Path) -> str:
    directory = path.parent
    partial = directory.with_name(f"{directory.name}.partial")
    if partial.is_dir():
        return (
            f"{directory} holds no finished record set: its conversion was interrupted. Run the "
            "same tfmusicgan-convert command again to finish it."
        )
    return (
        f"Expected a record set with a {MANIFEST_NAME} at {directory}. Received: "
        f"{'a folder without one' if directory.is_dir() else 'nothing there'}. "
        "Write one with tfmusicgan-convert."
    )
