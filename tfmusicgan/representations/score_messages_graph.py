"""NoteSequences put together inside the graph from a header, tempos and notes."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import protos_graph
from tfmusicgan.representations.score_header import MAX_QPM, MIN_QPM

_NOTE = "magenta.NoteSequence.Note"
_TEMPO = "magenta.NoteSequence.Tempo"
_TEXT = "magenta.NoteSequence.TextAnnotation"
_SEQUENCE = "magenta.NoteSequence"


def checked_qpm(qpm: tf.Tensor) -> tf.Tensor:
    """Tempos in double precision: float64 [batch].

    Args:
      qpm: float32 [batch], quarter notes per minute.

    Raises:
      InvalidArgumentError: When run with a tempo out of range.
    """
    in_range = tf.reduce_all((qpm >= MIN_QPM) & (qpm <= MAX_QPM))
    message = f"qpm: expected {MIN_QPM:g}-{MAX_QPM:g} quarter notes per minute"
    with tf.control_dependencies([tf.debugging.Assert(in_range, [message, qpm])]):
        return tf.cast(qpm, tf.float64)


def encode_sequences(
    header: NoteSequence,
    qpm: tf.Tensor,
    total_seconds: tf.Tensor,
    row: tf.Tensor,
    notes: Mapping[str, tf.Tensor],
    texts: tuple[tf.Tensor, Mapping[str, tf.Tensor]] | None = None,
) -> tf.Tensor:
    """Serialises a batch of NoteSequences.

    Args:
      header: What all of them share; see `score_header`.
      qpm: float64 [batch], the one tempo of each.
      total_seconds: float64 [batch], the length of each.
      row: [notes], the sequence that each note belongs to, in ascending order.
      notes: Scalar fields of `NoteSequence.Note` by name, [notes] each.
      texts: The same for text annotations, if there are any: rows, and scalar fields of
        `NoteSequence.TextAnnotation`.

    Returns:
      tf.string [batch].
    """
    batch = tf.size(qpm)
    one = tf.ones([batch], tf.int32)
    fields = _constant_fields(header, batch)
    fields["tempos"] = (protos_graph.encode_scalars(_TEMPO, {"qpm": qpm})[:, tf.newaxis], one)
    # Left out where it is zero, as protobuf itself does.
    fields["total_time"] = (total_seconds[:, tf.newaxis], tf.cast(total_seconds != 0, tf.int32))
    fields["notes"] = _by_row(protos_graph.encode_scalars(_NOTE, notes), row, batch)
    if texts is not None:
        fields["text_annotations"] = _by_row(
            protos_graph.encode_scalars(_TEXT, texts[1]), texts[0], batch
        )
    return protos_graph.encode_messages(_SEQUENCE, fields)


def _by_row(messages: tf.Tensor, row: tf.Tensor, batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Submessages in ascending order of their rows: (values [batch, most], sizes [batch])."""
    counts = tf.math.bincount(tf.cast(row, tf.int32), minlength=batch, maxlength=batch)
    ragged = tf.RaggedTensor.from_row_lengths(messages, counts, validate=False)
    return ragged.to_tensor(), counts


def _constant_fields(
    header: NoteSequence, batch: tf.Tensor
) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
    """What all rows share, as constants: field name to (values [batch, n], sizes [batch])."""
    fields = {}
    for descriptor, value in header.ListFields():
        if descriptor.label == descriptor.LABEL_REPEATED:
            constant = np.array([message.SerializeToString() for message in value], object)
        elif descriptor.message_type is not None:
            constant = np.array([value.SerializeToString()], object)
        elif isinstance(value, int):
            constant = np.array([value], np.int32)
        else:
            constant = np.array([value], object)
        values = tf.tile(tf.constant(constant)[tf.newaxis], [batch, 1])
        fields[descriptor.name] = (values, tf.fill([batch], len(constant)))
    return fields
