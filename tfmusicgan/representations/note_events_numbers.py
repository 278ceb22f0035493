"""Events as numbers: ticks, pitches and velocities to features and back, the NumPy half.

A step's features are one time and, of each of its tones, length, frequency and intensity; or each
tone has a time as well.
`note_events_graph.py` does what `from_features` and `find_notes` do inside the graph.
"""

import dataclasses

import numpy as np

from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.score_header import score_header

TICKS_PER_QUARTER = 384  # C-RNN-GAN, released code
# What is longer counts as this much: no length, and no distance of two onsets, fills memory.
MAX_TICKS = 64 * TICKS_PER_QUARTER
SECONDS_PER_TICK = 60.0 / TICKS_PER_QUARTER  # at one quarter note a minute; exact, 5/32

# Standardised features: quarter notes, octaves above middle C, and 32nds of velocity above 64.
MIDDLE_C = 60
SEMITONES = 12
MIDDLE_VELOCITY, VELOCITY_UNIT = 64, 32
# What a silent tone's standardised intensity says: well below the softest velocity, or a network
# that is to say silence would as often say a little more.
SILENT_VELOCITY = -32
# Pitches that are told apart before octaves bring them within 0-127.
OUTSIDE = 240

# Hertz of the pitches from `-OUTSIDE` to `127 + OUTSIDE`, rounded as the features are.
PITCH_HZ = (440.0 * 2.0 ** ((np.arange(-OUTSIDE, 128 + OUTSIDE) - 69) / 12)).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Events:
    """Steps of a piece.

    Attributes:
      time: int64 [steps, tones], ticks since the tone before; 0 for all of one onset but the first.
      length: int64 [steps, tones], ticks; 0 where a step has no such tone.
      pitch: int64 [steps, tones], MIDI pitch number.
      velocity: int64 [steps, tones]; 0 where a step has no such tone.
    """

    time: np.ndarray
    length: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray


@dataclasses.dataclass(frozen=True)
class Notes:
    """Notes as heard, by onset, then pitch; no two of a pitch overlap.

    Attributes:
      start: int64 [notes], ticks from the beginning.
      end: int64 [notes], above `start`.
      pitch: int64 [notes].
      velocity: int64 [notes], 1-127.
      total: Ticks up to the last end, or to a later onset of a silent event.
    """

    start: np.ndarray
    end: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    total: int


def to_features(events: Events, raw: bool, num_times: int) -> np.ndarray:
    """Features of events.

    Args:
      events: The steps.
      raw: Ticks, hertz and velocities instead of standardised features.
      num_times: Times of a step: 1, which is its first tone's, or that of each tone.

    Returns:
      float32 [steps, num_times + 3 * tones].
    """
    silent = events.velocity == 0
    if raw:
        hertz = np.where(silent, np.float32(0), PITCH_HZ[events.pitch + OUTSIDE])
        tones = [events.length, hertz, events.velocity]
        time = events.time
    else:
        octaves = np.where(silent, 0, events.pitch - MIDDLE_C) / SEMITONES
        tones = [events.length / TICKS_PER_QUARTER, octaves]
        velocity = np.where(silent, SILENT_VELOCITY, events.velocity)
        tones.append((velocity - MIDDLE_VELOCITY) / VELOCITY_UNIT)
        time = events.time / TICKS_PER_QUARTER
    steps = len(time)
    # [steps, times, features of a time], with one time those of all tones.
    flat = np.stack(tones, axis=-1).reshape(steps, num_times, -1)
    found = np.concatenate([time[:, :num_times, np.newaxis], flat], axis=2)
    return found.reshape(steps, -1).astype(np.float32)


def from_features(features: np.ndarray, raw: bool, num_times: int) -> Events:
    """The events that features stand for: whatever a network may have written.

    Of standardised features a time below 0 is 0 (together with the tone before), and a frequency is
    rounded to the nearest pitch. Raw ones are read as published: a time below 0 moves the clock
    back, a frequency is cut down to the next lower pitch, and one of 0 or less is silent. Pitches
    outside 0-127 are moved by octaves. Features that are no numbers count as 0.

    Args:
      features: float32 [steps, num_times + 3 * tones].
      raw: See `to_features`.
      num_times: See `to_features`.
    """
    features = np.where(np.isnan(features), np.float32(0), features)
    steps = len(features)
    features = features.reshape(steps, num_times, -1)
    tones = features[..., 1:].reshape(steps, -1, 3)
    time = np.zeros(tones.shape[:2], np.int64)
    time[:, :num_times] = _ticks(features[..., 0], raw)
    length, frequency, intensity = (tones[..., part] for part in range(3))
    if raw:
        found = np.searchsorted(PITCH_HZ, frequency, side="right") - 1 - OUTSIDE
        pitch = np.maximum(found, -OUTSIDE)
        velocity = np.rint(intensity).clip(0, 127).astype(np.int64)
        velocity = np.where(frequency > 0, velocity, 0)
    else:
        time = np.maximum(time, 0)
        semitones = np.rint(frequency * np.float32(SEMITONES)).clip(-OUTSIDE, OUTSIDE)
        pitch = semitones.astype(np.int64) + MIDDLE_C
        steps = np.rint(intensity * np.float32(VELOCITY_UNIT)).clip(-MIDDLE_VELOCITY, 127)
        velocity = (steps.astype(np.int64) + MIDDLE_VELOCITY).clip(0, 127)
    return Events(time, np.maximum(_ticks(length, raw), 0), fold(pitch), velocity)


def fold(pitch: np.ndarray) -> np.ndarray:
    """Moves pitches by octaves into 0-127, as few as will do."""
    low, high = pitch % 12, 116 + (pitch - 116) % 12
    return np.where(pitch < 0, low, np.where(pitch > 127, high, pitch))


def find_notes(events: Events) -> Notes:
    """The notes that events sound: an end is at the next onset of its pitch, if that is earlier.

    Of several notes of one pitch and onset the last is heard. An event of length 0 or velocity 0 is
    silent. What the clock says below 0 is 0.
    """
    onset = np.maximum(np.cumsum(events.time).reshape(events.time.shape), 0)
    sounds = (events.length > 0) & (events.velocity > 0)
    step, tone = np.nonzero(sounds)
    start, pitch = onset[step, tone], events.pitch[step, tone]
    end, velocity = start + events.length[step, tone], events.velocity[step, tone]
    order = np.lexsort((start, pitch))  # stable: by pitch, onset, place
    start, end, pitch, velocity = start[order], end[order], pitch[order], velocity[order]
    follows = np.append(pitch[1:] == pitch[:-1], False)[: len(pitch)]
    following = np.append(start[1:], 0)[: len(pitch)]
    end = np.where(follows, np.minimum(end, following), end)
    order = np.lexsort((pitch, start))
    order = order[end[order] > start[order]]
    total = max(int(onset.max(initial=0)), int(end[order].max(initial=0)))
    return Notes(start[order], end[order], pitch[order], velocity[order], total)


def event_header() -> NoteSequence:
    """What decoded events share: all but notes, tempo and total_time."""
    return score_header(TICKS_PER_QUARTER, 4, ["piano"])


def _ticks(feature: np.ndarray, raw: bool) -> np.ndarray:
    """Whole ticks of a feature, within `MAX_TICKS` either way."""
    if not raw:
        feature = feature * np.float32(TICKS_PER_QUARTER)
    return np.rint(feature).clip(-MAX_TICKS, MAX_TICKS).astype(np.int64)
