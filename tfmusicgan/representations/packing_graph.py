"""Packed bits and tokens inside the graph, core ops only: the same bytes as `packing.py`.

A packed field of a message is the quickest way to a string per row: joining strings out of a table
of bytes makes one string for every byte or two.
"""

import functools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from google.protobuf import descriptor_pb2

# NumPy, so that importing this module starts no device.
_WEIGHTS = np.array([128, 64, 32, 16, 8, 4, 2, 1], np.uint8)

# Times eight bytes of 0 or 1 as one little-endian number, it gathers them as the highest byte, the
# first of them in its highest bit; no two of the 64 partial products share a bit.
_GATHER = np.uint64(0x8040201008040201)


def unpack_bits(packed: tf.Tensor, shape: Sequence[int]) -> tf.Tensor:
    """Unpacks a batch of examples.

    Args:
      packed: uint8 [batch, bytes].
      shape: Axis sizes of one example.

    Returns:
      bool [batch, *shape].
    """
    num_bits = int(np.prod(shape, dtype=np.int64))
    bits = tf.cast(tf.bitwise.bitwise_and(packed[..., tf.newaxis], _WEIGHTS), tf.bool)
    flat = tf.reshape(bits, [tf.shape(packed)[0], packed.shape[1] * 8])
    return tf.reshape(flat[:, :num_bits], [-1, *shape])


def pack_bytes(bars: tf.Tensor, num_bars: tf.Tensor | None = None) -> tf.Tensor:
    """Packs each row of a batch to a string of its own length.

    A server may merge requests whose answers differ in length: strings need no padding.

    Args:
      bars: bool [batch, bars, *bar], the axes of a bar of static size.
      num_bars: int32 [batch], how many bars of each row count; by default all of them.

    Returns:
      tf.string [batch]: of each row the bytes of `np.packbits` of its own bars in C order, the last
      byte filled up with zeros. `packing.unpack_bytes` is the inverse.
    """
    bar_bits = int(np.prod(bars.shape[2:], dtype=np.int64))
    batch, longest = tf.shape(bars)[0], tf.shape(bars)[1]
    if num_bars is None:
        num_bars = tf.fill([batch], longest)
    num_bars = tf.clip_by_value(num_bars, 0, longest)
    flat = tf.reshape(bars, [batch, longest, bar_bits])
    if bar_bits % 8:  # A row's last byte may hold bits of the next bar.
        flat &= tf.sequence_mask(num_bars, longest)[..., tf.newaxis]
    flat = tf.reshape(tf.cast(flat, tf.uint8), [batch, longest * bar_bits])
    flat = tf.pad(flat, [[0, 0], [0, -(longest * bar_bits) % 64]])
    num_words = tf.shape(flat)[1] // 64
    octets = tf.bitcast(tf.reshape(flat, [batch, num_words * 8, 8]), tf.uint64)
    packed = tf.cast(tf.bitwise.right_shift(octets * _GATHER, np.uint64(56)), tf.uint8)
    words = tf.bitcast(tf.reshape(packed, [batch, num_words, 8]), tf.uint64)
    num_bits = num_bars * bar_bits
    row_words = (num_bits + 63) // 64
    messages = tf.io.encode_proto(
        sizes=row_words[:, tf.newaxis],
        values=[words],
        field_names=["words"],
        message_type="tfmusicgan.Words",
        descriptor_source=_words_descriptor(),
    )
    # The field's tag and length stand in front of its words.
    return tf.strings.substr(messages, -8 * row_words, (num_bits + 7) // 8)


def pack_numbers(numbers: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """Packs each row of a batch to a string of its own length.

    Args:
      numbers: int32 [batch, any].
      counts: int32 [batch], how many of each row count.

    Returns:
      tf.string [batch]: of each row the little-endian bytes of its own numbers, four for each.
      `packing.unpack_numbers` is the inverse.
    """
    counts = tf.clip_by_value(counts, 0, tf.shape(numbers)[1])
    messages = tf.io.encode_proto(
        sizes=counts[:, tf.newaxis],
        values=[numbers],
        field_names=["numbers"],
        message_type="tfmusicgan.Words",
        descriptor_source=_words_descriptor(),
    )
    return tf.strings.substr(messages, -4 * counts, 4 * counts)


@functools.cache
def _words_descriptor() -> bytes:
    """A message of packed fields, whose words are written as they lie in memory."""
    files = descriptor_pb2.FileDescriptorSet()
    file = files.file.add(name="tfmusicgan/words.proto", package="tfmusicgan", syntax="proto2")
    message = file.message_type.add(name="Words")
    for number, (name, kind) in enumerate((("words", "FIXED64"), ("numbers", "SFIXED32")), 1):
        field = message.field.add(name=name, number=number)
        field.label, field.type = field.LABEL_REPEATED, getattr(field, f"TYPE_{kind}")
        field.options.packed = True
    return b"bytes://" + files.SerializeToString()
