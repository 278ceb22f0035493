"""JazzGAN: jazz melodies over chords, one discrete note or rest after the other.

Nicholas Trieu, Robert M. Keller: "JazzGAN: Improvising with Generative Adversarial Networks", 6th
International Workshop on Musical Metacreation, MuMe 2018. Original code:
github.com/Impro-Visor/sequence_gan at 8a8f626.

In: chords step by step and a primer of notes; normal noise as the first states of an LSTM. Out:
phrases `jazz_phrases`, which decode to a NoteSequence: a pitch token and a rhythm token for each
note or rest, which the two heads draw independently of each other from one hidden state. The three
encodings of rhythm are the representation's.

Differs from the paper, or from the released code:

* Training: batches of padded and masked phrases and Adam; the code takes one phrase at a time and
  plain gradient descent (`batch_size=1`, `optimizer=sgd`, its rates and its steps, see the README).
  The baseline's rate, 0.032, is that of all encodings; with time steps the code has 0.001. Each
  batch is half real and half generated to the discriminator, which gets one of both by a coin in
  the code (`discriminator_examples=coin`). Phrases are shuffled; the code walks through them by
  their length, up and down.
* The discriminator reads a note before it scores it; in the code it scores each before it reads it
  (`discriminator_reads=note_before`).
* `chord_tones=pitch_classes`, as in `small`: the tones of a chord are told as pitch classes. Those
  above its root, as published, are no pitches, which the network says, before it has learnt twelve
  roots by heart.
* A rest is no pitch above the root; in the code it is the root (`rest_class=false`).
* The first phase ends after a number of steps, the same in all encodings. The code's ends at a
  loss, at the latest after 1,000 epochs of 100 iterations, with durations after 100.
* Features are the same in training and in writing: repetitions count from the primer on, also those
  of durations; a rest's interval is 0 to both networks. The code counts places in durations' stead
  when it writes, begins to count behind the primer, and takes a rest for a pitch in the
  discriminator.
* Every embedding is trained, and once; the code leaves that of durations as it is and moves that
  of places twice.
* With durations, networks have no embedding of "the last duration", which is the last rhythm token;
  in the code's files it is a difference of two durations, left over from places in the bar.
* The primer is in time order; the code computes its durations backwards.
* Generated phrases are cut to the end of their chords before the discriminator sees them.
* Chords that are given as symbols lie on a plain grid; those of the code follow the onsets of a
  melody.
* A plain LSTM is an option (`cell=plain`).

No option brings these mistakes of the code back: a primer's durations taken backwards, places
counted in durations' stead when it writes, an embedding that stands still beside one that is moved
twice, and rests as pitches in the discriminator's intervals.
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions

from tfmusicgan.models import noise
from tfmusicgan.models.jazzgan import pieces, writing
from tfmusicgan.models.jazzgan.networks import Discriminator, Generator
from tfmusicgan.models.jazzgan.phrases import Phrases
from tfmusicgan.models.jazzgan.training import JazzGANTraining
from tfmusicgan.models.signature import Signature
from tfmusicgan.recipes.jazzgan import POLICY, JazzGANConfig
from tfmusicgan.representations.jazz_phrases import JazzPhrases
from tfmusicgan.representations.jazz_phrases_rhythm import STEPS_PER_QUARTER, rhythm_tokens

_SAMPLING_STREAM, _BANK_STREAM = 2, 3
# Phrases of the training data whose chords and primers are taken where none are given.
_BANK_BITS = 8
BANK_SIZE = 2**_BANK_BITS


class JazzGAN(JazzGANTraining):
    """JazzGAN in all three encodings, and the generator that learns by likelihood alone.

    Args:
      config: Sizes and training constants.
      representation: Decides the encoding and the lengths.
      seed: Of the initial weights and of all training noise.
    """

    def __init__(
        self, config: JazzGANConfig, representation: JazzPhrases, seed: int = 0, **kwargs: Any
    ):
        super().__init__(config, representation, seed, **kwargs)
        encoding = representation.encoding
        self.generator = Generator(config, encoding, seed, name="generator")
        self.discriminator: keras.layers.Layer | None = None
        if config.adversarial:
            self.discriminator = Discriminator(config, encoding, seed, name="discriminator")
        self.reward_baseline: keras.Variable | None = None
        if POLICY in {phase for _, phase in config.phases()}:
            self.reward_baseline = self.add_weight(
                name="reward_baseline", shape=(self.num_modelled,), initializer="zeros"
            )
        self.normal_table = noise.quantile_table(distributions.Normal(np.float64(0), np.float64(1)))
        self._bank = {
            name: self.add_weight(
                name=f"bank_{name}",
                shape=(BANK_SIZE, *shape),
                dtype="bool" if name == "chord_tones" else "int32",
                initializer=_constant(self._first_bank.get(name, 0)),
                trainable=False,
                aggregation="only_first_replica",
            )
            for name, shape in self._bank_shapes().items()
        }
        self.finish_building()

    def _bank_shapes(self) -> dict[str, tuple[int, ...]]:
        """The fields of a phrase with its primer alone."""
        shapes = {name: field.shape for name, field in self.representation.spec.items()}
        given = (self.representation.primer_notes,)
        return {**shapes, "pitches": given, "rhythm": given}

    @property
    def _first_bank(self) -> dict[str, Any]:
        """What the bank holds before it is filled: four quarter notes, and no chord."""
        rep = self.representation
        lengths = np.full(rep.primer_notes, min(STEPS_PER_QUARTER, rep.longest))
        return {
            "rhythm": rhythm_tokens(lengths, 0, rep.encoding),
            "num_notes": rep.primer_notes,
            "num_steps": rep.max_steps,
        }

    @property
    def num_preparation_examples(self) -> int:
        """As many as the bank of chords and primers holds."""
        return BANK_SIZE

    def prepare(self, examples: Mapping[str, np.ndarray]) -> None:
        """Fills the bank of chords and primers.

        Args:
          examples: The representation's fields, [n, *shape] each, n above 0; fewer than the bank
            holds are repeated.
        """
        place = np.arange(BANK_SIZE) % len(examples["num_notes"])
        for name, variable in self._bank.items():
            values = examples[name][place]
            if name in ("pitches", "rhythm"):
                values = values[:, : self.representation.primer_notes]
            variable.assign(values.astype(variable.dtype))

    def piece_keys(self, seeds: tf.Tensor) -> noise.Key:
        """Keys of pieces: int64 [batch] to two uint32 [batch]."""
        return noise.fold(noise.key_from_seed(seeds), np.int64(_SAMPLING_STREAM))

    def own_phrases(self, keys: noise.Key) -> Phrases:
        """Chords and a primer of the bank for each piece; the primer is all notes that there are.

        Args:
          keys: Two uint32 [batch], of the pieces.
        """
        word, _ = noise.fold(keys, np.int64(_BANK_STREAM))
        index = tf.bitwise.right_shift(word, np.uint32(32 - _BANK_BITS))
        index = tf.cast(index, tf.int32)
        found = {
            name: tf.cast(tf.gather(tf.convert_to_tensor(variable), index), tf.int32)
            for name, variable in self._bank.items()
        }
        found["num_notes"] = tf.fill(tf.shape(index), self.representation.primer_notes)
        found["rhythms"] = found.pop("rhythm")
        return Phrases(**found)

    def sample(
        self,
        seeds: tf.Tensor,
        temperature: tf.Tensor | float | None = None,
    ) -> dict[str, tf.Tensor]:
        """Writes a phrase per seed, over chords and after a primer of the training data.

        Args:
          seeds: int64 [batch].
          temperature: At least 0, a number or float32 [batch]; see `token_draws.Limits`; by default
            1.

        Returns:
          The representation's fields, [batch, *shape] each.
        """
        rep, keys = self.representation, self.piece_keys(seeds)
        if temperature is not None:
            temperature = tf.broadcast_to(tf.cast(temperature, tf.float32), tf.shape(seeds))
        given = self.own_phrases(keys)
        begun = writing.Begun(given, rep.primer_notes)
        written = self.write(begun, keys, rep.max_notes, temperature)
        pitches, rhythms, _, num_notes = written
        phrases = given._replace(pitches=pitches, rhythms=rhythms, num_notes=num_notes)
        found = phrases.examples(rep)
        return {
            name: tf.ensure_shape(value, [None, *rep.spec[name].shape])
            for name, value in found.items()
        }

    def write(
        self,
        begun: writing.Begun,
        keys: noise.Key,
        most: int | tf.Tensor,
        temperature: tf.Tensor | None = None,
    ) -> writing.Written:
        """Writes melodies by the keys of their rows; see `writing.write`."""
        return writing.write(
            self.generator,
            begun,
            self.representation.encoding,
            self.draw(keys, most),
            most,
            temperature,
        )

    def sample_examples(self, seeds: tf.Tensor) -> dict[str, tf.Tensor]:
        """Writes a phrase per seed: int64 [batch] to the representation's fields."""
        return self.sample(seeds)

    def signatures(self) -> dict[str, Signature]:
        """`serving_default`, `generate`, `harmonize` and `continue`."""
        return pieces.signatures(self)


def _constant(value: np.ndarray | int) -> Callable:
    """An initializer of one value or row for all."""
    return lambda shape, dtype: keras.ops.convert_to_tensor(np.broadcast_to(value, shape), dtype)
