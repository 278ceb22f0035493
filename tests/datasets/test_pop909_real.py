"""The real POP909: its README's figures, and some of its songs against other readers."""

import collections
import io
import itertools
import zipfile

import numpy as np
import pretty_midi
import pytest
import symusic

from tfmusicgan import datasets
from tfmusicgan.datasets import pop909
from tfmusicgan.datasets.lead_sheet_counts import LEAD_SHEET, LeadSheetCounts
from tfmusicgan.errors import PieceError
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.chord_symbols import normalise_symbol
from tfmusicgan.note_sequences.lead_sheet import read_lead_sheet

WHOLE, MELODIES = datasets.get("pop909"), datasets.get("pop909_melody")
EVERY = 101  # Nine songs: reading all takes a minute.


@pytest.fixture(scope="module")
def folder(test_data):
    return str(test_data / "pop909")


@pytest.fixture(scope="module")
def sources(folder):
    found, errors = WHOLE.list_sources(*WHOLE.files(folder))
    assert not errors
    return found


@pytest.fixture(scope="module")
def archive(folder):
    with zipfile.ZipFile(f"{folder}/pop909.zip") as opened:
        yield opened


def _rows(archive, source, text):
    number = source.name.partition("/")[0]
    return [line.split() for line in archive.read(f"POP909/{number}/{text}").decode().splitlines()]


def test_the_readmes_figures_of_texts(sources, archive):
    assert len(sources) == WHOLE.num_pieces == len({source.digest for source in sources}) == 909
    labels = collections.Counter()
    for source in sources:
        labels.update(row[2] for row in _rows(archive, source, "chord_midi.txt"))
    assert (labels.total(), len(labels)) == (124_805, 320)
    # All of them are read, and none as another.
    assert len({normalise_symbol(label) for label in labels}) == 320
    assert normalise_symbol("D#:hdim7") == "D#m7b5" and normalise_symbol("C:maj/3") == "C/E"
    assert sum(len(_rows(archive, source, "beat_midi.txt")) for source in sources) == 303_894


def test_the_readmes_figures_of_notes(sources, archive):
    """Notes of the files' tracks, as symusic counts them."""
    counts = collections.Counter()
    for source in sources:
        score = symusic.Score.from_midi(archive.read(f"POP909/{source.name}"))
        counts.update({track.name: len(track.notes) for track in score.tracks})
    assert counts == {"MELODY": 309_423, "BRIDGE": 247_430, "PIANO": 976_585}
    assert counts.total() == 1_533_438


def test_notes_are_those_of_another_reader(sources, archive):
    """Every track's notes, moved by one and the same time, as pretty_midi reads them."""
    for source in sources[::EVERY]:
        piece = WHOLE.read_source(source)
        other = pretty_midi.PrettyMIDI(io.BytesIO(archive.read(f"POP909/{source.name}")))
        first = min(note.start for track in other.instruments for note in track.notes)
        shift = piece.notes[0].start_time - first
        for number, track in enumerate(other.instruments):
            expected = sorted((n.start + shift, n.pitch, n.end + shift) for n in track.notes)
            notes = [n for n in piece.notes if n.instrument == number]
            found = sorted((n.start_time, n.pitch, n.end_time) for n in notes)
            np.testing.assert_allclose(found, expected, atol=1e-6)
            assert track.name == piece.instrument_infos[number].name


def test_beats_bars_and_chords_are_on_the_grid(sources, archive):
    """Written beats are whole beats of the piece, and bar lines of the texts are its bar lines."""
    for source in sources[::EVERY]:
        piece = WHOLE.read_source(source)
        rows = _rows(archive, source, "beat_midi.txt")
        original = pretty_midi.PrettyMIDI(io.BytesIO(archive.read(f"POP909/{source.name}")))
        first = min(note.start for track in original.instruments for note in track.notes)
        shift = piece.notes[0].start_time - first
        song = pop909.song_of(source)
        unit = song.quavers_per_beat / 2
        seconds = np.array([float(row[0]) for row in rows]) + shift
        beats = transforms.seconds_to_quarters(piece, seconds) / unit
        np.testing.assert_allclose(beats, np.round(beats), atol=1e-3)
        assert (np.diff(np.round(beats)) == 1).all()
        bars = {
            round(segment.start_quarter + bar * segment.quarters_per_bar, 6)
            for segment in transforms.meter_segments(piece)
            for bar in range(round((segment.end_quarter - segment.start_quarter) // 0.5))
        }
        flag = 1 if song.beats_per_bar == 3 else 2
        ends = piece.total_time
        lines = {
            round(unit * float(np.round(beat)), 6)
            for beat, row, second in zip(beats, rows, seconds, strict=True)
            if float(row[flag]) and second < ends - 1e-3
        }
        assert lines and lines <= bars
        chords = _rows(archive, source, "chord_midi.txt")
        names = [label for label, _ in itertools.groupby(row[2] for row in chords)]
        symbols = [text.text for text in piece.text_annotations]
        assert set(symbols) - {"N.C."} == {normalise_symbol(name) for name in names} - {"N.C."}
        times = np.array([text.time for text in piece.text_annotations])
        at = transforms.seconds_to_quarters(piece, times) / unit
        np.testing.assert_allclose(at, np.round(at), atol=1e-6)


def test_melodies_are_lead_sheets(folder):
    """Of every 101st song: each piece a lead sheet, or bars in which the melody rests."""
    found, errors = MELODIES.list_sources(*MELODIES.files(folder))
    assert (len(found), len(errors)) == (MELODIES.num_pieces, 0) == (2_009, 0)
    counts = LeadSheetCounts()
    for source in found[::223]:
        try:
            sheet = read_lead_sheet(MELODIES.read_source(source))
        except PieceError as error:
            counts.add(error)
            continue
        counts.add(sheet)
        starts = np.array([note.start_quarter for note in sheet.melody])
        assert starts[0] < sheet.quarters_per_bar
        assert starts[-1] < sheet.total_quarters <= starts[-1] + 3 * sheet.quarters_per_bar
        steps = 4 if sheet.denominator == 4 else 6  # Sixteenths.
        off = np.abs(starts * steps - np.round(starts * steps))
        assert np.mean(off < 0.25) > 0.8, source.name
    assert counts.pieces.total() == 10 and counts.pieces[LEAD_SHEET] >= 8


def test_copies_share_their_melody(sources):
    by_number = {source.name.partition("/")[0]: source for source in sources}

    def runs(number):
        melody = [
            note.pitch
            for note in pop909.read_tracks(by_number[number]).notes
            if note.instrument == pop909.MELODY
        ]
        steps = [two - one for one, two in itertools.pairwise(melody)]
        return {tuple(steps[first : first + 8]) for first in range(len(steps) - 7)}

    for one, two in pop909.NEAR_COPIES:
        assert len(runs(one) & runs(two)) > 0.3 * min(len(runs(one)), len(runs(two)))
    assert len(runs("019") & runs("018")) < 0.05 * len(runs("018"))
