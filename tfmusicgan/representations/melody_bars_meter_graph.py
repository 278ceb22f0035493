"""The meter of music that a model of melodies in bars is given, inside the graph."""

import tensorflow as tf

from tfmusicgan.representations import protos_graph


def in_meter(note_sequences: tf.Tensor, beats_per_bar: int) -> tf.Tensor:
    """Passes on music in bars of as many quarter notes.

    Music without time signature is taken for such. Time signatures with a zero do not count.

    Args:
      note_sequences: tf.string [batch], of `readable_note_sequences`.
      beats_per_bar: Quarter notes in a bar.

    Returns:
      tf.string [batch], the same.

    Raises:
      InvalidArgumentError: When run with another time signature anywhere, or one in eighths; it
        names the signature.
    """
    parsed = protos_graph.decode_messages(
        note_sequences, "magenta.NoteSequence", {"time_signatures": tf.string}
    )
    texts, _ = protos_graph.flat_submessages(*parsed["time_signatures"])
    fields = {"numerator": tf.int32, "denominator": tf.int32}
    found = protos_graph.decode_scalars(texts, "magenta.NoteSequence.TimeSignature", fields)
    numerator, denominator = (tf.cast(found[name], tf.int64) for name in fields)
    other = (denominator > 4) | (numerator * 4 != beats_per_bar * denominator)
    other &= (numerator > 0) & (denominator > 0)
    names = tf.strings.as_string(tf.boolean_mask(numerator, other))
    names += "/" + tf.strings.as_string(tf.boolean_mask(denominator, other))
    hint = f"note_sequence: expected music in {beats_per_bar}/4. Received:"
    with tf.control_dependencies([tf.debugging.Assert(tf.size(names) == 0, [hint, names[:1]])]):
        return tf.identity(note_sequences)
