"""JazzGAN: sizes, what it writes, losses and updates by hand, and the phases."""

import numpy as np
import pytest
import tensorflow as tf

from tests.eagerly import eagerly
from tests.models import jazz, tiny
from tfmusicgan import recipes
from tfmusicgan.errors import ConfigError
from tfmusicgan.models.jazzgan import losses
from tfmusicgan.models.jazzgan import phrases as reading
from tfmusicgan.models.jazzgan.networks import Discriminator, Generator
from tfmusicgan.recipes.jazzgan import JazzGANConfig
from tfmusicgan.representations.jazz_phrases_rhythm import durations

ENCODINGS = ["jazzgan", "jazzgan_duration", "jazzgan_time_step"]


def head(hidden, tokens, size):
    return hidden * size + size + tokens


def cell(inputs, hidden):
    return 4 * hidden * (inputs + 2 * hidden + 1)


def test_the_published_sizes():
    config = JazzGANConfig(rest_class=False)
    embeddings = 74 * 72 + 2 * 48 * 96 + 12 * 24
    heads = head(400, 74, 72) + head(400, 48, 96)
    generator = Generator(config, "beat_position", 0, name="generator")
    assert tiny.count(generator) == cell(868, 400) + embeddings + heads == 2_752_722
    discriminator = Discriminator(config, "beat_position", 0, name="discriminator")
    assert tiny.count(discriminator) == cell(868, 400) + embeddings + 401 + 800 == 2_686_433
    config = recipes.get("jazzgan_time_step").preset("paper").config
    generator = Generator(config, "time_step", 0, name="generator")
    assert tiny.count(generator) == cell(387, 300) + 74 * 72 + 12 * 24 + head(300, 74, 72)
    discriminator = Discriminator(config, "time_step", 0, name="discriminator")
    assert tiny.count(discriminator) == cell(12 + 3 + 2 + 13 + 48 + 36, 30) + 74 * 9 + 36 + 31 + 60


@pytest.mark.parametrize("chord_tones", ["above_root", "pitch_classes"])
@pytest.mark.parametrize("name", ENCODINGS)
def test_what_is_written_is_what_reading_it_says(name, chord_tones):
    """At temperature 0 every note is the likeliest one after those before it."""
    model = jazz.make_model(name, initial_stddev=1.0, chord_tones=chord_tones)
    rep = model.representation
    model.prepare(jazz.make_phrases(rep, 9, seed=4))
    seeds = tf.constant([1, 2, 3, 4], tf.int64)
    examples = model.sample(seeds, temperature=0.0)
    phrases = jazz.read(model, {key: value.numpy() for key, value in examples.items()})
    inputs = reading.generator_inputs(model.generator.reader, phrases, rep)
    logits = model.generator(inputs, model.draw(model.piece_keys(seeds), rep.max_notes).state)
    counted = reading.modelled(phrases, rep).numpy() > 0
    assert counted.sum(axis=1).min() > 0
    best = tf.argmax(logits[0], axis=-1).numpy()
    np.testing.assert_array_equal(best[counted], phrases.pitches[:, rep.primer_notes :][counted])
    if logits[1] is not None:
        uncut = counted.copy()  # the last note is cut to fit
        uncut[np.arange(4), counted.sum(axis=1) - 1] = False
        best = tf.argmax(logits[1], axis=-1).numpy()
        np.testing.assert_array_equal(best[uncut], phrases.rhythms[:, rep.primer_notes :][uncut])


@pytest.mark.parametrize("name", ENCODINGS)
def test_phrases_fill_their_chords_and_depend_on_their_own_seed(name):
    model = jazz.make_model(name)
    rep = model.representation
    known = jazz.make_phrases(rep, 9, seed=4)
    model.prepare(known)
    seeds = tf.range(5, 13, dtype=tf.int64) * 2**33
    found = {key: value.numpy() for key, value in model.sample_examples(seeds).items()}
    assert {key: (value.shape[1:], str(value.dtype)) for key, value in found.items()} == {
        key: (field.shape, field.dtype) for key, field in rep.spec.items()
    }
    lengths = durations(found["rhythm"], found["first_step"], rep.encoding)
    for row, count in enumerate(found["num_notes"]):
        total, full = lengths[row, :count].sum(), count == rep.max_notes
        assert total == found["num_steps"][row] or (full and total < found["num_steps"][row])
        assert not found["pitches"][row, count:].any() and not found["rhythm"][row, count:].any()
        rep.decode({key: value[row] for key, value in found.items()})
    # Chords and primer are those of one phrase.
    primers = known["pitches"][:, : rep.primer_notes]
    for row in range(8):
        same = (primers == found["pitches"][row, : rep.primer_notes]).all(axis=1)
        (source,) = np.flatnonzero(same)
        assert (known["chord_roots"][source] == found["chord_roots"][row]).all()
    alone = model.sample_examples(seeds[3:5])
    for key, value in alone.items():
        np.testing.assert_array_equal(value, found[key][3:5], err_msg=key)
    assert len({row.tobytes() for row in found["pitches"]}) == 8


def test_a_note_is_scored_after_it_is_read():
    examples = jazz.make_phrases(jazz.make_model().representation, 1, seed=1)
    changed = {key: value.copy() for key, value in examples.items()}
    changed["pitches"][0, 6] = 50
    for reads, first in (("note", 2), ("note_before", 3)):
        model = jazz.make_model(discriminator_reads=reads, initial_stddev=1.0)
        one, other = (model.scores(jazz.read(model, each)).numpy() for each in (examples, changed))
        different = np.abs(one - other)[0] > 1e-6
        assert not different[:first].any() and different[first]  # the primer has four notes


def test_rewards_are_discounted_averages_of_later_scores():
    scores = np.array([[0.5, 0.2, 0.9, 0.7], [0.1, 0.8, 0.3, 0.4]])
    counted = np.array([[1, 1, 1, 1], [1, 1, 0, 0]])
    found = losses.discounted(tf.constant(scores), tf.constant(counted), 0.9).numpy()
    for row, count in enumerate(counted.sum(axis=1)):
        for note in range(count):
            powers = [0.9**later for later in range(note, count)]
            expected = np.dot(powers, scores[row, note:count]) / sum(powers)
            assert found[row, note] == pytest.approx(expected)
    assert found[1, 2:].tolist() == [0, 0]


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def chosen(logits, tokens):
    return np.take_along_axis(log_softmax(logits), tokens[..., None], axis=-1)[..., 0]


def mean_of_rows(values, counts):
    rows = zip(values, counts, strict=True)
    return np.mean([row[:count].mean() for row, count in rows])


@pytest.mark.parametrize("name", ENCODINGS)
def test_the_likelihood_of_given_phrases_by_hand(name):
    model = jazz.make_model(name, transpose_keys=1, generator_updates=1, adversarial=False)
    model.compile()
    rep = model.representation
    examples = jazz.make_phrases(rep, 4, seed=1)
    phrases, given = jazz.read(model, examples), rep.primer_notes
    state = model.step_draws(4)[0].state
    inputs = reading.generator_inputs(model.generator.reader, phrases, rep)
    pitch, rhythm = model.generator(inputs, state)
    counts = examples["num_notes"] - given
    expected = -mean_of_rows(chosen(pitch.numpy(), examples["pitches"][:, given:]), counts)
    if rhythm is not None:
        expected -= mean_of_rows(chosen(rhythm.numpy(), examples["rhythm"][:, given:]), counts)
    with eagerly():
        logs = model.train_step({key: tf.constant(value) for key, value in examples.items()})
    assert float(logs["likelihood_loss"]) == pytest.approx(expected, rel=1e-5)
    assert "discriminator_loss" not in logs and model.networks().keys() == {"generator"}


def test_a_policy_step_by_hand():
    """Gradient descent of all three, each by its own loss."""
    rates = {"policy_learning_rate": 0.3, "discriminator_learning_rate": 0.2}
    changes = {"optimizer": "sgd", "generator_updates": 1, "likelihood_steps": 0, **rates}
    model, other = (jazz.make_model(transpose_keys=1, **changes) for _ in range(2))
    model.compile()
    baseline = np.linspace(0.2, 0.8, model.num_modelled).astype(np.float32)
    for each in (model, other):
        each.reward_baseline.assign(baseline)
    rep = model.representation
    batch = jazz.make_batch(model)
    first, second = (
        jazz.read(model, {key: value.numpy()[:, n] for key, value in batch.items()})
        for n in range(2)
    )
    with eagerly():
        logs = model.train_step(batch)
    given, draws = rep.primer_notes, other.step_draws(4)
    fake, drawn = other.draw_phrases(first, draws[0])
    counts = fake.num_notes.numpy() - given
    scores = tf.sigmoid(other.scores(fake)).numpy()
    counted = reading.modelled(fake, rep).numpy()
    rewards = losses.discounted(tf.constant(scores), tf.constant(counted), 0.9).numpy()
    values = tf.constant((rewards - baseline) * counted / counts[:, None], tf.float32)
    with tf.GradientTape() as tape:
        inputs = reading.generator_inputs(other.generator.reader, fake, rep)
        logits = other.generator(inputs, draws[0].state)
        loss = 0.0
        for part, tokens in zip(logits, (fake.pitches, drawn), strict=True):
            logs_of = tf.gather(tf.nn.log_softmax(part), tokens[:, given:], batch_dims=2)
            loss -= tf.reduce_sum(logs_of * values) / 4
    variables = other.generator.trainable_variables
    assert float(logs["policy_loss"]) == pytest.approx(float(loss), rel=1e-4)
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    pairs = zip(variables, gradients, model.generator.trainable_variables, strict=True)
    for before, gradient, after in pairs:
        expected = before - 0.3 * tf.convert_to_tensor(gradient)
        np.testing.assert_allclose(after, expected, atol=2e-6, err_msg=before.path)
    mean = ((rewards * counted).sum(axis=1) / counts).mean()
    assert float(logs["reward"]) == pytest.approx(mean, rel=1e-5)
    errors = (rewards - baseline) * counted / counts[:, None]
    expected = baseline + 0.032 * 2 * errors.sum(axis=0) / 4
    np.testing.assert_allclose(model.reward_baseline, expected, atol=1e-6)
    # The discriminator's is after the generator's, on phrases of its own.
    for before, after in zip(variables, model.generator.trainable_variables, strict=True):
        before.assign(after)
    fake, _ = other.draw_phrases(second, draws[1])
    with tf.GradientTape() as tape:
        loss = 0.0
        for label, phrases in ((1.0, second), (0.0, fake)):
            scores = other.scores(phrases)
            errors = tf.nn.sigmoid_cross_entropy_with_logits(tf.fill(scores.shape, label), scores)
            counted = reading.modelled(phrases, rep)
            rows = tf.reduce_sum(errors * counted, axis=1) / tf.reduce_sum(counted, axis=1)
            loss += tf.reduce_mean(rows) / 2
    assert float(logs["discriminator_loss"]) == pytest.approx(float(loss), rel=1e-4)
    variables = other.discriminator.trainable_variables
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    pairs = zip(variables, gradients, model.discriminator.trainable_variables, strict=True)
    for before, gradient, after in pairs:
        expected = before - 0.2 * tf.convert_to_tensor(gradient)
        np.testing.assert_allclose(after, expected, atol=2e-6, err_msg=before.path)


@pytest.mark.slow
def test_a_compiled_step_is_the_step():
    """The same notes are drawn, and all lists of loops and of their gradients are known to XLA."""
    logs = []
    for jit_compile in (False, True):
        model = jazz.make_model(generator_updates=1)
        model.compile()
        model.begin_stage(2)
        step = model.train_step
        if jit_compile:
            step = tf.function(step, autograph=False, jit_compile=True)
        logs.append({name: float(value) for name, value in step(jazz.make_batch(model)).items()})
    assert logs[0] == pytest.approx(logs[1], rel=1e-4)


def test_with_a_coin_each_row_is_real_or_generated():
    model = jazz.make_model(discriminator_examples="coin", generator_updates=1)
    model.compile()
    weights = []
    original = losses.mean_of_rows

    def spy(values, counted):
        weights.append((values, counted))
        return original(values, counted)

    with eagerly(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(losses, "mean_of_rows", spy)
        model.train_step(jazz.make_batch(model, rows=8))
    errors, _ = next(pair for pair in weights if pair[0].shape[0] == 16)
    used = (errors.numpy() > 0).any(axis=1)
    assert (used[:8] != used[8:]).all() and 0 < used[:8].sum() < 8


def test_phases_train_what_they_train():
    model = jazz.make_model()
    model.compile()
    assert model.stage_starts == (2,)
    with eagerly():
        for step, (phase, still) in enumerate([("likelihood", True), ("policy", False)]):
            model.begin_stage((0, 2)[step])
            assert model.phase == phase
            before = tiny.values(model.trainable_variables)
            model.train_step(jazz.make_batch(model, seed=step))
            moved = tiny.moved(before, model.trainable_variables)
            unmoved = set(before) - moved
            # Weights of what no phrase had may stand still, too: embeddings move in part.
            assert {path for path in unmoved if "embedding" not in path} == (
                {model.reward_baseline.path} if still else set()
            )


def test_the_published_training_is_an_option():
    published = {"batch_size": 1, "optimizer": "sgd", "discriminator_examples": "coin"}
    published |= {"cell": "plain", "rest_class": False, "discriminator_reads": "note_before"}
    model = jazz.make_model(**published)
    model.compile()
    with eagerly():
        logs = model.train_step(jazz.make_batch(model, rows=1))
    assert all(np.isfinite(float(value)) for value in logs.values())
    assert {optimizer.name for optimizer in model.optimizers().values()} == {
        *("likelihood_sgd", "policy_sgd", "discriminator_sgd", "baseline_sgd")
    }
    names = {weight.path.rsplit("/", 1)[1] for weight in model.generator.weights}
    assert "cell_kernel" not in names


def test_the_phases_of_the_presets():
    paper = JazzGANConfig()
    assert paper.phases() == [(0, "likelihood"), (1_600, "policy")]
    # As many phrases as the released code reads one by one in its 1,000 epochs of 100 iterations.
    assert paper.likelihood_steps * paper.batch_size == pytest.approx(100_000, rel=0.03)
    assert JazzGANConfig(likelihood_steps=0).phases() == [(0, "policy")]
    assert JazzGANConfig(adversarial=False).phases() == [(0, "likelihood")]
    assert JazzGANConfig(training_steps=9, adversarial=False).phases() == [(0, "likelihood")]
    assert JazzGANConfig(training_steps=9, likelihood_steps=8).phases()[1:] == [(8, "policy")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_size": 0}, "hidden_size above 0"),
        ({"discriminator_root_embedding_size": 0}, "discriminator_root_embedding_size above 0"),
        ({"reward_discount": 1.0}, r"reward_discount in \[0, 1\)"),
        ({"cell": "gru"}, "cell among peepholes, plain"),
        ({"chord_tones": "names"}, "chord_tones among above_root, pitch_classes"),
        ({"discriminator_reads": "all"}, "discriminator_reads among note, note_before"),
        ({"discriminator_examples": "real"}, "discriminator_examples among both, coin"),
        ({"optimizer": "rmsprop"}, "optimizer among adam, sgd"),
        ({"likelihood_steps": -1}, "likelihood_steps of at least 0"),
        ({"training_steps": 9, "likelihood_steps": 9}, "training_steps above the 9 of .* adv"),
        ({"transpose_keys": 13}, "transpose_keys within 1-12"),
        ({"gradient_clip_norm": 0.0}, "gradient_clip_norm above 0"),
    ],
)
def test_refused_settings(changes, message):
    with pytest.raises(ConfigError, match=message):
        JazzGANConfig(**changes)
