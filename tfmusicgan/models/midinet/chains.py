"""Melodies of any number of bars, each made after the bar before: one loop in the graph."""

from __future__ import annotations

import typing

import numpy as np
import tensorflow as tf

from tfmusicgan.models import noise, token_draws
from tfmusicgan.models.midinet.triples import chord_numbers, pictures
from tfmusicgan.representations.melody_bars import NUM_PITCHES, MelodyBars
from tfmusicgan.representations.melody_bars_steps import LOUDEST

if typing.TYPE_CHECKING:
    from tfmusicgan.models.midinet.model import MidiNet

# Streams of a bar's noise.
_LATENTS, _PITCHES, _ONSETS = 0, 1, 2


def write(
    model: MidiNet,
    keys: noise.Key,
    chords: tf.Tensor | None,
    num_bars: tf.Tensor | int,
    temperature: tf.Tensor,
    begin: tf.Tensor | None = None,
    first_bar: tf.Tensor | None = None,
) -> tf.Tensor:
    """Writes melodies.

    Args:
      model: The model.
      keys: Two uint32 [batch], of the pieces.
      chords: int32 [batch, any], each bar's chord; a progression that is too short begins again.
        None for models without.
      num_bars: Scalar, how many bars, from 1.
      temperature: float32 [batch]; see `choose`.
      begin: int32 [batch, columns], the bar before the first; by default there is none.
      first_bar: int32 [batch], the number of the first bar in its piece, 0 where nothing is before
        it. A bar's noise is that of its number, so that a longer piece begins as a shorter one.

    Returns:
      int32 [batch, num_bars, columns].
    """
    rep, batch = model.representation, tf.size(keys[0])
    width = NUM_PITCHES + rep.onsets + rep.velocities
    previous = tf.zeros([batch, rep.steps_per_bar, width])
    first = tf.zeros([batch], tf.int32) if first_bar is None else first_bar
    if begin is not None:
        previous = pictures(begin, rep) * tf.cast(first > 0, tf.float32)[:, tf.newaxis, tf.newaxis]
    done = tf.TensorArray(tf.int32, num_bars, element_shape=[None, rep.num_columns])

    def body(bar: tf.Tensor, previous: tf.Tensor, done: tf.TensorArray):
        of_bar = noise.fold(keys, tf.cast(first + bar, tf.int64))
        chord = tf.zeros([batch], tf.int32)
        if chords is not None:
            chord = tf.gather(chords, bar % tf.shape(chords)[1], axis=1)
        latent_keys = noise.fold(of_bar, np.int64(_LATENTS))
        latents = noise.draws(latent_keys, model.model_config.latent_size, model.latent_table)
        numbers = None if chords is None else chord_numbers(chord)
        logits = model.bar_logits(latents, previous, numbers, training=False)
        columns = choose(tf.cast(logits, tf.float32), temperature, of_bar, rep)
        columns.insert(1, chord[:, tf.newaxis])
        made = tf.ensure_shape(tf.concat(columns, axis=1), [None, rep.num_columns])
        return bar + 1, pictures(made, rep), done.write(bar, made)

    shape = tf.TensorShape([None, rep.steps_per_bar, width])
    _, _, done = tf.while_loop(
        lambda bar, *_: bar < num_bars,
        body,
        (tf.constant(0), previous, done),
        shape_invariants=(tf.TensorShape([]), shape, tf.TensorShape(None)),
        parallel_iterations=1,
    )
    return tf.transpose(done.stack(), [1, 0, 2])


def choose(
    logits: tf.Tensor, temperature: tf.Tensor, keys: noise.Key, representation: MelodyBars
) -> list[tf.Tensor]:
    """Decides what a bar's steps are.

    At temperature 0 each step has the pitch of the highest activation, as published, and a note
    begins where its onset's activation is above a half. At T a pitch is drawn in proportion to its
    activation to the power of 1 / T, and onsets with probability sigmoid(logit / T).

    Args:
      logits: float32 [batch, steps, width].
      temperature: float32 [batch].
      keys: Two uint32 [batch], of the bars.
      representation: Says what the columns are.

    Returns:
      int32 [batch, steps] each: pitches, and where the representation has them onsets and
      velocities.
    """
    rep, steps = representation, representation.steps_per_bar
    pitch_logits = logits[..., :NUM_PITCHES]
    decided = tf.argmax(pitch_logits, axis=-1, output_type=tf.int32)

    def drawn() -> tf.Tensor:
        rows = tf.reshape(tf.math.log_sigmoid(pitch_logits), [-1, NUM_PITCHES])
        each = tf.repeat(temperature, steps)
        zeros, ones = tf.zeros_like(each, tf.int32), tf.ones_like(each)
        limited = token_draws.limit(rows, token_draws.Limits(each, zeros, ones))
        uniforms = noise.uniforms(noise.fold(keys, np.int64(_PITCHES)), steps)
        found = token_draws.draw(limited, tf.reshape(uniforms, [-1]))
        hot = (temperature > 0)[:, tf.newaxis]
        return tf.where(hot, tf.reshape(found, [-1, steps]), decided)

    is_hot = tf.reduce_any(temperature > 0)
    columns = [tf.cond(is_hot, drawn, lambda: decided)]
    if rep.onsets:
        logit = logits[..., NUM_PITCHES]
        uniforms = noise.uniforms(noise.fold(keys, np.int64(_ONSETS)), steps)
        hot = (temperature > 0)[:, tf.newaxis]
        scaled = tf.sigmoid(logit / tf.where(hot, temperature[:, tf.newaxis], 1.0))
        columns.append(tf.cast(tf.where(hot, uniforms < scaled, logit > 0), tf.int32))
    if rep.velocities:
        share = tf.sigmoid(logits[..., NUM_PITCHES + rep.onsets])
        velocity = tf.cast(tf.round(share * LOUDEST), tf.int32)
        columns.append(tf.clip_by_value(velocity, 1, LOUDEST))
    return columns
