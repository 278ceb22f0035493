"""Which piece each example of a record set is of."""

import numpy as np
import tensorflow as tf

from tfmusicgan.records.reader import RecordSet, spread_places

_NUMBER = "source_index"
_AT_ONCE = 1024


def spread_pieces(records: RecordSet, limit: int) -> np.ndarray:
    """The pieces of the examples that `records.spread(limit)` returns.

    Args:
      records: A split of a record set.
      limit: How many at most.

    Returns:
      int64 [n], the piece's place among the sources; transposed copies have the same.

    Raises:
      RecordsError: If a shard is damaged.
    """
    paths = [str(records.directory / shard.file) for shard in records.shards]
    wanted = {_NUMBER: tf.io.FixedLenFeature([], tf.int64)}
    numbers = []
    with records.plain_errors():
        for serialized in tf.data.TFRecordDataset(paths, "GZIP").batch(_AT_ONCE):
            numbers.append(tf.io.parse_example(serialized, wanted)[_NUMBER].numpy())
    return np.concatenate(numbers)[spread_places(records.num_examples, limit)]
