"""What the soak of malformed requests takes for growth of memory."""

import pytest

from tests.script_modules import load_script


@pytest.fixture(scope="module")
def script():
    return load_script("soak/serving_fuzz.py")


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
