"""Sounds of single notes to the sound of a piece: envelopes and the sum, in NumPy.

Source: Engel et al. (2019), "GANSynth", https://arxiv.org/abs/1902.08710; magenta 526d3eb1,
`models/gansynth/lib/generate_util.py` and `gansynth_generate.py`. Differs from it: peaks are those
of both signs, so that none is above the level; the end is that of the last note to end and not of
the last one in the file; a note of nothing but rounding adds nothing, where it would become as loud
as any other; a note shorter than the attack fades out from where the attack has come to; and sounds
shorter than the published four seconds are held for so long that the release fits into them.
"""

import numpy as np

from tfmusicgan.note_sequences.recorded_note import SILENCE

ATTACK_SECONDS = 0.010
RELEASE_SECONDS = 0.3
LONGEST_SUSTAIN_SECONDS = 3.0  # NSynth's notes are held so long
PEAK = 0.5
_ROOM_SECONDS = 3.0  # behind the last note


def envelope(seconds: float, sample_rate: int) -> np.ndarray:
    """The gain of a note: a linear attack of 10 ms, 1 until it ends, a linear release of 300 ms.

    Args:
      seconds: The note's length; at most 3 s of it count.
      sample_rate: In Hz.

    Returns:
      float32 [samples], the release included, within [0, 1].
    """
    sustain = int(min(seconds, LONGEST_SUSTAIN_SECONDS) * sample_rate)
    attack, release = int(ATTACK_SECONDS * sample_rate), int(RELEASE_SECONDS * sample_rate)
    gain = np.ones(sustain + release, np.float32)
    rise = np.linspace(0.0, 1.0, attack, dtype=np.float32)[: len(gain)]
    gain[: len(rise)] = rise
    gain[sustain:] *= np.linspace(1.0, 0.0, release, dtype=np.float32)
    return gain


class NoteMix:
    """The sum of a piece's notes, as they come.

    Args:
      end_seconds: Where the last note ends.
      sample_rate: Of all sounds, in Hz.
    """

    def __init__(self, end_seconds: float, sample_rate: int):
        self.sample_rate = sample_rate
        self._sum = np.zeros(int(end_seconds + _ROOM_SECONDS) * sample_rate, np.float32)

    def add(self, sound: np.ndarray, start_seconds: float, seconds: float, velocity: int) -> bool:
        """Adds a note: its sound under the envelope, as loud as its velocity says.

        Args:
          sound: float [samples]; its own level does not count.
          start_seconds: Where the note starts.
          seconds: How long it is held.
          velocity: 0 to 127.

        Returns:
          Whether it sounds: below -72 dB of full scale it is left out.
        """
        longest = len(sound) / self.sample_rate - RELEASE_SECONDS
        gain = envelope(min(seconds, max(longest, 0.0)), self.sample_rate)
        note = sound[: len(gain)] * gain[: len(sound)]
        peak = np.abs(note).max(initial=0.0)
        if peak < SILENCE:
            return False
        start = int(start_seconds * self.sample_rate)
        place = self._sum[start : start + len(note)]
        place += note[: len(place)] * np.float32(velocity / 127.0 / peak)
        return True

    def finish(self) -> np.ndarray:
        """The sum at a peak of 0.5: float32 [samples]; silence where there was nothing else."""
        peak = np.abs(self._sum).max(initial=0.0)
        return self._sum * np.float32(PEAK / peak) if peak else self._sum
