"""JazzGAN's training: a phase of likelihood, then one of policy gradient, both against scores.

A training step is one of the released code's iterations: `generator_updates` of the generator, each
with phrases of its own, then one of the discriminator, which learns in both phases.
"""

from collections.abc import Mapping

import tensorflow as tf

from tfmusicgan.models import noise
from tfmusicgan.models.jazzgan import losses, writing
from tfmusicgan.models.jazzgan import phrases as reading
from tfmusicgan.models.jazzgan.lstm import State
from tfmusicgan.models.jazzgan.networks import Logits
from tfmusicgan.models.jazzgan.phases import COINS, DRAWS, JazzGANPhases
from tfmusicgan.models.jazzgan.phrases import Phrases
from tfmusicgan.recipes.jazzgan import LIKELIHOOD, POLICY


class JazzGANTraining(JazzGANPhases):
    """Losses and updates.

    Subclasses set `self.normal_table`, and what `JazzGANPhases` wants of them.
    """

    def train_step(self, data: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """`generator_updates` of the generator, and one of the discriminator.

        Args:
          data: The representation's fields, int32 [rows, updates, *shape], or [rows, *shape] where
            there is one update.

        Returns:
          The phase's tracked values so far in this epoch.
        """
        batches = self.batches(data)
        draws = self.step_draws(tf.shape(batches[0].num_notes)[0])
        update = self._likelihood_update if self.phase == LIKELIHOOD else self._policy_update
        last = self.model_config.generator_updates
        for real, drawn in zip(batches[:last], draws[:last], strict=True):
            update(real, drawn)
        if self.discriminator is not None:
            self._discriminator_update(batches[last], draws[last])
        self.step.assign_add(1)
        return self.logs()

    def draw(self, keys: noise.Key, notes: int | tf.Tensor) -> writing.Draws:
        """Draws what rows are written by; see `writing.draw`."""
        return writing.draw(keys, self.model_config.hidden_size, notes, self.normal_table)

    def step_draws(self, rows: tf.Tensor) -> list[writing.Draws]:
        """The draws of each of this step's updates, of this replica's rows.

        All are made at once: a hash has a few hundred operations, however much it makes.
        """
        updates, notes = self.examples_per_row, self.representation.max_notes
        keys = tuple(part[tf.newaxis] for part in self.step_keys(rows, DRAWS))
        keys = noise.fold(keys, tf.range(updates, dtype=tf.int64)[:, tf.newaxis])
        made = self.draw(tuple(tf.reshape(part, [-1]) for part in keys), notes)
        parts = [tf.split(part, updates) for part in tf.nest.flatten(made)]
        return [tf.nest.pack_sequence_as(made, list(own)) for own in zip(*parts, strict=True)]

    def draw_phrases(self, real: Phrases, draws: writing.Draws) -> tuple[Phrases, tf.Tensor]:
        """Writes phrases over the chords and after the primers of given ones.

        Args:
          real: The given ones.
          draws: Of their rows.

        Returns:
          Phrases whose last notes are cut to fit, and rhythm tokens as they were drawn, int32
          [rows, notes].
        """
        rep = self.representation
        primers = real._replace(num_notes=tf.fill(tf.shape(real.num_notes), rep.primer_notes))
        begun = writing.Begun(primers, rep.primer_notes)
        written = writing.write(self.generator, begun, rep.encoding, draws, rep.max_notes)
        pitches, rhythms, drawn, num_notes = map(tf.stop_gradient, written)
        return real._replace(pitches=pitches, rhythms=rhythms, num_notes=num_notes), drawn

    def scores(self, phrases: Phrases) -> tf.Tensor:
        """The discriminator's scores before the sigmoid, of the notes behind the primer.

        Args:
          phrases: Of some rows.

        Returns:
          float32 or float64 [rows, notes behind the primer].
        """
        lag = int(self.model_config.discriminator_reads != "note")
        reader = self.discriminator.reader
        inputs = reading.discriminator_inputs(reader, phrases, self.representation, lag)
        return self.discriminator(inputs)

    def note_log_probabilities(
        self, phrases: Phrases, rhythms: tf.Tensor, keys: noise.Key
    ) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Logarithms of the probabilities of the notes behind the primer.

        Args:
          phrases: The generator reads these.
          rhythms: int32 [rows, notes], the rhythm tokens that are judged.
          keys: Of the generator's first states, two uint32 [rows].

        Returns:
          Those of pitches and of rhythm tokens (None without), [rows, notes behind the primer].
        """
        state = self.draw(keys, self.representation.max_notes).state
        return self._log_probabilities(phrases, rhythms, state)

    def _log_probabilities(
        self, phrases: Phrases, rhythms: tf.Tensor, state: State
    ) -> tuple[tf.Tensor, tf.Tensor | None]:
        """The same after given first states."""
        rep = self.representation
        inputs = reading.generator_inputs(self.generator.reader, phrases, rep)
        logits: Logits = self.generator(inputs, state)
        tokens = (part[:, rep.primer_notes :] for part in (phrases.pitches, rhythms))
        return tuple(
            None if part is None else losses.log_probabilities(part, token)
            for part, token in zip(logits, tokens, strict=True)
        )

    def _likelihood_update(self, real: Phrases, draws: writing.Draws) -> None:
        """Teaches the generator the notes of given phrases."""
        counted, parts = reading.modelled(real, self.representation), {}

        def loss_fn() -> tf.Tensor:
            pitch, rhythm = self._log_probabilities(real, real.rhythms, draws.state)
            parts["pitch_loss"] = -losses.mean_of_rows(pitch, counted)
            parts["rhythm_loss"] = tf.zeros_like(parts["pitch_loss"])
            if rhythm is not None:
                parts["rhythm_loss"] = -losses.mean_of_rows(rhythm, counted)
            return parts["pitch_loss"] + parts["rhythm_loss"]

        loss, norm = self.minimise_network(LIKELIHOOD, loss_fn, self.generator)
        self.track(likelihood_loss=loss, generator_gradient_norm=norm, **parts)

    def _policy_update(self, real: Phrases, draws: writing.Draws) -> None:
        """Has the generator prefer what scores better than it does on average at its place."""
        fake, drawn = self.draw_phrases(real, draws)
        counted = reading.modelled(fake, self.representation)
        chances = tf.sigmoid(self.scores(fake))
        rewards = losses.discounted(chances, counted, self.model_config.reward_discount)
        baseline = tf.convert_to_tensor(self.reward_baseline)
        values = tf.stop_gradient(rewards - tf.cast(baseline, rewards.dtype))

        def loss_fn() -> tf.Tensor:
            chosen = self._log_probabilities(fake, drawn, draws.state)
            of_parts = [losses.mean_of_rows(x * values, counted) for x in chosen if x is not None]
            return -tf.add_n(of_parts)

        loss, norm = self.minimise_network(POLICY, loss_fn, self.generator)

        def baseline_loss() -> tf.Tensor:
            baseline = tf.cast(tf.convert_to_tensor(self.reward_baseline), rewards.dtype)
            return losses.mean_of_rows(tf.square(rewards - baseline), counted)

        of_baseline, _ = self.minimise(
            baseline_loss, [self.reward_baseline], self._optimizers["baseline_optimizer"]
        )
        self.track(policy_loss=loss, generator_gradient_norm=norm, baseline_loss=of_baseline)
        self.track(reward=losses.mean_of_rows(rewards, counted))

    def _discriminator_update(self, real: Phrases, draws: writing.Draws) -> None:
        """Tells the notes of given phrases from those that the generator writes in their place."""
        config, rep = self.model_config, self.representation
        fake, _ = self.draw_phrases(real, draws)
        rows = tf.shape(real.pitches)[0]
        both = tf.nest.map_structure(lambda *pair: tf.concat(pair, axis=0), real, fake)
        counted = reading.modelled(both, rep)
        labels = tf.concat([tf.ones([rows]), tf.zeros([rows])], axis=0)[:, tf.newaxis]
        weights = tf.ones([2 * rows])
        if config.discriminator_examples == "coin":
            coin = noise.uniforms(self.step_keys(rows, COINS), 1)[:, 0] < 0.5
            weights = 2 * tf.cast(tf.concat([coin, ~coin], axis=0), tf.float32)
        parts = {}

        def loss_fn() -> tf.Tensor:
            scores = self.scores(both)
            parts["scores"] = scores
            given = tf.broadcast_to(tf.cast(labels, scores.dtype), tf.shape(scores))
            errors = tf.nn.sigmoid_cross_entropy_with_logits(given, scores)
            errors *= tf.cast(weights, errors.dtype)[:, tf.newaxis]
            return losses.mean_of_rows(errors, counted)

        loss, norm = self.minimise_network("discriminator", loss_fn, self.discriminator)
        right = tf.cast(tf.equal(parts["scores"] > 0, labels > 0.5), tf.float32)
        chances = tf.sigmoid(parts["scores"])
        self.track(discriminator_loss=loss, discriminator_gradient_norm=norm)
        self.track(discriminator_accuracy=losses.mean_of_rows(right, counted))
        self.track(real_probability=losses.mean_of_rows(chances[:rows], counted[:rows]))
        self.track(fake_probability=losses.mean_of_rows(chances[rows:], counted[rows:]))
