"""The script that tells of SeqGAN's synthetic experiment: rounds and curve."""

import os
import pathlib
import subprocess

import pytest
import tensorflow as tf

from tests.script_modules import load_script
from tfmusicgan import recipes, representations
from tfmusicgan.errors import ConfigError
from tfmusicgan.training.run import Run


@pytest.fixture(scope="module")
def script():
    return load_script("reproduce/oracle_curves.py")


def _curve(logs, values):
    writer = tf.summary.create_file_writer(str(logs / "samples"))
    with writer.as_default():
        for step, value in values.items():
            tf.summary.scalar("music/oracle_nll/token", value, step=step)
    writer.close()


def test_rounds_by_step(script, tmp_path):
    recipe = recipes.get("seqgan_oracle")
    # One step of likelihood, one set of one step, then rounds of an update and a set of one step.
    entry = {"name": "token_sequence", "version": 1, "parameters": {}}
    assert representations.from_manifest(entry)
    run = Run.plan(tmp_path / "run", recipe, "tiny", ["rounds=9"], {}, entry, 0)
    # Round 0 is steps 3 and 4, round 5 steps 13 and 14; 2 is before the first.
    _curve(tmp_path / "run/logs", {1: 11.0, 2: 10.0, 3: 9.0, 4: 9.5, 5: 7.0, 13: 6.0, 14: 6.5})
    lines = script.rounds(tmp_path / "run", run)
    assert lines[2:] == ["| 0 | 9.250 |", "| 5 | 6.250 |"]


def test_the_released_log_by_our_steps(script, tmp_path):
    log = tmp_path / "log.tsv"
    log.write_text("phase\tepoch\tnll\npre_training\t5\t9.4\nadversarial_training\t2\t9.1\n")
    # The sixth epoch has 156 steps like the others; before the rounds come 120 epochs and 50 sets.
    assert script.read_log(log) == ([936, 120 * 156 + 50 * 936 + 2 * 4681], [9.4, 9.1])


def test_the_log_lies_over_runs_of_its_own_phases_alone(script, tmp_path, monkeypatch, capsys):
    log = tmp_path / "log.tsv"
    log.write_text("phase\tepoch\tnll\npre_training\t5\t9.4\n")
    entry = {"name": "token_sequence", "version": 1, "parameters": {}}
    run = Run.plan(
        tmp_path / "seqgan_oracle-0", recipes.get("seqgan_oracle"), "small", [], {}, entry, 0
    )
    run.begin()
    arguments = [str(tmp_path), f"--output={tmp_path / 'curve.png'}", f"--log={log}"]
    monkeypatch.setattr("sys.argv", ["oracle_curves.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        script.main()
    assert ended.value.code == 1
    assert "preset paper below the released log. Received: small in" in capsys.readouterr().err


def test_folders_name_what_makes_another_run():
    path = pathlib.Path(__file__).parents[1] / "scripts/reproduce/seqgan_oracle.sh"
    text = path.read_text(encoding="utf-8")
    function = text[text.index("run_name() {") :].partition("\n}\n")[0] + "\n}\n"
    settings = "--set=rounds=25 --steps_per_epoch=20 --set=likelihood_steps=9 --set=roll_outs=2"
    for recipe, expected in (
        ("seqgan_oracle", "seqgan_oracle+likelihood_steps=9+roll_outs=2-1"),
        ("seqgan_oracle_mle", "seqgan_oracle_mle+roll_outs=2-1"),
    ):
        command = ["bash", "-c", f'{function}SETTINGS="{settings}"; run_name {recipe} 1']
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "No such file or directory"),
        ("", "no line below the first"),
        ("phase,epoch,nll\npre_training,5,9.4\n", "epoch"),
        ("phase\tepoch\tnll\npre_training\tfive\t9.4\n", "'five'"),
        ("phase\tepoch\tnll\npre_training\t5\n", "NoneType"),
        (b"\x89PNG", "codec"),
    ],
)
def test_what_is_no_log_is_one_line(script, tmp_path, monkeypatch, capsys, text, why):
    log = tmp_path / "log.tsv"
    if text is not None:
        log.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError, match=rf"Expected the released log.*Received: {log} \(.*{why}"):
        script.read_log(log)
    arguments = [str(tmp_path), f"--output={tmp_path / 'curve.png'}", f"--log={log}"]
    monkeypatch.setattr("sys.argv", ["oracle_curves.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        script.main()
    printed = capsys.readouterr()
    assert ended.value.code == 1 and printed.out == ""
    assert printed.err.startswith("oracle_curves.py: Expected the released log")
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"), [("LOG", "gone.tsv"), ("ORACLE", "gone.npz"), ("PRESET", "huge")]
)
def test_wrong_settings_end_the_reproduction_before_it_begins(tmp_path, name, value):
    root = pathlib.Path(__file__).parent.parent
    # Without a Python to install with it could not go on, whatever it makes of its settings.
    beside = {"OUT": str(tmp_path / "out"), "VENV": str(tmp_path / "venv"), "PYTHON": "false"}
    ended = subprocess.run(
        ["bash", str(root / "scripts/reproduce/seqgan_oracle.sh")],
        env={**os.environ, **beside, name: value},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1 and ended.stdout == ""
    assert ended.stderr.startswith(f"seqgan_oracle.sh: Expected {name}=")
    assert value in ended.stderr and ended.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_picture(script, tmp_path):
    for name in ("seqgan_oracle-0", "seqgan_oracle-1", "seqgan_oracle_mle-0"):
        _curve(tmp_path / name / "logs", {780: 9.4, 1560: 9.2})
        (tmp_path / name / "run.json").write_text("{}")
    figure = script.draw(tmp_path)
    one, other, alone = (line.get_color() for line in figure.axes[0].lines)
    assert one == other != alone
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named == ["seqgan_oracle", "seqgan_oracle_mle"]
    figure.savefig(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes()[:4] == b"\x89PNG"
