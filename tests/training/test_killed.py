"""A training command that is killed, and interrupted, ends with the bits of one that is not."""

import random
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

STEPS = 90  # more than a fast machine makes before the second signal
_COMMAND = """
import sys
from tfmusicgan.cli.train import main
for arguments in sys.argv[1].split(";"):
    try:
        main(arguments.split(","))
    except SystemExit as ended:
        if ended.code:
            raise
"""


def _arguments(records, output):
    return ",".join(
        [
            "--recipe=musegan_hybrid_chorales",
            "--preset=tiny",
            f"--records={records}",
            f"--output={output}",
            f"--set=training_steps={STEPS}",
            "--steps_per_epoch=17",
            "--checkpoint_every=5",
            "--collapse_patience=0",
            "--seed=5",
        ]
    )


def _checkpoints(output):
    return sorted(path.name for path in output.glob("checkpoints/step-*"))


def _stop(records, output, number, delay):
    """Trains until a new checkpoint is there, and sends a signal a moment later.

    Returns:
      The exit status and what the command said.
    """
    after = _checkpoints(output)[-1:]
    process = subprocess.Popen(
        [sys.executable, "-c", _COMMAND, _arguments(records, output)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 300
        while _checkpoints(output)[-1:] == after and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(delay)
        process.send_signal(number)
        said = process.communicate(timeout=300)[1]
    finally:
        process.kill()
    return process.returncode, said


@pytest.mark.slow
def test_killed_and_interrupted_equals_uninterrupted(tiny_records, tmp_path):
    records = tiny_records["musegan_hybrid_chorales"]
    killed, straight = tmp_path / "killed", tmp_path / "straight"
    status, _ = _stop(records, killed, signal.SIGKILL, random.uniform(0.0, 0.3))
    seen = _checkpoints(killed)[-1]
    assert status == -signal.SIGKILL
    status, said = _stop(records, killed, signal.SIGINT, 0.0)
    step = int(re.search(r"^tfmusicgan-train: Interrupted after step (\d+)\. ", said, re.M)[1])
    assert status == 130 and seen < _checkpoints(killed)[-1] == f"step-{step:09d}"
    assert f"step-{step:09d}. Run the same command again to go on." in said
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
