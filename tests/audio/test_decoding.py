"""Audio files against soundfile, and what cannot be decoded."""

import contextlib
import io
import struct
import sys

import numpy as np
import pytest
import soundfile

from tests.made_up_audio import tone
from tfmusicgan.audio import decoding
from tfmusicgan.errors import MusicGanError, ReadError

RATE = 16_000


def _write(path, samples, rate=RATE, subtype=None, form=None):
    soundfile.write(path, samples, rate, subtype=subtype, format=form)
    return str(path)


@pytest.fixture(scope="module")
def wave():
    """[4000, 2]: the right channel is a fifth higher and softer."""
    return np.stack([tone(57, 4000, RATE, 1), 0.4 * tone(64, 4000, RATE, 2)], axis=1)


@pytest.mark.parametrize(
    ("name", "subtype", "tolerance"),
    [
        ("a.wav", "PCM_U8", 1e-6),
        ("a.wav", "PCM_16", 1e-6),
        ("a.wav", "PCM_24", 1e-6),
        ("a.wav", "PCM_32", 1e-6),
        ("a.wav", "FLOAT", 1e-6),
        ("a.wav", "DOUBLE", 1e-6),
        ("a.flac", "PCM_16", 1e-6),
        ("a.flac", "PCM_24", 1e-6),
        ("a.ogg", "VORBIS", 1e-3),
        ("a.mp3", None, 1e-3),
    ],
)
def test_every_format(tmp_path, wave, name, subtype, tolerance):
    path = _write(tmp_path / name, wave, subtype=subtype)
    expected = soundfile.read(path, dtype="float32")[0].mean(axis=1)
    audio = decoding.decode(path, name, RATE, 4000)
    assert audio.sample_rate == RATE and audio.samples.dtype == np.float32
    np.testing.assert_allclose(audio.samples, expected, atol=tolerance)


def test_the_kind_is_not_that_of_the_name(tmp_path, wave):
    path = _write(tmp_path / "a.mp3", wave, form="FLAC")
    assert len(decoding.decode(path, "a", RATE, 9000).samples) == 4000


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_32"])
def test_only_the_clip_is_kept(tmp_path, wave, subtype):
    path = _write(tmp_path / "a.wav", wave, subtype=subtype)
    expected = soundfile.read(path, dtype="float32")[0].mean(axis=1)[:100]
    np.testing.assert_allclose(decoding.decode(path, "a", RATE, 100).samples, expected, atol=1e-6)


@pytest.mark.parametrize(("rate", "wanted"), [(44100, 16000), (16000, 8000), (8000, 16000)])
def test_another_rate(tmp_path, rate, wanted):
    """A sine stays one; of a long file the clip is the same as of a short one."""

    def sine(hz, count):
        return 0.5 * np.sin(2 * np.pi * 700.0 * np.arange(count) / hz)

    long = _write(tmp_path / "long.wav", sine(rate, 2 * rate), rate, "FLOAT")
    short = _write(tmp_path / "short.wav", sine(rate, rate // 4), rate, "FLOAT")
    clip = decoding.decode(long, "long", wanted, wanted // 2).samples
    assert clip.shape == (wanted // 2,)
    np.testing.assert_allclose(clip[100:], sine(wanted, wanted // 2)[100:], atol=1e-3)
    rest = decoding.decode(short, "short", wanted, wanted).samples
    assert abs(len(rest) - wanted // 4) <= 1
    np.testing.assert_allclose(rest[:1500], clip[:1500], atol=1e-4)


def test_nothing_is_folded_back(tmp_path):
    high = 0.5 * np.sin(2 * np.pi * 5000.0 * np.arange(RATE) / RATE)
    path = _write(tmp_path / "a.wav", high, subtype="FLOAT")
    assert np.abs(decoding.decode(path, "a", 8000, 8000).samples[100:-100]).max() < 1e-3


def _bytes(wave, form, subtype=None, rate=RATE):
    data = io.BytesIO()
    soundfile.write(data, wave, rate, format=form, subtype=subtype)
    return data.getvalue()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda w: b"", "undecodable_audio"),
        (lambda w: b"no music\n" * 99, "undecodable_audio"),
        (lambda w: bytes(3000), "undecodable_audio"),
        (lambda w: _bytes(w, "FLAC")[:60], "undecodable_audio"),
        (lambda w: _bytes(w, "FLAC")[:3000], "undecodable_audio"),
        (lambda w: _bytes(w, "WAV")[:3000], "truncated_wav"),
        (lambda w: _bytes(w, "WAV", "ULAW"), "undecodable_audio"),
        (lambda w: _bytes(w, "WAV", "ALAW"), "undecodable_audio"),
        (lambda w: _bytes(w, "WAV", "IMA_ADPCM"), "undecodable_audio"),
        (lambda w: _bytes(w, "OGG")[:3000], "undecodable_audio"),
        (lambda w: _bytes(w, "WAV", "PCM_32")[:3000], "truncated_wav"),
        (lambda w: _bytes(w[:0], "WAV"), "empty_audio"),
        (lambda w: _bytes(w, "WAV", rate=500), "bad_sample_rate"),
        (lambda w: _bytes(w, "WAV", "PCM_32", rate=500), "bad_sample_rate"),
        (lambda w: _bytes(np.zeros((10, 65)), "WAV"), "bad_shape"),
    ],
)
def test_what_cannot_be_decoded(tmp_path, wave, make, reason):
    path = tmp_path / "a.wav"
    path.write_bytes(make(wave))
    with pytest.raises(ReadError, match=r"Expected .* (a note|'a note')") as error:
        decoding.decode(str(path), "a note", RATE, 4000)
    assert error.value.reason == reason
    message = str(error.value)
    assert "\n" not in message and "{{" not in message and "Op:" not in message


def test_a_wav_with_a_chunk_in_front_is_not_read_as_floats(tmp_path, wave):
    """Editors put `JUNK` or `bext` there; tensorflow-io takes these 32 bits for floats."""
    data = _bytes(wave, "WAV", "PCM_32")
    (size,) = struct.unpack_from("<I", data, 4)
    junk = b"JUNK" + struct.pack("<I", 28) + bytes(28)
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", size + 36) + b"WAVE" + junk + data[12:])
    samples = decoding.decode(str(path), "a", RATE, 4000).samples
    np.testing.assert_allclose(samples, wave.mean(axis=1), atol=1e-6)


def test_a_file_that_is_gone(tmp_path):
    with pytest.raises(ReadError, match="No such file or directory: a note") as error:
        decoding.decode(str(tmp_path / "gone.wav"), "a note", RATE, 4000)
    assert error.value.reason == "unreadable_file"


def test_damage_ends_in_no_other_error(tmp_path, wave):
    rng = np.random.default_rng(5)
    for form in ("WAV", "FLAC", "OGG", "MP3"):
        data = np.frombuffer(_bytes(wave, form), np.uint8)
        for _ in range(8):
            damaged = data.copy()
            damaged[rng.integers(0, min(len(data), 200), 3)] = rng.integers(0, 256, 3)
            path = tmp_path / "a"
            path.write_bytes(damaged.tobytes())
            with contextlib.suppress(ReadError):
                assert decoding.decode(str(path), "a", RATE, 4000).samples.ndim == 1


@pytest.mark.parametrize(
    "error", [NotImplementedError("unable to open\nfile: x.so"), ImportError("y")]
)
def test_a_library_that_does_not_load(tmp_path, wave, monkeypatch, error):
    """One line that says what to install; no drop of a piece."""

    class Broken:
        @property
        def audio(self):
            raise error

    path = _write(tmp_path / "a.flac", wave)
    monkeypatch.setattr(decoding, "_tensorflow_io", Broken)
    if isinstance(error, ImportError):
        monkeypatch.undo()
        monkeypatch.setitem(sys.modules, "tensorflow_io", None)
    with pytest.raises(
        MusicGanError, match=r"does not load beside TensorFlow .*==0.37.1"
    ) as raised:
        decoding.decode(path, "a", RATE, 4000)
    assert not isinstance(raised.value, ReadError) and "\n" not in str(raised.value)
