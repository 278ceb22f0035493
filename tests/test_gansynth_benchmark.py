"""The program that times GANSynth: what it counts without timing, and what it refuses."""

import importlib.util
import pathlib
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parent.parent / "scripts/benchmarks/gansynth.py"


@pytest.fixture(scope="module")
def main():
    spec = importlib.util.spec_from_file_location("gansynth_benchmark", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module.main


def test_without_repeats_nothing_is_timed(main, monkeypatch, capsys):
    flags = ["--what=steps", "--preset=tiny", "--stages=0", "--repeats=0"]
    monkeypatch.setattr(sys, "argv", ["gansynth.py", *flags])
    main()
    *_, row, _, last = capsys.readouterr().out.splitlines()
    assert row.startswith("| 0 | 8 x 16 | 4 | ") and row.endswith(" |  | |  | 1 |  |")
    assert last.endswith(" FLOP for these stages") and "hours" not in last


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--what=steps", "--preset=nope"], "no preset 'nope'. Known: paper, small, tiny"),
        (["--what=generation", "--repeats=0"], "Received: --rows=8 --repeats=0."),
        (["--rows=0"], "Received: --rows=0 --repeats=15."),
        (["--rows=some"], "'some'"),
    ],
)
def test_refusals_are_one_line(main, monkeypatch, capsys, flags, message):
    monkeypatch.setattr(sys, "argv", ["gansynth.py", *flags])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert ended.value.code == 1 and message in said and said.count("\n") == 1
