"""BLEU as the reward of a policy: the baseline PG-BLEU of SeqGAN's table 1.

Yu, Zhang, Wang, Yu, AAAI 2017, arXiv 1609.05473; the released code rewards with the sentence BLEU
of one to three tokens against a random 40 % of the training data. Here all references lie in sorted
tables of n-grams, and a batch of sequences is scored by looking its n-grams up.
"""

import numpy as np
import tensorflow as tf

ORDERS = (1, 2, 3)
_NO_NGRAM = np.int64(2**63 - 1)


class BleuReward(tf.Module):
    """Scores sequences of one length; all references have that length too.

    Args:
      num_tokens: Size of the vocabulary.
      length: Tokens of a sequence, at least 3.
      add_weight: Makes a non-trainable weight, as `keras.Model.add_weight`.
      num_references: Number of reference sequences.
    """

    def __init__(self, num_tokens: int, length: int, num_references: int, add_weight):
        super().__init__()
        self.num_tokens, self.length = num_tokens, length
        kept = {"trainable": False, "initializer": "zeros", "aggregation": "only_first_replica"}
        self.ngrams, self.limits = [], []
        for n in ORDERS:
            size = num_references * (length - n + 1)
            name = f"reference_{n}_grams"
            self.ngrams.append(add_weight(name=name, shape=(size,), dtype="int64", **kept))
            self.limits.append(
                add_weight(name=f"{name}_limits", shape=(size,), dtype="int32", **kept)
            )

    def assign(self, references: np.ndarray) -> None:
        """Takes over the references: int [num_references, length]."""
        for n, ngrams, limits in zip(ORDERS, self.ngrams, self.limits, strict=True):
            found, most = _limits(_numbers(references.astype(np.int64), n, self.num_tokens))
            more = ngrams.shape[0] - len(found)
            ngrams.assign(np.pad(found, (0, more), constant_values=_NO_NGRAM))
            limits.assign(np.pad(most, (0, more)).astype(np.int32))

    def __call__(self, tokens: tf.Tensor) -> tf.Tensor:
        """BLEU without smoothing: 0 where no n-gram of an order matches.

        Args:
          tokens: int32 [n, length].

        Returns:
          float32 [n], within 0-1.
        """
        logs = []
        for n, ngrams, limits in zip(ORDERS, self.ngrams, self.limits, strict=True):
            own = _numbers(tf.cast(tokens, tf.int64), n, self.num_tokens)  # [n, places]
            known = tf.convert_to_tensor(ngrams)
            place = tf.searchsorted(known, tf.reshape(own, [-1]))
            place = tf.reshape(tf.minimum(place, tf.size(known) - 1), tf.shape(own))
            limit = tf.where(tf.gather(known, place) == own, tf.gather(limits, place), 0)
            # How often the same n-gram comes before in the sequence: it matches up to its limit.
            same = own[:, :, tf.newaxis] == own[:, tf.newaxis]
            before = tf.linalg.band_part(tf.cast(same, tf.int32), -1, 0) - tf.eye(
                own.shape[1], dtype=tf.int32
            )
            matches = tf.reduce_sum(before, axis=2) < limit
            share = tf.reduce_mean(tf.cast(matches, tf.float32), axis=1)
            logs.append(tf.math.log(share))
        return tf.exp(tf.add_n(logs) / len(ORDERS))


def _numbers(tokens, n: int, num_tokens: int):
    """Numbers of all n-grams, int64 [rows, length - n + 1]; of arrays or tensors."""
    places = tokens.shape[1] - n + 1
    number = tokens[:, :places]
    for offset in range(1, n):
        number = number * num_tokens + tokens[:, offset : offset + places]
    return number


def _limits(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All n-grams in order, and how often the row that has one most often has it."""
    rows = np.repeat(np.arange(len(numbers)), numbers.shape[1])
    pairs, counts = np.unique(np.stack([numbers.ravel(), rows]), axis=1, return_counts=True)
    first = np.flatnonzero(np.diff(pairs[0], prepend=-1))
    return pairs[0][first], np.maximum.reduceat(counts, first)
