"""Clients of TensorFlow Serving, the stock server or tfmusicgan-serve, light to import.

`music_client.py` is the one whose calls block, `async_music_client.py` its twin with asyncio. Both
make the same requests (`jobs.py`, `phrases.py`, `requests.py`, `runs.py`) by the same rules
(`retries.py`, `settings.py`), which do no I/O; `callers.py` does it, and `written_files.py` writes
what came.
"""

from tfmusicgan.client.async_music_client import AsyncMusicClient
from tfmusicgan.client.callers import ClosedError
from tfmusicgan.client.music_client import MusicClient
from tfmusicgan.client.retries import RetryPolicy, ServingError
from tfmusicgan.client.settings import ChannelOptions, TLSFiles

__all__ = [
    "AsyncMusicClient",
    "ChannelOptions",
    "ClosedError",
    "MusicClient",
    "RetryPolicy",
    "ServingError",
    "TLSFiles",
]
