"""The script that tells of SeqGAN's synthetic experiment: rounds and curve."""

import pytest
import tensorflow as tf

from tests.script_modules import load_script
from tfmusicgan import recipes, representations
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
    assert script._released(log) == ([936, 120 * 156 + 50 * 936 + 2 * 4681], [9.4, 9.1])


def test_the_picture(script, tmp_path):
    for name in ("seqgan_oracle-0", "seqgan_oracle-1", "seqgan_oracle_mle-0"):
        _curve(tmp_path / name / "logs", {780: 9.4, 1560: 9.2})
        (tmp_path / name / "run.json").write_text("{}")
    figure = script.draw(tmp_path, None)
    one, other, alone = (line.get_color() for line in figure.axes[0].lines)
    assert one == other != alone
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named == ["seqgan_oracle", "seqgan_oracle_mle"]
    figure.savefig(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes()[:4] == b"\x89PNG"
