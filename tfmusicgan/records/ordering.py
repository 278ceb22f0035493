"""The order of a record stream, as a pure function of (seed, position).

An epoch puts the shards in an order drawn from (seed, epoch), takes them in blocks of a fixed
number of shards, and puts the examples of each block in an order drawn from (seed, epoch, block). A
set that fits one block is shuffled perfectly; a larger one within its blocks. Any position of the
endless stream is found from the counts in the manifest, so nothing has to be saved to go on there,
and no earlier block has to be read.
"""

import dataclasses

import numpy as np
import tensorflow as tf

# One block holds at most this much of records before compression; two or three are in memory.
BLOCK_BYTES = 128 * 2**20
_SHARD_STREAM = 1
_EXAMPLE_STREAM = 2


@dataclasses.dataclass(frozen=True)
class ShardTable:
    """The non-empty shards of a split.

    Attributes:
      paths: File of each shard.
      counts: Examples in each shard, all positive.
      shards_per_block: Shards that are read and shuffled together.
      group: The group of files that these are, from 0 on; groups have orders of their own.
    """

    paths: tuple[str, ...]
    counts: tuple[int, ...]
    shards_per_block: int
    group: int = 0

    @property
    def num_examples(self) -> int:
        """Examples in one epoch."""
        return sum(self.counts)

    @property
    def num_blocks(self) -> int:
        """Blocks in one epoch."""
        return -(-len(self.paths) // self.shards_per_block)


@dataclasses.dataclass(frozen=True)
class Position:
    """A place in the stream: epoch, block in it, and number of its examples that are behind."""

    epoch: int
    block: int
    offset: int


def shards_per_block(unpacked_bytes: tuple[int, ...], block_bytes: int = BLOCK_BYTES) -> int:
    """How many shards of these sizes fit one block, whichever come together; at least one."""
    largest = np.sort(np.asarray(unpacked_bytes, np.int64))[::-1]
    return max(1, int(np.searchsorted(np.cumsum(largest), block_bytes, side="right")))


def deal(counts: tuple[int, ...], num_groups: int) -> list[list[int]]:
    """Deals shards to groups of about as many examples: the largest first, to the smallest group.

    Args:
      counts: Examples of each shard.
      num_groups: At least 1.

    Returns:
      Indices of the shards of each group, in file order.
    """
    dealt: list[list[int]] = [[] for _ in range(num_groups)]
    totals = [0] * num_groups
    for index in sorted(range(len(counts)), key=lambda index: (-counts[index], index)):
        group = totals.index(min(totals))
        dealt[group].append(index)
        totals[group] += counts[index]
    return [sorted(indices) for indices in dealt]


def fold_seed(seed: int | tf.Tensor, *numbers: int | tf.Tensor) -> tf.Tensor:
    """A seed int32 [2] for the stateless ops, drawn from `seed` and whole numbers."""
    seed = tf.cast(seed, tf.int64)
    folded = tf.bitcast(tf.reshape(seed, [1]), tf.int32)[0]
    for number in numbers:
        folded = tf.random.fold_in(folded, tf.cast(number, tf.int32))
    return folded


def permutation(size: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """An order of 0 ... size-1 that depends on `seed` (int32 [2]) alone.

    Args:
      size: int scalar, at least 1.
      seed: As `fold_seed` gives it.

    Returns:
      int64 [size].
    """
    size = tf.cast(size, tf.int64)
    return tf.random.experimental.index_shuffle(tf.range(size), seed, size - 1)


def block_shards(
    table: ShardTable, seed: int, epoch: tf.Tensor | int, block: tf.Tensor | int, shuffle: bool
) -> tf.Tensor:
    """Indices of the shards of one block, int64 [at most table.shards_per_block]."""
    order = tf.range(len(table.paths), dtype=tf.int64)
    if shuffle:
        key = fold_seed(seed, _SHARD_STREAM, epoch, *_group(table))
        order = permutation(len(table.paths), key)
    start = tf.cast(block, tf.int64) * table.shards_per_block
    return order[start : start + table.shards_per_block]


def shuffle_block(
    table: ShardTable,
    records: tf.Tensor,
    seed: int,
    epoch: tf.Tensor | int,
    block: tf.Tensor | int,
) -> tf.Tensor:
    """Puts the records of one block, [num, ...], in the order of (seed, epoch, block, group)."""
    key = fold_seed(seed, _EXAMPLE_STREAM, epoch, block, *_group(table))
    return tf.gather(records, permutation(tf.shape(records)[0], key))


def locate(table: ShardTable, seed: int, position: int, shuffle: bool) -> Position:
    """Finds the place of example number `position` of the endless stream."""
    epoch, offset = divmod(position, table.num_examples)
    with tf.device("CPU"):
        for block in range(table.num_blocks):
            shards = block_shards(table, seed, epoch, block, shuffle).numpy()
            count = sum(table.counts[shard] for shard in shards)
            if offset < count:
                return Position(epoch, block, offset)
            offset -= count
    raise AssertionError("unreachable: the offset lies inside the epoch")


def _group(table: ShardTable) -> tuple[int, ...]:
    """What keys of a group's order are folded with: nothing where there is one group."""
    return (table.group,) if table.group else ()
