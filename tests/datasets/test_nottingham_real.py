"""The real Nottingham Music Database: its card's figures, its own other files, some by eye."""

import collections
import itertools
import re
import zipfile

import pytest

from tfmusicgan import datasets
from tfmusicgan.datasets import nottingham, nottingham_near_copies
from tfmusicgan.datasets.nottingham_chords import CHORDS, MELODY, ChordCounts
from tfmusicgan.note_sequences.midi import read_midi

DATASET = datasets.get("nottingham")

# Semitones above the root, written down without note_seq.
QUALITIES = {
    "": {0, 4, 7},
    "m": {0, 3, 7},
    "7": {0, 4, 7, 10},
    "m7": {0, 3, 7, 10},
    "6": {0, 4, 7, 9},
    "dim": {0, 3, 6},
}
METERS = {(4, 4): 533, (6, 8): 364, (3, 4): 59, (2, 4): 40, (9, 8): 13, (2, 2): 7}
ROOTS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@pytest.fixture(scope="module")
def folder(test_data):
    return test_data / "nottingham"


@pytest.fixture(scope="module")
def collection(folder):
    """All tunes by name, the digests of their files, and what became of their symbols."""
    sources, errors = DATASET.list_sources(*DATASET.files(str(folder)))
    assert not errors
    counts, pieces = ChordCounts(), {}
    for source in sources:
        pieces[source.name], found = nottingham.read_tune(source)
        counts.add(found)
    return pieces, {source.digest for source in sources}, counts


def _quarters(notes):
    """(start, end, pitch) in quarter notes; all tunes are at 120 a minute."""
    rows = ((2 * note.start_time, 2 * note.end_time, note.pitch) for note in notes)
    return sorted((round(start, 3), round(end, 3), pitch) for start, end, pitch in rows)


def _track(piece, instrument):
    return _quarters(note for note in piece.notes if note.instrument == instrument)


def test_the_cards_figures(collection):
    """Its 196,961 are the notes of the files of melodies alone: 6 fewer than with their chords."""
    pieces, digests, _ = collection
    assert (len(pieces), len(digests)) == (DATASET.num_pieces, 1029) == (1034, 1029)
    instruments = [{note.instrument for note in piece.notes} for piece in pieces.values()]
    assert instruments.count({MELODY}) == 13
    assert instruments.count({MELODY, CHORDS}) == 1021
    notes = collections.Counter(n.instrument for piece in pieces.values() for n in piece.notes)
    assert notes == {MELODY: 196_961 + 6, CHORDS: 159_302}
    assert sum(notes.values()) == 356_269
    seconds = sum(piece.total_time for piece in pieces.values())
    assert round(seconds / 3600, 1) == 19.4
    meters = collections.Counter(
        frozenset((meter.numerator, meter.denominator) for meter in piece.time_signatures)
        for piece in pieces.values()
    )
    named = [meters.pop(frozenset({meter})) for meter in METERS]
    assert (dict(zip(METERS, named, strict=True)), meters.total()) == (METERS, 18)
    assert {(t.time, t.qpm) for piece in pieces.values() for t in piece.tempos} == {(0, 120)}


def test_melody_and_chords_are_those_of_the_files_that_have_them_alone(collection, folder):
    pieces, _, _ = collection
    compared = 0
    with zipfile.ZipFile(folder / "nottingham_midi.zip") as archive:
        for name in list(pieces)[5::25]:
            for instrument, part in ((MELODY, "melody"), (CHORDS, "chords")):
                alone = read_midi(archive.read(f"MIDI/{part}/{name}"), name)
                assert _track(pieces[name], instrument) == _quarters(alone.notes), name
                compared += 1
    assert compared > 80


def test_how_many_tunes_have_chord_symbols(collection):
    pieces, _, counts = collection
    assert counts.tunes == {
        "chord_symbols": 400,
        "unreadable_abc": 599,
        "other_melody": 31,
        "other_chords": 3,
        "no_chord_symbols": 1,
    }
    assert counts.tunes.total() - counts.tunes["unreadable_abc"] == 435
    with_symbols = [piece for piece in pieces.values() if piece.text_annotations]
    assert len(with_symbols) == 400
    assert sum(len(piece.text_annotations) for piece in with_symbols) == counts.placed == 15_896
    assert (counts.unread, counts.unplayed.total()) == ({" ": 1}, 54)


def _classes(figure):
    match = re.fullmatch(r"([A-G])([#b]?)(m7|m|7|6|dim|)(?:/[A-G][#b]?)?", figure)
    root = ROOTS[match[1]] + {"": 0, "#": 1, "b": -1}[match[2]]
    return {(root + step) % 12 for step in QUALITIES[match[3]]}


def test_the_symbol_that_holds_is_what_sounds_at_every_chord(collection):
    """By pitch classes that are counted here, not by note_seq."""
    pieces, _, _ = collection
    num_chords = 0
    for name, piece in pieces.items():
        symbols = [(round(2 * text.time, 3), text.text) for text in piece.text_annotations]
        if not symbols:
            continue
        assert all(one[0] < two[0] for one, two in itertools.pairwise(symbols)), name
        chords = _track(piece, CHORDS)
        for start, group in itertools.groupby(chords, key=lambda note: note[0]):
            holds = [figure for at, figure in symbols if at <= start][-1]
            assert _classes(holds) == {pitch % 12 for _, _, pitch in group}, (name, start)
            num_chords += 1
        assert symbols[-1][0] < 2 * piece.total_time
    assert num_chords > 15_000


def test_symbols_of_one_tune_by_eye(collection):
    """`"(D7)"d |"G"g/2g/2 "C"a/4g/4f/4e/4|"G"d/2d/2 "C"...` in 2/4: the pick-up fills a bar."""
    pieces, _, _ = collection
    piece = pieces["reelsr-t50.mid"]
    symbols = [(2 * text.time, text.text) for text in piece.text_annotations]
    assert symbols[:5] == [(1, "D7"), (2, "G"), (3, "C"), (4, "G"), (5, "C")]
    assert _track(piece, MELODY)[:3] == [(1, 2, 74), (2, 2.5, 79), (2.5, 3, 79)]


def test_near_copies_exist_and_share_their_melody(collection):
    pieces, _, _ = collection
    names = [f"{name}.mid" for group in nottingham_near_copies.NEAR_COPIES for name in group]
    assert set(names) <= set(pieces)

    def intervals(name):
        pitches = [pitch for _, _, pitch in _track(pieces[f"{name}.mid"], MELODY)]
        steps = [two - one for one, two in itertools.pairwise(pitches)]
        return {tuple(steps[first : first + 8]) for first in range(len(steps) - 7)}

    def shared(one, two):
        first, second = intervals(one), intervals(two)
        return len(first & second) / min(len(first), len(second))

    for first, *others in nottingham_near_copies.NEAR_COPIES:
        assert all(shared(first, other) > 0.3 or len(others) > 1 for other in others), first
    assert shared("jigs1", "jigs2") < 0.1
