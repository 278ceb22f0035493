"""WAV files of every width, against soundfile, with every change of one byte of their headers."""

import collections
import io
import struct
import wave

import numpy as np
import pytest
import soundfile

from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import wav_file
from tfmusicgan.note_sequences.wav_file import read_wav, wav_bytes


def _written(samples, subtype="PCM_16", rate=12345, form="WAV"):
    data = io.BytesIO()
    soundfile.write(data, samples, rate, subtype=subtype, format=form)
    return data.getvalue()


def _chunk(kind, content):
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _riff(*chunks):
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


TONE = (0.4 * np.sin(0.1 * np.arange(300)) * 32768).astype("<i2")
FORM = _chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 16000, 32000, 2, 16))
DATA = _chunk(b"data", TONE.tobytes())
FORM_32 = _chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 16000, 64000, 4, 32))
DATA_32 = _chunk(b"data", (TONE.astype("<i4") << 16).tobytes())
GOOD = _riff(FORM, DATA)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("form", ["WAV", "WAVEX"])
def test_every_width(subtype, channels, form):
    rng = np.random.default_rng(2)
    wave = np.append(rng.uniform(-1, 1, (200, channels)), np.full((2, channels), -1.0), axis=0)
    data = _written(wave, subtype, form=form)
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
        (b"", "unreadable_wav", "Received another kind or coding: x.wav"),
        (b"noise" * 20, "unreadable_wav", "another kind"),
        (_written(np.ones(100))[:-50], "truncated_wav", "Expected 100 samples. Received 75"),
        (_written(np.ones(100))[:30], "unreadable_wav", "x.wav"),
        (_written(np.ones(100), "ULAW"), "unreadable_wav", "another kind or coding"),
        (_written(np.ones(100), form="FLAC"), "unreadable_wav", "another kind or coding"),
        (_riff(FORM), "unreadable_wav", "its end before its samples"),
        (_riff(), "unreadable_wav", "its end before a format"),
        (_riff(DATA, FORM), "unreadable_wav", "samples before their format"),
        (_riff(_chunk(b"fmt ", bytes(14))), "unreadable_wav", "a format of 14 bytes"),
        (_riff(bytes(8 * 1001), FORM, DATA), "unreadable_wav", "1000 chunks without samples"),
        (
            _riff(_chunk(b"fmt ", struct.pack("<HHIIHH", 1, 2, 9000, 9000, 2, 16)), DATA),
            "unreadable_wav",
            "Received 2 channels of 16 bits in 2 bytes: x.wav",
        ),
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


@pytest.mark.parametrize(
    "data",
    [
        _riff(_chunk(b"JUNK", bytes(28)), FORM, DATA),
        _riff(_chunk(b"bext", bytes(602)), FORM_32, DATA_32),
        _riff(FORM, _chunk(b"cue ", bytes(7)), DATA),
        _riff(FORM_32, _chunk(b"LIST", b"INFO"), DATA_32, _chunk(b"id3 ", bytes(51))),
        GOOD + bytes(100),
        _riff(FORM, b"data" + struct.pack("<I", 0xFFFFFFFF) + TONE.tobytes()),
        _riff(FORM, b"data" + struct.pack("<I", 0x7FFFF000) + TONE.tobytes()),
    ],
    ids=["JUNK", "bext", "odd", "LIST", "trailing", "pipe", "sox"],
)
def test_other_chunks_and_headers_of_writers_to_a_pipe(data):
    audio = read_wav(data, "x")
    assert audio.sample_rate == 16000
    np.testing.assert_array_equal(audio.samples * 32768, TONE)


def test_what_follows_the_end_is_no_half_sample():
    raw = TONE.tobytes()[:-1]
    data = _riff(FORM, b"data" + struct.pack("<I", 0xFFFFFFFF) + raw)
    np.testing.assert_array_equal(read_wav(data, "x").samples * 32768, TONE[:-1])


def test_only_what_is_asked_for_is_read():
    """The header and ten samples."""

    class Counted(io.BytesIO):
        count = 0

        def read(self, size):
            self.count += size
            return super().read(size)

    file = Counted(GOOD)
    layout = wav_file.find_samples(file, "x")
    assert layout == (False, 2, 1, 16000, 44, 300)
    samples = wav_file.read_samples(file, layout, 10).samples
    np.testing.assert_array_equal(samples * 32768, TONE[:10])
    assert file.count <= 44 + 20


def test_every_change_of_a_header_is_read_or_refused():
    """11,264 files."""
    ended = collections.Counter()
    for place in range(44):
        for value in range(256):
            damaged = bytearray(GOOD)
            damaged[place] = value
            try:
                samples = read_wav(bytes(damaged), "x").samples
                ended["read"] += 1
                assert samples.dtype == np.float32 and samples.size <= 2 * len(TONE)
            except ReadError as error:
                ended[error.reason] += 1
    assert ended.keys() == {"read", "unreadable_wav", "truncated_wav"}


def test_written_files_are_those_of_pythons_module():
    for samples in (TONE, TONE.reshape(-1, 2)):
        data = io.BytesIO()
        with wave.open(data, "wb") as file:
            file.setnchannels(samples.ndim)
            file.setsampwidth(2)
            file.setframerate(44100)
            file.writeframes(samples.tobytes())
        assert wav_bytes(samples, 44100) == data.getvalue()
