"""What the laws of the generators ask for more than once."""

import functools
import json
import subprocess
import sys

import numpy as np
import pytest

for _name in ("piano_rolls", "tokens", "notes", "sequences"):
    pytest.register_assert_rewrite(f"tests.conformance.{_name}")

from tests.conformance.common import Asked  # noqa: E402


@pytest.fixture(scope="session")
def asked(tiny_run):
    """Recipe name to the signatures of its tiny run's model in this process."""
    return functools.cache(lambda name: Asked(tiny_run(name)))


def _is_law(item: pytest.Item) -> bool:
    return "reloaded" in getattr(item, "fixturenames", ())


_RELOAD = """
import json, sys, numpy as np, tensorflow as tf
tf.config.experimental.enable_op_determinism()
for name, export, folder in json.loads(sys.argv[1]):
    for signature, function in tf.saved_model.load(export).signatures.items():
        with np.load(f"{folder}/{name}-{signature}.npz", allow_pickle=True) as arrays:
            inputs = {key: tf.constant(value) for key, value in arrays.items()}
        outputs = {key: value.numpy() for key, value in function(**inputs).items()}
        np.savez(f"{folder}/{name}-{signature}-out.npz", **outputs)
"""


@pytest.fixture(scope="session")
def reloaded(request, asked, tiny_export, tmp_path_factory):
    """(recipe, signature) to the answers of its export, in one fresh process for all of them."""
    folder = tmp_path_factory.mktemp("reloaded")
    jobs = []
    tested = {item.callspec.params["name"] for item in request.session.items if _is_law(item)}
    for name in sorted(tested):
        for signature in asked(name).signatures:
            np.savez(folder / f"{name}-{signature}.npz", **asked(name).inputs(name, signature))
        jobs.append([name, str(tiny_export(name)), str(folder)])
    subprocess.run([sys.executable, "-c", _RELOAD, json.dumps(jobs)], check=True)

    def load(name, signature):
        with np.load(folder / f"{name}-{signature}-out.npz", allow_pickle=True) as arrays:
            return dict(arrays)

    return load
