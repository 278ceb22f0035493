"""The baseline PG-BLEU of SeqGAN's table 1: policy gradient with BLEU as the reward.

Yu, Zhang, Wang, Yu, AAAI 2017, arXiv 1609.05473: SeqGAN's generator; completions are rewarded by
how many of their n-grams the training data has. There is no discriminator.

Differs from the released code: its 40 % of the training data are the sequences at even distances,
the same for all samples; BLEU is not smoothed, so that a sequence without a matching trigram is
worth nothing.
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfmusicgan.errors import ConfigError
from tfmusicgan.models.bleu_reward import ORDERS, BleuReward
from tfmusicgan.models.token_gan import TokenGAN


class PGBleu(TokenGAN):
    """SeqGAN's generator with BLEU as its critic; its config is a `PGBleuConfig`."""

    def build_networks(self) -> None:
        """Sets the generator, and what rewards it.

        Raises:
          ConfigError: If sequences are shorter than the n-grams that are counted.
        """
        super().build_networks()
        if self.length < max(ORDERS):
            raise ConfigError(
                f"Expected sequences of at least {max(ORDERS)} tokens, to have BLEU of them. "
                f"Received: {self.length}. Convert the data with a greater length."
            )
        self.bleu = BleuReward(
            self.representation.num_tokens,
            self.length,
            self.model_config.num_references,
            self.add_weight,
        )

    @property
    def num_preparation_examples(self) -> int:
        """The references."""
        return self.model_config.num_references

    def prepare(self, examples: Mapping[str, np.ndarray]) -> None:
        """Takes over the references; fewer than wanted come again, which changes no score.

        Args:
          examples: `tokens` int32 [n, length], n above 0.
        """
        places = np.arange(self.model_config.num_references) % len(examples["tokens"])
        self.bleu.assign(examples["tokens"][places])

    def reward(self, tokens: tf.Tensor) -> tf.Tensor:
        """BLEU of whole sequences: int32 [n, length] to float32 [n]."""
        return self.bleu(tokens)

    def completion_rewards(self, sequences: tf.Tensor, completed: tf.Tensor) -> tf.Tensor:
        """BLEU of completions: int32 [length - 1, rows, repeats, length] without the last axis."""
        flat = self.bleu(tf.reshape(completed, [-1, self.length]))
        return tf.reshape(flat, tf.shape(completed)[:-1])
