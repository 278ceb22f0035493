"""What a training in stages says of each: number, what learns, steps."""

import pytest

from tests.models.tiny import make_model
from tests.training import events

ROUNDS = {"likelihood_steps": 1_200, "discriminator_sets": 1, "rounds": 2, "generator_updates": 3}
ROUNDS |= {"sets_per_round": 1, "epochs_per_set": 1, "negatives": 4, "batch_size": 4}
LINES = {
    "seqgan_nottingham": (
        ROUNDS,
        [
            "Stage 1 of 6: likelihood, steps 1 to 1,200",
            "Stage 2 of 6: discriminator, steps 1,201 to 1,202",
            "Stage 3 of 6: policy, round 1 of 2, steps 1,203 to 1,205",
            "Stage 4 of 6: discriminator, round 1 of 2, steps 1,206 to 1,207",
            "Stage 5 of 6: policy, round 2 of 2, steps 1,208 to 1,210",
            "Stage 6 of 6: discriminator, round 2 of 2, steps 1,211 to 1,212",
        ],
    ),
    "seqgan_nottingham_mle": ({}, [""]),
    "seqgan_nottingham_pg_bleu": (
        {"likelihood_steps": 1, "rounds": 7, "generator_updates": 3},
        ["Stage 1 of 2: likelihood, step 1", "Stage 2 of 2: policy, steps 2 to 22"],
    ),
    "jazzgan": (
        {"likelihood_steps": 3, "training_steps": 5},
        ["Stage 1 of 2: likelihood, steps 1 to 3", "Stage 2 of 2: policy, steps 4 to 5"],
    ),
    "c_rnn_gan": (
        {"epoch_steps": 2, "training_steps": 9, "pretraining_epochs": 2},
        [
            "Stage 1 of 3: pretraining, 3 events, steps 1 to 2",
            "Stage 2 of 3: pretraining, 6 events, steps 3 to 4",
            "Stage 3 of 3: adversarial, 8 events, steps 5 to 9",
        ],
    ),
    "gansynth_if": (
        {},
        [
            "Stage 1 of 3: 1 block, step 1",
            "Stage 2 of 3: 2 blocks, the last fades in, steps 2 to 3",
            "Stage 3 of 3: 2 blocks, step 4",
        ],
    ),
    "binary_musegan": (
        {"refiner_training": "joint", "first_stage_steps": 3, "training_steps": 9},
        [
            "Stage 1 of 2: generator, steps 1 to 3",
            "Stage 2 of 2: generator and refiner, steps 4 to 9",
        ],
    ),
    "musegan_hybrid": ({}, [""]),
}


@pytest.mark.parametrize("recipe", LINES)
def test_lines_of_all_stages(recipe):
    changes, expected = LINES[recipe]
    model = make_model(recipe, **changes)
    found = []
    for step in range(model.model_config.training_steps):
        model.begin_stage(step)
        if not found or model.describe_stage() != found[-1]:
            found.append(model.describe_stage())
    assert found == expected


def test_tensorboard_numbers_the_stages(tiny_run):
    found = events.scalars(tiny_run("binary_musegan_chorales").logs, "train")
    assert found["training/stage"] == {2: 1, 3: 2, 4: 2}
    assert "training/stage" not in events.scalars(tiny_run("musegan_hybrid_chorales").logs, "train")
