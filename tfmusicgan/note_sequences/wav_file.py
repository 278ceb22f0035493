"""PCM samples of WAV files, read and written without a library."""

import io
import wave

import numpy as np

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences.recorded_note import Audio

MAX_BYTES = 2**26
"""Larger files are refused: no single note takes six minutes."""


def read_wav(data: bytes, name: str) -> Audio:
    """Reads uncompressed samples of 8, 16, 24 or 32 bits.

    Args:
      data: The file's bytes.
      name: What messages call it.

    Returns:
      float32 [samples], or [samples, channels] if there are several: whole numbers by their full
      scale, so that 16 bits are divided by 32,768.

    Raises:
      ReadError: With reason `"too_large"`, `"unreadable_wav"` or `"truncated_wav"`.
    """
    if len(data) > MAX_BYTES:
        raise ReadError(
            f"Expected a WAV file of at most {MAX_BYTES} bytes. Received: more, {name}.",
            "too_large",
        )
    try:
        with wave.open(io.BytesIO(data)) as file:
            channels, width, rate, length = file.getparams()[:4]
            raw = file.readframes(length)
    except (wave.Error, EOFError) as error:
        why = str(error) or "its end"
        raise ReadError(
            f"Expected a WAV file of PCM samples. Received {why}: {name}.", "unreadable_wav"
        ) from None
    if len(raw) < length * channels * width:
        raise ReadError(
            f"Expected {length} samples. Received {len(raw) // (channels * width)}, a truncated "
            f"file: {name}.",
            "truncated_wav",
        )
    samples = _to_float(raw, width)
    return Audio(samples.reshape(-1, channels) if channels > 1 else samples, rate)


def wav_bytes(samples: np.ndarray, sample_rate: int) -> bytes:
    """Writes 16-bit samples as a WAV file's bytes.

    Args:
      samples: int16 [samples], or [samples, channels].
      sample_rate: In Hz.
    """
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


def _to_float(raw: bytes, width: int) -> np.ndarray:
    """Samples of 1 to 4 bytes, those of one byte without a sign, as float32 of full scale 1."""
    if width == 1:
        return (np.frombuffer(raw, np.uint8).astype(np.float32) - 128.0) / 128.0
    # Into the upper bytes of 32 bits: the sign comes along.
    whole = np.zeros((len(raw) // width, 4), np.uint8)
    whole[:, 4 - width :] = np.frombuffer(raw, np.uint8).reshape(-1, width)
    return whole.view("<i4")[:, 0].astype(np.float32) / np.float32(2**31)
