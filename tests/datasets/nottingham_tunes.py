"""Made-up tunes, laid out and named as the Nottingham Music Database is.

Their MIDI files are built byte by byte, at 100 quarter notes a minute; note_seq takes 120 for ABC
that names no tempo.
"""

import pathlib
import zipfile
from collections.abc import Sequence

from tests.note_sequences.midi_bytes import meter, midi, name, off, on, tempo, track

TICKS = 4
QPM = 100

# A pick-up, a repeat, two chords at one place, and the spellings of the database.
JIGS = """\
X: 1
T:A Pick-Up
% Nottingham Music Database
S:made up
M:2/4
L:1/4
K:D
"(A7)"A|:"D"d2|"D/f+""G"f a:|"Gd"g b|"A"a2|

X: 12
T:Parts
M:3/4
L:1/4
K:C
P:A
"C"c2 e|"G"d3|
"""
REELS = """\
X: 3
T:Another Melody
M:4/4
L:1/4
K:G
"G"G B d g|"D7"f4|
"""

# (start, length, pitch) in quarter notes. The pick-up fills a bar of two. In the second pass MIDI
# has an F natural where ABC has F sharp.
PICK_UP = ((1, 1, 69), (2, 2, 74), (4, 1, 78), (5, 1, 81), (6, 2, 74), (8, 1, 77), (9, 1, 81))
PICK_UP += ((10, 1, 79), (11, 1, 83), (12, 2, 81))
D, A7, A, G_DIM = (50, 54, 57), (45, 49, 52, 55), (45, 49, 52), (43, 46, 49)
PICK_UP_CHORDS = ((1, 1, A7), (2, 4, D), (6, 4, D), (10, 2, G_DIM), (12, 2, A))
PICK_UP_SYMBOLS = (
    *((1, "A7"), (2, "D"), (4, "D/F#"), (6, "D"), (8, "D/F#"), (10, "Gdim"), (12, "A")),
)
PARTS = ((0, 2, 72), (2, 1, 76), (3, 3, 74))
OTHER = ((0, 1, 67), (1, 1, 71), (2, 1, 74), (3, 1, 79), (4, 3, 78), (7, 1, 76))
OTHER_CHORDS = ((0, 4, (43, 47, 50)), (4, 4, (50, 54, 57, 60)))

Notes = Sequence[tuple[int, int, int]]
Chords = Sequence[tuple[int, int, Sequence[int]]]


def tune(melody: Notes, chords: Chords = (), meter_of: tuple[int, int] = (4, 2)) -> bytes:
    """A MIDI file of two tracks, either of which may have no notes.

    Args:
      melody: (start, length, pitch) in quarter notes.
      chords: (start, length, pitches).
      meter_of: Numerator, and the power of two of the denominator.
    """
    return parts(melody, tones_of(chords), meter_of=meter_of)


def tones_of(chords: Chords) -> Notes:
    """The notes of chords: (start, length, pitch) in quarter notes."""
    return [(start, length, pitch) for start, length, tones in chords for pitch in tones]


def parts(*notes: Notes, names: Sequence[str] = (), meter_of: tuple[int, int] = (4, 2)) -> bytes:
    """A MIDI file of any number of tracks.

    Args:
      notes: Of each track, (start, length, pitch) in quarter notes.
      names: Of the tracks, from the first; empty for none.
      meter_of: Numerator, and the power of two of the denominator.
    """
    head = (0, tempo(60_000_000 // QPM)), (0, meter(*meter_of))
    tracks = []
    for index, part in enumerate(notes):
        called = [(0, name(text.encode())) for text in names[index : index + 1] if text]
        tracks.append(track(*(head if index == 0 else ()), *called, *_events(part)))
    return midi(*tracks, division=TICKS)


def _events(notes: Notes) -> list[tuple[int, bytes]]:
    ends = [(TICKS * (start + length), 0, off(pitch)) for start, length, pitch in notes]
    starts = [(TICKS * start, 1, on(pitch)) for start, _, pitch in notes]
    now, events = 0, []
    for tick, _, message in sorted(ends + starts):
        events.append((tick - now, message))
        now = tick
    return events


def midi_files() -> dict[str, bytes]:
    """The tunes by name: with chords, without any, and one that is not its ABC's."""
    return {
        "jigs1.mid": tune(PICK_UP, PICK_UP_CHORDS, (2, 2)),
        "jigs12.mid": tune(PARTS, (), (3, 2)),
        "reels3.mid": tune(OTHER, OTHER_CHORDS),
    }


def members() -> dict[str, bytes]:
    """All files of the edition, as GitHub's archive has them below its first folder."""
    files = {f"MIDI/{name}": data for name, data in midi_files().items()}
    files |= {f"MIDI/melody/{name}": b"not looked at" for name in midi_files()}
    files |= {"MIDI/chords/jigs1.mid": b"nor this", "LICENSE.md": b"GPL", "MIDI/.x.mid": b""}
    books = {"jigs.abc": JIGS.encode(), "reels.abc": REELS.encode()}
    files |= {f"ABC_cleaned/{name}": data for name, data in books.items()}
    return files | {f"ABC_original/{name}": b"X:1\nK:C\nCDE|\n" for name in books}


def write_zip(path: pathlib.Path, files: dict[str, bytes]) -> pathlib.Path:
    """Writes a ZIP archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_archives(folder: pathlib.Path, files: dict[str, bytes] | None = None) -> pathlib.Path:
    """Writes the two archives, one of MIDI files and one of books, into a folder."""
    files = members() if files is None else files
    for archive, top in (("nottingham_midi", "MIDI/"), ("nottingham_abc_cleaned", "ABC_cleaned/")):
        chosen = {name: data for name, data in files.items() if name.startswith(top)}
        write_zip(folder / f"{archive}.zip", chosen)
    return folder


def github_members(top: str = "nottingham-dataset-0992bb6") -> dict[str, bytes]:
    """The files as in GitHub's archive, all in one folder."""
    return {f"{top}/{name}": data for name, data in members().items()}
