"""Files that appear whole or not at all."""

import contextlib
import os
import pathlib
from collections.abc import Iterator


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Gives a temporary path beside `path`, renamed to it when the block ends without an error.

    Args:
      path: The file to write; missing parent folders are made.

    Yields:
      The path to write to, with the same suffix. It is removed if the block fails.

    Raises:
      OSError: If the folder cannot be made or written to.
    """
    target = pathlib.Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem}.{os.getpid()}.partial{target.suffix}")
    try:
        yield temporary
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
