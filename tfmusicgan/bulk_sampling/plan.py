"""What a bulk sampling run makes: its samples, shards, seeds and file names."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfmusicgan.errors import ConfigError, ExportError, unknown_name
from tfmusicgan.note_sequences.sources import Source
from tfmusicgan.serving.exported import (
    check_range,
    export_digest,
    load_export,
    parse_control,
    stated_defaults,
)

FORMAT_VERSION = 1
MAX_SEED = 2**31 - 1
_MIDI_PER_FOLDER = 1000


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is sampled; two runs with equal plans write equal bytes.

    Attributes:
      model: The model's name, the folder that holds its versions.
      version: The version's number.
      digest: SHA-256 of the version's files.
      signature: Name of the SavedModel's signature.
      controls: Value of each input beside the seed and given music.
      seed: 0 to 2**31 - 1.
      num: Number of samples, at most 2**32.
      batch_size: Rows in each call of the model, the last call's padding included.
      shard_size: Samples in each shard, but the last.
      midi: Whether each sample is a MIDI file too.
      accompany: Pieces that samples accompany or go on with, an equal number each, one after the
        other; empty for a signature that takes no music.
    """

    model: str
    version: int
    digest: str
    signature: str
    controls: Mapping[str, Any]
    seed: int
    num: int
    batch_size: int
    shard_size: int
    midi: bool
    accompany: tuple[Source, ...] = ()
    format_version: int = FORMAT_VERSION

    def __post_init__(self):
        """Checks the ranges.

        Raises:
          ConfigError: If a number is out of its range.
        """
        for name, low, high in (
            ("seed", 0, MAX_SEED),
            ("num", 1, 2**32),
            ("batch_size", 1, 2**16),
            ("shard_size", 1, 2**32),
        ):
            if not low <= getattr(self, name) <= high:
                raise ConfigError(
                    f"Expected {name} from {low} to {high}. Received: {getattr(self, name)}."
                )
        if self.accompany and self.num % len(self.accompany):
            raise ConfigError(
                f"Expected num to be a multiple of the {len(self.accompany)} given pieces. "
                f"Received: {self.num}."
            )

    @property
    def num_shards(self) -> int:
        """Number of shards."""
        return -(-self.num // self.shard_size)

    def shard_name(self, shard: int) -> str:
        """File name of a shard."""
        return f"samples-{shard:05d}-of-{self.num_shards:05d}.tfrecord"

    def rows(self, shard: int) -> range:
        """Numbers of a shard's samples."""
        first = shard * self.shard_size
        return range(first, min(first + self.shard_size, self.num))

    def given(self, row: int) -> Source:
        """The piece that a sample accompanies."""
        return self.accompany[row * len(self.accompany) // self.num]


def row_seeds(seed: int, rows: Sequence[int]) -> np.ndarray:
    """Seeds of samples: int64 [rows], `(seed << 32) + i`."""
    return (np.int64(seed) << np.int64(32)) + np.asarray(rows, np.int64)


def midi_name(index: int) -> str:
    """Path of a sample's MIDI file inside the output: at most 1,000 in a folder."""
    return f"midi/{index // _MIDI_PER_FOLDER:07d}/{index:010d}.mid"


def make_plan(
    export: pathlib.Path,
    signature: str,
    controls: Sequence[str],
    accompany: Sequence[Source] = (),
    **numbers: Any,
) -> Plan:
    """Checks the signature and its controls against the model.

    Args:
      export: As `find_export` returns.
      signature: Name of a signature.
      controls: Texts `name=value`; those left out take the defaults that the export states.
      accompany: Pieces for the signature's input `note_sequence`, if it has one.
      **numbers: The plan's `seed`, `num`, `batch_size`, `shard_size`, `midi`.

    Returns:
      The plan.

    Raises:
      ExportError: If the SavedModel cannot be loaded, or the signature makes no music from seeds.
      ConfigError: If the signature or a control is unknown, missing, of the wrong type or out of
        its range.
    """
    inputs = dict(_music_signature(export, signature).structured_input_signature[1])
    inputs.pop("seed")
    takes_music = inputs.pop("note_sequence", None) is not None
    if takes_music != bool(accompany):
        flag = "continue" if signature == "continue" else "accompany"
        raise ConfigError(
            f"Signature {signature!r} needs --{flag}=PATH."
            if takes_music
            else f"Signature {signature!r} takes no music: leave --accompany and --continue out."
        )
    given = {}
    for text in controls:
        name, separator, value = text.partition("=")
        if not separator:
            raise ConfigError(f"Expected --control=name=value. Received: {text!r}.")
        if name not in inputs:
            known = ", ".join(sorted(inputs)) or "none"
            raise ConfigError(f"Signature {signature!r} has no control {name!r}. Known: {known}.")
        given[name] = parse_control(name, value, inputs[name].dtype)
        check_range(export, signature, name, given[name])
    defaults = stated_defaults(export, signature)
    given = {name: defaults[name] for name in inputs if name in defaults} | given
    missing = sorted(set(inputs) - set(given))
    if missing:
        raise ConfigError(
            f"Signature {signature!r} needs --control={missing[0]}=VALUE. Its controls:"
            f" {', '.join(f'{name} ({inputs[name].dtype.name})' for name in sorted(inputs))}."
        )
    return Plan(
        export.parent.name,
        int(export.name),
        export_digest(export),
        signature,
        dict(sorted(given.items())),
        accompany=tuple(accompany),
        **numbers,
    )


def _music_signature(export: pathlib.Path, signature: str) -> Any:
    """A signature's function, which makes NoteSequences from seeds."""
    signatures = load_export(str(export)).signatures
    if signature not in signatures:
        raise unknown_name("signature", signature, signatures)
    function = signatures[signature]
    if "wav" in function.structured_outputs:
        raise ExportError(
            f"Expected a model of NoteSequences. Received: {export}, which answers sounds. Serve "
            "it, and ask for them with tfmusicgan-generate."
        )
    takes_seeds = "seed" in function.structured_input_signature[1]
    if not takes_seeds or "note_sequence" not in function.structured_outputs:
        raise ExportError(f"Signature {signature!r} of {export} makes no music from seeds.")
    return function
