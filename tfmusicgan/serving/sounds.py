"""Sounds as servers answer them: WAV files of 16 bits, and their samples."""

import dataclasses
import io
from typing import Self

import numpy as np

from tfmusicgan.errors import MusicGanError, ReadError
from tfmusicgan.note_sequences import wav_file


@dataclasses.dataclass(frozen=True)
class Sound:
    """A mono sound.

    Attributes:
      wav: A WAV file's bytes.
      samples: float32 [samples], within [-1, 1].
      sample_rate: In Hz.
    """

    wav: bytes = dataclasses.field(repr=False)
    samples: np.ndarray = dataclasses.field(repr=False, compare=False)
    sample_rate: int

    @classmethod
    def from_wav(cls, wav: bytes) -> Self:
        """Reads a WAV file's bytes.

        Raises:
          MusicGanError: If they are no mono WAV of 16 bits.
        """
        file = io.BytesIO(wav)
        try:
            layout = wav_file.find_samples(file, "an answer")
        except ReadError:
            layout = None
        if layout is None or (layout.channels, layout.width) != (1, 2):
            found = "other bytes"
            if layout is not None:
                found = f"{layout.channels} channels of {8 * layout.width} bits"
            raise MusicGanError(f"Expected a mono WAV of 16 bits. Received: {found}.")
        return cls(wav, *wav_file.read_samples(file, layout, layout.num_frames))

    @classmethod
    def from_samples(cls, samples: np.ndarray, sample_rate: int) -> Self:
        """Writes samples as a WAV file's bytes.

        Args:
          samples: float [samples]; what is beyond full scale, 1, is clipped.
          sample_rate: In Hz.
        """
        return cls.from_wav(wav_file.wav_bytes(wav_file.to_int16(samples), sample_rate))
