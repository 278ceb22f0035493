"""A training command that is killed again and again ends with the bits of one that is not."""

import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

STEPS = 30
_COMMAND = """
import sys
from tfmusicgan.cli.train import main
for arguments in sys.argv[1].split(";"):
    try:
        main(arguments.split(","))
    except SystemExit as ended:
        assert not ended.code, ended.code
"""


def _arguments(records, output):
    return ",".join(
        [
            "--recipe=musegan_hybrid_chorales",
            "--preset=tiny",
            f"--records={records}",
            f"--output={output}",
            f"--set=training_steps={STEPS}",
            "--steps_per_epoch=7",
            "--checkpoint_every=3",
            "--collapse_patience=0",
            "--seed=5",
        ]
    )


def _checkpoints(output):
    return sorted(path.name for path in output.glob("checkpoints/step-*"))


def _kill(records, output, after, delay):
    """Trains until a new checkpoint is there, and kills a moment later."""
    process = subprocess.Popen(
        [sys.executable, "-c", _COMMAND, _arguments(records, output)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 300
        while _checkpoints(output)[-1:] == after and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(delay)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.mark.slow
def test_killed_twice_equals_uninterrupted(tiny_records, tmp_path):
    records = tiny_records["musegan_hybrid_chorales"]
    killed, straight = tmp_path / "killed", tmp_path / "straight"
    seen = []
    for _ in range(2):
        after = _checkpoints(killed)[-1:]
        _kill(records, killed, after, random.uniform(0.0, 0.3))
        seen.append(_checkpoints(killed)[-1])
    assert seen[0] < seen[1]
    jobs = f"{_arguments(records, killed)};{_arguments(records, straight)}"
    subprocess.run([sys.executable, "-c", _COMMAND, jobs], check=True, capture_output=True)
    last = f"step-{STEPS:09d}"
    assert _checkpoints(killed)[-1] == _checkpoints(straight)[-1] == last
    one, two = (
        tf.train.load_checkpoint(str(run / "checkpoints" / last / "variables"))
        for run in (killed, straight)
    )
    names = [n for n in one.get_variable_to_shape_map() if not n.startswith("_")]
    assert len(names) > 150
    for name in names:
        np.testing.assert_array_equal(one.get_tensor(name), two.get_tensor(name), err_msg=name)
