"""NoteSequences read inside the graph: notes of a batch as flat tensors, in seconds and quarters.

Core ops only. Rows of a batch may come from different clients: `readable_note_sequences` keeps one
of them from failing the others, and numbers that make no sense are left out or bounded.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.transforms import DEFAULT_QPM
from tfmusicgan.representations import protos_graph
from tfmusicgan.representations.masks_graph import where_true
from tfmusicgan.representations.score_header import MAX_QPM, MIN_QPM

# Of notes, tempos, annotations and so on in one sequence: five hours of music at three
# notes a second, and what keeps the padding of a batch small.
MAX_SUBMESSAGES = 65_536

_SEQUENCE = "magenta.NoteSequence"
_SUBMESSAGES = {
    "notes": tf.string,
    "tempos": tf.string,
    "part_infos": tf.string,
    "instrument_infos": tf.string,
    "text_annotations": tf.string,
    "time_signatures": tf.string,
}
_FIELDS = {
    "notes": (
        "magenta.NoteSequence.Note",
        {
            "pitch": tf.int32,
            "velocity": tf.int32,
            "program": tf.int32,
            "is_drum": tf.bool,
            "part": tf.int32,
            "instrument": tf.int32,
            "start_time": tf.float64,
            "end_time": tf.float64,
        },
    ),
    "tempos": ("magenta.NoteSequence.Tempo", {"time": tf.float64, "qpm": tf.float64}),
    "part_infos": ("magenta.NoteSequence.PartInfo", {"part": tf.int32}),
    "instrument_infos": (
        "magenta.NoteSequence.InstrumentInfo",
        {"instrument": tf.int32, "name": tf.string},
    ),
    "text_annotations": (
        "magenta.NoteSequence.TextAnnotation",
        {"time": tf.float64, "text": tf.string, "annotation_type": tf.int32},
    ),
    "time_signatures": (
        "magenta.NoteSequence.TimeSignature",
        {"time": tf.float64, "numerator": tf.int32, "denominator": tf.int32},
    ),
}


@dataclasses.dataclass(frozen=True)
class FlatNotes:
    """The notes of a batch of NoteSequences, one entry per note, row by row in their order.

    Attributes:
      batch: int32 scalar, number of rows.
      row: int32 [notes], the sequence each comes from.
      start_seconds: float64 [notes].
      end_seconds: float64 [notes].
      start_quarters: float64 [notes], quarter notes from the beginning of its sequence.
      end_quarters: float64 [notes].
      pitch: int32 [notes], MIDI pitch number.
      velocity: int32 [notes].
      program: int32 [notes].
      is_drum: bool [notes].
      part: int32 [notes].
      instrument: int32 [notes].
      info_row: int32 [parts], the sequence that declares a part in `part_infos`.
      info_part: int32 [parts], that part's number.
      name_row: int32 [names], the sequence that names an instrument in `instrument_infos`.
      name_instrument: int32 [names], that instrument's number.
      name: tf.string [names], its name.
    """

    batch: tf.Tensor
    row: tf.Tensor
    start_seconds: tf.Tensor
    end_seconds: tf.Tensor
    start_quarters: tf.Tensor
    end_quarters: tf.Tensor
    pitch: tf.Tensor
    velocity: tf.Tensor
    program: tf.Tensor
    is_drum: tf.Tensor
    part: tf.Tensor
    instrument: tf.Tensor
    info_row: tf.Tensor
    info_part: tf.Tensor
    name_row: tf.Tensor
    name_instrument: tf.Tensor
    name: tf.Tensor


def readable_note_sequences(note_sequences: tf.Tensor) -> tf.Tensor:
    """Replaces by an empty NoteSequence what the functions here could not read.

    Those are rows that do not parse, as a whole, in their total time or in one of their notes,
    tempos, part or instrument infos, text annotations or time signatures, and rows of more than
    `MAX_SUBMESSAGES` of one of these. A server merges requests of several clients to one batch, and
    an error would fail them all.

    Args:
      note_sequences: tf.string [batch].

    Returns:
      tf.string [batch].
    """
    count = tf.size(note_sequences, tf.int64)
    rows = tf.data.Dataset.from_tensor_slices((tf.range(count), note_sequences))
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    readable = rows.map(_parse_row).ignore_errors().with_options(options)
    # An empty batch more, for the case that no row is readable.
    none = (tf.zeros([0], tf.int64), tf.zeros([0], tf.string))
    batches = readable.batch(tf.maximum(count, 1)).concatenate(tf.data.Dataset.from_tensors(none))
    places, texts = batches.take(1).get_single_element()
    return tf.tensor_scatter_nd_update(tf.fill([count], ""), places[:, tf.newaxis], texts)


def _parse_row(place: tf.Tensor, text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """(place, text) of one row, emptied if it has too many submessages; fails if unreadable."""
    fields = {**_SUBMESSAGES, "total_time": tf.float64}
    parsed = protos_graph.decode_messages(text[tf.newaxis], _SEQUENCE, fields)
    counts = tf.concat([sizes for _, sizes in parsed.values()], axis=0)
    del parsed["total_time"]
    keep = tf.reduce_max(counts) <= MAX_SUBMESSAGES
    for name, (values, _) in parsed.items():
        message_type, fields = _FIELDS[name]
        inner = protos_graph.decode_messages(values[0, :MAX_SUBMESSAGES], message_type, fields)
        # Always so for scalar fields. The graph's optimiser would take out an operation that is
        # there for its errors alone: its numbers have to count.
        keep &= tf.reduce_all(tf.stack([sizes for _, sizes in inner.values()]) <= 1)
    return place, tf.strings.substr(text, 0, tf.where(keep, tf.strings.length(text), 0))


def flat_notes(note_sequences: tf.Tensor) -> FlatNotes:
    """Parses the notes of a batch, with times in quarter notes too, by each row's tempo changes.

    Positions equal those of `transforms.seconds_to_quarters`. Notes with a time that is not finite
    are left out.

    Args:
      note_sequences: tf.string [batch], of `readable_note_sequences`.

    Returns:
      The notes, in the rows' order.
    """
    return FlatNotes(**_flat_notes(as_texts(note_sequences)))


def as_texts(note_sequences: tf.Tensor) -> tf.Tensor:
    """tf.string [batch], checked before a traced function gets it.

    Where a function refuses its inputs it keeps its lock, and other threads wait for ever.
    """
    return tf.ensure_shape(tf.convert_to_tensor(note_sequences, tf.string), [None])


# A function of its own, traced once in a process: signatures read the same music several times.
@tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string)])
def _flat_notes(note_sequences: tf.Tensor) -> dict[str, tf.Tensor]:
    batch = tf.shape(note_sequences)[0]
    parsed = protos_graph.decode_messages(note_sequences, _SEQUENCE, _SUBMESSAGES)
    texts, places = protos_graph.flat_submessages(*parsed["notes"])
    notes = protos_graph.decode_scalars(texts, *_FIELDS["notes"])
    finite = tf.math.is_finite(notes["start_time"]) & tf.math.is_finite(notes["end_time"])
    places, *values = where_true(finite, places, *notes.values())
    notes = dict(zip(notes, values, strict=True))
    start_seconds, end_seconds = notes.pop("start_time"), notes.pop("end_time")
    start, end = to_quarters(
        start_seconds, end_seconds, places, parsed["tempos"], parsed["notes"][0]
    )
    infos, info_places = protos_graph.flat_submessages(*parsed["part_infos"])
    names, name_places = protos_graph.flat_submessages(*parsed["instrument_infos"])
    names = protos_graph.decode_scalars(names, *_FIELDS["instrument_infos"])
    return {
        "batch": batch,
        "row": tf.cast(places[:, 0], tf.int32),
        "start_seconds": start_seconds,
        "end_seconds": end_seconds,
        "start_quarters": start,
        "end_quarters": end,
        "info_row": tf.cast(info_places[:, 0], tf.int32),
        "info_part": protos_graph.decode_scalars(infos, *_FIELDS["part_infos"])["part"],
        "name_row": tf.cast(name_places[:, 0], tf.int32),
        "name_instrument": names["instrument"],
        "name": names["name"],
        **notes,
    }


def chord_symbols(note_sequences: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Parses the chord symbols of a batch; those with a time that is not finite are left out.

    Args:
      note_sequences: tf.string [batch], of `readable_note_sequences`.

    Returns:
      Row int32 [symbols], position in quarter notes float64, and text, in the rows' order.
    """
    wanted = {name: _SUBMESSAGES[name] for name in ("tempos", "text_annotations")}
    parsed = protos_graph.decode_messages(note_sequences, _SEQUENCE, wanted)
    texts, places = protos_graph.flat_submessages(*parsed["text_annotations"])
    fields = protos_graph.decode_scalars(texts, *_FIELDS["text_annotations"])
    taken = fields["annotation_type"] == NoteSequence.TextAnnotation.CHORD_SYMBOL
    taken &= tf.math.is_finite(fields["time"])
    time, text, places = where_true(taken, fields["time"], fields["text"], places)
    padded = parsed["text_annotations"][0]
    quarters, _ = to_quarters(time, time, places, parsed["tempos"], padded)
    return tf.cast(places[:, 0], tf.int32), quarters, text


def note_sequence_qpm(note_sequences: tf.Tensor) -> tf.Tensor:
    """The tempo with which each row begins, as in `transforms.tempos_by_time`; else MIDI's 120.

    Args:
      note_sequences: tf.string [batch], of `readable_note_sequences`.

    Returns:
      float32 [batch], quarter notes per minute, within 4-1,000, the range of piano-rolls.
    """
    parsed = protos_graph.decode_messages(note_sequences, _SEQUENCE, {"tempos": tf.string})
    seconds, _, rate = _tempo_map(*parsed["tempos"])
    at_start = tf.math.count_nonzero(seconds <= 0.0, axis=1) - 1
    qpm = 60.0 * tf.gather(rate, at_start, batch_dims=1)
    return tf.cast(tf.clip_by_value(qpm, MIN_QPM, MAX_QPM), tf.float32)


def to_quarters(
    start: tf.Tensor,
    end: tf.Tensor,
    places: tf.Tensor,
    tempos: tuple[tf.Tensor, tf.Tensor],
    padded: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Seconds to quarter notes: `transforms.seconds_to_quarters` of every row.

    Args:
      start: float64 [n], seconds.
      end: float64 [n], likewise.
      places: int64 [n, 2], their rows and columns in `padded`: one search goes through a whole
        batch.
      tempos: Of `protos_graph.decode_messages`.
      padded: [batch, most].

    Returns:
      float64 [n] each.
    """
    seconds, quarters, rate = _tempo_map(*tempos)
    shape = tf.shape(padded, tf.int64)
    times = tf.concat([tf.scatter_nd(places, side, shape) for side in (start, end)], axis=1)
    # Every row has a tempo at 0 s; the one that holds there holds before it too.
    index = tf.searchsorted(seconds, tf.maximum(times, 0.0), side="right") - 1
    origin, position, rates = (
        tf.gather(table, index, batch_dims=1) for table in (seconds, quarters, rate)
    )
    sides = tf.split(position + (times - origin) * rates, 2, axis=1)
    return tuple(tf.gather_nd(side, places) for side in sides)


def _tempo_map(tempos: tf.Tensor, sizes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """As `transforms._tempo_map`, float64 [batch, changes]; unused places have infinite seconds."""
    texts, places = protos_graph.flat_submessages(tempos, sizes)
    fields = protos_graph.decode_scalars(texts, *_FIELDS["tempos"])
    time, qpm = fields["time"], fields["qpm"]
    valid = tf.math.is_finite(time) & tf.math.is_finite(qpm) & (qpm > 0)
    infinity, default = tf.constant(np.inf, tf.float64), tf.constant(DEFAULT_QPM, tf.float64)
    time = tf.where(valid, tf.maximum(time, 0.0), infinity)
    seconds = tf.fill(tf.shape(tempos), infinity)
    seconds = tf.pad(tf.tensor_scatter_nd_update(seconds, places, time), [[0, 0], [1, 0]])
    qpm = tf.tensor_scatter_nd_update(tf.fill(tf.shape(tempos), default), places, qpm)
    qpm = tf.pad(qpm, [[0, 0], [1, 0]], constant_values=default)
    # Stable: of several tempos at one time the last in the message holds.
    order = tf.argsort(seconds, axis=1, stable=True)
    seconds = tf.gather(seconds, order, batch_dims=1)
    rate = tf.gather(qpm, order, batch_dims=1) / 60.0
    lengths = (seconds[:, 1:] - seconds[:, :-1]) * rate[:, :-1]
    lengths = tf.where(tf.math.is_finite(seconds[:, 1:]), lengths, 0.0)
    return seconds, tf.pad(tf.cumsum(lengths, axis=1), [[0, 0], [1, 0]]), rate
