"""The table of melodies by JazzGAN's measures, each model beside its corpus."""

import importlib.util
import pathlib
import sys

import numpy as np
import pytest

from tests.metrics.jazz_lines import CHORDS, LINE, line
from tests.metrics.test_jazz_lines import entries, piece
from tfmusicgan.metrics.jazz_lines import read_examples
from tfmusicgan.note_sequences.tfrecord import RecordWriter
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.jazz_phrases import JazzPhrases
from tfmusicgan.representations.melody_tokens import MelodyTokens

SCRIPT = pathlib.Path(__file__).parent.parent / "scripts/reproduce/jazz_table.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("jazz_table", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["jazz_table"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["jazz_table"]


def test_columns(script):
    assert script.read_column("jazzgan") == ("jazzgan", "jazzgan", 12)
    assert script.read_column("jazzgan_mle@jazzgan") == ("jazzgan_mle", "jazzgan", 12)
    assert script.read_column("seqgan:3") == ("seqgan", "seqgan", 3)
    assert script.read_column("a@b:4") == ("a", "b", 4)


def test_stretches(script):
    first, second, third, fourth = script.stretches(LINE, 20)
    # The rest from 17 to 24 begins in the first; none begins from 80 on.
    assert [len(one.pitches) for one in (first, second, third, fourth)] == [5, 2, 3, 1]
    assert (first.first_step, second.first_step, third.first_step) == (0, 24, 40)
    assert second.chord_roots.tolist() == [7] * 16
    assert third.chord_roots.tolist() == [7] * 8 + [0] * 21
    assert not list(script.stretches(line([])))
    given = line([(60, 6)] * 5, CHORDS, primer=4)
    assert [part.primer for part in script.stretches(given, 18)] == [3, 1]


def test_pieces_as_lines(script):
    column = script.read_column("jazzgan")
    music = [piece((60, 5, 11), (62, 11, 14)), piece(), piece((64, 0, 150), (65, 150, 151))]
    found = script.lines_of(music, column, JazzPhrases(primer_notes=1))
    assert [entries(one) for one in found] == [[(24, 6), (26, 3)], [(28, 150)], [(29, 1)]]
    assert [one.primer for one in found] == [1, 1, 0]
    steps = JazzPhrases(encoding="time_step", max_steps=48, max_notes=48, primer_notes=7)
    assert [one.primer for one in script.lines_of(music, column, steps)] == [2, 1, 0]
    # What was given is so many notes, whatever the encoding.
    assert [one.primer for one in script.lines_of(music, column, steps, given=1)] == [1, 1, 0]
    # Of tokens a quarter note is three steps; they have no chords.
    (tokens,) = script.lines_of(
        [piece((60, 12, 36), (62, 48, 60))], script.read_column("a:3"), MelodyTokens()
    )
    assert entries(tokens) == [(24, 6), (73, 3), (26, 3)]
    assert (tokens.first_step, tokens.primer, len(tokens.chord_roots)) == (3, 0, 0)


def test_measures(script):
    found = script.measure([LINE], [LINE, LINE], MelodyTokens())
    assert found["jazz_qualified_rhythm/melody"] == 10 / 11
    assert found["jazz_memorisation/6"] == 1.0
    alone = [LINE]
    rep = JazzPhrases(encoding="duration")
    assert script.measure(alone, alone, rep)["jazz_memorisation/3"] == 0.0


def test_a_cell_has_the_model_and_its_corpus(script):
    columns = {
        "one": ({"a": 0.5, "b": float("nan")}, [{"a": 0.25, "b": float("nan")}]),
        "two": ({"a": 1.0, "b": 2.0}, [{"a": 0.5, "b": 1.0}, {"a": 0.75, "b": 2.0}]),
        "none": ({"a": 1.0, "b": 2.0}, []),
    }
    assert script.table(columns, ["a", "b"]) == [
        "| model (its corpus) | `one` | `two` | `none` |",
        "|---|---:|---:|---:|",
        "| seeds | 1 | 2 | 0 |",
        "| `a` | 0.250 (0.500) | 0.625 ± 0.125 (1.000) | - (1.000) |",
        "| `b` | - (-) | 1.500 ± 0.500 (2.000) | - (2.000) |",
    ]


def test_samples_of_a_folder(script, tmp_path):
    for name, pitch in (("samples-00000-of-00002.tfrecord", 60), ("samples-00001.tfrecord", 61)):
        with RecordWriter(tmp_path / name) as writer:
            writer.write(piece((pitch, 0, 6)))
    (tmp_path / "manifest.json").write_text("{}")
    found = [sequence.notes[0].pitch for sequence in script._read_samples(tmp_path)]
    assert found == [60, 61]


def test_samples_that_are_the_corpus(script, tiny_records, tmp_path):
    column = script.read_column("jazzgan")
    for name in ("records", "samples/jazzgan-0", "samples/jazzgan_duration-0"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "records/jazzgan").symlink_to(tiny_records["jazzgan"])
    records = RecordSet.open(tmp_path / "records/jazzgan", "train")
    examples = records.spread(records.num_examples)
    with RecordWriter(tmp_path / "samples/jazzgan-0/a.tfrecord") as writer:
        for row in range(records.num_examples):
            example = {name: values[row] for name, values in examples.items()}
            writer.write(records.representation.decode(example))
    corpus, (run,) = script._figures_of(tmp_path, "samples", column)
    assert run.pop("jazz_memorisation/3") == 1.0
    same = {key for key in run if "memorisation" not in key}
    assert {key: run[key] for key in same} == pytest.approx(
        {key: corpus[key] for key in same}, nan_ok=True
    )
    # As lines of examples they are the same but for rests and long notes of several entries.
    lines = script.lines_of([records.representation.decode(example)], column, JazzPhrases())
    (read,) = read_examples(
        {name: value[np.newaxis] for name, value in example.items()}, JazzPhrases()
    )
    assert entries(lines[0]) == entries(read) and lines[0].primer == read.primer == 4
