"""Audio as spectrograms and back, and as the bytes of WAV files: all of it core TensorFlow ops."""

from tfmusicgan.audio.spectrograms import KINDS, SpectrogramFormat

__all__ = ["KINDS", "SpectrogramFormat"]
