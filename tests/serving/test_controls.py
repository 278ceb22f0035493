import numpy as np
import pytest

from tfmusicgan.errors import ConfigError
from tfmusicgan.serving.controls import control_rows, seed_rows

INPUTS = {
    "seed": ("int64", (-1,)),
    "qpm": ("float", (-1,)),
    "chord": ("string", (-1,)),
    "loop": ("bool", (-1,)),
}


def test_one_value_for_all_or_one_per_seed():
    rows = control_rows(INPUTS, {"qpm": 90, "chord": ["C", b"G\0"], "loop": "True"}, 2)
    assert rows["qpm"].dtype == np.float32
    assert rows["qpm"].tolist() == [90.0, 90.0]
    assert rows["chord"].tolist() == ["C", b"G\0"]
    assert rows["loop"].dtype == bool
    assert rows["loop"].tolist() == [True, True]


def test_texts_are_read_as_the_inputs_type():
    rows = control_rows({"a": ("float", (-1,)), "b": ("int64", (-1,))}, {"a": "1.5", "b": "-3"}, 1)
    assert (rows["a"].tolist(), rows["b"].tolist()) == ([1.5], [-3])


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"tempo": 1}, "Unknown control 'tempo'. Known: chord, loop, qpm."),
        ({"qpm": 1, "loop": True}, "qpm, chord, loop. Missing: chord."),
        ({"qpm": "fast", "chord": "C", "loop": True}, "float for control 'qpm'. Received: 'fast'"),
        ({"qpm": 1, "chord": "C", "loop": "maybe"}, "bool for control 'loop'. Received: 'maybe'"),
        ({"qpm": [1, 2], "chord": "C", "loop": True}, "or 3 as there are seeds.*Received: 2"),
    ],
)
def test_bad_controls(controls, message):
    with pytest.raises(ConfigError, match=message):
        control_rows(INPUTS, controls, 3)


def test_seeds():
    assert seed_rows(range(3)).tolist() == [0, 1, 2]
    assert seed_rows([]).dtype == np.int64
    assert seed_rows([2**63 - 1, -5]).tolist() == [2**63 - 1, -5]
    for bad in ([1.5], [2**63], ["a"], [2**70]):
        with pytest.raises(ConfigError, match="whole numbers below"):
            seed_rows(bad)
