"""Made-up pieces and record sets for the tests of records."""

import dataclasses
import filecmp
import pathlib

import numpy as np

from tfmusicgan import datasets
from tfmusicgan.note_sequences.midi import to_midi_bytes
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.records.convert import convert
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.tracks import parse_tracks

# 2 bars x 8 steps x 12 pitches x 3 tracks: 576 cells, 72 bytes a phrase.
GRID = MultitrackPianoRoll(
    tracks=parse_tracks("drums,piano,bass"),
    bars=2,
    steps_per_beat=2,
    lowest_pitch=36,
    num_pitches=12,
    hop_bars=2,
)

OPTIONS = ConvertOptions(GRID, split=(0.5, 0.25, 0.25), num_shards=3)


def piece(
    seed: int,
    bars: int = 8,
    meters: tuple[tuple[int, int], ...] = ((4, 4),),
    key: tuple[int, int] | None = None,
) -> NoteSequence:
    """A piece of random eighth notes of piano, bass and drums at 120 quarters a minute.

    Args:
      seed: Of the notes.
      bars: Its length in 4/4.
      meters: Its time signatures, a bar of four quarters apart.
      key: (tonic, mode) of its key signature.
    """
    random = np.random.default_rng(seed)
    sequence = NoteSequence(ticks_per_quarter=480)
    sequence.tempos.add(qpm=120)
    for bar, (numerator, denominator) in enumerate(meters):
        sequence.time_signatures.add(time=2.0 * bar, numerator=numerator, denominator=denominator)
    if key is not None:
        sequence.key_signatures.add(key=key[0], mode=key[1])
    for instrument, (program, is_drum) in enumerate([(0, False), (33, False), (0, True)]):
        for step in range(8 * bars):
            sequence.notes.add(
                pitch=int(random.integers(36, 48)),
                velocity=80,
                start_time=step * 0.25,
                end_time=step * 0.25 + 0.25,
                program=program,
                is_drum=is_drum,
                instrument=9 if is_drum else instrument,
            )
    sequence.total_time = bars * 2.0
    return sequence


def write_pieces(folder: pathlib.Path, num: int, bars: int = 8) -> pathlib.Path:
    """Writes `num` different MIDI files `album/song_000.mid` ... into a folder."""
    (folder / "album").mkdir(parents=True)
    for index in range(num):
        path = folder / "album" / f"song_{index:03d}.mid"
        path.write_bytes(to_midi_bytes(piece(index, bars)))
    return folder


def write_records(
    folder: pathlib.Path, num_pieces: int = 20, bars: int = 8, num_shards: int = 3
) -> pathlib.Path:
    """Converts made-up pieces; half of them train, a quarter each validation and test."""
    music = write_pieces(folder / "music", num_pieces, bars)
    options = dataclasses.replace(OPTIONS, num_shards=num_shards)
    convert(datasets.get("midi"), options, folder / "records", [str(music)])
    return folder / "records"


def assert_same(first: pathlib.Path, second: pathlib.Path) -> None:
    """Two folders have the same files with the same bytes."""
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted(path.name for path in second.iterdir())
    assert filecmp.cmpfiles(first, second, names, shallow=False)[1:] == ([], [])
