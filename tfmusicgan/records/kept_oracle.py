"""The oracle that a record set's token sequences were drawn from, where the set keeps it."""

import pathlib

from tfmusicgan.errors import ReadError, RecordsError
from tfmusicgan.records.manifest import Manifest
from tfmusicgan.records.shard_file import file_digest
from tfmusicgan.token_oracle import TokenOracle

_NAME = "oracle.npz"


def read_oracle(directory: pathlib.Path, manifest: Manifest) -> TokenOracle | None:
    """Reads the oracle beside a set's shards.

    Args:
      directory: The record set's folder.
      manifest: Its manifest.

    Returns:
      The oracle; None where the manifest names none.

    Raises:
      RecordsError: If the file is missing or damaged.
    """
    if _NAME not in manifest.files:
        return None
    path = directory / _NAME
    try:
        if path.is_file() and file_digest(path) == manifest.files[_NAME]:
            return TokenOracle.read(path)
    except (OSError, ReadError):
        pass
    raise RecordsError(
        f"Expected the oracle of the records at {path}. Received: nothing there, or another file "
        "than the manifest's. Convert the data again."
    )
