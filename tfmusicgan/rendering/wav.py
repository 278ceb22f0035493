"""NoteSequence -> sound: stereo 16-bit WAV, played with a General MIDI soundfont.

In: a NoteSequence (seconds). Out: int16 [samples, 2], left and right, peak at -1 dBFS. Drums play
on the drum kit. Sustain pedal (control 64), volume (7), expression (11), pan (10) and pitch bends
(two semitones each way) are followed, other controls are not; volume, expression and pan are read
where a note starts.
"""

import bisect
import dataclasses
import math
import operator
import os
from collections import defaultdict

import numpy as np

from tfmusicgan.errors import MusicGanError
from tfmusicgan.files import replacing
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.wav_file import wav_bytes
from tfmusicgan.rendering import soundfont as sf
from tfmusicgan.rendering.synthesizer import LONGEST_TAIL, Voice, render_voice

SAMPLE_RATE_HZ = 44100
# An hour of stereo float32 is 1.3 GB; a damaged time would ask for any amount.
MAX_SECONDS = 3600.0
_PEAK = 10.0 ** (-1.0 / 20.0)  # -1 dBFS: lossy encoders overshoot a full-scale peak
_FADE_SECONDS = 0.005
_PEDAL, _VOLUME, _EXPRESSION, _PAN = 64, 7, 11, 10
_CONTROL_DEFAULTS = {_PEDAL: 0, _VOLUME: 100, _EXPRESSION: 127, _PAN: 64}
_BEND_SEMITONES = 2.0
_TIME = operator.itemgetter(0)
# Distinct sounds kept for repetition; a second of one is 0.2 MB.
_MAX_KEPT = 256


def render_wav(
    sequence: NoteSequence,
    path: str | os.PathLike,
    soundfont: str | os.PathLike | None = None,
    sample_rate_hz: int = SAMPLE_RATE_HZ,
) -> None:
    """Writes a sequence as a stereo 16-bit WAV file, whole or not at all.

    Args:
      sequence: The music, with at least one note.
      path: The file to write; it is replaced if it is there.
      soundfont: An SF2 file; None takes the one that comes with pretty_midi.
      sample_rate_hz: Samples per second.

    Raises:
      MusicGanError: As `synthesize`.
    """
    audio = synthesize(sequence, soundfont, sample_rate_hz)
    with replacing(path) as temporary:
        temporary.write_bytes(wav_bytes(audio, sample_rate_hz))


def synthesize(
    sequence: NoteSequence,
    soundfont: str | os.PathLike | None = None,
    sample_rate_hz: int = SAMPLE_RATE_HZ,
) -> np.ndarray:
    """Plays a sequence.

    Args:
      sequence: The music; it is not changed.
      soundfont: An SF2 file; None takes the one that comes with pretty_midi.
      sample_rate_hz: Samples per second.

    Returns:
      int16 [samples, 2]: from time 0 to `total_time` or the end of the last release, whichever is
      later, its peak at -1 dBFS.

    Raises:
      MusicGanError: If there is no note, a note is out of range or later than an hour, nothing
        sounds, or the soundfont is missing or damaged.
    """
    _check(sequence)
    font = sf.SoundFont(soundfont or sf.default_soundfont())
    played = _Mix(sequence.total_time, sample_rate_hz)
    tracks = defaultdict(list)
    for note in sequence.notes:
        tracks[note.instrument, note.program, note.is_drum].append(note)
    for (instrument, program, is_drum), notes in sorted(tracks.items()):
        controls = _Controls(sequence, instrument)
        preset = font.preset(program, is_drum)
        _play_track(font, preset, sorted(notes, key=lambda n: n.start_time), controls, played)
    return played.finish(sequence.id or sequence.filename)


def _check(sequence: NoteSequence) -> None:
    name = sequence.id or sequence.filename
    if not sequence.notes:
        raise MusicGanError(f"Expected music with at least one note. Received: {name!r} with none.")
    for note in sequence.notes:
        if not (0.0 <= note.start_time <= note.end_time <= MAX_SECONDS):
            raise MusicGanError(
                f"Expected notes within 0 and {MAX_SECONDS:.0f} s. Received: a note from"
                f" {note.start_time:g} to {note.end_time:g} s in {name!r}. Cut the piece first."
            )
        if not (0 <= note.pitch <= 127 and 0 <= note.program <= 127):
            raise MusicGanError(
                f"Expected pitches and programs from 0 to 127. Received: pitch {note.pitch},"
                f" program {note.program} in {name!r}."
            )


class _Controls:
    """Pedal, volume, expression, pan and bends of one instrument over time."""

    def __init__(self, sequence: NoteSequence, instrument: int):
        self._changes = defaultdict(list)
        for change in sorted(sequence.control_changes, key=lambda c: c.time):
            if change.instrument == instrument and change.control_number in _CONTROL_DEFAULTS:
                self._changes[change.control_number].append((change.time, change.control_value))
        self._bends = sorted(
            (bend.time, bend.bend / 8192.0 * _BEND_SEMITONES)
            for bend in sequence.pitch_bends
            if bend.instrument == instrument
        )

    def value(self, number: int, seconds: float) -> int:
        """A control's value, 0 to 127, at a time."""
        changes = self._changes[number]
        index = bisect.bisect_right(changes, seconds, key=_TIME)
        return changes[index - 1][1] if index else _CONTROL_DEFAULTS[number]

    def released(self, seconds: float) -> float:
        """When a key lifted at `seconds` stops being held by the pedal."""
        if not self._changes[_PEDAL] or self.value(_PEDAL, seconds) < 64:
            return seconds
        changes = self._changes[_PEDAL]
        for time, value in changes[bisect.bisect_right(changes, seconds, key=_TIME) :]:
            if value < 64:
                return time
        return seconds  # never lifted: the key's own end

    def gain(self, seconds: float) -> float:
        """Loudness, 1 at full volume and expression; squared, as MIDI recommends (40 dB law)."""
        volume, expression = self.value(_VOLUME, seconds), self.value(_EXPRESSION, seconds)
        return (volume * expression / 127.0**2) ** 2

    def bends(self, start: float, seconds: float) -> tuple[tuple[float, float], ...]:
        """(seconds after `start`, semitones) of the bends in force for `seconds`; () for none."""
        first = bisect.bisect_right(self._bends, start, key=_TIME)
        last = bisect.bisect_right(self._bends, start + seconds, key=_TIME)
        in_force = self._bends[first - 1][1] if first else 0.0
        if first == last and not in_force:
            return ()
        later = ((time - start, semitones) for time, semitones in self._bends[first:last])
        return ((0.0, in_force), *later)


@dataclasses.dataclass
class _Mix:
    """The sum of all voices, growing as they come: float32 [samples, 2]."""

    total_seconds: float
    sample_rate_hz: int

    def __post_init__(self):
        seconds = self.total_seconds if math.isfinite(self.total_seconds) else 0.0
        self.length = round(min(max(seconds, 0.0), MAX_SECONDS) * self.sample_rate_hz)
        self._audio = np.zeros((self.length + 8 * self.sample_rate_hz, 2), np.float32)

    def add(self, voice: Voice, start: int, length: int, gain: float, pan: float) -> None:
        """Adds at most `length` samples of a voice, with a short fade where it ends."""
        sound = voice.wave[:length] * np.float32(gain)
        fade = min(round(_FADE_SECONDS * self.sample_rate_hz), len(sound))
        sound[len(sound) - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
        end = start + len(sound)
        if end > len(self._audio):
            more = np.zeros((end - len(self._audio) + 60 * self.sample_rate_hz, 2), np.float32)
            self._audio = np.concatenate([self._audio, more])
        # Equal power: 3 dB down in the middle.
        angle = (np.clip(voice.pan + pan, -1.0, 1.0) + 1.0) * np.pi / 4.0
        self._audio[start:end, 0] += sound * np.float32(np.cos(angle))
        self._audio[start:end, 1] += sound * np.float32(np.sin(angle))
        self.length = max(self.length, end)

    def finish(self, name: str) -> np.ndarray:
        """The normalised sound, int16 [samples, 2]."""
        audio = self._audio[: self.length]
        peak = float(np.abs(audio).max(initial=0.0))
        if peak == 0.0:
            raise MusicGanError(
                f"None of the notes of {name!r} sounds in this soundfont. Use another --soundfont."
            )
        audio *= np.float32(_PEAK * 32767.0 / peak)
        return np.rint(audio).astype(np.int16)


def _play_track(
    font: sf.SoundFont, preset: int, notes: list, controls: _Controls, played: _Mix
) -> None:
    """Adds one track's notes, in order of time."""
    rate = played.sample_rate_hz
    rendered: dict[tuple, Voice] = {}  # grid music repeats the same few notes
    pending: list[list] = []  # [start, length, exclusive class, voice, gain, pan]
    for note in notes:
        velocity = min(max(note.velocity, 1), 127)
        held = round((controls.released(note.end_time) - note.start_time) * rate)
        start = round(note.start_time * rate)
        bends = controls.bends(note.start_time, held / rate + LONGEST_TAIL)
        for number, region in enumerate(font.regions(preset, note.pitch, velocity)):
            key = (number, note.pitch, velocity, held, bends)
            if key not in rendered:
                if len(rendered) >= _MAX_KEPT:
                    rendered.clear()
                rendered[key] = render_voice(
                    region, font.samples, note.pitch, velocity, held / rate, rate, bends
                )
            group = region.get(sf.EXCLUSIVE_CLASS)
            for sound in pending:
                # A closed hi-hat ends the open one (SoundFont 8.1.2, generator 57).
                if group and sound[2] == group and sound[0] < start:
                    sound[1] = min(sound[1], start - sound[0])
            gain = controls.gain(note.start_time)
            pan = (controls.value(_PAN, note.start_time) - 64) / 63.0
            pending.append([start, len(rendered[key].wave), group, rendered[key], gain, pan])
        # Voices that started over ten seconds ago are no longer cut: only the recent ones are kept.
        while pending and pending[0][0] < start - 10 * rate:
            _add(played, pending.pop(0))
    for sound in pending:
        _add(played, sound)


def _add(played: _Mix, sound: list) -> None:
    start, length, _, voice, gain, pan = sound
    played.add(voice, start, length, gain, pan)
