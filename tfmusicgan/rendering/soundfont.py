"""SoundFont 2 files: which samples sound for a program, a pitch and a velocity.

Source: SoundFont Technical Specification 2.01 (E-mu Systems / Creative, 1998); section numbers
below are its own. Every table and index is checked when a file is opened, so that a damaged file is
one error and never a crash.

Existing synthesisers were tried first. symusic 0.6.0: `render` cannot return its array. symusic
0.5.9: the piano of pretty_midi's soundfont sounds at wrong pitches, releases are cut. Both end the
process with a segmentation fault on damaged files. tinysoundfont needs PortAudio to install.
"""

import dataclasses
import importlib.util
import itertools
import os
import pathlib
import struct

import numpy as np

from tfmusicgan.errors import MusicGanError

DRUM_BANK = 128
_TABLES = {
    "phdr": np.dtype(
        [("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("_", "<u4", 3)]
    ),
    "pbag": np.dtype([("generator", "<u2"), ("modulator", "<u2")]),
    "pgen": np.dtype([("operator", "<u2"), ("amount", "<i2")]),
    "inst": np.dtype([("name", "S20"), ("bag", "<u2")]),
    "ibag": np.dtype([("generator", "<u2"), ("modulator", "<u2")]),
    "igen": np.dtype([("operator", "<u2"), ("amount", "<i2")]),
    "shdr": np.dtype(
        [
            ("name", "S20"),
            ("start", "<u4"),
            ("end", "<u4"),
            ("loop_start", "<u4"),
            ("loop_end", "<u4"),
            ("rate", "<u4"),
            ("pitch", "u1"),
            ("correction", "i1"),
            ("link", "<u2"),
            ("type", "<u2"),
        ]
    ),
}
# Generator numbers, section 8.1.2.
KEY_RANGE, VELOCITY_RANGE, INSTRUMENT, SAMPLE = 43, 44, 41, 53
FILTER_CUTOFF, FILTER_Q, PAN, ATTENUATION = 8, 9, 17, 48
DELAY, ATTACK, HOLD, DECAY, SUSTAIN, RELEASE = 33, 34, 35, 36, 37, 38
COARSE_TUNE, FINE_TUNE, SAMPLE_MODES, SCALE_TUNING = 51, 52, 54, 56
EXCLUSIVE_CLASS, ROOT_KEY = 57, 58
_DEFAULTS = {FILTER_CUTOFF: 13500, SCALE_TUNING: 100, ROOT_KEY: -1} | dict.fromkeys(
    (DELAY, ATTACK, HOLD, DECAY, RELEASE), -12000
)
# In an instrument only: a preset cannot add to these (8.5, "not valid at the preset level").
_INSTRUMENT_ONLY = {0, 1, 2, 3, 4, 12, 45, 50, SAMPLE_MODES, EXCLUSIVE_CLASS, ROOT_KEY}
_COMPRESSED = 0x10  # SF3's mark for a sample in Ogg Vorbis


@dataclasses.dataclass(frozen=True)
class Region:
    """One sample as it sounds for a key: positions count in sample frames of the whole pool.

    Attributes:
      start: First frame.
      end: One past the last frame.
      loop_start: First frame of the loop.
      loop_end: One past the last frame of the loop.
      loop_mode: 0 none, 1 for as long as it sounds, 3 until the key is released.
      rate_hz: The sample's own rate.
      root_cents: Pitch, in cents above MIDI pitch 0, at which it sounds when played at `rate_hz`.
      generators: Generator number -> amount, in the specification's units.
    """

    start: int
    end: int
    loop_start: int
    loop_end: int
    loop_mode: int
    rate_hz: int
    root_cents: float
    generators: dict[int, int]

    def get(self, operator: int) -> int:
        """A generator's amount, or the specification's default."""
        return self.generators.get(operator, _DEFAULTS.get(operator, 0))


class SoundFont:
    """An opened SoundFont 2 file.

    Args:
      path: The file.

    Raises:
      MusicGanError: If the file is missing, no SoundFont 2, damaged, or compressed (SF3).
    """

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)
        if not self.path.is_file():
            raise MusicGanError(
                f"No soundfont at {self.path}. Give the path of an .sf2 file, or none for the one"
                " that comes with pretty_midi."
            )
        chunks = _chunks(self.path)
        self._tables = {name: self._table(name, chunks) for name in _TABLES}
        offset, size = chunks.get("smpl", (0, 0))
        if size < 2:
            raise self._damaged("it has no samples")
        # int16 [frames]; read on demand, since soundfonts reach gigabytes.
        self.samples = np.memmap(self.path, "<i2", "r", offset, (size // 2,))
        self._check()
        self._read_zones: dict[tuple[str, int], list[dict[int, int]]] = {}
        self._presets: dict[tuple[int, int], int] = {}
        for index, row in enumerate(self._tables["phdr"][:-1]):
            self._presets.setdefault((int(row["bank"]), int(row["program"])), index)

    def has_program(self, program: int) -> bool:
        """Whether the file has a melodic program of its own (in bank 0)."""
        return (0, program) in self._presets

    def preset(self, program: int, is_drum: bool) -> int:
        """Finds the preset for a program.

        A program the file lacks is played by the first of its General MIDI family (programs come in
        families of eight), then by the file's first melodic preset; a drum kit by the first kit.

        Args:
          program: General MIDI program, 0 to 127; for drums the kit.
          is_drum: Whether the note belongs to the drum channel.

        Returns:
          An index for `regions`.

        Raises:
          MusicGanError: If the file has no drum kit, or no melodic preset.
        """
        bank = DRUM_BANK if is_drum else 0
        for number in (program, 0 if is_drum else program // 8 * 8):
            if (bank, number) in self._presets:
                return self._presets[bank, number]
        others = sorted(key for key in self._presets if (key[0] == DRUM_BANK) == is_drum)
        if not others:
            kind = "drum kit (bank 128)" if is_drum else "melodic preset"
            raise MusicGanError(f"Soundfont {self.path} has no {kind}. Use another --soundfont.")
        return self._presets[others[0]]

    def regions(self, preset: int, pitch: int, velocity: int) -> list[Region]:
        """The samples that sound together for one key: two for a stereo pair, none out of range."""
        found = []
        for preset_zone in self._zones("phdr", preset, pitch, velocity):
            instrument = preset_zone[INSTRUMENT]
            for zone in self._zones("inst", instrument, pitch, velocity):
                merged = dict(zone)
                for operator, amount in preset_zone.items():
                    if operator not in _INSTRUMENT_ONLY | {INSTRUMENT, KEY_RANGE, VELOCITY_RANGE}:
                        merged[operator] = merged.get(operator, _DEFAULTS.get(operator, 0)) + amount
                found.append(self._region(merged))
        return [region for region in found if region.end > region.start]

    def _region(self, generators: dict[int, int]) -> Region:
        header = self._tables["shdr"][generators[SAMPLE]]

        def moved(field: str, fine: int, coarse: int) -> int:
            shift = generators.get(fine, 0) + 32768 * generators.get(coarse, 0)
            return min(max(int(header[field]) + shift, 0), len(self.samples))

        start, end = moved("start", 0, 4), moved("end", 1, 12)
        loop_start, loop_end = moved("loop_start", 2, 45), moved("loop_end", 3, 50)
        root = generators.get(ROOT_KEY, -1)
        if root < 0:
            root = int(header["pitch"]) if header["pitch"] <= 127 else 60  # 7.10: 255 is unpitched
        mode = generators.get(SAMPLE_MODES, 0) & 3
        looped = mode in (1, 3) and start <= loop_start < loop_end <= end
        return Region(
            start,
            end,
            loop_start,
            loop_end,
            mode if looped else 0,
            int(header["rate"]),
            100.0 * root - int(header["correction"]),
            generators,
        )

    def _zones(self, kind: str, index: int, pitch: int, velocity: int) -> list[dict[int, int]]:
        """Generators of the zones that hold a key; the global zone's are merged into each."""
        last = INSTRUMENT if kind == "phdr" else SAMPLE
        general: dict[int, int] = {}
        found = []
        for number, zone in enumerate(self._all_zones(kind, index)):
            if last not in zone:
                if number == 0:
                    general = zone
                continue
            merged = general | zone
            if _within(merged.get(KEY_RANGE), pitch) and _within(
                merged.get(VELOCITY_RANGE), velocity
            ):
                found.append(merged)
        return found

    def _all_zones(self, kind: str, index: int) -> list[dict[int, int]]:
        if (kind, index) in self._read_zones:
            return self._read_zones[kind, index]
        bags, generators = ("pbag", "pgen") if kind == "phdr" else ("ibag", "igen")
        first, end = (int(self._tables[kind]["bag"][index + i]) for i in (0, 1))
        edges = self._tables[bags]["generator"][first : end + 1].astype(int)
        spans = itertools.pairwise(edges)
        zones = [dict(self._tables[generators][a:b].tolist()) for a, b in spans]
        self._read_zones[kind, index] = zones
        return zones

    def _table(self, name: str, chunks: dict[str, tuple[int, int]]) -> np.ndarray:
        offset, size = chunks.get(name, (0, 0))
        dtype = _TABLES[name]
        if size % dtype.itemsize or size < dtype.itemsize:
            raise self._damaged(f"its {name!r} table is missing or has a wrong size ({size} bytes)")
        return np.fromfile(self.path, dtype, size // dtype.itemsize, offset=offset)

    def _check(self) -> None:
        """Checks every index of every table (the last row of each is a terminator, 7.2 to 7.10)."""
        table = self._tables
        for owner, field, owned in (
            ("phdr", "bag", "pbag"),
            ("pbag", "generator", "pgen"),
            ("inst", "bag", "ibag"),
            ("ibag", "generator", "igen"),
        ):
            indices = table[owner][field].astype(np.int64)
            if (np.diff(indices) < 0).any() or indices[-1] >= len(table[owned]):
                raise self._damaged(f"its {owner!r} table points outside {owned!r}")
        for name, operator, target in (("pgen", INSTRUMENT, "inst"), ("igen", SAMPLE, "shdr")):
            amounts = table[name]["amount"][table[name]["operator"] == operator].astype(np.int64)
            if ((amounts < 0) | (amounts >= len(table[target]) - 1)).any():
                raise self._damaged(f"its {name!r} table points outside {target!r}")
        samples = table["shdr"][:-1]
        if (samples["type"] & _COMPRESSED).any():
            raise MusicGanError(
                f"Soundfont {self.path} is compressed (SF3). Convert it to SF2, or use another."
            )
        used = samples["type"] & 0x8000 == 0  # the others are in a synthesiser's ROM
        if (samples["end"][used] > len(self.samples)).any() or (samples["rate"][used] < 1).any():
            raise self._damaged("its sample headers point outside the samples")

    def _damaged(self, what: str) -> MusicGanError:
        return MusicGanError(f"Soundfont {self.path} is damaged: {what}. Use another --soundfont.")


def default_soundfont() -> pathlib.Path:
    """The General MIDI soundfont inside pretty_midi's wheel (6 MB), found without importing it.

    Raises:
      MusicGanError: If pretty_midi is not installed.
    """
    package = importlib.util.find_spec("pretty_midi")
    if package is None:
        raise MusicGanError("pretty_midi is not installed. Install it, or give --soundfont=PATH.")
    return pathlib.Path(package.submodule_search_locations[0], "TimGM6mb.sf2")


def _within(amount: int | None, value: int) -> bool:
    """Whether a value lies in a range generator (low byte to high byte, 8.1.2)."""
    return amount is None or amount & 0xFF <= value <= amount >> 8 & 0xFF


def _chunks(path: pathlib.Path) -> dict[str, tuple[int, int]]:
    """Offsets and sizes, in bytes, of the chunks inside the sfbk form's lists."""
    found = {}
    length = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(12)
        if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"sfbk":
            raise MusicGanError(f"{path} is no SoundFont 2 file (no RIFF sfbk header).")
        while len(header := file.read(8)) == 8:
            name, size = header[:4], struct.unpack("<I", header[4:])[0]
            if file.tell() + size > length:
                raise MusicGanError(
                    f"Soundfont {path} is truncated: chunk {name.decode('latin-1')!r} wants {size}"
                    f" bytes at {file.tell()} of {length}. Use another --soundfont."
                )
            if name == b"LIST":
                file.seek(4, os.SEEK_CUR)  # the list's kind; its chunks follow
                continue
            found[name.decode("latin-1")] = (file.tell(), size)
            file.seek(size + size % 2, os.SEEK_CUR)
    return found
