"""Impro-Visor's lead sheets as jazz phrases: the counts that the representation states."""

import zipfile

import numpy as np
import pytest

from tfmusicgan.errors import PieceError
from tfmusicgan.note_sequences.impro_visor import read_impro_visor
from tfmusicgan.representations.jazz_phrases import REST, JazzPhrases
from tfmusicgan.representations.melody_bars_windows import read_melody_sheet

II_V_I = "training/combination/rbmprovisor-ii-V-I/"


@pytest.fixture(scope="module")
def sheets(test_data):
    """Name to piece."""
    with zipfile.ZipFile(test_data / "impro_visor_leadsheets/impro_visor_leadsheets.zip") as file:
        names = [name for name in file.namelist() if name.endswith(".ls")]
        return {name: read_impro_visor(file.read(name), name) for name in names}


def count(sheets, **parameters):
    """Pieces, phrases, notes, rests and steps; phrases left out, and pieces, by reason."""
    rep, numbers, left_out = JazzPhrases(**parameters), np.zeros(5, int), {}
    for sheet in sheets:
        try:
            phrases, reasons, _ = rep.encode_counted(sheet)
        except PieceError as error:
            reasons = {f"piece {error.reason}": 1}
        else:
            pitches = [phrase["pitches"][: phrase["num_notes"]] for phrase in phrases]
            rests = sum(int((some == REST).sum()) for some in pitches)
            steps = sum(int(phrase["num_steps"]) for phrase in phrases)
            numbers += [1, len(phrases), sum(map(len, pitches)) - rests, rests, steps]
        for reason, number in reasons.items():
            left_out[reason] = left_out.get(reason, 0) + number
    return numbers.tolist(), {reason: number for reason, number in left_out.items() if number}


@pytest.mark.slow
def test_counts_of_the_docstring(sheets):
    found, left_out = count(sheets.values())
    assert found[:4] == [457, 4_296, 66_994, 2_053]
    assert left_out == {"piece no_bars_in_meter": 3, "too_few_notes": 803, "too_many_notes": 1}
    assert round(sum(found[2:4]) / found[1]) == 16 and round(found[4] / found[1]) == 106
    found, _ = count(sheets.values(), phrase="bars")
    assert found[:3] == [457, 3_935, 68_580]
    found, _ = count(sheets.values(), phrase="sections")
    assert found[1] == 55
    found, _ = count(sheets.values(), phrase="whole", max_steps=192, max_notes=64)
    assert found[1] == 303


def test_counts_of_notes(sheets):
    """Of what the sheets say: how many, longer than a bar, off the grid of twelfths."""
    found = np.zeros(4, int)
    for sheet in sheets.values():
        try:
            melody = read_melody_sheet(sheet, JazzPhrases.melody_name, 4).melody
        except PieceError:
            continue
        quarters = np.array([(note.start_quarter, note.end_quarter) for note in melody])
        off = np.abs(quarters * 12 - np.round(quarters * 12)) > 1e-3
        lengths = quarters[:, 1] - quarters[:, 0]
        found += [1, len(melody), (lengths > 4 + 1e-3).sum(), off.any(axis=1).sum()]
    assert found.tolist() == [457, 68_407, 274, 296]


def test_the_ii_v_i_phrases_are_those_of_the_released_data(sheets):
    rep = JazzPhrases(phrase="whole", encoding="duration", max_steps=192, max_notes=64)
    released = [sheet for name, sheet in sheets.items() if II_V_I in name]
    phrases = [phrase for sheet in released for phrase in rep.encode(sheet)]
    entries = rests = 0
    for phrase in phrases:
        pitches, tokens = (phrase[name][: phrase["num_notes"]] for name in ("pitches", "rhythm"))
        # What is longer than a bar is one note there: a bar of it and what remains.
        goes_on = (pitches[1:] == pitches[:-1]) & (tokens[:-1] == 47)
        begins = np.append(True, ~goes_on)
        entries, rests = entries + begins.sum(), rests + (pitches[begins] == REST).sum()
    steps = sum(int(phrase["num_steps"]) for phrase in phrases)
    # The authors' data: 5,877 notes and rests, 1,142 bars, 3.5 % rests.
    assert (len(phrases), entries, steps // 48) == (300, 5_877, 1_142)
    assert rests / entries == pytest.approx(0.035, abs=5e-4)
