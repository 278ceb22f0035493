"""POP909, whole and as lead sheets: made-up songs in its layout, against notes counted by hand."""

import dataclasses

import numpy as np
import pytest

from tests.datasets import pop909_songs as songs
from tests.datasets.lakh_archive import served, unpack_to
from tests.datasets.nottingham_tunes import write_zip
from tfmusicgan import datasets
from tfmusicgan.datasets import pop909, pop909_files
from tfmusicgan.errors import ConfigError, MusicGanError, ReadError
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.lead_sheet import read_lead_sheet
from tfmusicgan.records.convert import dry_run, plan_conversion
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.tracks import parse_tracks

WHOLE, MELODIES = datasets.get("pop909"), datasets.get("pop909_melody")
ROLL = MultitrackPianoRoll(tracks=parse_tracks("piano"), bars=1, steps_per_beat=1, hop_bars=1)
OPTIONS = ConvertOptions(ROLL, split=(0.5, 0.25, 0.25))


def _sources(dataset, path):
    sources, errors = dataset.list_sources(*dataset.files(str(path)))
    return {source.name: source for source in sources}, dict(errors)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return unpack_to(tmp_path_factory.mktemp("pop909"), songs.members())


def _seconds(beat):
    """When a beat of song 001 is, counted from its first bar line."""
    return 0.5 * min(beat, 22) + 0.4 * max(beat - 22, 0)


def _near(found, expected):
    """Equal but for what a tick of the MIDI file is long."""
    assert len(found) == len(expected)
    for one, two in zip(found, expected, strict=True):
        assert one[0] == pytest.approx(two[0], abs=2e-3) and tuple(one[1:]) == tuple(two[1:])


def test_what_would_be_downloaded():
    """Size and checksum as the shared inventory of full data sets has them."""
    for dataset in (WHOLE, MELODIES):
        (download,) = dataset.downloads
        assert download.url == (
            "https://github.com/music-x-lab/POP909-Dataset/archive/"
            "d83e6edba6872a704f5d3b8b32f5cb540088dae6.zip"
        )
        assert (download.size_bytes, download.unpack) == (50105665, False)
        assert download.sha256 == "fe3d861f6eeaee6b40987e64ae26552b4c7b824f6fa40d29b0c5e5ebd62b03ea"


def test_a_song_on_its_grid(folder):
    sources, errors = _sources(WHOLE, folder)
    assert list(sources) == ["001/001.mid", "002/002.mid", "003/003.mid"] and not errors
    piece = WHOLE.read_source(sources["001/001.mid"])
    for number, notes in enumerate((songs.MELODY, songs.BRIDGE, songs.PIANO)):
        found = [n for n in piece.notes if n.instrument == number]
        _near(
            [(n.start_time, n.pitch) for n in found], sorted((_seconds(s), p) for p, s, _ in notes)
        )
        ends = sorted(note.end_time for note in found)
        np.testing.assert_allclose(ends, sorted(_seconds(e) for _, _, e in notes), atol=2e-3)
    names = [(info.instrument, info.name) for info in piece.instrument_infos]
    assert names == [(0, "MELODY"), (1, "BRIDGE"), (2, "PIANO")]
    _near([(t.time, round(t.qpm, 2)) for t in piece.tempos], [(0, 120), (11, 150)])
    meters = [(m.time, m.numerator, m.denominator) for m in piece.time_signatures]
    _near(meters, [(0, 4, 4), (10, 2, 4), (11, 4, 4)])
    segments = transforms.meter_segments(piece)
    assert [segment.start_quarter for segment in segments] == [0, 20, 22]
    symbols = [(text.time, text.text) for text in piece.text_annotations]
    expected = ((0, "N.C."), (4, "C"), (12, "Am7/G"), (16, "N.C."), (18, "Gsus7"), (46, "N.C."))
    _near(symbols, [(_seconds(beat), figure) for beat, figure in expected])
    keys = [(k.time, k.key, k.mode) for k in piece.key_signatures]
    minor, major = piece.KeySignature.MINOR, piece.KeySignature.MAJOR
    _near(keys, [(0, 10, minor), (_seconds(17.5), 1, major)])
    assert [(c.time, c.control_value) for c in piece.control_changes] == [(0.75, 90)]
    assert piece.total_time == pytest.approx(_seconds(47), abs=2e-3)
    metadata = piece.sequence_metadata
    assert (metadata.title, metadata.artist, piece.collection_name) == ("\u6625", "A & B", "pop909")


def test_meters_of_other_songs(folder):
    sources, _ = _sources(WHOLE, folder)
    meters, tempos = [], []
    for name in ("002/002.mid", "003/003.mid"):
        piece = WHOLE.read_source(sources[name])
        meters.append([(m.time, m.numerator, m.denominator) for m in piece.time_signatures])
        tempos.append([round(tempo.qpm, 3) for tempo in piece.tempos])
        assert [text.text for text in piece.text_annotations][-2:] == ["F#dim7", "N.C."]
    assert meters == [[(0, 12, 8)], [(0, 3, 4)]] and tempos == [[150], [100]]


def test_lead_sheets_are_cut_where_the_meter_changes(folder):
    sources, errors = _sources(MELODIES, folder)
    names = ["001/001.mid#0", "001/001.mid#1", "002/002.mid#0", "003/003.mid#0"]
    assert list(sources) == names and not errors
    first, second = (read_lead_sheet(MELODIES.read_source(sources[name])) for name in names[:2])
    # Of the two that begin together the higher stays; the note before ends where the next begins.
    notes = [(n.start_quarter, n.end_quarter, n.pitch) for n in first.melody]
    expected = [(1.5, 3, 60), (4, 6, 64), (6, 8, 62), (10, 12, 71)]
    np.testing.assert_allclose(notes, expected, atol=3e-3)
    assert (first.bars, first.numerator, first.qpm) == (3, 4, pytest.approx(120))
    spans = [(span.start_quarter, span.symbol) for span in first.chords]
    assert spans == [(0, "N.C."), (4, "C")]
    # From the bar of its first note, which came a little early, to that of its last.
    notes = [(n.start_quarter, n.end_quarter, n.pitch) for n in second.melody]
    np.testing.assert_allclose(notes, [(0, 2, 69), (3, 7, 65), (8.5, 9, 66)], atol=3e-3)
    assert (second.bars, second.qpm) == (3, pytest.approx(150))
    assert [(span.start_quarter, span.symbol) for span in second.chords] == [(0, "Gsus7")]


def test_pieces_of_lead_sheets(folder):
    sources, _ = _sources(MELODIES, folder)
    piece = MELODIES.read_source(sources["001/001.mid#1"])
    assert [(k.time, k.key) for k in piece.key_signatures] == [(0, 1)]
    assert [note.velocity for note in piece.notes] == [50 + pitch % 7 for pitch in (69, 65, 66)]
    assert (piece.id, piece.filename) == ("001/001.mid#1", "001/001.mid")
    assert (len(piece.tempos), {note.instrument for note in piece.notes}) == (1, {0})
    piece = MELODIES.read_source(sources["002/002.mid#0"])
    (meter,), (tempo,) = piece.time_signatures, piece.tempos
    assert (meter.numerator, meter.denominator) == (12, 8)
    assert tempo.qpm == pytest.approx(150, abs=0.01)
    assert piece.total_time == pytest.approx(16 * 0.6, abs=1e-3)
    np.testing.assert_allclose([n.start_time for n in piece.notes], [0.8, 14 * 0.6], atol=2e-3)
    with pytest.raises(ReadError, match=r"bars in which it rests: 003/003.mid#0") as caught:
        MELODIES.read_source(sources["003/003.mid#0"])
    assert caught.value.reason == "no_melody"
    with pytest.raises(ReadError, match=r"has changed since it was listed"):
        MELODIES.read_source(dataclasses.replace(sources["001/001.mid#1"], index=2))


def _layouts(folder):
    """The same songs in every layout."""
    files, github = songs.members(), songs.members("POP909-Dataset-d83e6ed/POP909")
    yield unpack_to(folder / "unpacked", files)
    yield folder / "unpacked" / "POP909"
    yield write_zip(folder / "zip" / "POP909.zip", files)
    yield folder / "zip"
    yield write_zip(folder / "any.zip", github)
    yield write_zip(folder / "downloaded" / "POP909-Dataset-d83e6ed.zip", github).parent
    yield unpack_to(folder / "github", github)


def test_all_layouts_give_the_same_pieces_and_splits(tmp_path):
    found = []
    for path in [*_layouts(tmp_path)]:
        plan = plan_conversion(MELODIES, OPTIONS, [str(path)])
        pieces = [(s.name, s.digests, task.split) for task in plan.tasks for _, s in task.sources]
        found.append((pieces, plan.sources_digest()))
    assert len(found) == 7 and all(one == found[0] for one in found)
    splits = {name: split for name, _, split in found[0][0]}
    assert len(splits) == 4 and splits["001/001.mid#0"] == splits["001/001.mid#1"]


def test_bad_songs_are_counted_by_name(tmp_path):
    files = songs.members()
    chords = songs.spans_text([(2, 4, "C:what")], songs.time_of).encode()
    files["POP909/001/chord_midi.txt"] = chords
    files["POP909/002/002.mid"] = songs.song((songs.MELODY, songs.PIANO), names=("MELODY", "PIANO"))
    files["POP909/003/003.mid"] = files["POP909/003/003.mid"][:-9]
    rows = [*songs.INDEX, *((f"00{n}", "", "", "1", "2", "2") for n in (4, 5, 6))]
    files["POP909/index.xlsx"] = songs.index_xlsx(rows, shared=True)
    for number in ("004", "005", "006", "007"):
        for text in ("beat_midi.txt", "chord_midi.txt", "key_audio.txt"):
            files[f"POP909/{number}/{text}"] = files[f"POP909/001/{text}"]
        files[f"POP909/{number}/{number}.mid"] = songs.song(
            (songs.MELODY, [(50, 1, 2)], [(51, 1, 2)])
        )
    files["POP909/004/004.mid"] = b""
    del files["POP909/005/beat_midi.txt"]
    files["POP909/006/beat_midi.txt"] = b"0.5 0.0 0.0\n1.0 0.0 0.0\n"
    manifest = dry_run(WHOLE, OPTIONS, [str(write_zip(tmp_path / "pop909.zip", files))])
    drops = {reason: drop.names for reason, drop in manifest.drops.items() if drop.num_pieces}
    assert drops == {
        "unknown_chord_symbol": ("001/001.mid",),
        "other_tracks": ("002/002.mid",),
        "truncated_midi": ("003/003.mid",),
        "empty_file": ("004/004.mid",),
        "unreadable_file": ("005/005.mid",),
        "no_bars": ("006/006.mid",),
        "not_in_index": ("007/007.mid",),
    }


def test_too_few_bars_of_one_length(tmp_path):
    files = songs.members()
    files["POP909/001/beat_midi.txt"] = songs.beats_text(
        [0.5 * n for n in range(9)], [0, 3, 5]
    ).encode()
    _, errors = _sources(MELODIES, write_zip(tmp_path / "pop909.zip", files))
    assert "Expected 4 bars of one length on end. Received fewer: 001/001.mid." in str(
        errors["001/001.mid"]
    )


def test_copies_of_a_song_are_one_group():
    for dataset in (WHOLE, MELODIES):
        assert dataset.group_of("018/018.mid#2") == dataset.group_of("017/017.mid") == "017/017.mid"
        assert dataset.group_of("019/019.mid#0") == "019/019.mid"
    numbers = [number for pair in pop909.NEAR_COPIES for number in pair]
    assert len(set(numbers)) == len(numbers)


def test_download(site, tmp_path, monkeypatch):
    from tests.cli.commands import run
    from tfmusicgan.cli import convert

    folder, port = site
    write_zip(folder / WHOLE.downloads[0].file, songs.members("POP909-Dataset-d83e6ed/POP909"))
    dataset = served(MELODIES, folder, port)
    monkeypatch.setattr(datasets, "get", lambda name: dataset)
    flags = ["--dataset=pop909_melody", "--download", f"--input={tmp_path / 'data'}", "--dry_run"]
    tracks = '--set=tracks=[{"name":"melody","part":0}]'
    flags += ["--bars=2", "--steps_per_beat=1", "--lowest_pitch=36", "--num_pitches=48"]
    assert run(convert.main, *flags, tracks) == 0
    assert [path.name for path in (tmp_path / "data").iterdir()] == [WHOLE.downloads[0].file]


def test_folders_that_are_something_else(tmp_path):
    with pytest.raises(ConfigError, match=r"Dataset pop909 needs one --input, the folder"):
        WHOLE.files()
    with pytest.raises(MusicGanError, match=r"Nothing is at '/no/such/folder'"):
        WHOLE.files("/no/such/folder")
    (tmp_path / "a.mid").write_bytes(b"MThd")
    with pytest.raises(MusicGanError, match=r"a folder POP909 with index.xlsx.*--download fetches"):
        WHOLE.files(str(tmp_path))
    only = {"POP909/index.xlsx": songs.index_xlsx()}
    with pytest.raises(MusicGanError, match=r"Received: neither"):
        WHOLE.files(str(unpack_to(tmp_path / "empty", only)))


def _index(tmp_path, name, data):
    folder = unpack_to(tmp_path / name, songs.members() | {"POP909/index.xlsx": data})
    with pytest.raises(MusicGanError) as caught:
        WHOLE.files(str(folder))
    message = str(caught.value)
    assert message.startswith("Expected POP909's table of songs: ") and "\n" not in message
    return message


def test_tables_that_cannot_be_read(tmp_path):
    rows = [list(row) for row in songs.INDEX]
    assert "File is not a zip file" in _index(tmp_path, "a", b"PK no archive")
    assert "xl/worksheets/sheet1.xml" in _index(tmp_path, "b", _zipped("x", b""))
    assert "no element found" in _index(tmp_path, "c", _zipped("xl/worksheets/sheet1.xml", b""))
    bomb = b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"
    assert "declares entities" in _index(tmp_path, "d", _zipped("xl/worksheets/sheet1.xml", bomb))
    rows[1][4] = "5"
    assert "song '001' has '5' beats of '2' quavers" in _index(
        tmp_path, "e", songs.index_xlsx(rows)
    )
    rows[0][4] = "beats"
    assert "no column num_beats_per_measure" in _index(tmp_path, "f", songs.index_xlsx(rows))
    large = b" " * (pop909_files.MAX_INDEX_BYTES + 1)
    assert "is too large" in _index(tmp_path, "g", _zipped("xl/worksheets/sheet1.xml", large))
    assert "is too large" in _index(tmp_path, "h", large)
    assert "negative seek value" in _index(tmp_path, "i", songs.index_xlsx()[9:])


def _zipped(member, data):
    import io
    import zipfile

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, data)
    return stream.getvalue()
