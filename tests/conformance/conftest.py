"""What the laws of the generators ask for more than once."""

import dataclasses
import functools
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tests.conformance import stock_server
from tests.conformance.common import Asked
from tests.conformance.rows import ROWS


# Of a module, since a few dozen models with their graphs are gigabytes.
@pytest.fixture(scope="module")
def asked(tiny_run):
    """Recipe name to the signatures of its tiny run's model in this process."""
    return functools.cache(lambda name: Asked(tiny_run(name)))


def _recipes_of(session: pytest.Session, fixture: str) -> list[str]:
    """The recipes that the tests with this fixture are about."""
    items = [item for item in session.items if fixture in getattr(item, "fixturenames", ())]
    return sorted({item.callspec.params["name"] for item in items})


# Each export is loaded once: bulk sampling takes the one that was loaded last.
_RELOAD = """
import json, pathlib, sys, numpy as np, tensorflow as tf
from tfmusicgan import bulk_sampling
from tfmusicgan.serving.exported import load_export
tf.config.experimental.enable_op_determinism()
numbers = {"seed": 3, "num": 40, "batch_size": int(sys.argv[2]), "shard_size": 20}
for name, export, folder in json.loads(sys.argv[1]):
    for signature, function in load_export(export).signatures.items():
        with np.load(f"{folder}/{name}-{signature}.npz", allow_pickle=True) as arrays:
            inputs = {key: tf.constant(value) for key, value in arrays.items()}
        outputs = {key: value.numpy() for key, value in function(**inputs).items()}
        np.savez(f"{folder}/{name}-{signature}-out.npz", **outputs)
    plan = bulk_sampling.make_plan(pathlib.Path(export), "serving_default", (), **numbers)
    for count in (plan.batch_size, 5):
        samples = bulk_sampling.sample_rows(plan, export, range(count))
        texts = [s.sound.wav if hasattr(s, "sound") else s.SerializeToString() for s in samples]
        np.savez(f"{folder}/{name}-bulk-{count}.npz", samples=np.array(texts, object))
"""


@dataclasses.dataclass(frozen=True)
class _Reloaded:
    """What exports gave in a fresh process."""

    folder: pathlib.Path

    def answers(self, name, signature):
        """Outputs of one of a recipe's signatures."""
        with np.load(self.folder / f"{name}-{signature}-out.npz", allow_pickle=True) as arrays:
            return dict(arrays)

    def sampled(self, name, count):
        """So many samples of a bulk run with seed 3: serialised NoteSequences or WAV files."""
        with np.load(self.folder / f"{name}-bulk-{count}.npz", allow_pickle=True) as arrays:
            return arrays["samples"].tolist()


@pytest.fixture(scope="module")
def reloaded(request, asked, tiny_export, tmp_path_factory):
    """The exports in one fresh process for all of them."""
    folder = tmp_path_factory.mktemp("reloaded")
    jobs = []
    for name in _recipes_of(request.session, "reloaded"):
        for signature in asked(name).signatures:
            np.savez(folder / f"{name}-{signature}.npz", **asked(name).inputs(name, signature))
        jobs.append([name, str(tiny_export(name)), str(folder)])
    command = [sys.executable, "-c", _RELOAD, json.dumps(jobs), str(ROWS)]
    subprocess.run(command, check=True)
    return _Reloaded(folder)


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
