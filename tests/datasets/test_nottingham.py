"""The Nottingham Music Database: made-up tunes in its layout, and the real ones."""

import collections
import hashlib
import re

import numpy as np
import pytest

from tests.cli.commands import refused, run
from tests.datasets import nottingham_tunes as tunes
from tests.datasets.lakh_archive import served, unpack_to
from tfmusicgan import datasets
from tfmusicgan.cli import convert
from tfmusicgan.datasets import nottingham, nottingham_near_copies
from tfmusicgan.errors import ConfigError, MusicGanError
from tfmusicgan.records.convert import dry_run, plan_conversion
from tfmusicgan.records.filters import PieceFilters
from tfmusicgan.records.manifest import Manifest
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.melody_tokens import MelodyTokens
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.tracks import parse_tracks

DATASET = datasets.get("nottingham")
ROLL = MultitrackPianoRoll(tracks=parse_tracks("piano"), bars=1, steps_per_beat=1, hop_bars=1)
OPTIONS = ConvertOptions(ROLL, split=(0.5, 0.25, 0.25))


def _pieces(path):
    sources, errors = DATASET.list_sources(*DATASET.files(str(path)))
    assert not errors
    return {source.name: DATASET.read_source(source) for source in sources}


def _notes(piece, instrument):
    """(start, length, pitch) in quarter notes of the made-up tunes."""
    beat = 60 / tunes.QPM
    return [
        (
            round(note.start_time / beat, 6),
            round((note.end_time - note.start_time) / beat, 6),
            note.pitch,
        )
        for note in piece.notes
        if note.instrument == instrument
    ]


def test_what_would_be_downloaded():
    """Size and checksum as the shared inventory of full data sets has them."""
    (download,) = DATASET.downloads
    assert download.url.startswith("https://github.com/jukedeck/nottingham-dataset/archive/0992bb6")
    assert download.file == f"nottingham-dataset-{download.url.rpartition('/')[2]}"
    assert (download.size_bytes, download.unpack) == (1828800, False)
    assert download.sha256 == "9c9c87d745779af617ad4cd0d715210bfc17ff89bc427928593462872542f9a8"


def test_melody_chords_meter_and_symbols(tmp_path):
    pieces = _pieces(tunes.write_archives(tmp_path))
    assert list(pieces) == ["jigs1.mid", "jigs12.mid", "reels3.mid"]
    piece = pieces["jigs1.mid"]
    assert _notes(piece, 0) == list(tunes.PICK_UP)
    chords = collections.defaultdict(list)
    for start, length, pitch in _notes(piece, 1):
        chords[start, length].append(pitch)
    expected = {(start, length): list(tones) for start, length, tones in tunes.PICK_UP_CHORDS}
    assert chords == expected
    assert [(info.instrument, info.name) for info in piece.instrument_infos] == [
        (0, "melody"),
        (1, "chords"),
    ]
    meters = [
        [(m.time, m.numerator, m.denominator) for m in p.time_signatures] for p in pieces.values()
    ]
    assert meters == [[(0, 2, 4)], [(0, 3, 4)], [(0, 4, 4)]]
    assert (piece.id, piece.filename, piece.collection_name) == (*["jigs1.mid"] * 2, "nottingham")
    # 0.6 seconds a quarter note.
    symbols = [(round(text.time, 6), text.text) for text in piece.text_annotations]
    assert symbols == [(round(0.6 * at, 6), figure) for at, figure in tunes.PICK_UP_SYMBOLS]
    kinds = {text.annotation_type for text in piece.text_annotations}
    assert kinds == {piece.TextAnnotation.CHORD_SYMBOL}
    parts = pieces["jigs12.mid"]
    assert _notes(parts, 0) == list(tunes.PARTS) and not _notes(parts, 1)
    assert [info.name for info in parts.instrument_infos] == ["melody"]
    assert not parts.text_annotations and not pieces["reels3.mid"].text_annotations


def test_what_became_of_the_symbols_is_counted(tmp_path):
    files = tunes.members()
    files["MIDI/reels7.mid"] = tunes.tune(tunes.OTHER)
    files["MIDI/reels8.mid"] = b"no MIDI"
    # In brackets of the ABC: a symbol that note_seq cannot read, where the D goes on.
    jigs = tunes.JIGS.replace('f a:|"Gd"', '"D!"f a:|"Gd"')
    files["ABC_cleaned/jigs.abc"] = jigs.encode()
    counts = nottingham.count_chord_symbols(str(tunes.write_archives(tmp_path, files)))
    reasons = {"unreadable_abc": 1, "other_melody": 1, "no_abc": 1, "not_midi": 1}
    assert counts.tunes == {"chord_symbols": 1} | reasons
    assert counts.placed == len(tunes.PICK_UP_SYMBOLS)
    assert (counts.unread, counts.unplayed) == ({"D!": 2}, {"G": 2})


def test_conversions_count_the_symbols_that_kept_tunes_lack(tmp_path):
    files = tunes.members()
    jigs = tunes.JIGS.replace('f a:|"Gd"', '"D!"f a:|"Gd"')
    files["ABC_cleaned/jigs.abc"] = jigs.encode()
    files["MIDI/reels9.mid"] = tunes.tune([(0, 1, 67)])  # too short: what it lacks does not count
    folder = tunes.write_archives(tmp_path, files)
    melodies = MelodyTokens(length=3)
    options = ConvertOptions(melodies, PieceFilters(transpose="0:1"), split=(1.0, 0.0, 0.0))
    manifest = dry_run(DATASET, options, [str(folder)])
    assert manifest.num_pieces("train") == 6 and "reels9.mid" in manifest.drops["too_short"].names
    # Two of the three tunes in two keys each; of the third a symbol, two times in two keys.
    assert {name: count for name, count in manifest.lost.items() if "chord" in name} == {
        "tunes_without_chord_symbols": 4,
        "unread_chord_symbols": 4,
        "unplayed_chord_symbols": 4,
    }
    # Whose chords have been named: the tune of no chords alone has no symbols, in either key.
    named = datasets.get("nottingham_lead_sheets")
    assert dry_run(named, options, [str(folder)]).lost == {
        "tunes_without_chord_symbols": 2,
        "unread_chord_symbols": 4,
        "unplayed_chord_symbols": 4,
    }


@pytest.mark.parametrize("name", ["nottingham", "nottingham_lead_sheets"])
def test_the_counting_reader_reads_the_same_music(name, tmp_path):
    dataset = datasets.get(name)
    sources, _ = dataset.list_sources(*dataset.files(str(tunes.write_archives(tmp_path))))
    found = [dataset.read_counted(source).music for source in sources]
    assert found == [dataset.read_source(source) for source in sources] and len(found) == 3
    counting = [each for each in map(datasets.get, datasets.names()) if each.read_counted]
    assert name in [each.name for each in counting] and len(counting) == 2


def test_a_tune_whose_abc_has_no_symbols_lost_none(tmp_path):
    files = tunes.members() | {"ABC_cleaned/reels.abc": re.sub('"[^"]*"', "", tunes.REELS).encode()}
    sources, _ = DATASET.list_sources(*DATASET.files(str(tunes.write_archives(tmp_path, files))))
    lost = {source.name: DATASET.read_counted(source).lost for source in sources}
    assert lost["reels3.mid"] == {"tunes_without_chord_symbols": 0}


def _layouts(folder):
    """The same tunes in every layout."""
    github = tunes.github_members()
    unpacked = unpack_to(folder / "unpacked", tunes.members())
    yield tunes.write_archives(folder / "two")
    yield unpacked
    yield unpacked / "MIDI"
    yield tunes.write_zip(folder / "any name.zip", github)
    yield tunes.write_zip(folder / "downloaded" / "nottingham-dataset-0992.zip", github).parent
    yield unpack_to(folder / "twice" / "nottingham-dataset-master", github).parent
    yield unpack_to(folder / "one", {k: v for k, v in github.items() if "MIDI" in k})
    tunes.write_zip(folder / "one" / "nottingham_abc_cleaned.zip", tunes.members())


def test_all_layouts_give_the_same_pieces_and_splits(tmp_path):
    found = []
    for path in [*_layouts(tmp_path)]:
        plan = plan_conversion(DATASET, OPTIONS, [str(path)])
        pieces = [(s.name, s.digests, task.split) for task in plan.tasks for _, s in task.sources]
        texts = [len(piece.text_annotations) for piece in _pieces(path).values()]
        found.append((pieces, plan.sources_digest(), texts))
    assert len(found) == 7
    assert all(one == found[0] for one in found)
    assert found[0][2] == [len(tunes.PICK_UP_SYMBOLS), 0, 0]


def test_nothing_is_written_where_the_archives_are(tmp_path):
    folder = tunes.write_archives(tmp_path / "data")
    before = sorted(folder.rglob("*"))
    dry_run(DATASET, OPTIONS, [str(folder)])
    assert sorted(folder.rglob("*")) == before


def test_a_piece_is_its_midi_file_and_the_plan_knows_its_abc(tmp_path):
    files = tunes.members()
    files["MIDI/jigs2.mid"] = files["MIDI/jigs1.mid"]
    plans = []
    for name, more in (("one", ""), ("two", '\nX: 2\nT:Again\nK:D\n"D"d|\n')):
        files["ABC_cleaned/jigs.abc"] = (tunes.JIGS + more).replace("Pick-Up", name).encode()
        folder = tunes.write_archives(tmp_path / name, files)
        plans.append(plan_conversion(DATASET, OPTIONS, [str(folder)]))
    for plan in plans:
        (drop,) = plan.dropped
        assert (drop.name, drop.reason, drop.same_as) == ("jigs2.mid", "duplicate", "jigs1.mid")
    # An interrupted run does not go on with other books.
    texts = [
        plan.to_json({}).replace(str(tmp_path / "two"), str(tmp_path / "one")) for plan in plans
    ]
    assert texts[0] != texts[1] and len(texts[0]) == len(texts[1])
    assert plans[0].sources_digest() != plans[1].sources_digest()
    sources, _ = DATASET.list_sources(*DATASET.files(str(tmp_path / "two")))
    assert sources[0].digest == hashlib.sha256(files["MIDI/jigs1.mid"]).hexdigest()


def test_bad_files_are_counted_by_name(tmp_path):
    files = tunes.members()
    files["MIDI/jigs2.mid"] = b""
    files["MIDI/jigs3.mid"] = files["MIDI/jigs1.mid"][:-9]
    files["MIDI/jigs4.mid"] = tunes.tune((), tunes.PICK_UP_CHORDS)
    files["MIDI/jigs5.mid"] = tunes.tune((), ())
    files["MIDI/jigs6.mid"] = _three_tracks()
    manifest = dry_run(DATASET, OPTIONS, [str(tunes.write_archives(tmp_path, files))])
    drops = {reason: drop.names for reason, drop in manifest.drops.items() if drop.num_pieces}
    assert drops == {
        "empty_file": ("jigs2.mid",),
        "truncated_midi": ("jigs3.mid",),
        "no_melody": ("jigs4.mid",),
        "no_notes": ("jigs5.mid",),
        "other_tracks": ("jigs6.mid",),
        "no_bars_in_meter": ("jigs1.mid", "jigs12.mid"),
    }


def _three_tracks():
    from tests.note_sequences.midi_bytes import midi, off, on, track

    return midi(*(track((0, on(60 + 5 * n)), (4, off(60 + 5 * n))) for n in range(3)), division=4)


def test_download_and_convert_to_melody_and_chords(site, tmp_path, monkeypatch):
    """The roll of the 4/4 tune: a melody and chords as two parts, two bars of four steps."""
    folder, port = site
    tunes.write_zip(folder / DATASET.downloads[0].file, tunes.github_members())
    dataset = served(DATASET, folder, port)
    monkeypatch.setattr(datasets, "get", lambda name: dataset)
    here, output = tmp_path / "data", tmp_path / "records"
    flags = ["--dataset=nottingham", "--download", f"--input={here}", f"--output={output}"]
    flags += ["--bars=2", "--steps_per_beat=1", "--lowest_pitch=36", "--num_pitches=48"]
    flags += ["--split=1,0,0", "--set=separate_notes=never", "--set=min_note_steps=0"]
    parts = [{"name": "melody", "program": 73, "part": 0}, {"name": "chords", "part": 1}]
    flags += [f"--set=tracks={str(parts).replace(chr(39), chr(34))}"]
    assert run(convert.main, *flags) == 0
    assert [path.name for path in here.iterdir()] == [DATASET.downloads[0].file]
    manifest = Manifest.read(output)
    assert (manifest.sources["num_listed"], manifest.num_pieces("train")) == (3, 1)
    drops = {reason: drop.names for reason, drop in manifest.drops.items()}
    assert drops == {"no_bars_in_meter": ("jigs1.mid",), "wrong_part_count": ("jigs12.mid",)}
    assert manifest.dataset["licence"].startswith("GNU GPL version 3")
    (batch,) = RecordSet.open(output).examples()
    (roll,) = batch["piano_roll"].reshape(-1, 8, 48, 2)
    for track, notes in enumerate(
        (tunes.OTHER, [(s, n, p) for s, n, tones in tunes.OTHER_CHORDS for p in tones])
    ):
        expected = np.zeros((8, 48), bool)
        for start, length, pitch in notes:
            expected[start : start + length, pitch - 36] = True
        np.testing.assert_array_equal(roll[:, :, track], expected)


def test_workers_read_as_one_process_does(tmp_path):
    from tests.records.pieces import assert_same
    from tfmusicgan.records import convert as library

    folder = str(tunes.write_archives(tmp_path / "data"))
    for workers in (1, 2):
        out = tmp_path / f"out{workers}"
        library.convert(DATASET, OPTIONS, out, [folder], num_workers=workers)
    assert_same(tmp_path / "out1", tmp_path / "out2")


def test_folders_that_are_something_else(tmp_path, capsys):
    with pytest.raises(ConfigError, match=r"Dataset nottingham needs one --input, the folder"):
        DATASET.files()
    with pytest.raises(ConfigError, match=r"needs one --input"):
        DATASET.files(["a", "b"])
    with pytest.raises(MusicGanError, match=r"Nothing is at '/no/such/folder'"):
        DATASET.files("/no/such/folder")
    (tmp_path / "a.mid").write_bytes(b"MThd")
    with pytest.raises(MusicGanError, match=r"a folder MIDI with .mid files.*--download fetches t"):
        DATASET.files(str(tmp_path))
    midi_only = {name: data for name, data in tunes.members().items() if name.startswith("MIDI")}
    alone = tunes.write_zip(tmp_path / "alone" / "nottingham_midi.zip", midi_only)
    line = refused(capsys, convert.main, "--dataset=nottingham", "--dry_run", f"--input={alone}")
    assert "Expected books of the Nottingham tunes beside" in line and "--dataset=midi" in line
    damaged = tmp_path / "damaged" / "nottingham_midi.zip"
    damaged.parent.mkdir()
    damaged.write_bytes(alone.read_bytes()[:-30])
    for path in (damaged, damaged.parent):
        with pytest.raises(MusicGanError, match=r"nottingham_midi.zip is damaged: .*download it a"):
            DATASET.files(str(path))
    books = tunes.members() | {"ABC_cleaned/jigs.abc": b"no tunes"}
    with pytest.raises(MusicGanError, match=r"Expected ABC tunes \(X: fields\).*: jigs.abc"):
        DATASET.files(str(tunes.write_archives(tmp_path / "books", books)))


def test_near_copies_are_one_group():
    group_of = DATASET.group_of
    assert group_of("jigs136.mid") == group_of("jigs135.mid") == "jigs134.mid"
    assert group_of("jigs1.mid") == "jigs1.mid"
    members = [name for group in nottingham_near_copies.NEAR_COPIES for name in group]
    assert len(members) == len(set(members)) == 90
