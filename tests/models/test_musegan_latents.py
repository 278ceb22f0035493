"""Which latents reach which bars and tracks, in the three models, from scratch and one bar."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models.tiny import make_model

# Chorales: four tracks, of which three are generated to a given soprano.
SCRATCH, ACCOMPANIMENT = "_chorales", "_chorales_accompaniment"


def _activations(model, latents, given):
    return model.generator(latents, given, training=False).numpy()[0]  # [bar, time, pitch, track]


def _reach(model, latent, track=None):
    """[bars, tracks]: whether a change of one latent (of one track) changes the output there."""
    rep = model.representation
    latents = [
        tf.random.stateless_normal((1, *s), (1, i)) for i, s in enumerate(model.latent_shapes)
    ]
    given = None
    if model.condition_track is not None:
        given = -tf.ones((1, rep.bars, rep.steps_per_bar, rep.num_pitches))
    base = _activations(model, latents, given)
    assert base.shape[0] == rep.bars and base.shape[-1] == model.num_generated
    delta = np.zeros(latents[latent].shape, np.float32)
    delta[0, track if track is not None else slice(None)] = 3.0
    latents[latent] = latents[latent] + delta
    return np.abs(_activations(model, latents, given) - base).max(axis=(1, 2)) > 0


@pytest.mark.parametrize("suffix", [SCRATCH, ACCOMPANIMENT])
@pytest.mark.parametrize(
    ("name", "shared", "private"),
    [("jamming", 0, 2), ("composer", 2, 0), ("hybrid", 2, 2)],
)
def test_each_latent_reaches_what_it_should(name, shared, private, suffix):
    model = make_model(f"musegan_{name}{suffix}")
    size = 16 // (shared + private)  # all kinds together are 16 numbers in `tiny`
    tracks = 3 if suffix == ACCOMPANIMENT else 4
    assert model.latent_shapes == ((size,),) * shared + ((tracks, size),) * private
    # z and z_i are the piece's, z_t and z_it each phrase's own.
    fixed = [latent.fixed for latent in model.latents]
    assert fixed == [True, False] * ((shared + private) // 2)
    for latent in range(shared):
        assert _reach(model, latent).all()
    for latent in range(shared, shared + private):
        changed = _reach(model, latent, track=1)
        assert changed[:, 1].all() and not np.delete(changed, 1, axis=1).any()


@pytest.mark.parametrize(
    ("name", "shapes"),
    [("jamming", ((4, 16),)), ("composer", ((16,),)), ("hybrid", ((8,), (4, 8)))],
)
def test_one_bar_has_no_temporal_latents(name, shapes):
    model = make_model(f"musegan_{name}_chorales", grid={"bars": 1})
    assert model.latent_shapes == shapes
    assert not any(latent.fixed for latent in model.latents)
    assert model.generator.shared_temporal is None and model.generator.private_temporal is None
    assert model.sample(tf.constant([3, 4], tf.int64))["logits"].shape == (2, 1, 8, 48, 4)


@pytest.mark.parametrize("bars", [2, 3, 4])
@pytest.mark.parametrize("name", ["jamming", "composer", "hybrid"])
def test_bars_differ_through_the_temporal_latents_only(name, bars):
    model = make_model(f"musegan_{name}_chorales", grid={"bars": bars})
    shapes = model.latent_shapes
    fixed = [tf.ones((1, *shape)) for shape in shapes]
    phrase = _activations(model, fixed, None)
    assert len({bar.tobytes() for bar in phrase}) == bars
    # Without them (ReLU of a shift of zero), all bars are the same.
    kinds = zip(model.latents, shapes, strict=True)
    still = [tf.ones((1, *s)) if latent.fixed else tf.zeros((1, *s)) for latent, s in kinds]
    same = _activations(model, still, None)
    for bar in same:  # as far as bars in other lanes of the processor are summed alike
        np.testing.assert_allclose(bar, same[0], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("name", "sets"), [("jamming", 1), ("hybrid", 1), ("composer", 1)])
def test_released_temporal_generator_is_one_for_all_tracks(name, sets):
    model = make_model(f"musegan_{name}_chorales", share_temporal_generators=True)
    generator = model.generator
    kernels = [w for w in generator.trainable_variables if w.path.endswith("spread/kernel")]
    assert len(kernels) == sets and kernels[0].shape[0] == 1
    if name == "jamming":
        # One set of weights: equal latents of two tracks give equal vectors, the others differ.
        z = np.ones((4, 1, 8), np.float32)
        z[2] = 2.0
        melody = generator._melody(tf.constant(z), training=False).numpy()
        assert melody.shape == (4, 1, 2, 8)
        np.testing.assert_array_equal(melody[0], melody[1])
        assert not np.array_equal(melody[0], melody[2])
        for latent in range(2):
            changed = _reach(model, latent, track=1)
            assert changed[:, 1].all() and not np.delete(changed, 1, axis=1).any()


def test_melodies_keep_their_tracks_rows_and_bars_under_shared_weights():
    # [tracks, batch] through one set of weights and back: nothing changes places.
    model = make_model("musegan_hybrid_chorales", share_temporal_generators=True)
    z = np.random.default_rng(0).normal(size=(4, 3, 4)).astype(np.float32)
    joint = model.generator._melody(tf.constant(z), training=False).numpy()
    for track in range(4):
        for row in range(3):
            alone = model.generator.shared_temporal(z[track : track + 1, row : row + 1]).numpy()
            np.testing.assert_allclose(joint[track, row], alone[0, 0], rtol=1e-5, atol=1e-6)
