"""One note of a soundfont as a clip, against the stereo rendering of the same note."""

import numpy as np
import pytest

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences.recorded_note import one_note
from tfmusicgan.rendering import single_note
from tfmusicgan.rendering import soundfont as sf
from tfmusicgan.rendering.single_note import render_note
from tfmusicgan.rendering.wav import synthesize

RATE = 16_000


@pytest.fixture(scope="module")
def font():
    return sf.SoundFont(sf.default_soundfont())


@pytest.mark.parametrize(("program", "pitch"), [(48, 55), (0, 64), (60, 60)])
def test_a_clip_is_the_mean_of_left_and_right(font, program, pitch):
    """But for the loudness, which `synthesize` normalises."""
    clip = render_note(font, program, pitch, 100, 0.75, RATE, RATE)
    sequence = one_note("x", pitch, 100, clip_seconds=1.0)
    sequence.notes[0].program = program
    stereo = synthesize(sequence, sample_rate_hz=RATE)[: len(clip)].mean(axis=1)
    before_fade = slice(0, RATE - RATE // 50)
    clip, stereo = clip[before_fade], stereo[before_fade]
    clip, stereo = clip / np.abs(clip).max(), stereo / np.abs(stereo).max()
    np.testing.assert_allclose(clip, stereo, atol=2e-3)


def test_no_more_is_rendered_than_the_clip_is_long(font, monkeypatch):
    lengths = []
    render_voice = single_note.render_voice

    def render(*arguments, **options):
        voice = render_voice(*arguments, **options)
        lengths.append(len(voice.wave))
        return voice

    monkeypatch.setattr(single_note, "render_voice", render)
    clip = render_note(font, 52, 60, 127, 0.15, 3200, RATE)  # a choir, with a long release
    assert clip.shape == (3200,) and clip.dtype == np.float32
    assert lengths == [3200] * 3  # as many regions
    assert clip[-1] == 0.0 and np.abs(clip[-400:-200]).max() > 0.01


def test_the_key_goes_up(font):
    short, long = (render_note(font, 16, 60, 100, held, RATE, RATE) for held in (0.3, 0.9))
    np.testing.assert_allclose(short[:4000], long[:4000], atol=1e-4)
    assert np.abs(short[-4000:]).max() < 0.01 < 0.1 < np.abs(long[-6000:-4000]).max()


def test_a_loud_note_is_scaled_down(font, monkeypatch):
    key = (font, 13, 40, 127, 0.2, 4000, RATE)
    clip = render_note(*key)
    assert np.abs(clip).max() > 0.3
    monkeypatch.setattr(single_note, "_HIGHEST_PEAK", 0.2)
    scaled = render_note(*key)
    assert np.abs(scaled).max() == pytest.approx(0.2)
    np.testing.assert_allclose(scaled, clip * 0.2 / np.abs(clip).max(), atol=1e-6)
    soft = render_note(font, 13, 40, 30, 0.2, 4000, RATE)
    np.testing.assert_allclose(soft, clip * (30 / 127) ** 2, atol=1e-6)


def test_what_the_font_lacks(font, monkeypatch):
    with pytest.raises(
        ReadError, match=r"no sound for pitch 64 at velocity 100 of program 65"
    ) as e:
        render_note(font, 65, 64, 100, 0.75, RATE, RATE)
    assert e.value.reason == "no_sound_for_key"
    monkeypatch.setattr(font, "_presets", {(0, 1): 5})
    assert font.has_program(1) and not font.has_program(0)
    with pytest.raises(ReadError, match="has no program 0") as error:
        render_note(font, 0, 60, 100, 0.75, RATE, RATE)
    assert error.value.reason == "missing_program"
