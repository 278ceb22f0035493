"""WAV files of every width, against soundfile, and what is damaged."""

import io

import numpy as np
import pytest
import soundfile

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import wav_file
from tfmusicgan.note_sequences.wav_file import read_wav


def _written(samples, subtype="PCM_16", rate=12345, form="WAV"):
    data = io.BytesIO()
    soundfile.write(data, samples, rate, subtype=subtype, format=form)
    return data.getvalue()


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_width(subtype, channels):
    rng = np.random.default_rng(2)
    wave = np.append(rng.uniform(-1, 1, (200, channels)), np.full((2, channels), -1.0), axis=0)
    data = _written(wave, subtype)
    audio = read_wav(data, "x")
    expected, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    assert audio.sample_rate == rate == 12345 and audio.samples.dtype == np.float32
    np.testing.assert_allclose(audio.samples, expected, atol=1e-7)


def test_full_scale_of_16_bits():
    audio = read_wav(_written(np.array([-32768, 32767, 1], np.int16)), "x")
    assert (audio.samples * 32768).tolist() == [-32768.0, 32767.0, 1.0]


@pytest.mark.parametrize(
    ("data", "reason", "message"),
    [
        (b"", "unreadable_wav", "Received its end: x.wav"),
        (b"noise" * 20, "unreadable_wav", "RIFF"),
        (_written(np.ones(100))[:-50], "truncated_wav", "Expected 100 samples. Received 75"),
        (_written(np.ones(100))[:30], "unreadable_wav", "x.wav"),
        (_written(np.ones(100), "FLOAT"), "unreadable_wav", "unknown format: 3"),
        (_written(np.ones(100), form="FLAC"), "unreadable_wav", "RIFF"),
    ],
)
def test_files_that_are_refused(data, reason, message):
    with pytest.raises(ReadError) as error:
        read_wav(data, "x.wav")
    assert error.value.reason == reason and message in str(error.value)


def test_large_files(monkeypatch):
    monkeypatch.setattr(wav_file, "MAX_BYTES", 100)
    with pytest.raises(ReadError, match="at most 100 bytes") as error:
        read_wav(bytes(101), "x.wav")
    assert error.value.reason == "too_large"
