"""One key of a SoundFont as sound: resampling, loop, volume envelope and filter, in NumPy.

In: a `soundfont.Region`, pitch, velocity, length in seconds. Out: mono float32 [samples] and a
place between left and right. Source: SoundFont Technical Specification 2.01, sections 8 and 9.

Left out, since General MIDI pieces are recognisable without them: vibrato and modulation
oscillators, the modulation envelope, modulators other than velocity to loudness, reverb, chorus.
"""

import dataclasses

import numpy as np

from tfmusicgan.note_sequences.wav_file import from_int16
from tfmusicgan.rendering import soundfont as sf

# Longest time of one envelope stage and of the tail after a key's release, in seconds: the format
# allows 100 s of each, which a damaged file could ask of every note.
_LONGEST_STAGE = 20.0
LONGEST_TAIL = 4.0
# Where a fading voice counts as silent, and what an envelope's full fall is (9.1.7), in decibels.
_SILENCE_DB = 70.0
_FULL_FALL_DB = 100.0
# A looped sample never stops by itself; the shortest fade avoids a click at the end of a note.
_SHORTEST_RELEASE = 0.01
# Soundfonts are tuned by ear on E-mu hardware, whose attenuation was 0.4 of the written value;
# FluidSynth applies the same factor.
_ATTENUATION_SCALE = 0.4


@dataclasses.dataclass(frozen=True)
class Voice:
    """The sound of one region.

    Attributes:
      wave: float32 [samples], about -1 to 1.
      pan: -1 left to 1 right.
    """

    wave: np.ndarray
    pan: float


def render_voice(
    region: sf.Region,
    samples: np.ndarray,
    pitch: int,
    velocity: int,
    seconds: float,
    sample_rate_hz: int,
    bends: tuple[tuple[float, float], ...] = (),
    most_samples: int | None = None,
) -> Voice:
    """Plays one region.

    Args:
      region: What to play.
      samples: int16 [frames], the soundfont's pool.
      pitch: MIDI pitch, 0 to 127.
      velocity: 1 to 127.
      seconds: Time from key down to key up.
      sample_rate_hz: Rate of the result.
      bends: (seconds from key down, semitones), ascending; each holds until the next.
      most_samples: Where to stop at the latest, for who needs no more; None for the release's end.

    Returns:
      The voice, with its release after `seconds`.
    """
    release = max(_stage(region, sf.RELEASE), _SHORTEST_RELEASE)
    tail = min(release * _SILENCE_DB / _FULL_FALL_DB, LONGEST_TAIL)
    key_up = max(round(seconds * sample_rate_hz), 1)
    count = key_up + round(tail * sample_rate_hz)
    if most_samples is not None:
        count = min(count, most_samples)
    cents = pitch * 100.0 + (pitch - 60) * (region.get(sf.SCALE_TUNING) - 100.0)
    cents += 100.0 * region.get(sf.COARSE_TUNE) + region.get(sf.FINE_TUNE) - region.root_cents
    step = region.rate_hz / sample_rate_hz * 2.0 ** (cents / 1200.0)
    positions = _positions(region, step, count, key_up, sample_rate_hz, bends)
    wave = _interpolate(samples, positions, region.end)
    wave *= _envelope(region, len(positions), seconds, release, sample_rate_hz)
    wave *= (velocity / 127.0) ** 2 * 10.0 ** (
        -_ATTENUATION_SCALE * max(region.get(sf.ATTENUATION), 0) / 200.0
    )
    wave = _low_pass(wave, region, sample_rate_hz)
    return Voice(wave, float(np.clip(region.get(sf.PAN) / 500.0, -1.0, 1.0)))


def _stage(region: sf.Region, operator: int) -> float:
    """Length of an envelope's stage in seconds, from timecents (8.1.3); -12000 is instantaneous."""
    timecents = region.get(operator)
    return 0.0 if timecents <= -12000 else min(2.0 ** (timecents / 1200.0), _LONGEST_STAGE)


def _positions(
    region: sf.Region,
    step: float,
    count: int,
    key_up: int,
    sample_rate_hz: int,
    bends: tuple[tuple[float, float], ...],
) -> np.ndarray:
    """Where in the pool each output sample is read: float64 [at most count], in frames."""
    if bends:
        times, semitones = np.array(bends).T
        held = np.searchsorted(times, np.arange(count) / sample_rate_hz, side="right") - 1
        ratio = np.where(held >= 0, 2.0 ** (semitones[held] / 12.0), 1.0)
        travelled = np.concatenate([[0.0], np.cumsum(step * ratio[:-1])])
    else:
        travelled = step * np.arange(count)
    positions = region.start + travelled
    if region.loop_mode:
        length = region.loop_end - region.loop_start
        wrapped = np.where(
            positions < region.loop_end,
            positions,
            region.loop_start + (positions - region.loop_start) % length,
        )
        if region.loop_mode == 1:
            return wrapped
        # Mode 3 leaves the loop at key up and plays the rest of the sample.
        positions[key_up:] += wrapped[key_up - 1] - positions[key_up - 1]
        positions[:key_up] = wrapped[:key_up]
    return positions[positions < region.end - 1]


def _interpolate(samples: np.ndarray, positions: np.ndarray, end: int) -> np.ndarray:
    """Reads between frames by a four-point Catmull-Rom cubic: float32 [len(positions)]."""
    if not len(positions):
        return np.zeros(0, np.float32)
    low = int(positions.min())
    pool = from_int16(samples[max(low - 1, 0) : end + 2])
    whole = positions.astype(np.int64)
    t = (positions - whole).astype(np.float32)
    index = whole - max(low - 1, 0)
    before, at, after, beyond = (
        pool[np.clip(index + shift, 0, len(pool) - 1)] for shift in (-1, 0, 1, 2)
    )
    cubic = 3.0 * (at - after) + beyond - before
    square = 2.0 * before - 5.0 * at + 4.0 * after - beyond
    return at + 0.5 * t * (after - before + t * (square + t * cubic))


def _envelope(
    region: sf.Region, count: int, seconds: float, release: float, sample_rate_hz: int
) -> np.ndarray:
    """Volume, float32 [count]: linear attack; decay and release straight in decibels (9.1.7)."""
    attack_at = _stage(region, sf.DELAY)
    attack = _stage(region, sf.ATTACK)
    decay_at = attack_at + attack + _stage(region, sf.HOLD)
    decay = max(_stage(region, sf.DECAY), 1e-3)
    sustain_db = np.clip(region.get(sf.SUSTAIN) / 10.0, 0.0, _FULL_FALL_DB)
    times = np.arange(count) / sample_rate_hz
    held = np.minimum(times, seconds)  # at key up the level stays, and the release falls from it
    fall_db = np.clip(_FULL_FALL_DB * (held - decay_at) / decay, 0.0, sustain_db)
    fall_db = fall_db + _FULL_FALL_DB * np.maximum(times - seconds, 0.0) / release
    rise = np.clip((held - attack_at) / max(attack, 1e-3), 0.0, 1.0)
    return (rise * 10.0 ** (-fall_db / 20.0)).astype(np.float32)


def _low_pass(wave: np.ndarray, region: sf.Region, sample_rate_hz: int) -> np.ndarray:
    """The two-pole resonant low-pass (8.1.2, generators 8 and 9), applied by its spectrum."""
    cutoff_hz = 8.176 * 2.0 ** (region.get(sf.FILTER_CUTOFF) / 1200.0)
    if cutoff_hz >= 0.45 * sample_rate_hz or not len(wave):
        return wave
    quality = 10.0 ** (region.get(sf.FILTER_Q) / 200.0) / np.sqrt(2.0)
    # Room for the filter's own ringing, so that it does not wrap round to the start.
    size = 1 << (len(wave) + 4096).bit_length()
    ratio = np.fft.rfftfreq(size, 1.0 / sample_rate_hz) / max(cutoff_hz, 20.0)
    response = 1.0 / (1.0 - ratio**2 + 1j * ratio / quality)
    filtered = np.fft.irfft(np.fft.rfft(wave, size) * response, size)
    return filtered[: len(wave)].astype(np.float32)
