"""The baseline "random" of SeqGAN's tables: tokens drawn one by one, each by its frequency.

Yu, Zhang, Wang, Yu, AAAI 2017, arXiv 1609.05473. The paper does not say how its random tokens are
drawn; its figure, 10.310, is that of draws by frequency, not of uniform ones (11.43 under the
released oracle).
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan.models import noise, token_draws, token_pieces
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.models.signature import Signature
from tfmusicgan.recipes.seqgan_baselines import UnigramConfig
from tfmusicgan.representations.base import Representation

_SAMPLING_STREAM = 2


class TokenUnigram(MusicGAN):
    """Counts tokens in training, and draws by the counts. Untrained, it draws uniformly.

    Args:
      config: Batch and length of the training.
      representation: Has `num_tokens` and one field, `tokens` int32 [length].
      seed: Unused; there is nothing random to train.
    """

    def __init__(
        self, config: UnigramConfig, representation: Representation, seed: int = 0, **kwargs: Any
    ):
        super().__init__(config, representation, seed, **kwargs)
        self.counts = self.add_weight(
            name="counts",
            shape=(representation.num_tokens,),
            dtype="float32",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
        )
        self.mean_count = keras.metrics.Mean(name="counted_tokens")
        self.built = True

    @property
    def default_qpm(self) -> float:
        """The tempo at which tokens last as long as those of the data."""
        return self.representation.default_qpm

    def networks(self) -> Mapping[str, keras.layers.Layer]:
        """None: counts are no network."""
        return {}

    def optimizers(self) -> Mapping[str, keras.optimizers.Optimizer]:
        """None: counting needs no gradient."""
        return {}

    def compile(self, jit_compile: bool = False) -> None:
        """Makes the model ready for `fit`.

        Args:
          jit_compile: XLA for the training step.
        """
        super().compile(keras.optimizers.SGD(), jit_compile)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The tracked value."""
        return [self.mean_count]

    def train_step(self, data: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Counts the tokens of a batch: `tokens` int32 [rows, length]."""
        flat = tf.reshape(data["tokens"], [-1])
        found = tf.math.unsorted_segment_sum(
            tf.ones_like(flat, tf.float32), flat, self.representation.num_tokens
        )
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            context = tf.distribute.get_replica_context()
            found = context.all_reduce(tf.distribute.ReduceOp.SUM, found)
        self.counts.assign_add(found)
        self.mean_count.update_state(tf.reduce_sum(found))
        self.step.assign_add(1)
        return self.logs()

    def sample(self, seeds: tf.Tensor) -> dict[str, tf.Tensor]:
        """Draws sequences: int64 [batch] to `tokens` int32 [batch, length].

        Args:
          seeds: int64 [batch]; row i depends on seeds[i] alone.
        """
        keys = noise.fold(noise.key_from_seed(seeds), np.int64(_SAMPLING_STREAM))
        (length,) = self.representation.spec["tokens"].shape
        shares = self._log_shares()
        _, logits = token_draws.pad_output(shares[tf.newaxis], shares)
        rows = tf.tile(logits[tf.newaxis], [tf.size(seeds), 1])
        return {"tokens": token_draws.draw(rows, noise.uniforms(keys, length))}

    def sample_examples(self, seeds: tf.Tensor) -> dict[str, tf.Tensor]:
        """The same as `sample`."""
        return self.sample(seeds)

    def signatures(self) -> dict[str, Signature]:
        """`serving_default`."""
        return token_pieces.default_signature(self)

    def negative_log_likelihood(self, tokens: tf.Tensor) -> tf.Tensor:
        """-log p of sequences a token, in nats: int32 [n, length] to float32 [n].

        A token that training never had costs as much as one that it had half a time.
        """
        return -tf.reduce_mean(tf.gather(self._log_shares(0.5), tokens), axis=1)

    def _log_shares(self, least: float = 0.0) -> tf.Tensor:
        """Logarithms of the tokens' shares, float32 [num_tokens]; uniform before any is counted."""
        counts = tf.convert_to_tensor(self.counts)
        total = tf.reduce_sum(counts)
        counts = tf.where(total > 0, tf.maximum(counts, least), 1.0)
        shares = counts / tf.reduce_sum(counts)
        return tf.where(counts > 0, tf.math.log(tf.maximum(shares, 1e-30)), -1e9)
