"""The laws of generators of notes' audio, as far as they differ from those of other generators.

`piano_rolls.py` has the same names.
"""

import io
import wave

import numpy as np

from tests.conformance.rows import ROWS, SEEDS

MUSIC = "wav"
RANDOM = ()
# One step with a block, two that fade the second in, and the others with both.
LONG, SHORT, SHORT_STEPS = ("total_images=80",), ("total_images=16",), 4
QUICK, QUICK_STEPS = ("total_images=24",), 6
FEWEST_TRAINABLE, FEWEST_SAVED, FEWEST_WEIGHTS = 24, 80, 24
COMPARED_STEP = 4  # after every stage


def signatures(name):
    """What the recipe's exports answer to."""
    del name
    return {"serving_default", "synthesize", "interpolate", "from_latent"}


def inputs(asked, name, signature):
    """What the laws ask of a recipe's signature, beside the seeds."""
    del name
    if signature == "serving_default":
        return {}
    representation = asked.model.representation
    pitches = np.array(representation.pitches, np.int32)[np.arange(ROWS) % 5]
    if signature == "synthesize":
        return {"pitch": pitches}
    if signature == "interpolate":
        fraction = np.linspace(0.0, 1.0, ROWS, dtype=np.float32)
        return {"pitch": pitches, "other_seed": SEEDS + 100, "fraction": fraction}
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(ROWS, asked.model.model_config.latent_size)).astype(np.float32)
    return {"pitch": pitches, "latent": latent}


def answers_are_valid(asked, name):
    """WAV files of the representation's rate and length, each another sound; pitches as asked."""
    representation = asked.model.representation
    for signature in asked.signatures:
        outputs = asked.answers(name, signature)
        waves = [_samples(wav, representation) for wav in outputs["wav"]]
        assert len({samples.tobytes() for samples in waves}) == ROWS
        assert all(np.abs(samples).max() > 0 for samples in waves)
        if signature == "serving_default":
            continue
        np.testing.assert_array_equal(outputs["pitch"], inputs(asked, name, signature)["pitch"])
        assert np.abs(outputs["audio"]).max() <= 1.0
        np.testing.assert_allclose(outputs["audio"], np.array(waves) / 32768.0, atol=2e-4)


def without_gradient(name, model):
    """Parts of variables that no loss depends on: none."""
    del name, model
    return {}


def trained_optimizers(model, stage):
    """The optimizers that a step of a stage calls."""
    del stage
    return set(model.optimizers())


def draws_follow_their_controls(asked):
    """A seed's own pitch is one of the data's; another pitch is another sound of one seed."""
    drawn = asked.model.pitches(np.arange(4096)).numpy()
    shares = np.bincount(drawn - asked.model.representation.min_pitch) / 4096
    expected = np.diff(asked.model.pitch_shares.numpy(), prepend=0.0)
    np.testing.assert_allclose(shares, expected, atol=0.05)
    low, high = (asked("synthesize", seed=SEEDS, pitch=pitch)["audio"] for pitch in (60, 64))
    assert (np.abs(low - high).max(axis=1) > 1e-3).all()


def seed_tempo_and_length_act(asked):
    """Seeds are sounds; between two of them lie others, and the ends are theirs."""
    pitch = asked.model.representation.min_pitch + 1
    whole = {"seed": SEEDS, "pitch": pitch}
    one, other = (
        asked("synthesize", seed=seeds, pitch=pitch)["audio"] for seeds in (SEEDS, SEEDS[::-1])
    )
    between = {
        fraction: asked("interpolate", **whole, other_seed=SEEDS[::-1], fraction=fraction)["audio"]
        for fraction in (0.0, 0.5, 1.0)
    }
    np.testing.assert_allclose(between[0.0], one, atol=1e-3)
    np.testing.assert_allclose(between[1.0], other, atol=1e-3)
    for end in (one, other):
        assert (np.abs(between[0.5] - end).max(axis=1) > 1e-3).all()


def given_music_is_kept_and_decides(asked, name):
    """A note is given nothing."""
    assert not any("note_sequence" in s.inputs for s in asked.signatures.values()), name


def _samples(wav, representation):
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getframerate(), file.getnchannels()) == (representation.sample_rate, 1)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert len(samples) == representation.num_samples
    return samples.astype(np.int32)
