"""Sound, listened to with a Fourier transform."""

import pathlib
import wave

import numpy as np
import pytest

from tfmusicgan.errors import MusicGanError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.rendering.wav import render_wav, synthesize

_RATE = 44100


def _sequence(*notes, program=0, is_drum=False) -> NoteSequence:
    """Notes as (pitch, velocity, start, end)."""
    sequence = NoteSequence(id="a piece")
    for pitch, velocity, start, end in notes:
        sequence.notes.add(
            pitch=pitch,
            velocity=velocity,
            start_time=start,
            end_time=end,
            program=program,
            is_drum=is_drum,
        )
    sequence.total_time = max((note.end_time for note in sequence.notes), default=0.0)
    return sequence


def _mono(audio: np.ndarray, start: float, end: float) -> np.ndarray:
    return audio[round(start * _RATE) : round(end * _RATE)].astype(np.float64).sum(axis=1)


def _strongest_hz(wave_: np.ndarray, low_hz: float, high_hz: float) -> float:
    size = 1 << 21
    spectrum = np.abs(np.fft.rfft(wave_ * np.hanning(len(wave_)), size))
    frequencies = np.arange(len(spectrum)) * _RATE / size
    inside = (frequencies > low_hz) & (frequencies < high_hz)
    return float(frequencies[inside][spectrum[inside].argmax()])


def _rms(wave_: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(wave_))))


@pytest.mark.parametrize(
    ("program", "pitch", "hz"),
    [(0, 69, 440.0), (0, 45, 110.0), (40, 69, 440.0), (24, 57, 220.0), (32, 45, 110.0)],
)
def test_notes_sound_at_their_pitch(program, pitch, hz):
    audio = synthesize(_sequence((pitch, 90, 0.0, 2.0), program=program))
    heard = _strongest_hz(_mono(audio, 0.3, 1.9), hz * 0.9, hz * 1.1)
    assert abs(1200.0 * np.log2(heard / hz)) < 8.0  # the samples are tuned to a few cents


def test_a_violin_has_its_fundamental_and_nothing_below():
    spectrum = np.abs(
        np.fft.rfft(_mono(synthesize(_sequence((69, 90, 0, 2), program=40)), 0.5, 1.5))
    )
    assert spectrum[430:450].max() > 100.0 * spectrum[20:400].max()


def test_energy_is_where_notes_are():
    audio = synthesize(_sequence((60, 90, 1.0, 1.5), (72, 90, 4.0, 4.5), program=73))
    assert not audio[: _RATE - 1].any()
    assert _rms(_mono(audio, 1.05, 1.45)) > 1000
    assert not _mono(audio, 2.5, 3.99).any()
    assert _rms(_mono(audio, 4.05, 4.45)) > 1000
    assert 4.5 * _RATE < len(audio) < 6.0 * _RATE  # the release is heard, and ends


def test_the_peak_is_one_decibel_below_full_scale():
    for notes in ([(60, 1, 0, 1)], [(p, 127, 0, 1) for p in range(40, 90, 3)]):
        audio = synthesize(_sequence(*notes))
        assert audio.dtype == np.int16
        assert np.abs(audio.astype(int)).max() == 29204  # 32767 * 10 ** (-1 / 20)


def test_louder_velocity_is_louder_by_the_square():
    audio = synthesize(_sequence((60, 120, 0.0, 0.5), (60, 60, 3.0, 3.5), program=73))
    ratio = _rms(_mono(audio, 0.1, 0.4)) / _rms(_mono(audio, 3.1, 3.4))
    assert ratio == pytest.approx(4.0, rel=0.01)


def test_total_time_is_kept_when_the_music_ends_earlier():
    sequence = _sequence((60, 90, 0.0, 0.2))
    sequence.total_time = 9.5
    assert len(synthesize(sequence)) == round(9.5 * _RATE)


def test_drums_play_on_the_kit():
    kick = _mono(synthesize(_sequence((36, 100, 0, 0.2), is_drum=True)), 0.0, 0.3)
    hat = _mono(synthesize(_sequence((42, 100, 0, 0.2), is_drum=True)), 0.0, 0.3)

    def centre(wave_):
        power = np.abs(np.fft.rfft(wave_)) ** 2
        return float((power * np.fft.rfftfreq(len(wave_), 1 / _RATE)).sum() / power.sum())

    assert centre(kick) < 500.0 < 2000.0 < centre(hat)


def test_a_closed_hi_hat_ends_the_open_one():
    opened = _mono(synthesize(_sequence((46, 120, 0.0, 0.1), is_drum=True)), 0.25, 0.35)
    sequence = _sequence((46, 120, 0.0, 0.1), (44, 1, 0.2, 0.25), is_drum=True)
    choked = _mono(synthesize(sequence), 0.25, 0.35)
    assert _rms(choked) < 0.05 * _rms(opened)


def test_the_pedal_holds_notes():
    sequence = _sequence((60, 100, 0.0, 0.3), program=19)
    short = synthesize(sequence)
    sequence.control_changes.add(time=0.1, control_number=64, control_value=127)
    sequence.control_changes.add(time=2.0, control_number=64, control_value=0)
    held = synthesize(sequence)
    assert len(held) - len(short) == round(1.7 * _RATE)
    sequence.control_changes[1].control_value = 64  # never lifted: as without a pedal
    assert len(synthesize(sequence)) == len(short)


def test_pan_and_volume_are_followed():
    sequence = _sequence((60, 100, 0.0, 0.5), (60, 100, 3.0, 3.5), program=73)
    sequence.control_changes.add(time=0.0, control_number=10, control_value=1)
    sequence.control_changes.add(time=2.9, control_number=10, control_value=127)
    sequence.control_changes.add(time=2.9, control_number=7, control_value=50)
    audio = synthesize(sequence).astype(np.float64)
    first, second = audio[4410:17640], audio[4410 + 3 * _RATE : 17640 + 3 * _RATE]
    assert _rms(first[:, 0]) > 50 * _rms(first[:, 1])
    assert _rms(second[:, 1]) > 50 * _rms(second[:, 0])
    assert _rms(first[:, 0]) / _rms(second[:, 1]) == pytest.approx(4.0, rel=0.01)  # (100 / 50) ** 2


def test_a_full_bend_up_is_two_semitones():
    sequence = _sequence((69, 90, 0.0, 4.0), program=40)
    sequence.pitch_bends.add(time=2.0, bend=8191)
    audio = synthesize(sequence)
    before = _strongest_hz(_mono(audio, 0.3, 1.9), 400, 550)
    after = _strongest_hz(_mono(audio, 2.1, 3.9), 400, 550)
    assert 1200 * np.log2(after / before) == pytest.approx(200.0, abs=3.0)


def test_rendering_changes_nothing_and_repeats_to_the_bit():
    sequence = _sequence((64, 90, 0.5, 1.0), (60, 90, 0.0, 0.5))
    before = sequence.SerializeToString(deterministic=True)
    assert np.array_equal(synthesize(sequence), synthesize(sequence))
    assert sequence.SerializeToString(deterministic=True) == before


def test_the_file_is_what_was_synthesised(tmp_path):
    sequence = _sequence((69, 90, 0.0, 0.5))
    path = tmp_path / "a.wav"
    render_wav(sequence, path, sample_rate_hz=22050)
    with wave.open(str(path)) as file:
        assert file.getparams()[:3] == (2, 2, 22050)
        audio = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert np.array_equal(audio, synthesize(sequence, sample_rate_hz=22050))
    assert [child.name for child in path.parent.iterdir()] == ["a.wav"]


def test_a_failure_leaves_no_file(tmp_path):
    (tmp_path / "taken.wav").mkdir()
    with pytest.raises(OSError, match="taken"):
        render_wav(_sequence((69, 90, 0.0, 0.1)), tmp_path / "taken.wav")
    assert [child.name for child in tmp_path.iterdir()] == ["taken.wav"]


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ([], r"at least one note\. Received: 'a piece' with none"),
        ([(60, 90, 0.0, 1e9)], r"within 0 and 3600 s\. Received: a note from 0 to 1e\+09 s"),
        ([(60, 90, -1.0, 1.0)], "a note from -1 to 1 s"),
        ([(60, 90, 0.0, float("nan"))], "a note from 0 to nan s"),
        ([(128, 90, 0.0, 1.0)], "pitches and programs from 0 to 127. Received: pitch 128"),
    ],
)
def test_what_cannot_be_played_is_said(notes, message):
    with pytest.raises(MusicGanError, match=message):
        synthesize(_sequence(*notes))


def test_drums_outside_the_kit_alone_are_said():
    with pytest.raises(MusicGanError, match="None of the notes of 'a piece' sounds"):
        synthesize(_sequence((0, 90, 0.0, 1.0), is_drum=True))


def test_a_missing_soundfont_is_said(tmp_path):
    with pytest.raises(MusicGanError, match=r"No soundfont at .*nowhere\.sf2"):
        synthesize(_sequence((60, 90, 0, 1)), pathlib.Path(tmp_path, "nowhere.sf2"))
