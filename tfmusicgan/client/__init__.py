"""Clients of TensorFlow Serving, the stock server or tfmusicgan-serve, light to import."""

from tfmusicgan.client.calls import ServingError
from tfmusicgan.client.music_client import MusicClient

__all__ = ["MusicClient", "ServingError"]
