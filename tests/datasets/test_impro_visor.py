"""Impro-Visor's lead sheets as a dataset: made-up sheets in its layouts, and the real ones."""

import collections
import itertools
import pathlib
import re
import zipfile
from fractions import Fraction

import pytest

from tests.datasets.lakh_archive import served, unpack_to
from tests.datasets.nottingham_tunes import write_zip
from tests.note_sequences.test_impro_visor import TEXT
from tfmusicgan import datasets
from tfmusicgan.datasets import impro_visor
from tfmusicgan.datasets.lead_sheet_counts import LEAD_SHEET, LeadSheetCounts
from tfmusicgan.errors import ConfigError, MusicGanError, PieceError
from tfmusicgan.note_sequences.lead_sheet import read_lead_sheet
from tfmusicgan.records.convert import dry_run, plan_conversion
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.tracks import parse_tracks

DATASET = datasets.get("impro_visor")
ROLL = MultitrackPianoRoll(tracks=parse_tracks("piano"), bars=1, steps_per_beat=1, hop_bars=1)
OPTIONS = ConvertOptions(ROLL, split=(0.5, 0.25, 0.25))
UPSTREAM = {
    "transcriptions": "leadsheets/transcriptions",
    "melodies": "leadsheets/melodies",
    "training": "connectomes-more-and-training-leadsheets/training-data",
}

FILES = {
    "transcriptions/LeeMorgan/CeoraMorgan.ls": TEXT.encode(),
    "melodies/Fury.ls": TEXT.replace("waltz", "").replace("e+2+4", "f+2+4").encode(),
    "training/combination/rbmprovisor-ii-V-I/0166.ls": TEXT.replace("Gm7", "Gm6").encode(),
    "training/combination/blues/C Major.ls": TEXT.replace("r2+4", "c2+4").encode(),
}


def _upstream(top):
    """The files as the repository has them, with others beside them."""
    files = {f"{top}/leadsheets/imaginary-book/Other.ls": b"not looked at"}
    for name, data in FILES.items():
        collection, _, rest = name.partition("/")
        files[f"{top}/{UPSTREAM[collection]}/{rest}"] = data
    return files


def _layouts(folder):
    """The same sheets in every layout."""
    yield unpack_to(folder / "unpacked", FILES)
    yield write_zip(folder / "zip" / "impro_visor_leadsheets.zip", FILES)
    yield folder / "zip"
    github = _upstream("Impro-Visor-550bbb5")
    yield write_zip(folder / "any.zip", github)
    yield write_zip(folder / "downloaded" / "Impro-Visor-550bbb5.zip", github).parent
    yield unpack_to(folder / "github", github)
    yield folder / "github" / "Impro-Visor-550bbb5"


def test_all_layouts_give_the_same_pieces_and_splits(tmp_path):
    found = []
    for path in [*_layouts(tmp_path)]:
        plan = plan_conversion(DATASET, OPTIONS, [str(path)])
        pieces = [(s.name, s.digests, task.split) for task in plan.tasks for _, s in task.sources]
        found.append((sorted(pieces), plan.sources_digest()))
    assert len(found) == 7 and all(one == found[0] for one in found)
    splits = {name: split for name, _, split in found[0][0]}
    assert set(splits) == set(FILES)
    assert (
        splits["transcriptions/LeeMorgan/CeoraMorgan.ls"]
        == (splits["training/combination/rbmprovisor-ii-V-I/0166.ls"])
    )


def test_bad_files_are_counted_by_name(tmp_path):
    files = dict(FILES)
    files["melodies/a.ls"] = b""
    files["melodies/b.ls"] = TEXT[:-9].encode()
    files["melodies/c.ls"] = TEXT[:-40].encode()
    files["melodies/d.ls"] = TEXT.replace("C7", "H7").encode()
    files["melodies/e.ls"] = files["melodies/Fury.ls"]
    files["melodies/.f.ls"] = b"hidden"
    manifest = dry_run(DATASET, OPTIONS, [str(unpack_to(tmp_path, files))])
    drops = {reason: drop.names for reason, drop in manifest.drops.items() if drop.num_pieces}
    assert set(drops.pop("no_notes")) == set(FILES)  # The roll takes pianos, and no saxophones.
    assert drops == {
        "empty_file": ("melodies/a.ls",),
        "melody_length": ("melodies/b.ls",),
        "unreadable_lead_sheet": ("melodies/c.ls",),
        "unknown_chord_symbol": ("melodies/d.ls",),
        "duplicate": ("melodies/e.ls",),
    }


def test_download(site, tmp_path):
    from tfmusicgan.datasets.download import fetch_all

    folder, port = site
    (download,) = DATASET.downloads
    assert download.url == (
        "https://github.com/Impro-Visor/Impro-Visor/archive/"
        "550bbb554962249aceb0e82a72142e3e5b3c0d4a.zip"
    )
    write_zip(folder / download.file, _upstream("Impro-Visor-550bbb5"))
    fetch_all(served(DATASET, folder, port).downloads, tmp_path / "data")
    assert len(DATASET.files(str(tmp_path / "data"))[0]) == len(FILES)


def test_folders_that_are_something_else(tmp_path):
    with pytest.raises(ConfigError, match=r"Dataset impro_visor needs one --input, the folder"):
        DATASET.files(["a", "b"])
    with pytest.raises(MusicGanError, match=r"Nothing is at '/no/such/folder'"):
        DATASET.files("/no/such/folder")
    with pytest.raises(MusicGanError, match=r"Received: none of them. --download fetches them"):
        DATASET.files(str(tmp_path))
    some = {name: data for name, data in FILES.items() if not name.startswith("training")}
    with pytest.raises(MusicGanError, match=r"Received: transcriptions, melodies. --download"):
        DATASET.files(str(unpack_to(tmp_path / "some", some)))


def test_copies_are_one_group():
    group_of = DATASET.group_of
    ceora = "transcriptions/LeeMorgan/CeoraMorgan.ls"
    assert group_of(ceora) == group_of("training/leemorgan/CeoraMorgan.ls")
    assert group_of(ceora) == group_of("training/combination/rbmprovisor-ii-V-I/0167.ls")
    blues = {group_of(f"training/combination/blues/{key} Major.ls") for key in "ABC"}
    licks = group_of("training/combination/bopland-major-ii-V-I/C Major.ls")
    assert len(blues) == 1 and licks not in blues
    members = [name for group in impro_visor.NEAR_COPIES for name in group]
    assert len(members) == len(set(members))


@pytest.fixture(scope="module")
def pieces(test_data):
    folder = test_data / "impro_visor_leadsheets"
    sources, errors = DATASET.list_sources(*DATASET.files(str(folder)))
    assert not errors
    return {source.name: DATASET.read_source(source) for source in sources}


@pytest.fixture(scope="module")
def texts(test_data):
    folder = test_data / "impro_visor_leadsheets"
    with zipfile.ZipFile(folder / "impro_visor_leadsheets.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".ls")]
        return {name: archive.read(name).decode() for name in names}


def _words(text):
    """The words of a sheet's parts, taken apart without its reader."""
    parts = re.split(r"^\(part\b", text, flags=re.MULTILINE)[1:]
    found = []
    for part in parts:
        while (shorter := re.sub(r"\([^()]*\)", "", part)) != part:
            part = shorter
        found.append(part.split(")", 1)[1].split())
    return found


def test_the_readmes_figures(pieces, texts):
    """Files, notes, bars and chord symbols of each folder, from its README."""
    assert set(pieces) == set(texts) and len(pieces) == DATASET.num_pieces == 460
    counts = collections.defaultdict(collections.Counter)
    for name, piece in pieces.items():
        folder = name.partition("/")[0]
        chords, *choruses = _words(texts[name])
        symbols = [word for word in chords if word not in "|/"]
        counts[folder].update(
            files=1,
            notes=len(piece.notes),
            bars=chords.count("|"),
            symbols=len(symbols) - symbols.count("NC"),
        )
        assert len(piece.text_annotations) == len(symbols) * len(choruses), name
    assert {folder: tuple(count.values()) for folder, count in counts.items()} == {
        "transcriptions": (77, 32_993, 3_211, 3_672),
        "melodies": (10, 2_564, 311, 376),
        "training": (373, 33_395, 4_068, 3_756),
    }
    texts_of = [text.text for piece in pieces.values() for text in piece.text_annotations]
    assert (len(texts_of), texts_of.count("N.C.")) == (13_078 + 52, 52)
    assert round(sum(piece.total_time for piece in pieces.values()) / 3600, 1) == 4.5


def test_all_but_three_are_lead_sheets_in_four_four(pieces):
    counts = LeadSheetCounts()
    for piece in pieces.values():
        try:
            counts.add(read_lead_sheet(piece, meter=(4, 4)))
        except PieceError as error:
            counts.add(error)
    assert counts.pieces == {LEAD_SHEET: 457, "other_time_signature": 3}
    assert counts.notes == 68_407


def _length(word):
    """Quarter notes of a word of a melody, by fractions."""
    values = re.search(r"\d.*", word)[0].split("+")
    total = Fraction(0)
    for value in values:
        base, _, of = value.partition("/")
        total += Fraction(4, int(base)) * (Fraction(int(of) - 1, int(of)) if of else 1)
    return total


def test_melodies_against_their_words(pieces, texts):
    """Every 12th sheet, its rhythm by fractions and its pitch classes by letters."""
    letters = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
    for name in sorted(texts)[::12]:
        now, expected = Fraction(0), []
        for word in itertools.chain(*_words(texts[name])[1:]):
            end = now + _length(word)
            if word[0] != "r":
                sign = (word[1] == "#") - (word[1] == "b")
                expected.append((float(now), float(end), (letters[word[0]] + sign) % 12))
            now = end
        piece = pieces[name]
        quarter = 60 / piece.tempos[0].qpm
        found = [(n.start_time / quarter, n.end_time / quarter, n.pitch % 12) for n in piece.notes]
        assert len(found) == len(expected)
        for one, two in zip(found, expected, strict=True):
            assert one == pytest.approx(two, abs=1e-6), name
        assert piece.total_time / quarter == pytest.approx(float(now))


def test_near_copies_exist_and_share_their_melody(pieces):
    by_tune = collections.defaultdict(list)
    for name in pieces:
        by_tune[impro_visor.tune_of(name)].append(name)
    assert {name for group in impro_visor.NEAR_COPIES for name in group} <= set(by_tune)
    assert len({DATASET.group_of(name) for name in pieces}) == 330

    def runs(tune):
        found = set()
        for name in by_tune[tune]:
            pitches = [note.pitch for note in pieces[name].notes]
            steps = [two - one for one, two in itertools.pairwise(pitches)]
            found |= {tuple(steps[first : first + 8]) for first in range(len(steps) - 7)}
        return found

    def shared(one, two):
        return len(runs(one) & runs(two)) / min(len(runs(one)), len(runs(two)))

    assert shared("CeoraMorgan", "0166") > 0.8 and shared("SolarHarrell", "0160") > 0.8
    assert shared("GreatMomentsComposite", "CMajorJohnColtrane") > 0.3
    assert shared("CeoraMorgan", "SolarHarrell") < 0.1
    assert pathlib.PurePosixPath(by_tune["CeoraMorgan"][0]).stem == "CeoraMorgan"
