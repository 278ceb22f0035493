"""Datasets whose chords that sound are named: files made up, and Nottingham's own."""

import pathlib

import pytest

from tests.datasets.nottingham_tunes import parts, tones_of, tune
from tfmusicgan import datasets
from tfmusicgan.datasets.lead_sheets import name_melody
from tfmusicgan.datasets.nottingham_chords import CHORDS
from tfmusicgan.errors import PieceError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.melody_bars import MelodyBars

C, AM, F, G7 = (48, 52, 55), (45, 48, 52), (41, 45, 48), (43, 47, 50, 53)
MELODY = [(quarter, 1, 60 + quarter % 7) for quarter in range(16)]


def read(name, path):
    dataset = datasets.get(name)
    (source,), errors = dataset.list_sources(*dataset.files(str(path)))
    assert not errors
    return dataset.read_source(source)


def symbols(sequence):
    kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
    return [text.text for text in sequence.text_annotations if text.annotation_type == kind]


def test_a_midi_file_with_a_track_of_chords(tmp_path):
    path = tmp_path / "song.mid"
    chords = [(4 * bar, 4, tones) for bar, tones in enumerate((C, AM, F, G7))]
    path.write_bytes(tune(MELODY, chords))
    rep = MelodyBars(bars=4)
    plain = read("midi", path)
    assert symbols(plain) == []
    with pytest.raises(PieceError) as caught:
        rep.encode(plain)
    assert caught.value.reason == "no_triad"
    sequence = read("midi_lead_sheets", path)
    assert sequence.notes == plain.notes and sequence.id == plain.id
    (window,) = rep.encode(sequence)
    # C, A minor, F and G: 1 to 12 are major triads, 13 to 24 minor ones.
    assert window["melody_bars"][:, rep.chord_column].tolist() == [1, 13 + 9, 1 + 5, 1 + 7]


BASS = [(0, 4, 36), (4, 4, 33), (8, 4, 29), (12, 4, 31)]
TUNE = [(quarter, 1, 72 + quarter % 5) for quarter in range(16)]
BLOCKS = tones_of([(4 * bar, 4, tones) for bar, tones in enumerate((C, AM, F, G7))])


@pytest.mark.parametrize(
    "tracks", [(BASS, BLOCKS, TUNE), (BLOCKS, TUNE), (BASS, TUNE), (BLOCKS, BASS, TUNE), (TUNE,)]
)
def test_the_melody_is_the_part_that_is_one(tmp_path, tracks):
    """Wherever it stands among the tracks, and without a name."""
    path = tmp_path / "song.mid"
    path.write_bytes(parts(*tracks))
    rep = MelodyBars(bars=4, chords="none")
    sequence = read("midi_lead_sheets", path)
    (window,) = rep.encode(sequence)
    steps = [pitch for _, _, pitch in TUNE for _ in range(4)]
    assert window["melody_bars"][:, : rep.steps_per_bar].reshape(-1).tolist() == steps
    named = [(info.instrument, info.name) for info in sequence.instrument_infos]
    assert named == [(len(tracks) - 1, "melody")]
    if BLOCKS in tracks:
        (window,) = MelodyBars(bars=4).encode(sequence)
        assert window["melody_bars"][:, rep.chord_column].tolist() == [1, 13 + 9, 1 + 5, 1 + 7]


@pytest.mark.parametrize(
    ("names", "found", "pitch"),
    [
        # A melody that is called so stays one, whatever else is there.
        (("Melody 2", "", ""), {0: "Melody 2"}, 60),
        (("Bass", "Chords", "Flute"), {0: "Bass", 1: "Chords", 2: "Flute (melody)"}, 72),
        (("Bass", "", ""), {0: "Bass", 2: "melody"}, 72),
    ],
)
def test_names_that_are_written_stay(tmp_path, names, found, pitch):
    path = tmp_path / "song.mid"
    path.write_bytes(parts(BASS, BLOCKS, TUNE, names=names))
    sequence = read("midi_lead_sheets", path)
    assert {info.instrument: info.name for info in sequence.instrument_infos} == found
    (window,) = MelodyBars(bars=4).encode(sequence)
    assert window["melody_bars"][0, 0] == pitch


def test_a_piece_is_not_changed_when_its_melody_is_named():
    sequence = NoteSequence()
    for instrument, pitch in ((0, 36), (0, 38), (3, 72)):
        sequence.notes.add(pitch=pitch, velocity=80, end_time=1, instrument=instrument)
    # Neither a name without notes nor one of drums says which part is the melody.
    for instrument in (0, 5):
        sequence.instrument_infos.add(instrument=instrument, name="Melody")
    for note in sequence.notes[:2]:
        note.is_drum = True
    before = sequence.SerializeToString(deterministic=True)
    found = name_melody(sequence)
    assert (found.instrument_infos[-1].instrument, found.instrument_infos[-1].name) == (3, "melody")
    assert sequence.SerializeToString(deterministic=True) == before
    assert name_melody(found) is found
    del sequence.notes[2:]
    with pytest.raises(PieceError, match="Expected a melody") as caught:
        name_melody(sequence)
    assert caught.value.reason == "no_melody"


def test_a_chord_that_has_no_name(tmp_path):
    path = tmp_path / "song.mid"
    path.write_bytes(tune(MELODY, [(0, 16, range(36, 42))]))
    with pytest.raises(PieceError, match="Expected a chord that has a name") as caught:
        read("midi_lead_sheets", path)
    assert caught.value.reason == "unnamed_chord"


def test_symbols_that_are_written_stay(tmp_path):
    path = tmp_path / "song.abc"
    path.write_text('X:1\nM:4/4\nL:1/4\nK:C\n"F"CDEF|"Am"GABc|\n')
    assert symbols(read("midi_lead_sheets", path)) == ["F", "Am"]


def test_all_of_nottinghams_tunes_that_have_chords_have_symbols(test_data: pathlib.Path):
    plain, named = datasets.get("nottingham"), datasets.get("nottingham_lead_sheets")
    sources, _ = named.list_sources(*named.files(str(test_data / "nottingham")))
    assert len(sources) == named.num_pieces == 1_034
    added = 0
    for source in sources[::9]:
        before, after = plain.read_source(source), named.read_source(source)
        assert after.notes == before.notes
        if symbols(before):
            assert after == before
        else:
            has_chords = any(note.instrument == CHORDS for note in before.notes)
            assert bool(symbols(after)) == has_chords
            added += has_chords
    assert added > 50
