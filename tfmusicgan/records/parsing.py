"""Serialised examples to typed batches inside a tf.data pipeline, a whole batch at once."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfmusicgan.records.schema import stored_bytes
from tfmusicgan.representations.base import FieldSpec
from tfmusicgan.representations.packing_graph import unpack_bits


def parse_batch(serialized: tf.Tensor, spec: Mapping[str, FieldSpec]) -> dict[str, tf.Tensor]:
    """Parses a batch of `tf.train.Example`s.

    Args:
      serialized: string [batch].
      spec: The representation's fields.

    Returns:
      Field name -> [batch, *shape] of the field's dtype.

    Raises:
      InvalidArgumentError: When run on records without a field, or with another number of bytes.
    """
    features = {name: tf.io.FixedLenFeature([], tf.string) for name in spec}
    parsed = tf.io.parse_example(serialized, features)
    return {name: _decode(parsed[name], field) for name, field in spec.items()}


def _decode(data: tf.Tensor, field: FieldSpec) -> tf.Tensor:
    if field.dtype == "bool":
        packed = tf.io.decode_raw(data, tf.uint8)
        packed = tf.ensure_shape(packed, [None, stored_bytes(field)])
        return unpack_bits(packed, field.shape)
    flat = tf.io.decode_raw(data, tf.as_dtype(field.dtype), little_endian=True)
    # Else two records of half the size would be taken for one.
    flat = tf.ensure_shape(flat, [None, int(np.prod(field.shape, dtype=np.int64))])
    return tf.reshape(flat, [-1, *field.shape])
