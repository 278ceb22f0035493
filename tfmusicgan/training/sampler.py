"""Examples of a model for those who measure or show it."""

import numpy as np
import tensorflow as tf

from tfmusicgan.models.base import MusicGAN
from tfmusicgan.representations.base import Example

# Sampling always runs this many rows: output bits are equal within one batch size.
SAMPLING_BATCH = 64


class Sampler:
    """Samples a model's examples in padded batches of one size.

    Args:
      model: The model; later changes of its weights show.
      batch_size: Rows that are sampled at once.
    """

    def __init__(self, model: MusicGAN, batch_size: int = SAMPLING_BATCH):
        self.model, self.batch_size = model, batch_size
        self._traced: dict[tuple[int, bool], tf.types.experimental.PolymorphicFunction] = {}

    def examples(self, seeds: np.ndarray, given: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Samples one example per seed.

        Args:
          seeds: int64 [n].
          given: bool [n, ...], what a conditional model is given; by default its own choice.

        Returns:
          The representation's fields, [n, ...] each.
        """
        seeds = np.asarray(seeds, np.int64)
        columns = [seeds] if given is None else [seeds, given]
        sample = self._sample_function(columns)
        parts: list[Example] = []
        for first in range(0, len(seeds), self.batch_size):
            rows = np.arange(first, first + self.batch_size).clip(max=len(seeds) - 1)
            sampled = sample(*(tf.constant(column[rows]) for column in columns))
            size = min(self.batch_size, len(seeds) - first)
            parts.append({name: value.numpy()[:size] for name, value in sampled.items()})
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _sample_function(
        self, columns: list[np.ndarray]
    ) -> tf.types.experimental.PolymorphicFunction:
        """Traced once for each stage of the training."""
        key = (self.model.sampling_stage, len(columns) > 1)
        if key not in self._traced:
            specs = [tf.TensorSpec([self.batch_size, *c.shape[1:]], c.dtype) for c in columns]
            # A wrapper, so that the trace is this sampler's and not shared by the method.
            self._traced[key] = tf.function(
                lambda *inputs: self.model.sample_examples(*inputs),
                input_signature=specs,
                autograph=False,
            )
        return self._traced[key]
