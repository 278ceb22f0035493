"""The oracle that a record set's token sequences were drawn from, where the set keeps it."""

import pathlib

from tfmusicgan import representations
from tfmusicgan.errors import ConfigError, ReadError, RecordsError
from tfmusicgan.records.manifest import Manifest
from tfmusicgan.records.shard_file import file_digest
from tfmusicgan.representations.base import Representation
from tfmusicgan.token_oracle import TokenOracle

_NAME = "oracle.npz"


def check_vocabulary(oracle: TokenOracle, representation: Representation) -> None:
    """Checks that a representation has the oracle's tokens, no more and no fewer.

    Raises:
      ConfigError: If it does not.
    """
    tokens = getattr(representation, "num_tokens", None)
    if tokens != oracle.num_tokens:
        raise ConfigError(
            f"Expected a representation of the oracle's {oracle.num_tokens} tokens. Received: "
            f"{representation.name} with {tokens}. Choose the --preset of that vocabulary, or give "
            f"--set=num_tokens={oracle.num_tokens}."
        )


def read_oracle(directory: pathlib.Path, manifest: Manifest) -> TokenOracle | None:
    """Reads the oracle beside a set's shards.

    Args:
      directory: The record set's folder.
      manifest: Its manifest.

    Returns:
      The oracle; None where the manifest names none.

    Raises:
      RecordsError: If the file is missing or damaged.
      ConfigError: If its vocabulary is not that of the records.
    """
    if _NAME not in manifest.files:
        return None
    path = directory / _NAME
    try:
        if path.is_file() and file_digest(path) == manifest.files[_NAME]:
            oracle = TokenOracle.read(path)
            check_vocabulary(oracle, representations.from_manifest(manifest.representation))
            return oracle
    except (OSError, ReadError):
        pass
    raise RecordsError(
        f"Expected the oracle of the records at {path}. Received: nothing there, or another file "
        "than the manifest's. Convert the data again."
    )
