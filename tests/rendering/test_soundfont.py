"""Reading soundfonts, whole and damaged."""

import importlib.util
import pathlib
import random
import struct

import pytest

from tfmusicgan.errors import MusicGanError
from tfmusicgan.rendering import soundfont as sf
from tfmusicgan.rendering.synthesizer import render_voice


@pytest.fixture(scope="module")
def data() -> bytes:
    return sf.default_soundfont().read_bytes()


def _write(tmp_path: pathlib.Path, data: bytes) -> pathlib.Path:
    path = tmp_path / "font.sf2"
    path.write_bytes(data)
    return path


def _table(data: bytes, name: bytes) -> int:
    """Where a table's rows begin."""
    return data.rindex(name) + 8


def _patched(data: bytes, offset: int, replacement: bytes) -> bytes:
    return data[:offset] + replacement + data[offset + len(replacement) :]


def test_the_default_has_all_of_general_midi():
    font = sf.SoundFont(sf.default_soundfont())
    presets = {font.preset(program, False) for program in range(128)}
    assert len(presets) == 128
    for preset in presets:
        assert font.regions(preset, 60, 90)
    assert font.regions(font.preset(0, True), 36, 90)
    assert font.regions(font.preset(0, True), 0, 90) == []


def test_missing_programs_fall_back_to_their_family(data, tmp_path):
    font = sf.SoundFont(sf.default_soundfont())
    assert font.preset(99, True) == font.preset(0, True)
    # Renumber the violin (program 40, bank 0), so that the file lacks it.
    start = _table(data, b"phdr")
    rows = range(start, start + 38 * 128, 38)
    violin = next(at for at in rows if struct.unpack_from("<HH", data, at + 20) == (40, 0))
    font = sf.SoundFont(_write(tmp_path, _patched(data, violin + 22, struct.pack("<H", 5))))
    assert font.preset(41, False) != font.preset(0, False)
    assert font.preset(40, False) == font.preset(0, False)  # the family's first is what is missing


def test_a_font_without_drums_says_so(data, tmp_path):
    start = _table(data, b"phdr")
    size = struct.unpack_from("<I", data, start - 4)[0]
    for at in range(start, start + size, 38):
        if struct.unpack_from("<H", data, at + 22)[0] == 128:
            data = _patched(data, at + 22, struct.pack("<H", 7))
    font = sf.SoundFont(_write(tmp_path, data))
    with pytest.raises(MusicGanError, match=r"has no drum kit \(bank 128\)"):
        font.preset(0, True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: b"", "no SoundFont 2 file"),
        (lambda d: b"just text\n" * 9, "no SoundFont 2 file"),
        (lambda d: d[:12], "its 'phdr' table is missing"),
        (lambda d: d[: len(d) // 2], "is truncated: chunk"),
        (lambda d: d[:-1000], "is truncated: chunk"),
        (lambda d: d.replace(b"smpl", b"SMPL"), "it has no samples"),
        (
            lambda d: _patched(d, _table(d, b"phdr") + 38 + 24, b"\xff\xff"),
            "'phdr' table points outside 'pbag'",
        ),
        (
            lambda d: _patched(d, _table(d, b"pgen"), struct.pack("<HH", 41, 9999)),
            "'pgen' table points outside 'inst'",
        ),
        (
            lambda d: _patched(d, _table(d, b"shdr") + 24, b"\xff\xff\xff\xff"),
            "sample headers point outside the samples",
        ),
        (
            lambda d: _patched(d, _table(d, b"shdr") + 44, struct.pack("<H", 0x11)),
            r"is compressed \(SF3\)",
        ),
    ],
)
def test_damaged_files_are_one_line(data, tmp_path, change, message):
    with pytest.raises(MusicGanError, match=message) as raised:
        sf.SoundFont(_write(tmp_path, change(data)))
    assert "\n" not in str(raised.value)


def test_random_damage_never_ends_in_another_error(data, tmp_path):
    generator = random.Random(5)
    start, opened = data.rindex(b"pdta"), 0
    for trial in range(60):
        damaged = bytearray(data)
        for _ in range(1 + trial % 8):
            damaged[generator.randrange(start, len(data))] = generator.randrange(256)
        path = tmp_path / f"{trial}.sf2"
        path.write_bytes(damaged)
        try:
            font = sf.SoundFont(path)
            for program, is_drum in ((0, False), (48, False), (0, True)):
                preset = font.preset(program, is_drum)
                for region in font.regions(preset, 38, 90):
                    render_voice(region, font.samples, 38, 90, 0.01, 44100)
            opened += 1
        except MusicGanError:
            pass
        finally:
            path.unlink()
    assert 5 < opened < 60


def test_pretty_midi_missing_is_said(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MusicGanError, match="pretty_midi is not installed"):
        sf.default_soundfont()
