"""OpenEWLD: made-up scores in its layout, its real ones, and the lead sheets they are."""

import io
import zipfile

import numpy as np
import pytest

from tests.cli.commands import refused, run
from tests.datasets.lakh_archive import served, unpack_to
from tests.note_sequences.scores import attributes, note, score
from tfmusicgan import datasets
from tfmusicgan.cli import convert
from tfmusicgan.datasets import openewld
from tfmusicgan.datasets.lead_sheet_counts import LEAD_SHEET, LeadSheetCounts, count_lead_sheets
from tfmusicgan.errors import ConfigError, MusicGanError
from tfmusicgan.note_sequences.lead_sheet import read_lead_sheet
from tfmusicgan.records.convert import plan_conversion
from tfmusicgan.records.manifest import Manifest
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.tracks import parse_tracks

DATASET = datasets.get("openewld")
ROLL = MultitrackPianoRoll(tracks=parse_tracks("piano"), bars=1, steps_per_beat=1, hop_bars=1)
ARIA = openewld.NEAR_COPIES[0]
DATA = "OpenEWLD-ec03cbd/dataset/"


def chord(root: str, kind: str) -> str:
    return f"<harmony><root><root-step>{root}</root-step></root><kind>{kind}</kind></harmony>"


def mxl(measures: list[str], title: str = "A") -> bytes:
    """A compressed score; an apostrophe in its title makes its container no XML."""
    container = f"<container><rootfiles><rootfile full-path='{title}.xml'/></rootfiles></container>"
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        archive.writestr("META-INF/container.xml", container)
        archive.writestr(f"{title}.xml", score(measures))
    return file.getvalue()


WALTZ = [attributes("3/4") + note("E", 5, 2), chord("C", "major") + note("D", 5, 6)]
MARCH = [
    attributes("4/4") + chord("D", "minor-seventh") + note("A", 4, 4) + note("B", 4, 4),
    chord("G", "suspended-fourth") + chord("G", "dominant") + note("C", 5, 8),
]
OTHER_BAR = [*MARCH, attributes("5/4") + note("C", 5, 10), attributes("4/4") + note("C", 5, 8)]
TWO_VOICES = [
    attributes() + note("C", 5, 8) + note("G", 5, 8, "<chord/>"),
]


def members() -> dict[str, bytes]:
    """Scores by their names in the dataset, with no score among them, and one broken."""
    return {
        "Ann_Other-[Traditional]/Don't/Don't.mxl": mxl(WALTZ, "Don't"),
        "Bo/March/March.mxl": mxl(MARCH),
        "Bo/Other/Other.mxl": mxl(OTHER_BAR),
        "Bo/Two/Two.mxl": mxl(TWO_VOICES),
        "Cy/Broken/Broken.mxl": b"PK no archive",
        "Cy/Empty/Empty.mxl": b"",
    }


def github_members() -> dict[str, bytes]:
    """As GitHub serves them, with files that are not read beside them."""
    scores = {DATA + name: data for name, data in members().items()}
    return scores | {DATA + "Bo/March/March.lyr": b"la", "OpenEWLD-ec03cbd/EWLD.db": b"SQLite"}


def write_zip(path, files):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_what_would_be_downloaded():
    """No size and no checksum were published for GitHub's archive."""
    (download,) = DATASET.downloads
    assert download.url == f"https://github.com/00sapo/OpenEWLD/archive/{openewld._COMMIT}.zip"
    assert (download.sha256, download.md5, download.size_bytes) == (None, None, None)


def test_pieces_and_what_cannot_be_read(tmp_path):
    files, root = DATASET.files(str(unpack_to(tmp_path / "x", members())))
    sources, errors = DATASET.list_sources(files, root)
    assert [source.name for source in sources] == [*members()][:5]
    assert [(name, error.reason) for name, error in errors] == [
        ("Cy/Empty/Empty.mxl", "empty_file")
    ]
    waltz, march = (DATASET.read_source(source) for source in sources[:2])
    assert waltz.id == waltz.filename == "Ann_Other-[Traditional]/Don't/Don't.mxl"
    assert waltz.collection_name == "openewld"
    sheet = read_lead_sheet(waltz)
    assert [(n.pitch, n.start_quarter) for n in sheet.melody] == [(76, 2), (74, 3)]
    assert sheet.chords_by(3) == ("N.C.", "C")
    assert read_lead_sheet(march).chords_by(2) == ("Dm7", "Dm7", "Gsus", "G7")


def test_what_became_of_the_pieces_is_counted(tmp_path):
    folder = unpack_to(tmp_path / "x", members())
    counts = count_lead_sheets(DATASET, folder)
    refusals = {"several_time_signatures": 1, "polyphonic_melody": 1}
    refusals |= {"malformed_mxl": 1, "empty_file": 1}
    assert counts.pieces == {LEAD_SHEET: 2} | refusals
    assert counts == LeadSheetCounts(
        pieces=counts.pieces,
        meters={(3, 4): 1, (4, 4): 1},
        bars=4,
        notes=5,
        chords=4,
        without_third=1,
        without_chords=0,
    )
    in_four = count_lead_sheets(DATASET, folder, (4, 4))
    assert in_four.pieces == {LEAD_SHEET: 1, "other_time_signature": 1} | refusals
    assert in_four.notes == 3


def _layouts(folder):
    """The same scores in every layout."""
    unpacked = unpack_to(folder / "unpacked", members())
    yield unpacked
    yield write_zip(folder / "any name.zip", members())
    yield write_zip(folder / "one" / "openewld_mxl.zip", members()).parent
    yield write_zip(folder / "downloaded" / "OpenEWLD-ec03cbd.zip", github_members()).parent
    yield write_zip(folder / "two" / "OpenEWLD-master" / "a-ewld.zip", members()).parent.parent
    yield unpack_to(folder / "cloned", github_members())
    yield unpack_to(folder / "cloned again", github_members()) / DATA


def test_all_layouts_give_the_same_pieces_and_splits(tmp_path):
    found = []
    for path in _layouts(tmp_path):
        plan = plan_conversion(DATASET, ConvertOptions(ROLL, split=(0.5, 0.25, 0.25)), [str(path)])
        pieces = [(s.name, s.digests, task.split) for task in plan.tasks for _, s in task.sources]
        found.append((pieces, plan.sources_digest()))
    assert len(found) == 7 and len(found[0][0]) == 5
    assert all(one == found[0] for one in found)


def test_refusals(tmp_path, capsys):
    for paths in ([], ["a", "b"]):
        with pytest.raises(ConfigError, match="openewld needs one --input"):
            DATASET.files(paths)
    with pytest.raises(MusicGanError, match="Nothing is at '/no/such/folder'"):
        DATASET.files("/no/such/folder")
    line = refused(capsys, convert.main, "--dataset=openewld", "--dry_run", f"--input={tmp_path}")
    assert "Expected OpenEWLD's scores in" in line and "--download fetches them" in line
    unpack_to(tmp_path / "here", members() | {"deeper/Bo/March/March.mxl": mxl(MARCH)})
    with pytest.raises(MusicGanError, match="Received 7 scores in 2 places, the first in"):
        DATASET.files(str(tmp_path))
    unpack_to(tmp_path / "flat", {"March.mxl": mxl(MARCH)})
    with pytest.raises(MusicGanError, match=r"in one place. Received 1 scores in 1 places"):
        DATASET.files(str(tmp_path / "flat"))
    damaged = write_zip(tmp_path / "damaged" / "ewld.zip", members())
    damaged.write_bytes(b"PK and no more")
    with pytest.raises(MusicGanError, match=r"ewld.zip is damaged: .*download it a"):
        DATASET.files(str(damaged.parent))


def test_an_aria_that_comes_twice_is_one_group():
    assert {DATASET.group_of(name) for name in ARIA} == {ARIA[0]}
    assert DATASET.group_of("Bo/March/March.mxl") == "Bo/March/March.mxl"


def test_download_and_conversion(tmp_path, site, monkeypatch):
    """One bar of four steps: the march's two bars, and the first two of the other."""
    folder, port = site
    write_zip(folder / DATASET.downloads[0].file, github_members())
    dataset = served(DATASET, folder, port)
    monkeypatch.setattr(datasets, "get", lambda name: dataset)
    output = tmp_path / "records"
    flags = ["--dataset=openewld", "--download", f"--input={tmp_path / 'data'}"]
    flags += ["--bars=1", "--steps_per_beat=1", "--lowest_pitch=60", "--num_pitches=24"]
    flags += ["--split=1,0,0", "--set=separate_notes=never", "--set=min_note_steps=0"]
    flags += [f"--output={output}", '--set=tracks=[{"name":"melody","part":0}]']
    assert run(convert.main, *flags) == 0
    manifest = Manifest.read(output)
    assert manifest.dataset["licence"] == DATASET.licence
    drops = {reason: drop.names for reason, drop in manifest.drops.items()}
    assert drops["malformed_mxl"] == ("Cy/Broken/Broken.mxl",)
    assert drops["no_bars_in_meter"] == ("Ann_Other-[Traditional]/Don't/Don't.mxl",)
    (batch,) = RecordSet.open(output).examples()
    rolls = batch["piano_roll"].reshape(-1, 4, 24)
    found = {tuple(map(tuple, np.argwhere(roll).tolist())) for roll in rolls}
    # A4 and B4 for two beats each; C5 for a bar.
    assert {((0, 9), (1, 9), (2, 11), (3, 11)), ((0, 12), (1, 12), (2, 12), (3, 12))} <= found


@pytest.mark.slow
def test_the_real_scores_are_lead_sheets_as_the_card_says(test_data):
    """52,418 notes in all: 49 of them are in the one piece that is no lead sheet."""
    folder = test_data / "openewld"
    files, _ = DATASET.files(str(folder))
    assert len(files) == DATASET.num_pieces == 502
    counts = count_lead_sheets(DATASET, folder)
    assert counts.pieces == {LEAD_SHEET: 501, "several_time_signatures": 1}
    assert counts.meters == {
        **{(4, 4): 291, (2, 2): 94, (3, 4): 83, (2, 4): 17, (6, 8): 13},
        **{(6, 4): 1, (3, 2): 1, (12, 8): 1},
    }
    assert (counts.notes, counts.bars) == (52_369, 17_369)
    assert (counts.chords, counts.without_third, counts.without_chords) == (20_002, 84, 0)
