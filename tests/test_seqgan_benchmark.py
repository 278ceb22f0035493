"""What the benchmark of SeqGAN's steps counts, of a model small enough to do it one by one."""

import dataclasses
import itertools

import numpy as np
import pytest

from tests.script_modules import load_script
from tfmusicgan.models.seqgan import SeqGAN
from tfmusicgan.recipes.policy_gradient import DISCRIMINATOR, LIKELIHOOD, POLICY
from tfmusicgan.recipes.seqgan import TINY, SeqGANConfig

LENGTH, WORDS = 5, 7


@pytest.fixture(scope="module")
def script():
    return load_script("benchmarks/seqgan.py")


@pytest.fixture(scope="module")
def model(script):
    config = dataclasses.replace(SeqGANConfig(**TINY), batch_size=6, negatives=6, roll_outs=3)
    made = SeqGAN(config, script.Vocabulary(WORDS, LENGTH), seed=0)
    made.compile()
    return made


def test_straightforward_values_are_ours(script, model):
    assert script.compare_values(model) < 1e-5


def _scoring(prefix=0):
    """Multiplications of a sequence's score, without windows within a prefix, in `TINY`."""
    windows = [
        window * 4 * filters  # of an embedding of 4
        for window, filters in ((1, 5), (3, 4))
        for start in range(LENGTH - window + 1)
        if start + window > prefix
    ]
    return sum(windows) + 2 * 9 * 9 + 9  # highway, score


def test_operations_one_by_one(script, model):
    rows, repeats, hidden, embedding = 6, 3, 6, 4
    cell, logits = hidden * 4 * hidden, hidden * WORDS
    read = sum(embedding * 4 * hidden + cell + logits for _ in range(rows * LENGTH))
    sampled = rows * LENGTH * (cell + logits)
    ours = plain = 0
    for prefix, _ in itertools.product(range(1, LENGTH), range(rows)):
        ours += logits  # of the first draw, which all completions share
        for _ in range(repeats):
            ours += (LENGTH - prefix - 1) * (cell + logits) + _scoring(prefix)
            # Reads from the first token on, and scores by itself.
            plain += LENGTH * cell + (LENGTH - prefix) * logits + _scoring()
    ours += rows * _scoring()
    plain += repeats * rows * _scoring()
    counted = {
        LIKELIHOOD: 3 * read,
        DISCRIMINATOR: 3 * rows * _scoring(),
        POLICY: sampled + ours + 3 * read,
        "straightforward": sampled + plain + 3 * read,
    }
    found = script.count_flops(model)
    assert found.keys() == counted.keys()
    for step, multiplications in counted.items():
        assert found[step] == 2 * multiplications, step


def test_steps_run_and_are_timed(script, model, monkeypatch, capsys):
    monkeypatch.setattr(script, "small_sizes", lambda: (model.model_config, model.representation))
    monkeypatch.setattr(script, "SIDE", 64)
    monkeypatch.setattr("sys.argv", ["seqgan.py", "--small", "--rounds=1"])
    script.main()
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if line.startswith("| ")][1:]
    assert [line.split(" | ")[0] for line in lines] == [
        f"| {step}" for step in (LIKELIHOOD, DISCRIMINATOR, POLICY, "straightforward")
    ]
    seconds = np.array([float(line.split(" | ")[3]) for line in lines])
    assert (seconds > 0).all()
    assert f"{6 * (5 + 3 * (4 + 3 + 2 + 1)):,} tokens drawn" in printed
