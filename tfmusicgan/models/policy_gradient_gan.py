"""A GAN that is trained by policy gradient: what each of its phases updates, and by what.

Yu et al., SeqGAN, AAAI 2017, arXiv 1609.05473, algorithm 1; schedule and updates of the released
code as `recipes.policy_gradient` gives them.
"""

from collections.abc import Callable, Mapping

import tensorflow as tf

from tfmusicgan.models import (
    dropout,
    noise,
    policy_gradient,
    roll_outs,
    scheduled_sampling,
)
from tfmusicgan.models.phased_gan import PhasedGAN
from tfmusicgan.recipes.policy_gradient import DISCRIMINATOR, LIKELIHOOD, POLICY

# Streams of training noise.
_SAMPLES, _ROLL_OUTS, _NEGATIVES, _DROPOUT, _READ, _ORDER = 0, 1, 2, 3, 4, 5


class PolicyGradientGAN(PhasedGAN):
    """Base of the models on sequences of tokens that learn by likelihood, then by policy gradient.

    Subclasses set `self.generator` (a `TokenLSTM`) and `self.discriminator` (a `TokenCNN`), with
    `roll_out_lag` also `self.roll_out_policy` (a `TokenLSTM`), and then call `finish_building`.
    """

    def updates(self) -> Mapping[str, Callable[[tf.Tensor], None]]:
        """Each phase's update."""
        return {
            LIKELIHOOD: self._likelihood_update,
            DISCRIMINATOR: self._discriminator_update,
            POLICY: self._policy_update,
        }

    def finish_building(self) -> None:
        """Creates the samples that a discriminator's phase keeps, and the rest."""
        config = self.model_config
        kept = {"trainable": False, "initializer": "zeros", "aggregation": "only_first_replica"}
        self.negatives = self.add_weight(
            name="negatives", shape=(config.negatives, self.length), dtype="int32", **kept
        )
        self.negatives_step = self.add_weight(
            name="negatives_step", shape=(), dtype="int64", **kept
        )
        self._draw_negatives = tf.function(self._draw, autograph=False)
        super().finish_building()

    def start_stage(self, step: int) -> None:
        """Makes what a phase needs at its beginning.

        A discriminator's phase learns from samples that are drawn here. A roll-out policy that lags
        begins, before the first update by policy gradient, as the generator that it follows.
        """
        if step != 0 and step not in self.stage_starts:
            return
        if self.phase == DISCRIMINATOR:
            self.negatives.assign(self._draw_negatives(tf.constant(step, tf.int64)))
            self.negatives_step.assign(step)
        elif self.phase == POLICY and self.stage == self.phase_names.index(POLICY):
            self._follow(0.0)

    def negative_log_likelihood(self, tokens: tf.Tensor) -> tf.Tensor:
        """The generator's mean -log p a token in nats, without those that it never draws.

        Args:
          tokens: int32 [n, length].

        Returns:
          float32 [n].
        """
        found = policy_gradient.log_probabilities(self.generator(tokens), tokens)
        counted = tf.cast(self._counted(tokens), found.dtype)
        total = tf.reduce_sum(counted, axis=1)
        return -tf.reduce_sum(found * counted, axis=1) / tf.maximum(total, 1.0)

    def rewards(self, scores: tf.Tensor) -> tf.Tensor:
        """What scores are worth to the generator, within 0-1: the probability of being real."""
        return tf.sigmoid(scores)

    def discriminator_loss(self, scores: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
        """What the discriminator makes smaller: cross-entropy, and the last layer's size.

        Args:
          scores: float [batch].
          real: float [batch], 1 for what is real, 0 for samples.

        Returns:
          A scalar.
        """
        errors = tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(real, scores.dtype), scores)
        return tf.reduce_mean(errors) + self.discriminator_penalty()

    def discriminator_penalty(self) -> tf.Tensor:
        """Half the squared weights and bias of the last layer, by `discriminator_l2`."""
        last = (self.discriminator.score, self.discriminator.score_bias)
        penalty = tf.add_n([tf.nn.l2_loss(tf.convert_to_tensor(weight)) for weight in last])
        return self.model_config.discriminator_l2 * penalty

    def found_real(self, scores: tf.Tensor) -> tf.Tensor:
        """Which sequences count as taken for real: float [batch] to bool [batch]."""
        return scores > 0

    def reward(self, tokens: tf.Tensor) -> tf.Tensor:
        """Rewards of whole sequences: int32 [n, length] to [n]."""
        return self.rewards(self.discriminator(tokens))

    def draw_values(self, sequences: tf.Tensor, keys: noise.Key) -> tf.Tensor:
        """Draws roll-outs, and values the tokens of sequences by them.

        Args:
          sequences: int32 [rows, length].
          keys: Of the rows, two uint32 [rows].

        Returns:
          float32 [rows, length], see `policy_gradient.action_values`; with `sequence_level_reward`
          the whole sequence's reward at each of its tokens.
        """
        config, own = self.model_config, self.reward(sequences)
        if config.sequence_level_reward:
            return tf.repeat(own[:, tf.newaxis], self.length, axis=1)
        policy = self.roll_out_policy if config.roll_out_lag else self.generator
        completed = roll_outs.complete(
            policy, sequences, keys, config.roll_outs, config.sampling_temperature
        )
        return policy_gradient.action_values(self.completion_rewards(sequences, completed), own)

    def completion_rewards(self, sequences: tf.Tensor, completed: tf.Tensor) -> tf.Tensor:
        """Rewards of roll-outs.

        Args:
          sequences: int32 [rows, length].
          completed: int32 [length - 1, rows, repeats, length], see `roll_outs.complete`.

        Returns:
          float32 [length - 1, rows, repeats].
        """
        return self.rewards(self.discriminator.score_completions(sequences, completed))

    def _likelihood_update(self, tokens: tf.Tensor) -> None:
        config, read = self.model_config, tokens
        if config.scheduled_sampling_decay:
            share = scheduled_sampling.truth_share(
                self.step, config.likelihood_epoch_steps, config.scheduled_sampling_decay
            )
            keys = self.step_keys(tf.shape(tokens)[0], _READ)
            read = scheduled_sampling.mix(self.generator, tokens, share, keys)
        loss, norm = self.minimise(
            lambda: policy_gradient.likelihood_loss(
                self.generator(read), tokens, self._counted(tokens)
            ),
            self.generator.trainable_variables,
            self._optimizers[f"{LIKELIHOOD}_optimizer"],
            config.gradient_clip_norm,
        )
        self.track(likelihood_loss=loss, generator_gradient_norm=norm)

    def _policy_update(self, tokens: tf.Tensor) -> None:
        config, rows = self.model_config, tf.shape(tokens)[0]
        sequences = self._sample(self.step_keys(rows, _SAMPLES))
        values = self.draw_values(sequences, self.step_keys(rows, _ROLL_OUTS))
        rewards = tf.reduce_mean(values[:, -1])
        if config.reward_baseline == "batch_mean":
            values = policy_gradient.without_batch_mean(values)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync

        def loss_fn() -> tf.Tensor:
            # A sum over the global batch; `minimise` averages over replicas.
            logits = self.generator(sequences) / config.sampling_temperature
            loss = policy_gradient.policy_loss(logits, sequences, values, config.entropy_bonus)
            return replicas * loss

        loss, norm = self.minimise(
            loss_fn,
            self.generator.trainable_variables,
            self._optimizers[f"{POLICY}_optimizer"],
            config.gradient_clip_norm,
        )
        self._follow(config.roll_out_lag)
        self.track(policy_loss=loss, generator_gradient_norm=norm, reward=rewards)

    def _follow(self, lag: float) -> None:
        """Lets the roll-out policy follow the generator: its embedding at once (released code).

        Args:
          lag: Share that all other weights keep.
        """
        late = self.roll_out_policy
        if late is None:
            return
        for behind, weight in zip(late.weights, self.generator.weights, strict=True):
            kept = 0.0 if behind is late.embedding else lag
            behind.assign(kept * behind + (1 - kept) * weight)

    def _discriminator_update(self, real: tf.Tensor) -> None:
        config, rows = self.model_config, tf.shape(real)[0]
        tokens = tf.concat([real, self._next_negatives(rows)], axis=0)
        labels = tf.concat([tf.ones([rows]), tf.zeros([rows])], axis=0)
        keep = None
        if config.discriminator_dropout:
            # Rows of the global batch: all real ones, then all samples.
            own, half = self.global_rows(rows), config.samples_per_step
            keep = dropout.batch_masks(
                self.seed,
                tf.convert_to_tensor(self.step),
                _DROPOUT,
                2 * half,
                tf.concat([own, half + own], axis=0),
                self.discriminator.features,
                config.discriminator_dropout,
            )
        answers = []

        def loss_fn() -> tf.Tensor:
            answers.append(self.discriminator(tokens, keep=keep))
            return self.discriminator_loss(answers[-1], labels)

        loss, norm = self.minimise(
            loss_fn,
            self.discriminator.trainable_variables,
            self._optimizers[f"{DISCRIMINATOR}_optimizer"],
        )
        right = tf.equal(self.found_real(answers[-1]), labels > 0.5)
        self.track(discriminator_loss=loss, discriminator_gradient_norm=norm)
        self.track(discriminator_accuracy=tf.reduce_mean(tf.cast(right, tf.float32)))

    def _next_negatives(self, rows: tf.Tensor) -> tf.Tensor:
        """This step's share of the samples, each once an epoch: int32 [rows, length]."""
        number, begin = self.model_config.negatives, tf.convert_to_tensor(self.negatives_step)
        half = self.model_config.samples_per_step
        place = tf.convert_to_tensor(self.step) - begin
        epoch, within = place * half // number, place * half % number
        # Sets begin more steps apart than they have epochs: the sum tells all epochs apart.
        key = noise.row_keys(self.seed, begin + epoch, _ORDER, tf.zeros([1], tf.int64))
        shuffled = tf.gather(noise.permutation(key, number), within + self.global_rows(rows))
        return tf.gather(tf.convert_to_tensor(self.negatives), shuffled)

    def _draw(self, step: tf.Tensor) -> tf.Tensor:
        rows = tf.range(self.model_config.negatives, dtype=tf.int64)
        keys = noise.row_keys(self.seed, step, _NEGATIVES, rows)
        return self._sample(keys)

    def _sample(self, keys: noise.Key) -> tf.Tensor:
        """Draws sequences from the policy: int32 [rows, length]."""
        temperature = self.model_config.sampling_temperature
        return roll_outs.sample(self.generator, keys, self.length, temperature)

    def _counted(self, tokens: tf.Tensor) -> tf.Tensor:
        """1 for tokens that the generator may draw, 0 for others: float32 of the same shape."""
        drawable = self.generator.drawable
        if drawable is None:
            return tf.ones_like(tokens, tf.float32)
        return tf.gather(tf.constant(drawable, tf.float32), tokens)
