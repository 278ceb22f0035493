"""Speed of reading MIDI against note_seq's own reader, on the same files in one process.

    TFMUSICGAN_TEST_DATA=/path/to/data python scripts/benchmarks/read_midi.py
    python scripts/benchmarks/read_midi.py --folder=/path/to/midi --num_files=100

Files are read into memory once; then the two readers take turns on all of them. The table gives the
least processor time of `--repeats` for all files, and the ratio, which the suite promises to be at
least 6.
"""

import argparse
import os
import pathlib
import random
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable

from tfmusicgan.errors import MusicGanError, ReadError
from tfmusicgan.note_sequences.find import FORMATS, find_files
from tfmusicgan.note_sequences.midi import read_midi

ARCHIVES = ("freedoom_music", "simutrans_music", "piano_midi_de", "nottingham", "wjazzd_midi")
MIN_RATIO = 6.0


def main() -> None:
    """Parses flags, measures every group of files, prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", help="folder or glob of MIDI files; else TFMUSICGAN_TEST_DATA")
    parser.add_argument("--num_files", type=int, default=40, help="files of each group")
    parser.add_argument("--repeats", type=int, default=3, help="times that all files are read")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of files")
    flags = parser.parse_args()
    print(f"{'files':28}{'read':>6}{'notes':>9}{'note_seq s':>12}{'ours s':>9}{'ratio':>7}")
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        for title, place in groups(flags.folder, pathlib.Path(folder)):
            contents = load(place, flags.num_files, flags.seed)
            ratios.append(measure(title, contents, flags.repeats))
    if not ratios:
        sys.exit("Expected --folder, or TFMUSICGAN_TEST_DATA with archives of MIDI files.")
    print(f"lowest ratio {min(ratios):.1f}, promised {MIN_RATIO:.0f}")


def groups(folder: str | None, temporary: pathlib.Path) -> list[tuple[str, str]]:
    """(title, folder) of what is measured; archives of the test data are unpacked."""
    if folder:
        return [(pathlib.Path(folder).name, folder)]
    data = os.environ.get("TFMUSICGAN_TEST_DATA", "")
    found = []
    for name in ARCHIVES:
        for archive in sorted(pathlib.Path(data, name).glob("*.zip")) if data else ():
            target = temporary / archive.stem
            with zipfile.ZipFile(archive) as file:
                if not any(member.endswith(".mid") for member in file.namelist()):
                    continue
                file.extractall(target)
            found.append((name, str(target)))
    return found


def load(folder: str, num_files: int, seed: int) -> list[bytes]:
    """Contents of files that both readers can read, chosen at random."""
    files = [file for file in find_files(folder) if FORMATS.get(file.suffix.lower()) == "midi"]
    random.Random(seed).shuffle(files)
    contents = []
    for file in files:
        data = file.read_bytes()
        try:
            read_midi(data)
            note_seq_reader()(data)
        except (ReadError, note_seq_error()):
            continue
        contents.append(data)
        if len(contents) == num_files:
            break
    if not contents:
        raise MusicGanError(f"Expected MIDI files that both readers read. None is in {folder!r}.")
    return contents


def note_seq_reader() -> Callable[[bytes], object]:
    """note_seq's reader."""
    from note_seq import midi_io

    return midi_io.midi_to_note_sequence


def note_seq_error() -> type[Exception]:
    """What note_seq's reader raises."""
    from note_seq import midi_io

    return midi_io.MIDIConversionError


def measure(title: str, contents: list[bytes], repeats: int) -> float:
    """Measures one group, prints its row, and returns the ratio."""
    theirs, ours = [], []
    num_notes = sum(len(read_midi(data).notes) for data in contents)
    for _ in range(repeats):
        for reader, seconds in ((note_seq_reader(), theirs), (read_midi, ours)):
            start = time.process_time()
            for data in contents:
                reader(data)
            seconds.append(time.process_time() - start)
    ratio = min(theirs) / min(ours)
    print(
        f"{title:28}{len(contents):6}{num_notes:9}{min(theirs):12.2f}{min(ours):9.3f}{ratio:7.1f}"
    )
    return ratio


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
