"""What commands left on the disk: quick snapshots, and comparisons to the bit."""

import fnmatch
import hashlib
import pathlib
from collections.abc import Mapping


def snapshot(folder: pathlib.Path) -> dict[str, tuple[int, int]]:
    """Path below the folder -> (time of the last change in ns, size in bytes), hidden ones too."""
    states = {}
    for path in folder.rglob("*"):
        state = path.lstat()
        states[path.relative_to(folder).as_posix()] = (state.st_mtime_ns, state.st_size)
    return states


def contents(folder: pathlib.Path, ignored: str = "") -> dict[str, str]:
    """Path below the folder -> SHA-256 of the file, or "folder"; hidden ones too.

    Args:
      folder: Where to look.
      ignored: Pattern of paths that are left out; its stars stand for slashes, too.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not fnmatch.fnmatch(name, ignored):
            is_folder = path.is_dir()
            found[name] = "folder" if is_folder else hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def differences(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """What is missing, left behind or different, a line each.

    Args:
      expected: `contents` of an uninterrupted run.
      found: `contents` of another.
    """
    return [
        *(f"{name} is missing" for name in sorted(expected.keys() - found.keys())),
        *(f"{name} was left behind" for name in sorted(found.keys() - expected.keys())),
        *(
            f"{name} differs"
            for name in sorted(expected.keys() & found.keys())
            if expected[name] != found[name]
        ),
    ]
