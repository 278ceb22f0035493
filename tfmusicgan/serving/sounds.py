"""Sounds as servers answer them: WAV files of 16 bits, and their samples."""

import dataclasses
import io
import wave
from typing import Self

import numpy as np

from tfmusicgan.errors import MusicGanError
from tfmusicgan.note_sequences.wav_file import wav_bytes

_FULL_SCALE = 32768.0


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
        try:
            with wave.open(io.BytesIO(wav)) as file:
                form = file.getnchannels(), file.getsampwidth()
                rate, content = file.getframerate(), file.readframes(file.getnframes())
        except (wave.Error, EOFError):
            form = None
        if form != (1, 2):
            found = "other bytes" if form is None else f"{form[0]} channels of {8 * form[1]} bits"
            raise MusicGanError(f"Expected a mono WAV of 16 bits. Received: {found}.")
        samples = np.frombuffer(content, "<i2").astype(np.float32) / np.float32(_FULL_SCALE)
        return cls(wav, samples, rate)

    @classmethod
    def from_samples(cls, samples: np.ndarray, sample_rate: int) -> Self:
        """Writes samples as a WAV file's bytes.

        Args:
          samples: float [samples]; what is beyond full scale, 1, is clipped.
          sample_rate: In Hz.
        """
        whole = np.clip(np.rint(samples * _FULL_SCALE), -32768, 32767).astype(np.int16)
        return cls.from_wav(wav_bytes(whole, sample_rate))
