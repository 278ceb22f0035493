"""The table of a loss by steps."""

import numpy as np
import pytest

from tests.script_modules import load_script


@pytest.fixture(scope="module")
def script():
    return load_script("reproduce/loss_table.py")


def test_the_first_value_from_a_step_on(script):
    steps = np.array([100, 200, 300, 320])
    curves = {
        "long-0": (steps, np.array([4.0, 3.0, 2.0, 1.25])),
        "short-1": (steps[:2], np.array([5.0, 1.5])),
    }
    assert script.table(curves, [100, 250, 1000]) == [
        "| | 100 | 250 | 1,000 | at the end |",
        "|---|---:|---:|---:|---:|",
        "| long-0 | 4.00 | 2.00 |  | 1.25 (step 320) |",
        "| short-1 | 5.00 |  |  | 1.50 (step 200) |",
    ]
