"""The phases of a policy-gradient GAN: order, samples, updates, several devices, resuming."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.devices import mirrored
from tfmusicgan.errors import ConfigError
from tfmusicgan.models import roll_outs
from tfmusicgan.models.seqgan import SeqGAN
from tfmusicgan.recipes.policy_gradient import DISCRIMINATOR, LIKELIHOOD, POLICY
from tfmusicgan.recipes.seqgan import SeqGANConfig
from tfmusicgan.representations.melody_tokens import MelodyTokens

ROWS, LENGTH, KEYS = 4, 6, 9
SIZES = {
    "batch_size": ROWS,
    "likelihood_steps": 3,
    "discriminator_sets": 2,
    "rounds": 2,
    "generator_updates": 1,
    "sets_per_round": 1,
    "epochs_per_set": 2,
    "negatives": 6,
    "roll_outs": 3,
    "embedding_size": 3,
    "hidden_size": 5,
    "initial_stddev": 1.0,
    "discriminator_embedding_size": 4,
    "windows": (1, 3),
    "filters": (5, 4),
}
# 3 of likelihood, two sets of two epochs of three batches, then rounds of one update and one set.
PLAN = [LIKELIHOOD] * 3 + [DISCRIMINATOR] * 12 + 2 * ([POLICY] + [DISCRIMINATOR] * 6)


def _make(seed=3, **changes):
    representation = MelodyTokens(length=LENGTH, lowest_pitch=60, num_pitches=KEYS)
    model = SeqGAN(SeqGANConfig(**{**SIZES, **changes}), representation, seed)
    model.compile()
    return model


def _real(step):
    """A global batch of training data, a function of the step."""
    rng = np.random.default_rng(step)
    return rng.integers(0, KEYS + 1, (ROWS, LENGTH)).astype(np.int32)


def _train(model, last):
    first = int(model.step.numpy())
    for step in range(first, last):
        model.begin_stage(step)
        if step == first or step in model.stage_starts:
            model.start_stage(step)
        model.train_step({"tokens": tf.constant(_real(step)[: model.rows_per_step])})
    return model


def _values(variables):
    return [variable.numpy().copy() for variable in variables]


def _state(model):
    optimizers = [v for each in model.optimizers().values() for v in each.variables]
    return _values([*model.weights, *optimizers])


def _moved(before, network):
    return [bool((old != new.numpy()).any()) for old, new in zip(before, network, strict=True)]


def test_rounds_without_sets_are_one_phase():
    config = SeqGANConfig(**{**SIZES, "sets_per_round": 0, "rounds": 3, "generator_updates": 2})
    sets = [(DISCRIMINATOR, 6)] * 2
    assert list(config.phases()) == [(LIKELIHOOD, 3), *sets, (POLICY, 6)]


def test_phases_train_their_network_alone_in_the_configs_order():
    model = _make()
    assert model.model_config.training_steps == len(PLAN)
    assert model.stage_starts == (3, 9, 15, 16, 22, 23)
    for step, phase in enumerate(PLAN):
        generator = _values(model.generator.weights)
        discriminator = _values(model.discriminator.weights)
        _train(model, step + 1)
        assert model.phase == phase
        learns = phase != DISCRIMINATOR
        assert any(_moved(generator, model.generator.weights)) == learns
        assert any(_moved(discriminator, model.discriminator.weights)) != learns
    untrained = _make()
    for name, network in model.networks().items():
        pairs = zip(untrained.networks()[name].weights, network.weights, strict=True)
        assert all((old.numpy() != new.numpy()).any() for old, new in pairs), name
    assert int(model.step.numpy()) == len(PLAN)


def test_every_set_is_of_fresh_samples_each_seen_once_an_epoch(monkeypatch):
    model, seen, sets = _make(), {}, {}
    next_negatives = model._next_negatives

    def remember(rows):
        tokens = next_negatives(rows)
        step = int(model.step.numpy())
        seen[step] = tokens.numpy()
        sets[int(model.negatives_step.numpy())] = model.negatives.numpy()
        return tokens

    monkeypatch.setattr(model, "_next_negatives", remember)
    _train(model, len(PLAN))
    assert list(sets) == [3, 9, 16, 23]
    assert len({tokens.tobytes() for tokens in sets.values()}) == 4
    orders = set()
    for begin, tokens in sets.items():
        for epoch in range(2):
            rows = np.concatenate([seen[begin + 3 * epoch + batch] for batch in range(3)])
            assert sorted(rows.tolist()) == sorted(tokens.tolist())
            orders.add(rows.tobytes())
    assert len(orders) == 8  # every epoch has an order of its own


@pytest.mark.parametrize("stop", [2, 3, 5, 9, 15, 16, 18])
def test_going_on_at_any_step_changes_nothing(stop):
    straight = _state(_train(_make(), 20))
    first = _train(_make(), stop)
    second = _make(seed=3)
    for (name, old), new in zip(
        first.optimizers().items(), second.optimizers().values(), strict=True
    ):
        for one, other in zip(old.variables, new.variables, strict=True):
            other.assign(one.numpy())
        assert name
    for one, other in zip(first.weights, second.weights, strict=True):
        other.assign(one.numpy())
    for one, other in zip(straight, _state(_train(second, 20)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_likelihood_is_keras_adam_on_the_cross_entropy():
    model, twin = _make(), _make()
    _train(model, 1)
    optimizer = keras.optimizers.Adam(1e-2, epsilon=1e-8, global_clipnorm=5.0)
    tokens = _real(0)
    with tf.GradientTape() as tape:
        logits = twin.generator(tokens)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(tokens, logits)
    variables = twin.generator.trainable_variables
    optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
    for one, other in zip(model.generator.weights, variables, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert float(model.logs()["likelihood_loss"]) == pytest.approx(float(loss), rel=1e-5)


def test_the_rate_of_likelihood_may_fall():
    model = _make(likelihood_learning_rate_decay="linear")
    twin = _make(likelihood_learning_rate_decay="none")
    rates = [1e-2, 1e-2 * 2 / 3, 1e-2 / 3]
    for step, rate in enumerate(rates):
        # The twin is told the rate that the other finds.
        twin.optimizers()["likelihood_optimizer"].learning_rate = rate
        _train(model, step + 1)
        _train(twin, step + 1)
        for one, other in zip(model.generator.weights, twin.generator.weights, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
    policy_rate = float(model.optimizers()["policy_optimizer"].learning_rate)
    assert policy_rate == pytest.approx(1e-2)
    with pytest.raises(ConfigError, match=r"among none, linear\. Received: 'slow'"):
        SeqGANConfig(likelihood_learning_rate_decay="slow")


def test_a_discriminators_update_by_hand():
    model = _make(discriminator_dropout=0.0)
    _train(model, 3)
    model.begin_stage(3)
    model.start_stage(3)
    twin = _make()
    for one, other in zip(model.weights, twin.weights, strict=True):
        other.assign(one.numpy())
    real, fake = _real(3)[:2], model._next_negatives(2).numpy()
    model.train_step({"tokens": tf.constant(real)})
    cnn = twin.discriminator
    with tf.GradientTape() as tape:
        chances = tf.sigmoid(cnn(np.concatenate([real, fake])))
        squares = sum(tf.reduce_sum(tf.square(part.value)) for part in (cnn.score, cnn.score_bias))
        cross_entropy = -tf.reduce_mean(tf.math.log([*chances[:2], *(1 - chances[2:])]))
        loss = cross_entropy + 0.1 * squares / 2
    optimizer = keras.optimizers.Adam(1e-4, epsilon=1e-8)
    gradients = tape.gradient(loss, [v.value for v in cnn.trainable_variables])
    optimizer.apply([tf.convert_to_tensor(g) for g in gradients], cnn.trainable_variables)
    for one, other in zip(model.discriminator.weights, cnn.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-6)
    assert float(model.logs()["discriminator_loss"]) == pytest.approx(float(loss), rel=1e-4)


def test_dropout_is_another_loss():
    losses = [
        float(_train(_make(discriminator_dropout=rate), 4).logs()["discriminator_loss"])
        for rate in (0.0, 0.5)
    ]
    assert losses[0] != pytest.approx(losses[1], rel=1e-3)


def test_the_policys_gradient_is_clipped_over_all_rows(monkeypatch):
    model = _make(gradient_clip_norm=1e-3)
    _train(model, 15)
    gradients = []
    optimizer = model.optimizers()["policy_optimizer"]
    monkeypatch.setattr(optimizer, "apply", lambda found, _: gradients.extend(found))
    _train(model, 16)
    assert float(tf.linalg.global_norm(gradients)) == pytest.approx(1e-3, rel=1e-4)
    assert float(model.logs()["generator_gradient_norm"]) > 0.01
    assert 0 < float(model.logs()["reward"]) < 1


def test_a_roll_out_policy_may_lag_behind(monkeypatch):
    model, used = _make(roll_out_lag=0.75), []
    complete = roll_outs.complete

    def remember(policy, *arguments):
        used.append(policy)
        return complete(policy, *arguments)

    monkeypatch.setattr(roll_outs, "complete", remember)
    _train(model, 15)
    trained = _values(model.generator.weights)  # what it follows when rounds begin
    _train(model, 16)
    assert used == [model.roll_out_policy]
    rows = zip(trained, model.roll_out_policy.weights, model.generator.weights, strict=True)
    for before, after, generator in rows:
        if after is model.roll_out_policy.embedding:
            np.testing.assert_array_equal(after, generator)
            continue
        np.testing.assert_allclose(after, 0.75 * before + 0.25 * generator.numpy(), atol=1e-6)
        assert (after.numpy() != generator.numpy()).any()
    late = _values(model.roll_out_policy.weights)
    _train(model, 23)  # the second round begins where the first left it
    rows = zip(late, model.roll_out_policy.weights, model.generator.weights, strict=True)
    for before, after, generator in list(rows)[1:]:
        np.testing.assert_allclose(after, 0.75 * before + 0.25 * generator.numpy(), atol=1e-6)
    # Without lag the current generator completes.
    _train(_make(), 16)
    assert used[:-1] == [model.roll_out_policy] * 2
    assert used[-1].name == "generator" and used[-1].trainable


def test_rounds_need_a_discriminator():
    changes = {"discriminator_sets": 0, "sets_per_round": 0}
    with pytest.raises(ConfigError, match="whose rewards the rounds need"):
        SeqGANConfig(**{**SIZES, **changes})
    assert SeqGANConfig(**{**SIZES, **changes, "rounds": 0}).training_steps == 3


def test_sequences_that_have_no_roll_outs():
    representation = MelodyTokens(length=1, lowest_pitch=60, num_pitches=KEYS)
    config = SeqGANConfig(**{**SIZES, "windows": (1,), "filters": (2,)})
    with pytest.raises(ConfigError, match="at least 2 tokens, to have roll-outs"):
        SeqGAN(config, representation)


def test_rows_of_all_phases():
    assert _make().rows_of_steps == {ROWS, ROWS // 2}
    assert _make(discriminator_sets=0, rounds=0).rows_of_steps == {ROWS}


def test_two_devices_train_like_one():
    # Everything that is of the global batch.
    options = {"reward_baseline": "batch_mean", "entropy_bonus": 0.5}
    keras.config.set_dtype_policy("float64")
    try:
        one = _make(**options)
        strategy = mirrored()
        with strategy.scope():
            two = _make(**options)
    finally:
        keras.config.set_dtype_policy("float32")
    for step in range(17):
        for model in (one, two):
            model.begin_stage(step)
            if step in (0, *model.stage_starts):
                model.start_stage(step)
        data = _real(step)[: one.rows_per_step]
        one.train_step({"tokens": tf.constant(data)})
        halves = np.split(data, 2)

        def shared(halves=halves):
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            two.train_step({"tokens": tf.gather(tf.stack(halves), replica)})

        strategy.run(shared)
    for first, second in zip(one.weights, two.weights, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-9, err_msg=first.path)


def test_xla_trains_every_phase_alike():
    # XLA has other random numbers for dropout.
    plain, compiled = _make(discriminator_dropout=0.0), _make(discriminator_dropout=0.0)
    for step in (0, 3, 15):
        for model in (plain, compiled):
            model.step.assign(step)
            model.begin_stage(step)
            model.start_stage(step)
        for one, other in zip(plain.weights, compiled.weights, strict=True):
            other.assign(one)
        data = {"tokens": tf.constant(_real(step)[: plain.rows_per_step])}
        expected = plain.train_step(data)
        found = tf.function(compiled.train_step, autograph=False, jit_compile=True)(data)
        for name, value in expected.items():
            assert float(found[name]) == pytest.approx(float(value), rel=1e-3, abs=1e-6), name
