"""The tempos and meters of pypianoroll's .npz files, see pianoroll_npz.py."""

import numpy as np

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import midi_chunks
from tfmusicgan.note_sequences.tempo_map import TempoMap
from tfmusicgan.note_sequences.transforms import DEFAULT_METER, DEFAULT_QPM

_TEMPO_DECIMALS = 3
_MAX_QPM = 60_000_000  # MIDI's fastest tempo: a microsecond to a quarter note.
_TILES = 24
_DENOMINATORS = (4, 8, 16, 32)
_LARGEST_NUMERATOR = 255  # A byte in MIDI.


def tempo_map(tempo: np.ndarray, resolution: int, name: str) -> TempoMap:
    """Where the tempo changes.

    Args:
      tempo: Quarter notes a minute at every step [steps].
      resolution: Steps in a quarter note.
      name: The file's, for the message.

    Raises:
      ReadError: If a tempo is none, or it changes too often.
    """
    tempo = tempo.astype(np.float64) if len(tempo) else np.array([DEFAULT_QPM])
    tempo = np.round(np.where(tempo <= _MAX_QPM, tempo, 0.0), _TEMPO_DECIMALS)
    if not (tempo > 0).all():
        raise not_pianoroll(name, f"its tempo is not within 0-{_MAX_QPM} throughout")
    tempo, span = _without_tiles(tempo, resolution)
    changes = np.flatnonzero(np.concatenate([[True], np.diff(tempo) != 0]))
    if len(changes) > midi_chunks.MAX_META_EVENTS:
        raise too_many(f"{midi_chunks.MAX_META_EVENTS} tempo changes", name)
    return TempoMap(changes * span, tempo[changes], resolution)


def _without_tiles(tempo: np.ndarray, resolution: int) -> tuple[np.ndarray, int]:
    """Tempos, and the steps for which each holds.

    Those of all beats, where pypianoroll has them 24 times over, and otherwise those of all steps.
    Beats are not made steps of: a small file's would fill the memory.
    """
    num_beats, rest = divmod(len(tempo), _TILES)
    if rest:
        return tempo, 1
    rows = tempo.reshape(_TILES, num_beats)
    return (rows[0], resolution) if (rows == rows[0]).all() else (tempo, 1)


def meters(downbeat: np.ndarray, resolution: int, name: str) -> list[tuple[int, int, int]]:
    """Where the meter changes: (step, numerator, denominator), the first at 0.

    Args:
      downbeat: Whether a bar begins there, bool [steps].
      resolution: Steps in a quarter note.
      name: The file's, for the message.

    Raises:
      ReadError: If a bar has a length that no meter has, or meters change too often.
    """
    begins = np.flatnonzero(downbeat)
    if not len(begins):
        return [(0, *DEFAULT_METER)]
    lengths = np.diff(begins)
    last = int(lengths[-1]) if len(lengths) else DEFAULT_METER[0] * resolution
    lengths = np.concatenate([lengths, [last]])
    if begins[0] > 0:
        # What comes before is a pickup, unless it is whole bars itself.
        pickup = begins[0] if begins[0] % lengths[0] else lengths[0]
        begins, lengths = np.concatenate([[0], begins]), np.concatenate([[pickup], lengths])
    changes = np.flatnonzero(np.concatenate([[True], np.diff(lengths) != 0]))
    if len(changes) > midi_chunks.MAX_META_EVENTS:
        raise too_many(f"{midi_chunks.MAX_META_EVENTS} changes of meter", name)
    steps, lengths = begins[changes].tolist(), lengths[changes].tolist()
    return [
        (step, *_meter(length, resolution, name))
        for step, length in zip(steps, lengths, strict=True)
    ]


def _meter(num_steps: int, resolution: int, name: str) -> tuple[int, int]:
    """Numerator and denominator of a bar of so many steps."""
    for denominator in _DENOMINATORS:
        numerator, rest = divmod(num_steps * denominator, 4 * resolution)
        if not rest and numerator <= _LARGEST_NUMERATOR:
            return numerator, denominator
    raise not_pianoroll(name, f"a bar of {num_steps} steps, {resolution} to a beat, has no meter")


def not_pianoroll(name: str, why: str) -> ReadError:
    """A file that is none of pypianoroll's, or contradicts itself."""
    return ReadError(
        f"Expected a piano-roll that pypianoroll saved. Received: {name}, but {why}.",
        "not_pianoroll",
    )


def too_many(limit: str, name: str) -> ReadError:
    """A file with more of something than is read."""
    return ReadError(f"Expected at most {limit}. Received more in {name}.", "too_many_events")
