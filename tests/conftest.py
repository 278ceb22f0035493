"""Fixtures shared by all tests."""

import contextlib
import functools
import hashlib
import json
import os
import pathlib
import signal
import sys
from collections.abc import Callable

import pytest

# Before any test module imports them: what fails in them is shown like what fails in a test.
_FAMILIES = ("piano_rolls", "tokens", "notes", "melody_bars", "note_events", "jazz_phrases")
for _name in (*_FAMILIES, "sequences", "stock_server"):
    pytest.register_assert_rewrite(f"tests.conformance.{_name}")

from tests.graph_memory import graphs_forgotten  # noqa: E402

# In a shell's background job Ctrl-C is ignored, in the commands that tests start and interrupt too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Before any test imports TensorFlow: quiet, and no more threads than a test machine has.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SHOWN = "musegan_hybrid_chorales"  # the tiny run that draws pictures for TensorBoard


# Modules of several minutes: with several processes, none of them should be the last to begin.
LONGEST = (
    "conformance/test_serving_laws",
    "test_readme",
    "conformance/test_device_laws",
    "training/test_multi_worker",
    "conformance/test_training_laws",
    "conformance/test_oracle_laws",
    "conformance/test_precision_laws",
    "models/test_accompaniment_listens",
    "training/test_killed",
    "test_soak",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts slow modules first, the longest before others, the order otherwise as it was."""
    slow = {item.module for item in items if item.get_closest_marker("slow")}

    def place(item: pytest.Item) -> tuple[int, bool]:
        names = [name.replace("/", ".") for name in LONGEST]
        ends = [item.module.__name__.endswith(f".{name}") for name in names]
        return (ends.index(True) if any(ends) else len(names), item.module not in slow)

    items.sort(key=place)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Once, before anything runs: four logical CPU devices, and the same bits in every run."""
    if "tensorflow" not in sys.modules:  # no test of this call needs it
        return
    import tensorflow as tf

    from tfmusicgan.training import strategy

    cpus = tf.config.list_physical_devices("CPU")
    devices = [tf.config.LogicalDeviceConfiguration()] * 4
    tf.config.set_logical_device_configuration(cpus[0], devices)
    strategy.prepare_devices()


@pytest.fixture(scope="module", autouse=True)
def graphs_of_the_module():
    """No module's graphs outlive it."""
    with graphs_forgotten():
        yield


@pytest.fixture(scope="session")
def test_data() -> pathlib.Path:
    """The folder of real datasets; tests that need it are skipped where it is not set."""
    folder = os.environ.get("TFMUSICGAN_TEST_DATA")
    if not folder:
        pytest.skip("TFMUSICGAN_TEST_DATA is not set")
    return pathlib.Path(folder)


class _TinyRecords(dict):
    """Recipe name to a folder, which is made when it is first asked for.

    Args:
      make: Representation's name and parameters as JSON to a record set's folder; recipes with the
        same ones share it.
    """

    def __init__(self, make: Callable[[str, str], pathlib.Path]):
        super().__init__()
        self._make = functools.cache(make)

    def __missing__(self, name: str) -> pathlib.Path:
        from tfmusicgan import recipes

        recipe = recipes.get(name)
        parameters = recipe.preset("tiny").representation
        self[name] = self._make(recipe.representation, json.dumps(parameters, sort_keys=True))
        return self[name]


@pytest.fixture(scope="session")
def tiny_records(tmp_path_factory) -> dict[str, pathlib.Path]:
    """A recipe's name to a record set in its `tiny` preset, of made-up music, notes or tokens."""
    from tests import made_up
    from tests.made_up_audio import write_audio_records
    from tests.once import made_once, shared_folder
    from tests.oracle_records import write_oracle_records
    from tfmusicgan import datasets, representations
    from tfmusicgan.note_sequences.tfrecord import RecordWriter
    from tfmusicgan.records.convert import convert
    from tfmusicgan.records.options import ConvertOptions

    root = shared_folder(tmp_path_factory)

    def write(folder: pathlib.Path, name: str, parameters: dict) -> None:
        representation = representations.get(name).from_parameters(parameters)
        if name == "token_sequence":
            write_oracle_records(folder, representation, num_training=40, num_test=20)
        elif name == "note_audio":
            write_audio_records(folder, representation)
        else:
            source = folder.with_name(f"{folder.name}.tfrecord")
            with RecordWriter(source) as writer:
                for number in range(20):
                    writer.write(made_up.maker(parameters, name)(number))
            convert(datasets.get("midi"), ConvertOptions(representation), folder, [str(source)])

    def make(name: str, text: str) -> pathlib.Path:
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        folder = root / "records" / digest / name
        return made_once(folder, lambda folder: write(folder, name, json.loads(text)))

    return _TinyRecords(make)


@pytest.fixture(scope="session")
def tiny_run(tiny_records, tmp_path_factory) -> Callable:
    """Recipe name to a finished run of its `tiny` preset, trained when it is first asked for.

    Four steps in epochs of three, with checkpoints at steps 2 and 4; dropout and augmentation, as
    the laws set them, are on; `SHOWN` with pictures, too. Rows of `TRACED` train in graphs. Tests
    only read it: they copy the folder before they change anything.
    """
    from tests.conformance.common import TRACED, train_tiny
    from tests.eagerly import eagerly
    from tests.once import made_once, shared_folder
    from tfmusicgan.training.run import Run

    root = shared_folder(tmp_path_factory)

    def train(name: str, folder: pathlib.Path) -> None:
        how = contextlib.nullcontext() if name in TRACED else eagerly()
        with graphs_forgotten(), how:
            train_tiny(name, tiny_records, folder, show_every=2 if name == SHOWN else 0)

    @functools.cache
    def run(name: str) -> Run:
        return Run.open(made_once(root / "runs" / name, lambda folder: train(name, folder)))

    return run


@pytest.fixture(scope="session")
def tiny_export(tiny_run, tmp_path_factory) -> Callable:
    """Recipe name to the version folder of its tiny run's export; all share one model root."""
    from tests.once import made_once, shared_folder
    from tfmusicgan.serving.export import export_run
    from tfmusicgan.serving.exported import find_export

    root = shared_folder(tmp_path_factory) / "exports"

    @functools.cache
    def export(name: str) -> pathlib.Path:
        # What says that it is finished lies outside of the model root.
        made_once(root.with_name("exported") / name, lambda _: export_run(tiny_run(name), root))
        return find_export(root / name)

    return export
