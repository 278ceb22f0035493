"""POP909: piano arrangements of Chinese pop songs, each a melody, a second melody and a piano.

A song is a MIDI file with the tracks MELODY, BRIDGE and PIANO. Its tempo and time signature events
are not musical; bars and beats come from its text of beats (`pop909_grid.py`), chord symbols from
that of chords, and keys from that of keys, which upstream estimated from the recording. Times are
counted from the first bar line, at or before the first note and the first beat. A chord symbol
stands where the chord changes: segments that repeat the chord before them add none.

All 909 songs are read, none is left out: 1,533,438 notes (309,423 of melody, 247,430 of the second
melody, 976,585 of the piano) in 63.0 hours. 545 songs are in one tempo and 134 in one meter; of all
bars 69,572 are in 4/4, 4,190 in 3/4, 1,629 in 12/8, 71 in 9/8, and 1,793 of another length. The
124,805 segments of chords, 320 different ones, become 110,788 chord symbols; all are read. There
are 1,107 keys.

Source: Wang et al., "POP909: A Pop-song Dataset for Music Arrangement Generation", ISMIR 2020;
https://github.com/music-x-lab/POP909-Dataset.
"""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfmusicgan.datasets import pop909_files, pop909_texts
from tfmusicgan.datasets.base import Dataset
from tfmusicgan.datasets.download import Download
from tfmusicgan.datasets.pop909_annotations import (
    place_chords,
    place_keys,
    read_grid,
    read_text,
    song_of,
)
from tfmusicgan.datasets.pop909_files import NAME
from tfmusicgan.datasets.pop909_grid import Grid
from tfmusicgan.datasets.zip_folders import read_bytes
from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import midi_chunks
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.sources import Source, source_name

MELODY, BRIDGE, PIANO = 0, 1, 2
"""Instruments of a piece: the tracks of its file."""

_TRACKS = ((MELODY, "MELODY"), (BRIDGE, "BRIDGE"), (PIANO, "PIANO"))
_TEXTS = (pop909_texts.BEATS, pop909_texts.CHORDS, pop909_texts.KEYS)

# Songs of which at least 30 % of the shorter one's runs of nine melody notes (intervals, and times
# from one note to the next in quarters of a beat) are in the other as well, found by comparing all
# pairs; no other pair shares more than 5 %. They go to one split.
NEAR_COPIES = (("017", "018"), ("101", "103"), ("262", "805"), ("492", "666"))
_GROUPS = {f"{two}/{two}.mid": f"{one}/{one}.mid" for one, two in NEAR_COPIES}

_COMMIT = "d83e6edba6872a704f5d3b8b32f5cb540088dae6"
ARCHIVE = Download(
    f"https://github.com/music-x-lab/POP909-Dataset/archive/{_COMMIT}.zip",
    f"POP909-Dataset-{_COMMIT}.zip",
    size_bytes=50_105_665,
    sha256="fe3d861f6eeaee6b40987e64ae26552b4c7b824f6fa40d29b0c5e5ebd62b03ea",
)


def list_sources(
    files: Sequence[Path], root: Path
) -> tuple[list[Source], list[tuple[str, ReadError]]]:
    """Lists the songs with their digests, without parsing them.

    Args:
      files: From `pop909_files.find_files`.
      root: The folder POP909.

    Returns:
      The songs, each with its texts as companion and its row of the table as labels; and for every
      file that cannot be read its name and the error.
    """
    index = pop909_files.read_index(str(root))
    found: list[Source] = []
    errors: list[tuple[str, ReadError]] = []
    for file in files:
        name = source_name(file, root)
        try:
            if file.stem not in index:
                raise ReadError(
                    f"Expected the song in {pop909_files.INDEX}. Received none of its number: "
                    f"{name}.",
                    "not_in_index",
                )
            data = read_bytes(file, name, midi_chunks.MAX_FILE_BYTES)
            if not data:
                raise ReadError(f"Expected music. Received an empty file: {name}.", "empty_file")
            texts = [read_text(file, text) for text in _TEXTS]
        except ReadError as error:
            errors.append((name, error))
            continue
        labels = json.dumps(dataclasses.asdict(index[file.stem]), ensure_ascii=False)
        companion = hashlib.sha256(b"\0".join([*texts, labels.encode()])).hexdigest()
        digest = hashlib.sha256(data).hexdigest()
        found.append(
            Source(name, str(file), "midi", None, digest, companion=companion, labels=labels)
        )
    return found, errors


def read_source(source: Source) -> NoteSequence:
    """Reads a song.

    Args:
      source: From `list_sources`.

    Returns:
      A valid NoteSequence with the instruments `MELODY`, `BRIDGE` and `PIANO`, tempos and time
      signatures of its grid, keys, and chord symbols as text annotations.

    Raises:
      ReadError: See `midi.read_midi` and `pop909_annotations`; with reason `"other_tracks"` if the
        file has others.
    """
    piece = read_tracks(source)
    grid = read_grid(source, min(note.start_time for note in piece.notes))
    _move(piece, -float(grid.beats[0]))
    del piece.tempos[:]
    for seconds, qpm in grid.tempos():
        piece.tempos.add(time=seconds, qpm=qpm)
    seconds_of = _Clock(grid)
    del piece.time_signatures[:]
    for beat, numerator, denominator in grid.time_signatures():
        time = seconds_of(float(beat))
        piece.time_signatures.add(time=time, numerator=numerator, denominator=denominator)
    del piece.key_signatures[:]
    for beat, key, mode in place_keys(source, grid):
        piece.key_signatures.add(time=seconds_of(beat), key=key, mode=mode)
    kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
    for beat, figure in place_chords(source, grid):
        piece.text_annotations.add(time=seconds_of(beat), text=figure, annotation_type=kind)
    return piece


def group_of(name: str) -> str:
    """The song that a piece belongs to, or the first of its copies."""
    song = name.partition("#")[0]
    return _GROUPS.get(song, song)


def read_tracks(source: Source) -> NoteSequence:
    """Reads a song's MIDI file as it is, with its name, title and artist.

    Raises:
      ReadError: See `read_source`.
    """
    # Imported when needed, as in sources.py: symusic takes time to load.
    from tfmusicgan.note_sequences import midi

    data = read_bytes(Path(source.path), source.name, midi_chunks.MAX_FILE_BYTES)
    piece = midi.read_midi(data, source.name)
    tracks = tuple((info.instrument, info.name) for info in piece.instrument_infos)
    if tracks != _TRACKS:
        names = ", ".join(name for _, name in tracks)[:80]
        raise ReadError(
            f"Expected the tracks MELODY, BRIDGE and PIANO. Received {names or 'no names'}: "
            f"{source.name}.",
            "other_tracks",
        )
    piece.id, piece.filename = source.name, source.order[0]
    piece.collection_name = NAME
    song = song_of(source)
    piece.sequence_metadata.title, piece.sequence_metadata.artist = song.title, song.artist
    return piece


class _Clock:
    """Positions in beats to seconds after the first beat, by the tempos that the piece gets."""

    def __init__(self, grid: Grid):
        tempos = grid.tempos()
        self._seconds = np.array([seconds for seconds, _ in tempos])
        self._steps = np.array([60 * grid.quarters_per_beat / qpm for _, qpm in tempos])
        lengths = np.diff(self._seconds) / self._steps[:-1]
        self._beats = np.concatenate([[0.0], np.cumsum(lengths)])

    def __call__(self, beat: float) -> float:
        index = max(int(np.searchsorted(self._beats, beat, side="right")) - 1, 0)
        return float(self._seconds[index] + (beat - self._beats[index]) * self._steps[index])


def _move(piece: NoteSequence, seconds: float) -> None:
    """Moves all events in time; controls that would come before the start stand at it."""
    for note in piece.notes:
        note.start_time += seconds
        note.end_time += seconds
    for event in (*piece.control_changes, *piece.pitch_bends):
        event.time = max(event.time + seconds, 0.0)
    piece.total_time += seconds


DATASET = Dataset(
    name=NAME,
    title="POP909, piano arrangements of pop songs with chords and keys",
    description=(
        "909 Chinese pop songs, 63 hours, as a piano plays them: instrument 0 is the melody, 1 a "
        "second melody, 2 the accompaniment (309,423, 247,430 and 976,585 notes). Bars and tempos "
        "come from the texts of beats, not from the MIDI files' events, which are not musical: "
        "nine tenths of the bars are in 4/4, others in 3/4, 12/8 and 9/8, and all but 134 songs "
        "have some bars of another length. Chord symbols are text annotations (124,805 segments, "
        "110,788 changes); keys were estimated from the recordings. Four songs come in two "
        "arrangements, which stay in one split. --dataset=pop909_melody has the melodies alone. "
        "The folder given may hold the folder POP909, unpacked or in pop909*.zip, or be one of "
        "these."
    ),
    source_url="https://github.com/music-x-lab/POP909-Dataset",
    licence="MIT for the arrangements and annotations; the songs remain under copyright",
    attribution="Music X Lab, Wang et al. (POP909, ISMIR 2020)",
    command=(
        f"tfmusicgan-convert --dataset={NAME} --download --input=FOLDER "
        """--set='tracks=[{"name":"melody","part":0},{"name":"bridge","part":1},"""
        """{"name":"piano","part":2}]' """
        f"--output=tfrecords/{NAME}"
    ),
    find_files=pop909_files.find_files,
    num_pieces=909,
    downloads=(ARCHIVE,),
    group_of=group_of,
    list_sources=list_sources,
    read_source=read_source,
)
