"""Exports whose requests to warm up on are left out: a test's own first request does that."""

import pathlib
import shutil

_WARMUP = shutil.ignore_patterns("tf_serving_warmup_requests")


def without_warmup(export: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Copies an export, `<model>/<version>`, into another model's folder, which it returns."""
    shutil.copytree(export, folder / export.name, ignore=_WARMUP)
    return folder
