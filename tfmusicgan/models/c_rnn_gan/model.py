"""C-RNN-GAN: piano music as a sequence of events of real numbers.

Olof Mogren: "C-RNN-GAN: Continuous recurrent neural networks with adversarial training",
Constructive Machine Learning Workshop at NIPS 2016, arXiv 1611.09904. Original code:
github.com/olofmogren/c-rnn-gan at e75e541 (the paper's), a8bce9b and 9edafc0.

In: uniform noise for every event. Out: events float32 [batch, events, features], the
representation `note_events`, which decode to a NoteSequence with velocities and free timing.

Differs from the paper, or from the released code where the two disagree:

* Features are standardised (`NoteEvents`); raw ticks, hertz and velocities, with errors of 10^4 and
  more, train only by the clipping of gradients (`features=raw`).
* C-RNN-GAN-3 has one time for the tones of a step, 10 numbers, as the later code; the paper speaks
  of a quadruplet for each, 12 numbers (`tone_times=true`).
* Sampling is without dropout; the released code samples with it (the control `dropout`).
* A sequence's length grows by 4 in each epoch until it is whole, also after pretraining, as the
  released code does by mistake, whose curves the paper shows (`curriculum_goes_on=false`: no).
* Freezing is the paper's rule, which the released code has broken or switched off: a network stands
  still while its loss is below 70 % of the other's. The discriminator's loss is a sum of two
  decisions and counts as their mean here, or the generator would stand still at chance
  (`freezing=sum`); `small` is without (`freezing=none`), where short runs came nearer to the data.
  The generator's loss is its plain one, also with feature matching.
* The generator's own loss is -log D(G(z)), as in the released code, not log(1 - D(G(z))), as in
  the paper (`saturating=true`); freezing goes by the first in either case.
* Feature matching adds up over events and features and takes the mean of the pairs, as in the
  paper; the released code adds the pairs up. `feature_matching=means` compares the batch's means
  instead (Salimans et al. 2016): pairs that have nothing to do with each other are nearest where
  all that is generated is alike.
* The L2 penalty is on the kernels of both networks; in the released code that of the discriminator
  has no effect, and biases have one.
* Logarithms of means are taken from the scores, without bounds; the released bounds are none.
* Pretraining starts from zero states, reads the true events, and takes the plain mean of squared
  errors; the paper's own commit has the generator read itself, and other weights
  (`pretraining_input=own_events`, `pretraining_weights=100,100,1,4`). That commit compared time
  with the true intensity as well, by mistake.
* `time_activation=rectified`: no event's time is below 0, and it can be exactly 0, as those of a
  chord's tones are. The published output is linear: it never says 0, and a discriminator that has
  seen it in every chord tells by that alone.
* The generator's weights can be averaged (`ema_decay`): those of the last step swing.
* LSTM kernels begin as Glorot's uniform ones.
* Training examples are windows of whole pieces, not one at random of each piece in each epoch.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan.models import dropout, noise
from tfmusicgan.models.c_rnn_gan import pieces
from tfmusicgan.models.c_rnn_gan.networks import Discriminator, Generator
from tfmusicgan.models.c_rnn_gan.training import CRNNGANTraining
from tfmusicgan.models.c_rnn_gan.writing import Given, Masks
from tfmusicgan.models.signature import Signature
from tfmusicgan.recipes.c_rnn_gan import ADVERSARIAL, CRNNGANConfig
from tfmusicgan.representations.note_events import NoteEvents

_SAMPLING_STREAM, _DROPOUT_STREAM = 2, 3
# The longest piece, in lengths of a training sequence.
_MOST_LENGTHS = 8


class CRNNGAN(CRNNGANTraining):
    """C-RNN-GAN, C-RNN-GAN-3 (by the representation's `tones`), and the baseline.

    Args:
      config: Sizes and training constants.
      representation: Decides the features and the length.
      seed: Of the initial weights and of all training noise.
    """

    def __init__(
        self, config: CRNNGANConfig, representation: NoteEvents, seed: int = 0, **kwargs: Any
    ):
        super().__init__(config, representation, seed, **kwargs)
        features = representation.num_features
        times = representation.time_features
        self.generator = Generator(config, features, times, seed, name="generator")
        self.discriminator: keras.layers.Layer | None = None
        if any(phase == ADVERSARIAL for _, phase, _ in self.all_stages):
            self.discriminator = Discriminator(config, features, seed, name="discriminator")
        self.finish_building()

    @property
    def max_length(self) -> int:
        """Events of the longest piece; the generator can go on after what it was trained on."""
        return _MOST_LENGTHS * self.length

    def sample(
        self,
        seeds: tf.Tensor,
        length: tf.Tensor | int | None = None,
        dropout: tf.Tensor | bool = False,
        given: tuple[tf.Tensor, tf.Tensor] | None = None,
    ) -> dict[str, tf.Tensor]:
        """Writes a piece per seed; longer ones begin as shorter ones.

        Going on with the beginning of a piece, with its seed, gives that piece.

        Args:
          seeds: int64 [batch].
          length: Events, from 1 to `max_length`, a number or int32 [batch]; by default those of a
            training sequence.
          dropout: Whether to write as in training, a truth value or bool [batch].
          given: Events that pieces begin with, float32 [batch, any, features], and how many of each
            row they are, int32 [batch]; None for none.

        Returns:
          `note_events`: float32 [batch, the highest length, features]; beyond a row's own length
          it goes on.
        """
        rows = tf.shape(seeds)
        length = self.length if length is None else length
        lengths = tf.broadcast_to(tf.cast(length, tf.int32), rows)
        lengths = tf.clip_by_value(lengths, 1, self.max_length)
        most = tf.reduce_max(tf.concat([lengths, [1]], axis=0))
        kept = tf.broadcast_to(tf.cast(dropout, tf.bool), rows)
        if given is not None:
            given = Given(tf.transpose(given[0], [1, 0, 2]), given[1])
        return {self.representation.name: self._write(seeds, most, kept, given)}

    def sample_examples(self, seeds: tf.Tensor) -> dict[str, tf.Tensor]:
        """Writes a sequence per seed: int64 [batch] to float32 [batch, length, features]."""
        events = self._write(seeds, self.length, None)
        return {self.representation.name: tf.ensure_shape(events, [None, self.length, None])}

    def next_event_error(self, events: tf.Tensor) -> tf.Tensor:
        """How far off the generator is when it says each event from those before it.

        Args:
          events: float32 [n, length, features].

        Returns:
          float32 [n], the mean squared error of the features; the noise is its mean throughout.
        """
        real = tf.transpose(events, [1, 0, 2])
        driven = tf.fill(tf.shape(real), 0.5)
        said = self.generator.predict_next(tf.ensure_shape(driven, real.shape), driven[0], real)
        return tf.reduce_mean(tf.square(tf.cast(said, tf.float32) - real), axis=[0, 2])

    def signatures(self) -> dict[str, Signature]:
        """`serving_default`, `generate` and `continue`."""
        return pieces.signatures(self)

    def _write(
        self,
        seeds: tf.Tensor,
        steps: tf.Tensor | int,
        dropped: tf.Tensor | None,
        given: Given | None = None,
    ) -> tf.Tensor:
        """Events of every row: float32 [batch, steps, features].

        Args:
          seeds: int64 [batch].
          steps: How many.
          dropped: bool [batch], which rows dropout thins; None for none.
          given: What pieces begin with; None for nothing.
        """
        keys = noise.fold(noise.key_from_seed(seeds), np.int64(_SAMPLING_STREAM))
        first, driven = self.split_noise(noise.uniforms(keys, (steps + 1) * self.features), steps)
        plain = self.generator(driven, first, None, given)
        if dropped is not None and self.model_config.dropout:
            thinned = tf.cond(
                tf.reduce_any(dropped),
                lambda: self.generator(driven, first, self._sampling_masks(keys, steps), given),
                lambda: plain,
            )
            plain = tf.where(dropped[tf.newaxis, :, tf.newaxis], thinned, plain)
        return tf.cast(tf.transpose(plain, [1, 0, 2]), tf.float32)

    def _sampling_masks(self, keys: noise.Key, steps: tf.Tensor | int) -> Masks:
        """Dropout for sampling; each row's from its own key, step by step."""
        size, dtype = self.model_config.hidden_size, self.generator.compute_dtype
        keys = noise.fold(keys, np.int64(_DROPOUT_STREAM))
        flat = dropout.masks(keys, steps * 2 * size, self.model_config.dropout)
        both = tf.transpose(tf.reshape(flat, [-1, steps, 2, size]), [2, 1, 0, 3])
        return tuple(tf.unstack(tf.cast(both, dtype)))
