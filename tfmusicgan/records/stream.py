"""The endless stream of a record set's examples, as tf.data reads it in the order of `ordering`."""

from collections.abc import Sequence

import tensorflow as tf

from tfmusicgan.records import ordering

MISCOUNTED = "a shard has another number of records than the manifest says"


def examples(
    table: ordering.ShardTable, seed: int, position: int, repeat: bool, shuffle: bool
) -> tf.data.Dataset:
    """Serialised examples from number `position` of the endless stream on.

    Args:
      table: The shards.
      seed: Decides the order.
      position: Number of the first example, from 0 on.
      repeat: Whether the stream is endless; otherwise it ends after one epoch.
      shuffle: Whether epochs are shuffled; otherwise each has the order of the files.

    Returns:
      Dataset of string scalars. Reading raises InvalidArgumentError with `MISCOUNTED` where a shard
      has another number of records.
    """
    start = ordering.locate(table, seed, position, shuffle)
    last_epoch = tf.int64.max if repeat else 1

    def blocks_of(epoch: tf.Tensor) -> tf.data.Dataset:
        first = tf.where(epoch == start.epoch, tf.cast(start.block, tf.int64), 0)
        blocks = tf.data.Dataset.range(first, table.num_blocks)
        return blocks.map(lambda block: (epoch, block))

    def load(epoch: tf.Tensor, block: tf.Tensor) -> tf.Tensor:
        shards = ordering.block_shards(table, seed, epoch, block, shuffle)
        expected = tf.reduce_sum(tf.gather(tf.constant(table.counts, tf.int64), shards))
        files = tf.data.TFRecordDataset(
            tf.gather(tf.constant(table.paths), shards), compression_type="GZIP"
        )
        # One more than expected, so that a shard with too many records is noticed as well.
        records = files.batch(expected + 1).get_single_element()
        tf.debugging.assert_equal(tf.shape(records, tf.int64)[0], expected, MISCOUNTED)
        if shuffle:
            records = ordering.shuffle_block(table, records, seed, epoch, block)
        is_start = (epoch == start.epoch) & (block == start.block)
        return records[tf.where(is_start, tf.cast(start.offset, tf.int64), 0) :]

    epochs = tf.data.Dataset.range(start.epoch, last_epoch)
    # The next block is read while this one is used; one at a time bounds the memory.
    blocks = epochs.flat_map(blocks_of).map(load).prefetch(1)
    return blocks.flat_map(tf.data.Dataset.from_tensor_slices)


def untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The dataset without TensorFlow's tuning of parallelism and buffers.

    The thread that tunes an iterator sleeps up to a minute between its rounds. Now and then it
    misses its wake-up, and the iterator's destructor waits for it (TensorFlow 2.17): where a stage
    of the training begins, for instance. Under `MirroredStrategy` TensorFlow puts a tuned iterator
    around this one for each device.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def side_by_side(batches: Sequence[tf.data.Dataset]) -> tf.data.Dataset:
    """One dataset whose batches are those of several, one after the other along the first axis."""
    if len(batches) == 1:
        return batches[0]
    return tf.data.Dataset.zip(tuple(batches)).map(lambda *parts: tf.concat(parts, axis=0))
