"""How GANSynth is asked for notes, as an export asks it, and the arc between latents."""

import io
import wave

import numpy as np
import pytest
import tensorflow as tf

from tfmusicgan import recipes
from tfmusicgan.models.gansynth.interpolation import interpolate
from tfmusicgan.models.gansynth.model import GANSynth
from tfmusicgan.models.waves import encode_waves
from tfmusicgan.representations.note_audio import NoteAudio
from tfmusicgan.serving.export import _Servable

RATE, SAMPLES = 4000, 288  # of the tiny preset, whose pitches are 60 to 64


@pytest.fixture(scope="module")
def model():
    preset = recipes.get("gansynth").preset("tiny")
    return GANSynth(preset.config, NoteAudio.from_parameters(preset.representation), seed=3)


@pytest.fixture(scope="module")
def ask(model):
    """Asks the functions that an export saves; lists take the dtype of the input."""
    functions, described = _Servable(model).functions, model.signatures()

    def ask(signature, **inputs):
        specs = described[signature].inputs
        typed = {name: tf.constant(value, specs[name].dtype) for name, value in inputs.items()}
        return {name: value.numpy() for name, value in functions[signature](**typed).items()}

    return ask


def _samples(wav: bytes) -> np.ndarray:
    """A WAV file's samples, int16, after a look at its form."""
    with wave.open(io.BytesIO(wav)) as file:
        form = file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes()
        assert form == (1, 2, RATE, SAMPLES)
        return np.frombuffer(file.readframes(SAMPLES), "<i2")


def test_signatures(model):
    signatures = model.signatures()
    assert {name: list(s.inputs) for name, s in signatures.items()} == {
        "serving_default": ["seed"],
        "synthesize": ["seed", "pitch"],
        "interpolate": ["seed", "other_seed", "fraction", "pitch"],
        "from_latent": ["latent", "pitch"],
    }
    assert signatures["from_latent"].inputs["latent"].shape.as_list() == [None, 8]
    assert signatures["synthesize"].defaults["pitch"] == 60
    assert signatures["synthesize"].ranges == {"pitch": (60, 64)}


def test_a_note_is_what_the_model_samples(model, ask):
    seeds = [3, 1 << 40, 3]
    served, asked = ask("serving_default", seed=seeds), ask("synthesize", seed=seeds, pitch=[61])
    examples = model.sample_examples(tf.constant(seeds, tf.int64))
    for wav, audio in zip(served["wav"], examples["audio"].numpy(), strict=True):
        np.testing.assert_allclose(_samples(wav), audio, atol=1)
    assert sorted(served) == ["wav"] and sorted(asked) == ["audio", "pitch", "wav"]
    # One pitch counts for all rows.
    assert asked["pitch"].tolist() == [61, 61, 61]
    expected = model.sample(tf.constant(seeds, tf.int64), 61)["image"]
    np.testing.assert_allclose(asked["audio"], model.audio_of(expected), atol=1e-4)
    for wav, audio in zip(asked["wav"], asked["audio"], strict=True):
        expected = np.clip(np.round(audio * 32768), -32768, 32767)
        np.testing.assert_allclose(_samples(wav), expected, atol=1)  # halves go either way
    assert asked["wav"][0] == asked["wav"][2] != asked["wav"][1]


def test_a_note_is_the_same_in_every_batch(ask):
    inputs = {"seed": list(range(5)), "pitch": [60, 61, 62, 63, 64]}
    together = ask("synthesize", **inputs)["audio"]
    for row in range(5):
        alone = ask(
            "synthesize", **{name: values[row : row + 1] for name, values in inputs.items()}
        )
        np.testing.assert_array_equal(alone["audio"][0], together[row])


def test_pitch_changes_the_note_within_the_trained_range(ask):
    asked = ask("synthesize", seed=[7] * 5, pitch=[60, 64, 65, 2**31 - 1, -1])
    assert asked["pitch"].tolist() == [60, 64, 64, 64, 60]
    low, high, *others = asked["audio"]
    assert np.abs(low - high).max() > 1e-3
    for other, nearest in zip(others, (high, high, low), strict=True):
        np.testing.assert_array_equal(other, nearest)


def test_interpolation_ends_at_the_two_notes(ask):
    fractions = [0.0, 0.4, 1.0, 9.0, np.nan]
    between = ask("interpolate", seed=[1] * 5, other_seed=[2], fraction=fractions, pitch=[62])
    ends = ask("synthesize", seed=[1, 2], pitch=[62])["audio"]
    np.testing.assert_allclose(between["audio"][0], ends[0], atol=1e-4)
    np.testing.assert_allclose(between["audio"][2], ends[1], atol=1e-4)
    np.testing.assert_array_equal(between["audio"][3], between["audio"][2])
    assert min(np.abs(between["audio"][1] - end).max() for end in ends) > 1e-3
    # Not a number counts as the default, half-way; of a note with itself it is the note.
    assert np.isfinite(between["audio"]).all()
    same = ask("interpolate", seed=[1], other_seed=[1], fraction=[0.7], pitch=[62])
    np.testing.assert_allclose(same["audio"][0], ends[0], atol=1e-4)


def test_latents_given(model, ask):
    latents = model.latents(tf.constant([1, 2], tf.int64)).numpy()
    given = ask("from_latent", latent=latents, pitch=[60, 63])
    expected = ask("synthesize", seed=[1, 2], pitch=[60, 63])
    np.testing.assert_array_equal(given["audio"], expected["audio"])
    wild = np.stack([np.full(8, np.nan), np.full(8, 1e30), np.zeros(8)])
    assert np.isfinite(ask("from_latent", latent=wild, pitch=[60] * 3)["audio"]).all()


def test_the_arc_by_hand():
    first, second = [[2.0, 0.0]] * 4, [[0.0, 1.0]] * 4
    found = interpolate(
        tf.constant(first), tf.constant(second), tf.constant([0.0, 1.0, 0.5, 1 / 3])
    )
    # A quarter turn: sin 45 degrees, and sin 60 and sin 30 degrees, of each.
    expected = [[2, 0], [0, 1], [2 * 0.70710678, 0.70710678], [2 * 0.8660254, 0.5]]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_where_there_is_no_arc():
    first = tf.constant([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0], [1.0, 0.0], [1.0, 1e-3]])
    second = tf.constant([[1.0, 2.0], [3.0, 6.0], [5.0, 0.0], [-1.0, 0.0], [1.0, 0.0]])
    found = interpolate(first, second, tf.fill([5], 0.25)).numpy()
    straight = [[1.0, 2.0], [1.5, 3.0], None, [0.5, 0.0], [1.0, 0.75e-3]]
    for row in (0, 1, 3, 4):
        np.testing.assert_allclose(found[row], straight[row], atol=1e-6)
    # Nothing has no direction; as by the inverse cosine it counts as at a right angle.
    np.testing.assert_allclose(found[2], [5 * np.sin(np.pi / 8), 0.0], atol=1e-6)


def test_wav_of_samples():
    audio = np.zeros((3, SAMPLES), np.float32)
    audio[0, :6] = 0.5, -0.25, 1.0, -1.0, 3.0, 1 / 32768
    first, *others = encode_waves(tf.constant(audio), RATE).numpy()
    assert _samples(first)[:7].tolist() == [16384, -8192, 32767, -32768, 32767, 1, 0]
    assert others == [others[0]] * 2 and not _samples(others[0]).any()
    assert encode_waves(tf.zeros([0, SAMPLES]), RATE).shape == (0,)


def test_32_notes_stay_under_4_mib():
    from tensorflow_serving.apis import predict_pb2

    reply = predict_pb2.PredictResponse()
    wav = encode_waves(tf.zeros([1, 64000]), 16000).numpy()[0]
    reply.outputs["wav"].CopyFrom(tf.make_tensor_proto([wav] * 32))
    reply.model_spec.name = "gansynth"
    assert 4_097_408 < reply.ByteSize() < 4 << 20
