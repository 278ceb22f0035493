"""One note of a soundfont as a mono clip.

In: a program, a key, how long it is held and how long the clip is. Out: float32 [samples], the mean
of what a stereo rendering plays left and right. Loudness is the soundfont's; only a clip that would
be clipped is scaled down.
"""

import numpy as np

from tfmusicgan.errors import ReadError
from tfmusicgan.rendering.soundfont import SoundFont
from tfmusicgan.rendering.synthesizer import render_voice

_FADE_SECONDS = 0.01
_HIGHEST_PEAK = 0.98


def render_note(
    font: SoundFont,
    program: int,
    pitch: int,
    velocity: int,
    held_seconds: float,
    num_samples: int,
    sample_rate_hz: int,
) -> np.ndarray:
    """Plays one key.

    Args:
      font: The soundfont.
      program: General MIDI program, 0 to 127.
      pitch: MIDI pitch, 0 to 127.
      velocity: 1 to 127.
      held_seconds: Time from key down, at the clip's start, to key up.
      num_samples: Of the clip; no more are rendered.
      sample_rate_hz: Of the clip. Sounds are read without a low-pass: below about 32 kHz what the
        soundfont has above half of it is folded back.

    Returns:
      float32 [num_samples], within -0.98 to 0.98; a sound that goes on fades out in the last 10 ms.

    Raises:
      ReadError: With reason `"missing_program"` or `"no_sound_for_key"`.
    """
    if not font.has_program(program):
        raise ReadError(f"Soundfont {font.path} has no program {program}.", "missing_program")
    regions = font.regions(font.preset(program, is_drum=False), pitch, velocity)
    if not regions:
        raise ReadError(
            f"Soundfont {font.path} has no sound for pitch {pitch} at velocity {velocity} of "
            f"program {program}.",
            "no_sound_for_key",
        )
    clip = np.zeros(num_samples, np.float32)
    for region in regions:
        voice = render_voice(
            region,
            font.samples,
            pitch,
            velocity,
            held_seconds,
            sample_rate_hz,
            most_samples=num_samples,
        )
        # Equal power between left and right, as in `wav.py`; here their mean.
        angle = (voice.pan + 1.0) * np.pi / 4.0
        clip[: len(voice.wave)] += voice.wave * np.float32((np.cos(angle) + np.sin(angle)) / 2.0)
    fade = min(round(_FADE_SECONDS * sample_rate_hz), num_samples)
    clip[num_samples - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return clip * np.float32(min(1.0, _HIGHEST_PEAK / max(np.abs(clip).max(initial=0.0), 1e-9)))
