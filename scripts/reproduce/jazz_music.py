"""Music that a comparison of jazz models needs beside the records, as NoteSequence TFRecords.

    python scripts/reproduce/jazz_music.py one_tempo --input=sheets --output=even.tfrecord
    python scripts/reproduce/jazz_music.py primers --records=records/jazzgan --output=late.tfrecord

`one_tempo` writes Impro-Visor's sheets at 120 quarter notes a minute, for models whose grid is in
seconds. `primers` writes the first notes of held-out phrases, moved off the beat, for JazzGAN's
measure of off-beat recovery: how often a line gets back that has been forced off it.
"""

import argparse
import os
import pathlib
from collections.abc import Iterable, Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tfmusicgan import datasets
from tfmusicgan.errors import MusicGanError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.tfrecord import RecordWriter
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.jazz_phrases import REST, JazzPhrases
from tfmusicgan.representations.jazz_phrases_rhythm import STEPS_PER_QUARTER

QPM = 120.0


def at_one_tempo(sequence: NoteSequence, qpm: float = QPM) -> NoteSequence:
    """A copy of a piece of one tempo in another."""
    result = NoteSequence()
    result.CopyFrom(sequence)
    factor = sequence.tempos[0].qpm / qpm
    result.tempos[0].qpm = qpm
    for note in result.notes:
        note.start_time *= factor
        note.end_time *= factor
    for events in (result.text_annotations, result.section_annotations):
        for event in events:
            event.time *= factor
    result.total_time *= factor
    return result


def primer(example: dict, representation: JazzPhrases, shift_steps: int) -> NoteSequence | None:
    """The first notes of a phrase under its chords, later than they were.

    As many notes and rests as a model is given, and more up to a note.

    Args:
      example: A phrase, the representation's fields.
      representation: Not of time steps.
      shift_steps: By how much; chords stay where they are.

    Returns:
      The notes with their chords; None if none of the phrase's entries from there on is a note.
    """
    pitches = example["pitches"][: int(example["num_notes"])]
    count = representation.primer_notes
    while count <= len(pitches) and pitches[count - 1] == REST:
        count += 1
    if count > len(pitches):
        return None
    sequence = representation.decode(example, qpm=QPM)
    num_notes = int((pitches[:count] != REST).sum())
    del sequence.notes[num_notes:]
    shift = shift_steps * 60.0 / QPM / STEPS_PER_QUARTER
    for note in sequence.notes:
        note.start_time += shift
        note.end_time += shift
    sequence.total_time = sequence.notes[-1].end_time
    kept = [text for text in sequence.text_annotations if text.time < sequence.total_time]
    del sequence.text_annotations[:]
    sequence.text_annotations.extend(kept)
    return sequence


def primers(records: pathlib.Path, shift_steps: int, limit: int) -> Iterator[NoteSequence]:
    """Yields the primers of a record set's held-out phrases."""
    manifest = RecordSet.open(records, "train").manifest
    split = next(name for name in ("test", "validation", "train") if manifest.num_examples(name))
    held_out = RecordSet.open(records, split)
    examples = held_out.spread(limit)
    for row in range(len(examples["num_notes"])):
        example = {name: values[row] for name, values in examples.items()}
        found = primer(example, held_out.representation, shift_steps)
        if found is not None:
            yield found


def sheets(folder: str) -> Iterator[NoteSequence]:
    """Yields Impro-Visor's sheets at one tempo, those of equal contents once."""
    dataset = datasets.get("impro_visor")
    sources, _ = dataset.list_sources(*dataset.files(folder))
    known = set()
    for source in sources:
        if source.digest not in known:
            known.add(source.digest)
            yield at_one_tempo(dataset.read_source(source))


def write(pieces: Iterable[NoteSequence], path: pathlib.Path) -> int:
    """Writes a file, whole or not at all, and counts the pieces."""
    with RecordWriter(path) as writer:
        for piece in pieces:
            writer.write(piece)
        if not writer.num_written:
            raise MusicGanError("Expected pieces. Received: none.")
    return writer.num_written


def main() -> None:
    """Parses flags, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    even = commands.add_parser("one_tempo", help="Impro-Visor's sheets at 120 quarters a minute")
    even.add_argument("--input", required=True, help="folder with the sheets")
    late = commands.add_parser("primers", help="first notes of held-out phrases, off the beat")
    late.add_argument("--records", required=True, type=pathlib.Path, help="of JazzGAN")
    late.add_argument("--shift", type=int, default=7, help="in steps, 12 to a quarter note")
    late.add_argument("--num", type=int, default=1024, help="how many at most")
    for command in (even, late):
        command.add_argument("--output", required=True, type=pathlib.Path, help=".tfrecord file")
    flags = parser.parse_args()
    if flags.command == "one_tempo":
        count = write(sheets(flags.input), flags.output)
    else:
        count = write(primers(flags.records, flags.shift, flags.num), flags.output)
    print(f"{flags.output}: {count:,} pieces.")


if __name__ == "__main__":
    main()
