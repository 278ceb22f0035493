import numpy as np
import pytest

from tfmusicgan.client.controls import control_rows, music_rows, seed_rows, split_rows
from tfmusicgan.errors import ConfigError
from tfmusicgan.note_sequences.proto import NoteSequence

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
    rows = control_rows(INPUTS, {"qpm": np.inf, "chord": "C", "loop": [0, 1.0]}, 2)
    assert (rows["qpm"].tolist(), rows["loop"].tolist()) == ([np.inf, np.inf], [False, True])


def test_texts_are_read_as_the_inputs_type():
    rows = control_rows({"a": ("float", (-1,)), "b": ("int64", (-1,))}, {"a": "1.5", "b": "-3"}, 1)
    assert (rows["a"].tolist(), rows["b"].tolist()) == ([1.5], [-3])


def test_several_texts_a_row():
    inputs = {"seed": ("int64", (-1,)), "chords": ("string", (-1, -1))}
    for given in ("C | Am F", ["C", "Am", "F"], [["C", "Am", "F"]] * 2):
        rows = control_rows(inputs, {"chords": given}, 2)
        assert rows["chords"].tolist() == [["C", "Am", "F"]] * 2
    default = {"chords": np.array([["G", "D"]], object)}
    assert control_rows(inputs, {}, 2, default)["chords"].tolist() == [["G", "D"]] * 2
    with pytest.raises(ConfigError, match=r"in every row for control 'chords'. Received: .*'G'"):
        control_rows(inputs, {"chords": [["C", "Am"], ["G"]]}, 2)
    with pytest.raises(ConfigError, match=r"or 3 as there are seeds, .*Received: 2"):
        control_rows(inputs, {"chords": [["C"], ["G"]]}, 3)
    with pytest.raises(ConfigError, match=r"shape \[-1\] for control 'chords'"):
        control_rows(inputs, {"chords": [[["C"]]]}, 1)


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"tempo": 1}, "Unknown control 'tempo'. Known: chord, loop, qpm."),
        ({"qpm": 1, "loop": True}, "no default: qpm, chord, loop. Missing: chord."),
        ({"qpm": "fast", "chord": "C", "loop": True}, "float for control 'qpm'. Received: 'fast'"),
        ({"qpm": 1, "chord": "C", "loop": "maybe"}, "bool for control 'loop'. Received: 'maybe'"),
        ({"qpm": [1, 2], "chord": "C", "loop": True}, "or 3 as there are seeds.*Received: 2"),
        ({"qpm": 1e39, "chord": "C", "loop": True}, "float for control 'qpm'. Received: 1e.39"),
        ({"qpm": "-1e39", "chord": "C", "loop": True}, "'qpm'. Received: '-1e39'"),
        ({"qpm": 1j, "chord": "C", "loop": True}, "float for control 'qpm'. Received: 1j"),
        ({"qpm": 1, "chord": "C", "loop": 0.5}, "bool for control 'loop'. Received: 0.5"),
        ({"qpm": 1, "chord": "C", "loop": [0, 1, 2]}, "bool for control 'loop'. Received: .0, 1"),
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


def test_defaults_fill_in_what_is_not_given():
    defaults = {"qpm": np.array([80], np.float32), "chord": np.array([b"C\0"], object)}
    rows = control_rows(INPUTS, {"qpm": 90, "loop": False}, 2, defaults)
    assert {name: value.tolist() for name, value in rows.items()} == {
        "qpm": [90.0, 90.0],
        "chord": [b"C\0", b"C\0"],
        "loop": [False, False],
    }
    with pytest.raises(ConfigError, match=r"Missing: loop\."):
        control_rows(INPUTS, {"qpm": 90}, 2, defaults)


@pytest.mark.parametrize("value", [1.5, "1.5", 2**31, "2147483648", np.nan, [1, 2.5]])
def test_whole_numbers_stay_whole(value):
    with pytest.raises(ConfigError, match=r"int32 for control 'num_phrases'. Received: "):
        control_rows({"num_phrases": ("int32", (-1,))}, {"num_phrases": value}, 2)
    rows = control_rows({"num_phrases": ("int32", (-1,))}, {"num_phrases": 4.0}, 2)
    assert rows["num_phrases"].tolist() == [4, 4] and rows["num_phrases"].dtype == np.int32


def test_music():
    one, other = NoteSequence(id="one"), NoteSequence(id="other")
    assert music_rows(one, 2).tolist() == [one.SerializeToString()] * 2
    assert music_rows(b"ab\0", 3).tolist() == [b"ab\0"] * 3
    assert music_rows([other, b"ab"], 2).tolist() == [other.SerializeToString(), b"ab"]
    assert music_rows([], 0).tolist() == []
    with pytest.raises(ConfigError, match=r"NoteSequences, or their bytes. Received: str"):
        music_rows("tune.mid", 2)
    with pytest.raises(ConfigError, match=r"or 3 as there are seeds\. Received: 1"):
        music_rows([one], 3)


def test_requests_are_bounded_in_rows_and_in_bytes():
    # 8 bytes of seed and the music's own.
    music = np.array([b"x" * size for size in (12, 22, 92, 2, 2, 2, 2)], object)
    rows = {"seed": np.arange(7), "note_sequence": music}
    parts = [(part.start, part.stop) for part in split_rows(rows, max_rows=3, max_bytes=50)]
    assert parts == [(0, 2), (2, 3), (3, 6), (6, 7)]
    assert [len(range(7)[part]) for part in split_rows(rows, 100, 10**6)] == [7]
    assert list(split_rows({"seed": np.arange(0)}, 3, 50)) == []
