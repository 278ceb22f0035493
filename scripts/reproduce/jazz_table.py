"""One table of melodies by JazzGAN's measures: models of any kind, each beside its corpus.

    python scripts/reproduce/jazz_table.py runs/reproduce-jazzgan --columns=jazzgan,seqgan:3

For each column NAME it reads `samples/NAME-SEED`, what `tfmusicgan-sample` wrote, of every seed,
and the training phrases of `records/NAME` (with `NAME@R` of `records/R`). A corpus is what a model
learns from, decoded from its own records: an encoding that loses rhythms shows there. Pieces are
measured as they sound, in stretches of three bars; the notes that a model is given do not count.
Where there are no chords, harmony has no figure.
"""

import argparse
import dataclasses
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from tfmusicgan import metrics
from tfmusicgan.metrics.jazz_lines import Line, read_line
from tfmusicgan.metrics.jazz_phrase_metrics import FIELD
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.tfrecord import read_note_sequences
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.base import Representation
from tfmusicgan.representations.jazz_phrases import JazzPhrases
from tfmusicgan.representations.jazz_phrases_rhythm import (
    STEPS_PER_BAR,
    STEPS_PER_QUARTER,
    TIME_STEP,
)

STRETCH = 3 * STEPS_PER_BAR

Figures = Mapping[str, float]


class Column(NamedTuple):
    """A column of the table.

    Attributes:
      name: Of the samples' folders, without seeds.
      records: Of the record set's folder.
      steps_per_quarter: How many steps a quarter note of its music stands for; models of tokens
        write one for each token.
    """

    name: str
    records: str
    steps_per_quarter: int


def read_column(text: str) -> Column:
    """Reads `NAME` or `NAME@RECORDS`, either with `:STEPS` behind it."""
    names, _, steps = text.partition(":")
    name, _, records = names.partition("@")
    return Column(name, records or name, int(steps or STEPS_PER_QUARTER))


def lines_of(
    sequences: Iterable[NoteSequence],
    column: Column,
    representation: Representation,
    given: int | None = None,
) -> list[Line]:
    """Pieces as lines of three bars at most; pieces without a note have none.

    The first notes of phrases are marked as the primer that a model was given, where it was.

    Args:
      sequences: The pieces.
      column: Theirs.
      representation: Of the model.
      given: Notes and rests that the pieces go on after; by default the representation's primer.
    """
    found = []
    for sequence in sequences:
        line = read_line(sequence)
        if line is not None:
            found.extend(stretches(_with_primer(_scaled(line, column), representation, given)))
    return found


def stretches(line: Line, length: int = STRETCH) -> Iterator[Line]:
    """Cuts a line from its beginning; entries belong to the stretch in which they begin."""
    numbers = line.starts // length
    for number in np.unique(numbers):
        chosen = np.flatnonzero(numbers == number)
        begin = int(line.starts[chosen[0]])
        end = begin + int(line.durations[chosen].sum())
        yield Line(
            line.pitches[chosen],
            line.durations[chosen],
            line.chord_roots[begin:end],
            line.chord_tones[begin:end],
            (line.first_step + begin) % STEPS_PER_BAR,
            int((chosen < line.primer).sum()),
        )


def measure(
    lines: Sequence[Line], corpus: Sequence[Line], representation: Representation
) -> dict[str, float]:
    """JazzGAN's measures of lines, compared with a corpus's where they compare."""
    rep = representation if isinstance(representation, JazzPhrases) else JazzPhrases()
    return metrics.evaluate(metrics.names(FIELD), lines, rep, {"training": corpus})


def table(
    columns: Mapping[str, tuple[Figures, Sequence[Figures]]], figures: Sequence[str]
) -> list[str]:
    """A Markdown table: a line for each figure, a cell for each model with its corpus in brackets.

    Args:
      columns: Name to the corpus's figures and those of the samples of each seed.
      figures: Keys of the lines.
    """
    lines = ["| model (its corpus) | " + " | ".join(f"`{name}`" for name in columns) + " |"]
    lines.append("|---|" + "---:|" * len(columns))
    seeds = (str(len(runs)) for _, runs in columns.values())
    lines.append("| seeds | " + " | ".join(seeds) + " |")
    for key in figures:
        cells = (
            f"{_mean([run[key] for run in runs])} ({_number(corpus[key])})"
            for corpus, runs in columns.values()
        )
        lines.append(f"| `{key}` | " + " | ".join(cells) + " |")
    return lines


def _scaled(line: Line, column: Column) -> Line:
    """The line with the durations that it stands for."""
    if column.steps_per_quarter == STEPS_PER_QUARTER:
        return line
    starts = line.starts * column.steps_per_quarter // STEPS_PER_QUARTER
    end = int(line.durations.sum()) * column.steps_per_quarter // STEPS_PER_QUARTER
    first = line.first_step * column.steps_per_quarter // STEPS_PER_QUARTER
    none = line.chord_roots[:0], line.chord_tones[:0]
    return Line(line.pitches, np.diff(np.append(starts, end)), *none, first % STEPS_PER_BAR)


def _with_primer(line: Line, representation: Representation, given: int | None) -> Line:
    if not isinstance(representation, JazzPhrases):
        return line
    if given is None:
        given = representation.primer_notes
        if representation.encoding == TIME_STEP:  # so many steps
            given = int((line.starts < given).sum())
    return dataclasses.replace(line, primer=min(given, len(line.pitches)))


def _mean(values: Sequence[float]) -> str:
    """The seeds' mean, and how far the farthest is from it."""
    if not values:
        return "-"
    mean = float(np.mean(values))
    spread = f" ± {np.max(np.abs(np.array(values) - mean)):.3f}" if len(values) > 1 else ""
    return _number(mean) + (spread if np.isfinite(mean) else "")


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "-"


def _read_samples(folder: pathlib.Path) -> Iterator[NoteSequence]:
    for path in sorted(folder.glob("*.tfrecord*")):
        yield from read_note_sequences(path)


def _figures_of(
    folder: pathlib.Path, samples: str, column: Column, given: int | None = None
) -> tuple[Figures, list[Figures]]:
    """The corpus's figures, and those of each seed's samples."""
    records = RecordSet.open(folder / "records" / column.records, "train")
    rep = records.representation
    examples = records.spread(records.num_examples)
    rows = (
        {name: values[i] for name, values in examples.items()} for i in range(records.num_examples)
    )
    corpus = lines_of((rep.decode(row) for row in rows), column, rep)
    folders = sorted((folder / samples).glob(f"{column.name}-*"))
    sampled = [lines_of(_read_samples(path), column, rep, given) for path in folders]
    runs = [measure(lines, corpus, rep) for lines in sampled]
    return measure(corpus, corpus, rep), runs


def main() -> None:
    """Parses flags, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="OUT of the reproduction script")
    parser.add_argument("--columns", required=True, help="NAME[@RECORDS][:STEPS], with commas")
    parser.add_argument("--samples", default="samples", help="folder of the samples' folders")
    parser.add_argument(
        "--given", type=int, help="notes and rests that the samples go on after; by default primers"
    )
    parser.add_argument("--figures", default="", help="lines, with commas; by default all")
    flags = parser.parse_args()
    columns = [read_column(text) for text in flags.columns.split(",")]
    found = {
        column.name: _figures_of(flags.folder, flags.samples, column, flags.given)
        for column in columns
    }
    figures = flags.figures.split(",") if flags.figures else list(next(iter(found.values()))[0])
    print("\n".join(table(found, figures)))


if __name__ == "__main__":
    main()
