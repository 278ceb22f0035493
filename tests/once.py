"""What several test processes need is made by one of them."""

import fcntl
import os
import pathlib
from collections.abc import Callable

import pytest


def shared_folder(factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder that all processes of this call of pytest share."""
    own = factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


def made_once(folder: pathlib.Path, make: Callable[[pathlib.Path], object]) -> pathlib.Path:
    """Makes a folder, unless another process has, or waits until the one that does has done it.

    Args:
      folder: Where it goes; of what a process that failed left there, `make` has to make it anew.
      make: Fills the folder that it is given.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    finished = folder.with_name(f"{folder.name}.finished")
    with open(folder.with_name(f"{folder.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            make(folder)
            finished.touch()
    return folder
