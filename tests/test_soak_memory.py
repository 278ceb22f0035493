"""What the soak of malformed requests takes for growth of memory."""

import importlib.util
import pathlib
import sys

import pytest

FOLDER = pathlib.Path(__file__).parent.parent / "scripts/soak"


@pytest.fixture(scope="module")
def script():
    sys.path.insert(0, str(FOLDER))
    try:
        spec = importlib.util.spec_from_file_location("serving_fuzz", FOLDER / "serving_fuzz.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules["serving_fuzz"] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(FOLDER))
        sys.modules.pop("serving_fuzz", None)
    return module


@pytest.mark.parametrize(
    ("memory", "expected"),
    [
        ([500.0], (500.0, 500.0)),
        ([700.0, 500.0, *[900.0] * 17, 650.0, 610.0], (500.0, 610.0)),  # tenths of two
        ([500.0] * 10 + [520.0] * 9 + [900.0], (500.0, 520.0)),  # a giant on its way out
    ],
)
def test_the_least_of_the_first_and_last_tenth_is_compared(script, memory, expected):
    usages = [script.served.Usage(value, threads=20, files=9) for value in memory]
    assert script.Result(usages=usages).memory() == expected
