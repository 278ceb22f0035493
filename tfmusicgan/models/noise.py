"""Counter-based noise: every row's numbers follow from its own key, whatever it is batched with.

A key is a pair of uint32 tensors; `fold` derives a new key from a key and a number, `uniforms` and
`draws` turn the keys of rows into numbers. The hash is Threefry-2x32 with 20 rounds (Salmon et al.
2011, "Parallel random numbers: as easy as 1, 2, 3", SC'11). All arithmetic is integer addition,
rotation and exclusive or, then table look-ups and single multiplications: no function whose last
bit depends on where in a vector register a row happens to lie (`log` and `cos`, which Box-Muller
needs, are of that kind on CPUs). A row is therefore equal bit for bit in every batch.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

Key = tuple[tf.Tensor, tf.Tensor]

_PARITY = np.uint32(0x1BD11BDA)
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_TABLE_BITS = 16


def threefry_2x32(key: Key, counter: Key) -> Key:
    """Threefry-2x32, 20 rounds (Salmon et al. 2011, section 4.2).

    Args:
      key: Two uint32 tensors.
      counter: Two uint32 tensors that broadcast with the key's.

    Returns:
      Two uint32 tensors of the broadcast shape.
    """
    return _twenty_rounds(*key, *counter)


def key_from_seed(seed: tf.Tensor) -> Key:
    """Splits int64 seeds into keys: any shape, two uint32 tensors of that shape."""
    seed = tf.convert_to_tensor(seed, tf.int64)
    return _low_word(seed), _low_word(tf.bitwise.right_shift(seed, np.int64(32)))


def fold(key: Key, number: tf.Tensor) -> Key:
    """Derives one key per element of `number` (int64) from keys that broadcast with it."""
    return threefry_2x32(key, key_from_seed(number))


def row_keys(seed: int, step: tf.Tensor, stream: int | np.ndarray, rows: tf.Tensor) -> Key:
    """Keys of training noise: a function of (seed, step, stream, row of the global batch).

    Args:
      seed: The model's seed.
      step: Scalar int64, the model's own step counter.
      stream: Tells apart the uses of noise in one step; an array for the keys of several at once.
      rows: int64 [rows], the rows' numbers in the global batch.

    Returns:
      Two uint32 tensors [*streams, rows].
    """
    streams = np.asarray(stream, np.int64)[..., np.newaxis]
    key = fold(key_from_seed(np.int64(seed)), streams)
    return fold(fold(key, step), rows)


def uniforms(keys: Key, size: int) -> tf.Tensor:
    """Uniform numbers in (0, 1): keys [rows] -> float32 [rows, size], 24 random bits each."""
    words = _words(keys, size)
    top = tf.cast(tf.bitwise.right_shift(words, np.uint32(8)), tf.float32)
    # The product is exact: the sum is rounded once, alike in every vector width; the largest to 1.
    middle = top * np.float32(2.0**-24) + np.float32(2.0**-25)
    return tf.minimum(middle, np.float32(1 - 2.0**-24))


def quantile_table(prior: Any) -> np.ndarray:
    """The quantile function of a latent prior at 2**16 + 1 equidistant probabilities.

    Args:
      prior: A tensorflow-probability distribution over real numbers with `quantile`.

    Returns:
      float32 [65537]; the two ends, where a quantile may be infinite, are those of half a step
      inwards, so that normal draws reach 4.3 standard deviations.
    """
    steps = 2**_TABLE_BITS
    probabilities = np.arange(steps + 1, dtype=np.float64) / steps
    probabilities[[0, -1]] = 0.5 / steps, 1 - 0.5 / steps
    return np.asarray(prior.quantile(probabilities.astype(np.float64)), np.float32)


def draws(keys: Key, size: int, table: np.ndarray) -> tf.Tensor:
    """Draws from a prior by inversion, linear between the table's probabilities.

    Args:
      keys: Two uint32 tensors [rows].
      size: Numbers per row.
      table: float32 [65537] from `quantile_table`.

    Returns:
      float32 [rows, size].
    """
    words = _words(keys, size)
    cell = tf.cast(tf.bitwise.right_shift(words, np.uint32(_TABLE_BITS)), tf.int32)
    rest = tf.cast(words & np.uint32(2**_TABLE_BITS - 1), tf.float32)
    low = tf.gather(tf.constant(table[:-1]), cell)
    width = tf.gather(tf.constant(np.diff(table) * np.float32(2.0**-_TABLE_BITS)), cell)
    return low + width * rest


def permutation(key: Key, size: int) -> tf.Tensor:
    """The whole numbers below `size` in random order: int32 [size].

    Unlike `tf.random.experimental.index_shuffle` XLA compiles it.

    Args:
      key: Two uint32 tensors [1].
      size: How many numbers.
    """
    _, order = tf.math.top_k(tf.bitcast(_words(key, size)[0], tf.int32), size)
    return order


def split(values: tf.Tensor, shapes: Sequence[tuple[int, ...]]) -> list[tf.Tensor]:
    """Cuts [rows, total] into consecutive parts of the given shapes, each [rows, *shape]."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    parts = tf.split(values, sizes, axis=1)
    return [tf.reshape(part, (-1, *shape)) for part, shape in zip(parts, shapes, strict=True)]


def _words(keys: Key, size: int) -> tf.Tensor:
    """Random words: keys [rows] -> uint32 [rows, size]; word p depends on its key and p alone."""
    position = tf.range((size + 1) // 2, dtype=tf.int32)[tf.newaxis, :]
    counter = tf.cast(position, tf.uint32)
    columns = tuple(part[:, tf.newaxis] for part in keys)
    left, right = threefry_2x32(columns, (counter, tf.zeros_like(counter)))
    pairs = tf.stack([left, right], axis=-1)
    return tf.reshape(pairs, (-1, 2 * ((size + 1) // 2)))[:, :size]


# One graph for all shapes: a training step asks many times for what is 160 operations.
@tf.function(autograph=False, input_signature=[tf.TensorSpec(None, tf.uint32)] * 4)
def _twenty_rounds(key_0: tf.Tensor, key_1: tf.Tensor, left: tf.Tensor, right: tf.Tensor) -> Key:
    schedule = (key_0, key_1, key_0 ^ key_1 ^ _PARITY)
    left, right = left + schedule[0], right + schedule[1]
    for block in range(5):
        for rotation in _ROTATIONS[block % 2]:
            left = left + right
            right = _rotate(right, rotation) ^ left
        left = left + schedule[(block + 1) % 3]
        right = right + schedule[(block + 2) % 3] + np.uint32(block + 1)
    return left, right


def _rotate(word: tf.Tensor, bits: int) -> tf.Tensor:
    high = tf.bitwise.left_shift(word, np.uint32(bits))
    return high | tf.bitwise.right_shift(word, np.uint32(32 - bits))


def _low_word(number: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.bitwise.bitwise_and(number, np.int64(0xFFFFFFFF)), tf.uint32)
