"""NoteSequence messages inside the graph, written and read by core ops.

`tf.io.encode_proto` and `tf.io.decode_proto` get the message's description as bytes, so that a
SavedModel needs neither note-seq nor Python.
"""

import functools
from collections.abc import Mapping

import tensorflow as tf
from google.protobuf import descriptor_pb2

from tfmusicgan.note_sequences.proto import music_pb2


@functools.cache
def descriptor_source() -> bytes:
    """The description of note-seq's messages in the form that TensorFlow's ops take."""
    files = descriptor_pb2.FileDescriptorSet()
    music_pb2.DESCRIPTOR.CopyToProto(files.file.add())
    return b"bytes://" + files.SerializeToString()


def encode_scalars(message_type: str, fields: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Serialises messages of scalar fields.

    Fields that have proto3's default, zero, are left out, as protobuf itself does.

    Args:
      message_type: Full name, e.g. `"magenta.NoteSequence.Note"`.
      fields: Field name to [messages], of the field's type (enums and small ints are int32).

    Returns:
      tf.string [messages].
    """
    names = sorted(fields)
    sizes = tf.stack([tf.cast(tf.not_equal(fields[n], _zero(fields[n])), tf.int32) for n in names])
    return tf.io.encode_proto(
        sizes=tf.transpose(sizes),
        values=[fields[name][:, tf.newaxis] for name in names],
        field_names=names,
        message_type=message_type,
        descriptor_source=descriptor_source(),
    )


def encode_messages(
    message_type: str, fields: Mapping[str, tuple[tf.Tensor, tf.Tensor]]
) -> tf.Tensor:
    """Serialises messages of repeated fields.

    Args:
      message_type: Full name.
      fields: Field name to (values [messages, most], number of them int32 [messages]).

    Returns:
      tf.string [messages].
    """
    names = sorted(fields)
    return tf.io.encode_proto(
        sizes=tf.stack([fields[name][1] for name in names], axis=1),
        values=[fields[name][0] for name in names],
        field_names=names,
        message_type=message_type,
        descriptor_source=descriptor_source(),
    )


def decode_messages(
    serialized: tf.Tensor, message_type: str, fields: Mapping[str, tf.DType]
) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
    """Parses fields of messages.

    Args:
      serialized: tf.string [messages].
      message_type: Full name.
      fields: Field name to dtype; submessages are tf.string.

    Returns:
      Field name to (values [messages, most], number of them int32 [messages]). A scalar field that
      a message leaves out has its default and counts 1.
    """
    decoded = _decode_with_one_more(serialized, message_type, fields)
    return {name: (values[:-1], sizes) for name, (values, sizes) in decoded.items()}


def decode_scalars(
    serialized: tf.Tensor, message_type: str, fields: Mapping[str, tf.DType]
) -> dict[str, tf.Tensor]:
    """Parses scalar fields of messages: field name to [messages], defaults where left out."""
    decoded = _decode_with_one_more(serialized, message_type, fields)
    return {
        # One column of zeros more, for batches in which no message has the field.
        name: tf.where(sizes > 0, tf.pad(values, [[0, 0], [0, 1]])[:-1, 0], _zero(values))
        for name, (values, sizes) in decoded.items()
    }


def _decode_with_one_more(
    serialized: tf.Tensor, message_type: str, fields: Mapping[str, tf.DType]
) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
    """As `decode_messages`, but values of an empty message more: the op refuses an empty batch."""
    names = sorted(fields)
    sizes, values = tf.io.decode_proto(
        tf.concat([serialized, [""]], axis=0),
        message_type=message_type,
        field_names=names,
        output_types=[fields[name] for name in names],
        descriptor_source=descriptor_source(),
    )
    sizes = tf.unstack(sizes[:-1], len(names), axis=1)
    return {name: (values[i], sizes[i]) for i, name in enumerate(names)}


def _zero(values: tf.Tensor) -> tf.Tensor:
    return tf.zeros([], values.dtype)


def flat_submessages(serialized: tf.Tensor, sizes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Repeated submessages without the padding.

    Args:
      serialized: tf.string [batch, most].
      sizes: int32 [batch].

    Returns:
      (tf.string [submessages], int64 [submessages, 2]: the row and column each comes from).
    """
    places = tf.where(tf.sequence_mask(sizes, tf.shape(serialized)[1]))
    return tf.gather_nd(serialized, places), places
