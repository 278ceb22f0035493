"""A tiny SavedModel that answers notes with known samples, as GANSynth's signatures do."""

import numpy as np

RATE, SAMPLES = 1000, 4000
LOW, HIGH = 40, 80
SILENT = 44  # a pitch that it answers with silence


def note(timbre: float, pitch: int) -> np.ndarray:
    """What it answers: 0.5, then the timbre, 0.5, then the pitch, and so on; float32 [4000]."""
    return np.tile(np.array([0.5, timbre, 0.5, pitch / 128], np.float32), SAMPLES // 4)


def timbre(seed: int) -> float:
    """The timbre of a seed, which `interpolate` blends in a straight line: 0 to 7 eighths."""
    return (seed % 7 + seed // 2**32) % 8 / 8


def write_model(folder) -> str:
    """Saves it as one version.

    Args:
      folder: The version's folder.
    """
    import tensorflow as tf

    from tfmusicgan.models.waves import encode_waves

    def spec(dtype, name, *shape):
        return tf.TensorSpec([None, *shape], dtype, name=name)

    def timbres(seed):
        return tf.cast((seed % 7 + seed // 2**32) % 8, tf.float32) / 8

    def answer(timbre, pitch):
        pitch = tf.clip_by_value(pitch, LOW, HIGH)
        of_pitch = tf.cast(pitch, tf.float32) / 128
        level = tf.where(pitch == SILENT, 0.0, 1.0)[:, tf.newaxis]
        half = tf.fill(tf.shape(of_pitch), 0.5)
        audio = tf.tile(tf.stack([half, timbre, half, of_pitch], axis=1), [1, SAMPLES // 4])
        audio *= level
        return {"wav": encode_waves(audio, RATE), "audio": audio, "pitch": pitch}

    class Notes(tf.Module):
        @tf.function(input_signature=[spec(tf.int64, "seed")], autograph=False)
        def serve(self, seed):
            return {"wav": answer(timbres(seed), tf.cast(seed, tf.int32) * 0 + 60)["wav"]}

        @tf.function(
            input_signature=[spec(tf.int64, "seed"), spec(tf.int32, "pitch")], autograph=False
        )
        def synthesize(self, seed, pitch):
            return answer(timbres(seed), pitch)

        @tf.function(
            input_signature=[
                spec(tf.int64, "seed"),
                spec(tf.int64, "other_seed"),
                spec(tf.float32, "fraction"),
                spec(tf.int32, "pitch"),
            ],
            autograph=False,
        )
        def interpolate(self, seed, other_seed, fraction, pitch):
            blended = (1 - fraction) * timbres(seed) + fraction * timbres(other_seed)
            return answer(blended, pitch)

        @tf.function(
            input_signature=[spec(tf.float32, "latent", 3), spec(tf.int32, "pitch")],
            autograph=False,
        )
        def from_latent(self, latent, pitch):
            return answer(latent[:, 0], pitch)

    model = Notes()
    signatures = {
        "serving_default": model.serve,
        "synthesize": model.synthesize,
        "interpolate": model.interpolate,
        "from_latent": model.from_latent,
    }
    tf.saved_model.save(model, str(folder), signatures=signatures)
    return str(folder)
