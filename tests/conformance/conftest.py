"""What the laws of the generators ask for more than once."""

import functools
import json
import subprocess
import sys

import numpy as np
import pytest

_MODULES = ("piano_rolls", "tokens", "notes", "melody_bars", "note_events", "jazz_phrases")
for _name in (*_MODULES, "sequences", "stock_server"):
    pytest.register_assert_rewrite(f"tests.conformance.{_name}")

from tests.conformance import stock_server  # noqa: E402
from tests.conformance.common import Asked  # noqa: E402


# Of a module, since a few dozen models with their graphs are gigabytes.
@pytest.fixture(scope="module")
def asked(tiny_run):
    """Recipe name to the signatures of its tiny run's model in this process."""
    return functools.cache(lambda name: Asked(tiny_run(name)))


def _recipes_of(session: pytest.Session, fixture: str) -> list[str]:
    """The recipes that the tests with this fixture are about."""
    items = [item for item in session.items if fixture in getattr(item, "fixturenames", ())]
    return sorted({item.callspec.params["name"] for item in items})


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


@pytest.fixture(scope="module")
def reloaded(request, asked, tiny_export, tmp_path_factory):
    """(recipe, signature) to the answers of its export, in one fresh process for all of them."""
    folder = tmp_path_factory.mktemp("reloaded")
    jobs = []
    for name in _recipes_of(request.session, "reloaded"):
        for signature in asked(name).signatures:
            np.savez(folder / f"{name}-{signature}.npz", **asked(name).inputs(name, signature))
        jobs.append([name, str(tiny_export(name)), str(folder)])
    subprocess.run([sys.executable, "-c", _RELOAD, json.dumps(jobs)], check=True)

    def load(name, signature):
        with np.load(folder / f"{name}-{signature}-out.npz", allow_pickle=True) as arrays:
            return dict(arrays)

    return load


@pytest.fixture(scope="module")
def in_c(request, asked, tiny_export):
    """What `stock_server.run` says of the exports: kernels, modules, answers by recipe."""
    exports = {name: tiny_export(name) for name in _recipes_of(request.session, "in_c")}
    jobs = {
        path: {signature: asked(n).inputs(n, signature) for signature in asked(n).signatures}
        for n, path in exports.items()
    }
    kernels, modules, answers = stock_server.run(jobs)
    return kernels, modules, {name: answers[path] for name, path in exports.items()}
