"""Music beside the records of a comparison: sheets at one tempo, and primers off the beat."""

import importlib.util
import pathlib

import numpy as np
import pytest

from tests.metrics.jazz_lines import CHORDS, line
from tests.metrics.test_jazz_lines import entries, examples
from tests.note_sequences.test_impro_visor import TEXT
from tfmusicgan.errors import MusicGanError
from tfmusicgan.metrics.jazz_lines import read_line
from tfmusicgan.note_sequences.impro_visor import read_impro_visor
from tfmusicgan.note_sequences.tfrecord import read_note_sequences
from tfmusicgan.representations.jazz_phrases import JazzPhrases

SCRIPT = pathlib.Path(__file__).parent.parent / "scripts/reproduce/jazz_music.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("jazz_music", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_tempo_keeps_every_place(script):
    sheet = read_impro_visor(TEXT.encode())
    even = script.at_one_tempo(sheet)
    assert sheet.tempos[0].qpm != 120 and even.tempos[0].qpm == 120
    assert entries(read_line(even)) == entries(read_line(sheet))
    assert read_line(even).chord_roots.tolist() == read_line(sheet).chord_roots.tolist()
    factor = sheet.tempos[0].qpm / 120
    assert even.total_time == pytest.approx(sheet.total_time * factor)
    assert even.section_annotations[-1].time == sheet.section_annotations[-1].time * factor


def phrase(notes, rep, first_step):
    rows = examples([line(notes, CHORDS, first_step)], rep)
    return {name: values[0] for name, values in rows.items()}


def test_primers_are_late_and_end_with_a_note(script):
    rep = JazzPhrases(primer_notes=2)
    notes = [(60, 6), (None, 6), (64, 12), (65, 24), (None, 12), (67, 6)]
    found = read_line(script.primer(phrase(notes, rep, 36), rep, 7))
    assert entries(found) == [(24, 6), (73, 6), (28, 12)]
    assert found.first_step == 43
    # Chords stay: 24 steps of D minor from the phrase's own beginning, seven of them over.
    assert found.chord_roots.tolist() == [2] * 17 + [7] * 7
    assert script.primer(phrase([(60, 6), (None, 6)], rep, 0), rep, 7) is None


def test_files(script, tmp_path):
    rep = JazzPhrases(primer_notes=2)
    piece = script.primer(phrase([(60, 6), (61, 6), (62, 6)], rep, 0), rep, 7)
    assert script.write([piece, piece], tmp_path / "a.tfrecord") == 2
    pitches = [
        [note.pitch for note in sequence.notes]
        for sequence in read_note_sequences(tmp_path / "a.tfrecord")
    ]
    assert np.array(pitches).tolist() == [[60, 61]] * 2
    with pytest.raises(MusicGanError, match="Expected pieces"):
        script.write([], tmp_path / "b.tfrecord")
    assert [child.name for child in tmp_path.iterdir()] == ["a.tfrecord"]


def test_real_sheets(script, test_data):
    found = list(script.sheets(str(test_data / "impro_visor_leadsheets")))
    # 40 of 460 files come again under another name.
    assert len(found) == 420
    assert {sequence.tempos[0].qpm for sequence in found} == {120.0}
