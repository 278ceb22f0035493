"""Sampled sounds, and how a shard holds one of them.

A record is a `tf.train.Example`:

| feature | what |
|---|---|
| `seed` | int64, the row seed: a server answers it with the same sound |
| `pitch` | int64, the note's MIDI pitch, where the signature answers it |
| `sample_rate` | int64, in Hz |
| `wav` | bytes, a mono WAV file of 16 bits |
"""

import dataclasses
import pathlib
from collections.abc import Mapping

import numpy as np

from tfmusicgan.errors import ExportError, MusicGanError
from tfmusicgan.files import replacing
from tfmusicgan.records.example_proto import serialize_example
from tfmusicgan.serving.sounds import Sound


@dataclasses.dataclass(frozen=True)
class SampledSound:
    """One sample.

    Attributes:
      seed: The row seed.
      sound: The sound.
      pitch: Its MIDI pitch; None where the signature does not answer it.
    """

    seed: int
    sound: Sound
    pitch: int | None

    @property
    def record(self) -> bytes:
        """A serialised `tf.train.Example`."""
        pitch = {} if self.pitch is None else {"pitch": self.pitch}
        rate = self.sound.sample_rate
        return serialize_example(
            {"seed": self.seed, "sample_rate": rate, "wav": self.sound.wav, **pitch}
        )

    @property
    def is_silent(self) -> bool:
        """Whether nothing is heard: all samples are 0 at 16 bits."""
        return not self.sound.samples.any()

    def write_wav(self, path: pathlib.Path) -> None:
        """Writes the sound's file, whole or not at all.

        Raises:
          OSError: If it cannot be written.
        """
        with replacing(path) as temporary:
            temporary.write_bytes(self.sound.wav)


def sampled_sounds(
    seeds: np.ndarray, outputs: Mapping[str, np.ndarray], export: str
) -> list[SampledSound]:
    """Samples from a signature's outputs.

    Args:
      seeds: int64 [samples], the row seeds.
      outputs: `wav` and possibly `pitch`, of at least as many rows.
      export: The model's version folder, for messages.

    Raises:
      ExportError: If a `wav` is no mono WAV of 16 bits.
    """
    pitches = outputs.get("pitch", [None] * len(seeds))
    try:
        return [
            SampledSound(int(seed), Sound.from_wav(wav), None if pitch is None else int(pitch))
            for seed, wav, pitch in zip(seeds, outputs["wav"], pitches, strict=False)
        ]
    except MusicGanError as error:
        raise ExportError(f"{export}: {error}") from None
