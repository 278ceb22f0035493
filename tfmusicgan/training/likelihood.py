"""How likely a model of tokens finds given examples."""

import numpy as np
import tensorflow as tf

from tfmusicgan.models.base import MusicGAN
from tfmusicgan.training.sampler import SAMPLING_BATCH


class Likelihood:
    """A model's likelihood of given examples; variety that it lost shows here first.

    Args:
      model: A model with `negative_log_likelihood`; later changes of its weights show.
      tokens: int32 [n, length].
    """

    def __init__(self, model: MusicGAN, tokens: np.ndarray):
        self.tokens = tokens
        drawable = getattr(model.representation, "drawable", None)
        # Tokens that the model never draws do not count.
        counted = np.ones(tokens.shape, bool) if drawable is None else drawable[tokens]
        self._weights = counted.sum(axis=1)
        spec = tf.TensorSpec([SAMPLING_BATCH, *tokens.shape[1:]], tf.int32)
        self._measure = tf.function(
            lambda rows: model.negative_log_likelihood(rows), [spec], autograph=False
        )

    def nll(self) -> float:
        """Mean negative log-likelihood a token, in nats; NaN where no token counts."""
        found = []
        for first in range(0, len(self.tokens), SAMPLING_BATCH):
            rows = np.arange(first, first + SAMPLING_BATCH).clip(max=len(self.tokens) - 1)
            values = self._measure(tf.constant(self.tokens[rows])).numpy()
            found.append(values[: len(self.tokens) - first])
        total = self._weights.sum()
        return float(np.concatenate(found) @ self._weights / total) if total else float("nan")
