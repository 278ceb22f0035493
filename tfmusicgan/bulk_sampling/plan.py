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
MUSIC, SOUND = "note_sequence", "wav"
_EXTRA_FILES = {MUSIC: "midi", SOUND: "wav"}
_ANSWERS = {MUSIC: "NoteSequences", SOUND: "sounds"}
_ENDINGS = {"midi": "mid", "wav": "wav"}
_FILES_PER_FOLDER = 1000


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
      extra_files: Kind of file that each sample is written to as well, beside the shards: `"midi"`
        for NoteSequences, `"wav"` for sounds; None for no such files.
      output: The signature's output that is kept, `"note_sequence"` or `"wav"`.
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
    extra_files: str | None = None
    output: str = MUSIC
    accompany: tuple[Source, ...] = ()
    format_version: int = FORMAT_VERSION

    def __post_init__(self):
        """Checks the ranges.

        Raises:
          ConfigError: If a number is out of its range, or the files are of another kind than the
            samples.
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
        kind = _EXTRA_FILES[self.output]
        if self.extra_files not in (None, kind):
            raise ConfigError(
                f"Expected --{kind}, as {self.model!r} answers {self.answers}. Received: "
                f"--{self.extra_files}."
            )

    @property
    def answers(self) -> str:
        """What the samples are, in words."""
        return _ANSWERS[self.output]

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

    def file_name(self, row: int) -> str:
        """Path of a sample's own file inside the output: at most 1,000 in a folder."""
        ending = _ENDINGS[self.extra_files]
        return f"{self.extra_files}/{row // _FILES_PER_FOLDER:07d}/{row:010d}.{ending}"

    def given(self, row: int) -> Source:
        """The piece that a sample accompanies."""
        return self.accompany[row * len(self.accompany) // self.num]


def row_seeds(seed: int, rows: Sequence[int]) -> np.ndarray:
    """Seeds of samples: int64 [rows], `(seed << 32) + i`."""
    return (np.int64(seed) << np.int64(32)) + np.asarray(rows, np.int64)


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
      **numbers: The plan's `seed`, `num`, `batch_size`, `shard_size`, `extra_files`.

    Returns:
      The plan.

    Raises:
      ExportError: If the SavedModel cannot be loaded, or the signature makes no music from seeds.
      ConfigError: If the signature or a control is unknown, missing, of the wrong type or out of
        its range.
    """
    function = _signature_of_seeds(export, signature)
    inputs = dict(function.structured_input_signature[1])
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
        given[name] = parse_control(name, value, inputs[name])
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
        output=_kept_output(function),
        accompany=tuple(accompany),
        **numbers,
    )


def default_signature(export: pathlib.Path, with_controls: bool) -> str:
    """The signature that is meant where none is named.

    Args:
      export: As `find_export` returns.
      with_controls: Whether controls are given: of music with `generate`, of notes `synthesize`.

    Raises:
      ExportError: If the SavedModel cannot be loaded.
    """
    if not with_controls:
        return "serving_default"
    return "synthesize" if "synthesize" in load_export(str(export)).signatures else "generate"


def _signature_of_seeds(export: pathlib.Path, signature: str) -> Any:
    """A signature's function, which makes NoteSequences or sounds from seeds."""
    signatures = load_export(str(export)).signatures
    if signature not in signatures:
        raise unknown_name("signature", signature, signatures)
    function = signatures[signature]
    takes_seeds = "seed" in function.structured_input_signature[1]
    if not takes_seeds or not _kept_output(function):
        raise ExportError(f"Signature {signature!r} of {export} makes no music from seeds.")
    return function


def _kept_output(function: Any) -> str | None:
    """What of a signature's outputs is a sample; None for neither music nor sound."""
    return next((name for name in (MUSIC, SOUND) if name in function.structured_outputs), None)
