"""How GANSynth is asked for notes: `serving_default`, `synthesize`, `interpolate`, `from_latent`.

| signature | inputs | outputs |
|---|---|---|
| `serving_default` | `seed` | `wav` |
| `synthesize` | `seed`, `pitch` | `wav`, `audio`, `pitch` |
| `interpolate` | `seed`, `other_seed`, `fraction`, `pitch` | the same |
| `from_latent` | `latent`, `pitch` | the same |

`wav` is a 16-bit mono WAV file, `audio` float32 [batch, samples] within [-1, 1], and `pitch` the
MIDI pitch that the note has: where another was asked for, that one was out of the trained range.
Without `pitch` among the inputs it is drawn as often as in the training data. 32 files of 64,000
samples are 4,097,408 bytes, under the 4 MiB that stock clients accept; `audio` is twice as large.

A request's rows are made one after the other: on two cores that is no slower at full size, 64 rows
take no more memory than one (70 MB each otherwise), and a note is the same bit for bit whatever it
is batched with.
"""

from typing import TYPE_CHECKING

import tensorflow as tf

from tfmusicgan.models.gansynth.interpolation import interpolate
from tfmusicgan.models.signature import Signature
from tfmusicgan.models.waves import encode_waves

if TYPE_CHECKING:  # it imports this module
    from tfmusicgan.models.gansynth.model import GANSynth

_MIDDLE_C = 60
# Of latents, which are drawn within 4.3: their squares are finite, so that notes are.
_LATENT_RANGE = (-100.0, 100.0)


def signatures(model: "GANSynth") -> dict[str, Signature]:
    """The signatures of a model.

    Args:
      model: It answers them.
    """
    rep = model.representation
    pitches = (rep.min_pitch, rep.max_pitch)
    pitch = min(max(_MIDDLE_C, rep.min_pitch), rep.max_pitch)

    def serve(seed: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"wav": _notes(model, model.latents(seed), model.pitches(seed))["wav"]}

    def synthesize(seed: tf.Tensor, pitch: tf.Tensor) -> dict[str, tf.Tensor]:
        return _notes(model, model.latents(seed), pitch)

    def between(
        seed: tf.Tensor, other_seed: tf.Tensor, fraction: tf.Tensor, pitch: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        latent = interpolate(model.latents(seed), model.latents(other_seed), fraction)
        return _notes(model, latent, pitch)

    def from_latent(latent: tf.Tensor, pitch: tf.Tensor) -> dict[str, tf.Tensor]:
        return _notes(model, latent, pitch)

    seeds = tf.TensorSpec([None], tf.int64)
    asked = {"pitch": tf.TensorSpec([None], tf.int32)}
    fraction = tf.TensorSpec([None], tf.float32)
    latents = tf.TensorSpec([None, model.model_config.latent_size], tf.float32)
    return {
        "serving_default": Signature(serve, {"seed": seeds}, {"seed": 0}),
        "synthesize": Signature(
            synthesize, {"seed": seeds, **asked}, {"seed": 0, "pitch": pitch}, {"pitch": pitches}
        ),
        "interpolate": Signature(
            between,
            {"seed": seeds, "other_seed": seeds, "fraction": fraction, **asked},
            {"seed": 0, "other_seed": 1, "fraction": 0.5, "pitch": pitch},
            {"fraction": (0.0, 1.0), "pitch": pitches},
        ),
        "from_latent": Signature(
            from_latent,
            {"latent": latents, **asked},
            {"latent": 0.0, "pitch": pitch},
            {"latent": _LATENT_RANGE, "pitch": pitches},
        ),
    }


def _notes(model: "GANSynth", latent: tf.Tensor, pitch: tf.Tensor) -> dict[str, tf.Tensor]:
    """What a request is answered with.

    Args:
      model: It makes the notes.
      latent: float32 [batch, latent_size].
      pitch: int32 [batch].
    """
    rep = model.representation

    def note(row: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        latent, pitch = row
        sampled = model.sample(tf.zeros([1], tf.int64), pitch, latent[tf.newaxis])
        return model.audio_of(sampled["image"])[0]

    audio = tf.map_fn(
        note,
        (latent, pitch),
        fn_output_signature=tf.TensorSpec([rep.num_samples], tf.float32),
        parallel_iterations=1,
    )
    return {"wav": encode_waves(audio, rep.sample_rate), "audio": audio, "pitch": pitch}
