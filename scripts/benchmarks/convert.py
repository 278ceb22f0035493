"""Speed and memory of the whole conversion against a plain loop over the same files.

    TFMUSICGAN_TEST_DATA=/path/to/data python scripts/benchmarks/convert.py
    python scripts/benchmarks/convert.py --input=/path/to/midi --workers=4

The loop reads every file with `note_seq.midi_file_to_note_sequence` and encodes it, in one process
and without writing anything. The pipeline is `tfmusicgan-convert` as a user starts it: listing,
digests, Beam, reading, encoding, compressing, writing, manifest; its time includes its start. The
suite promises at least 3 times the loop's speed and less than 1 GB in any worker, whatever the size
of the input, for which the files are also converted several times over.
"""

import argparse
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile

from tfmusicgan import recipes, representations
from tfmusicgan.datasets.midi import DATASET
from tfmusicgan.errors import PieceError
from tfmusicgan.records.manifest import SPLITS, Manifest
from tfmusicgan.representations.base import Representation

MIN_RATIO = 3.0
MAX_WORKER_BYTES = 1e9
_RECIPE = "musegan_hybrid"
_ARCHIVES = ("freedoom_music", "simutrans_music", "piano_midi_de", "pop909")


def main() -> None:
    """Parses flags, measures, prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input", help="folder of MIDI files; else TFMUSICGAN_TEST_DATA")
    parser.add_argument("--num_files", type=int, default=1400, help="files to measure with")
    parser.add_argument("--preset", default="paper", help=f"preset of {_RECIPE}")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="worker processes")
    parser.add_argument("--copies", type=int, default=4, help="how much larger the second input is")
    flags = parser.parse_args()
    recipe = recipes.get(_RECIPE)
    parameters = dict(recipe.preset(flags.preset).representation, min_piece_tracks=1)
    representation = representations.get(recipe.representation).from_parameters(parameters)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        files = collect(flags.input, flags.num_files, folder)
        loop_seconds, loop_phrases = plain_loop(files, representation)
        print(f"{len(files)} files, preset {flags.preset}")
        print(f"{'':28}{'seconds':>9}{'phrases':>9}{'ratio':>7}{'largest process MB':>20}")
        print(f"{'note_seq loop':28}{loop_seconds:9.1f}{loop_phrases:9}{1:7.1f}")
        for title, copies, workers in (
            ("pipeline, 1 worker", 1, 1),
            (f"pipeline, {flags.workers} workers", 1, flags.workers),
            (f"{flags.copies} x as much, {flags.workers} workers", flags.copies, flags.workers),
        ):
            source = repeat(files, copies, folder / f"input_{copies}")
            seconds, phrases, peak = pipeline(source, folder / "out", flags.preset, workers)
            ratio = loop_seconds * copies / seconds
            print(f"{title:28}{seconds:9.1f}{phrases:9}{ratio:7.1f}{peak / 1e6:20.0f}")
    print(f"promised: ratio {MIN_RATIO:.0f}, {MAX_WORKER_BYTES / 1e6:.0f} MB")


def collect(source: str | None, num_files: int, folder: pathlib.Path) -> list[pathlib.Path]:
    """MIDI files, evenly from a folder, or from the archives in the test data."""
    if source is None:
        data = os.environ.get("TFMUSICGAN_TEST_DATA")
        if not data:
            sys.exit("Expected --input=FOLDER or the environment variable TFMUSICGAN_TEST_DATA.")
        source = str(folder / "data")
        for name in _ARCHIVES:
            for path in pathlib.Path(data, name).glob("*.zip"):
                with zipfile.ZipFile(path) as archive:
                    archive.extractall(pathlib.Path(source, name))
    files = [file for file in DATASET.files(source)[0] if file.suffix.lower() in (".mid", ".midi")]
    num = min(num_files, len(files))
    return [files[index * len(files) // num] for index in range(num)]


def repeat(files: list[pathlib.Path], copies: int, folder: pathlib.Path) -> pathlib.Path:
    """A folder with every file `copies` times; the copies differ in a byte that no reader minds."""
    if folder.exists():
        return folder
    folder.mkdir()
    for copy in range(copies):
        for index, file in enumerate(files):
            # Bytes behind the last chunk of a MIDI file: another digest, the same music.
            (folder / f"{index:05d}_{copy}.mid").write_bytes(file.read_bytes() + bytes([copy]))
    return folder


def plain_loop(files: list[pathlib.Path], representation: Representation) -> tuple[float, int]:
    """(seconds, phrases) of reading with note_seq and encoding, imports not counted."""
    import note_seq

    begin, num_phrases = time.perf_counter(), 0
    for file in files:
        try:
            sequence = note_seq.midi_file_to_note_sequence(str(file))
            num_phrases += len(representation.encode(sequence))
        except (note_seq.MIDIConversionError, PieceError):
            continue
    return time.perf_counter() - begin, num_phrases


def pipeline(
    source: pathlib.Path, output: pathlib.Path, preset: str, workers: int
) -> tuple[float, int, float]:
    """(seconds, phrases, bytes of the largest process) of one run of `tfmusicgan-convert`."""
    arguments = [f"--input={source}", f"--recipe={_RECIPE}", f"--preset={preset}"]
    arguments += ["--min_piece_tracks=1", f"--workers={workers}", f"--output={output}"]
    # The largest of all processes that this one has waited for, their own ones included.
    command = "import sys; from tfmusicgan.cli.convert import main; main(sys.argv[1:])"
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", command, *arguments], check=True, stdout=subprocess.DEVNULL
    )
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    manifest = Manifest.read(output)
    shutil.rmtree(output)
    return seconds, sum(manifest.num_examples(split) for split in SPLITS), peak


if __name__ == "__main__":
    main()
