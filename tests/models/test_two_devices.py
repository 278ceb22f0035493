"""One training step on two devices against one on the same rows, for what has its own updates."""

import numpy as np
import pytest

from tests.devices import mirrored
from tests.models.tiny import make_batch, make_model, values

ROWS = 4
# With next to no learning rate the weights stand still, so that rounding is not amplified: the
# optimizers' moments are then the gradients' own, and the moving statistics those of the batch.
STILL = {"learning_rate": 1e-12, "critic_updates": 1}
REFINER = {"refiner_filters": 2, "refiner_units": 1}
CASES = {
    "clipped private critics beside a given track": (
        "musegan_jamming_chorales_accompaniment",
        {"critic_constraint": "weight_clipping", "optimizer": "rmsprop", "clip_value": 0.2},
        0,
    ),
    "stochastic neurons": (
        "musegan_composer_chorales",
        {"refiner": "stochastic", "refiner_training": "end_to_end", **REFINER},
        0,
    ),
    "a refiner of a frozen generator": (
        "binary_musegan_chorales",
        {"batch_norm_decay": 0.0, **REFINER},
        2,
    ),
}


def _make(recipe, changes, step):
    model = make_model(recipe, **STILL, **changes)
    if model.given_bank is not None:
        model.prepare({"piano_roll": make_batch(model)["piano_roll"].numpy()})
    model.compile()
    if step:
        # As if trained: a frozen generator plays by its moving statistics, next to nothing by the
        # first ones.
        (latents,) = model._training_latents(ROWS, 1)
        model.fake_examples(latents, None, None, update_statistics=True)
    model.step.assign(step)
    model.begin_stage(step)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_two_devices_step_like_one(case):
    strategy = mirrored()
    one = _make(*CASES[case])
    with strategy.scope():
        two = _make(*CASES[case])
        for a, b in zip(one.weights, two.weights, strict=True):
            b.assign(a.numpy())
    start = values(one.weights)
    rolls = make_batch(one, ROWS)["piano_roll"]
    one.train_step({"piano_roll": rolls})
    share = ROWS // 2

    def rows(context):
        first = context.replica_id_in_sync_group * share
        return {"piano_roll": rolls[first : first + share]}

    batch = strategy.experimental_distribute_values_from_function(rows)
    strategy.run(two.train_step, args=(batch,))
    moments = 0
    for name in ("critic_optimizer", "generator_optimizer"):
        pairs = zip(one.optimizers()[name].variables, two.optimizers()[name].variables, strict=True)
        for a, b in pairs:
            size = np.abs(a.numpy()).max()
            np.testing.assert_allclose(
                a.numpy(), b.numpy(), atol=1e-6 + 1e-2 * size, err_msg=a.path
            )
            moments += bool(size > 1e-5)
    assert moments >= 10
    for a, b in zip(one.weights, two.weights, strict=True):
        # Every device has its own copy: all of them, not the first alone.
        for copy in strategy.experimental_local_results(b.value):
            np.testing.assert_allclose(a.numpy(), copy.numpy(), atol=1e-5, err_msg=a.path)
    changed = {
        path.rsplit("/", 1)[-1]
        for path, value in values(one.weights).items()
        if not np.allclose(value, start[path], atol=1e-6)
    }
    assert "moving_variance" in changed
    assert ("kernel" in changed) is (one.model_config.critic_constraint == "weight_clipping")
