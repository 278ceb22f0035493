"""The Lakh MIDI Dataset, in a made-up miniature served on this machine."""

import json

import pytest

from tests.cli.commands import refused, run
from tests.datasets.lakh_archive import (
    SONGS,
    matched,
    midi_file,
    place,
    served,
    unpack_to,
    write_archive,
    write_scores,
)
from tests.records.pieces import GRID
from tfmusicgan import datasets
from tfmusicgan.cli import convert
from tfmusicgan.errors import ConfigError, MusicGanError
from tfmusicgan.records.convert import plan_conversion
from tfmusicgan.records.manifest import Manifest
from tfmusicgan.records.options import ConvertOptions

OPTIONS = ConvertOptions(GRID, split=(0.5, 0.25, 0.25))
FLAGS = ["--tracks=drums,piano,bass", "--bars=2", "--steps_per_beat=2", "--split=1,0,0"]


def test_what_would_be_downloaded():
    """Sizes and checksums as the shared inventory of full data sets has them."""
    found = {
        (name, download.file): (download.url, download.size_bytes, download.sha256[:8])
        for name in ("lakh", "lakh_matched", "lakh_aligned", "lakh_clean")
        for download in datasets.get(name).downloads
    }
    at = "http://hog.ee.columbia.edu/craffel/lmd/"
    scores = (f"{at}match_scores.json", 7237036, "267bc606")
    assert found == {
        ("lakh", "lmd_full.tar.gz"): (f"{at}lmd_full.tar.gz", 1768163879, "6fcfe2ac"),
        ("lakh", "match_scores.json"): scores,
        ("lakh_matched", "lmd_matched.tar.gz"): (f"{at}lmd_matched.tar.gz", 1407072670, "621ff830"),
        ("lakh_matched", "match_scores.json"): scores,
        ("lakh_aligned", "lmd_aligned.tar.gz"): (f"{at}lmd_aligned.tar.gz", 272169548, "2bf5400e"),
        ("lakh_aligned", "match_scores.json"): scores,
        ("lakh_clean", "clean_midi.tar.gz"): (f"{at}clean_midi.tar.gz", 234283029, "de1bb64c"),
    }
    for name in ("lakh", "lakh_matched", "lakh_aligned", "lakh_clean"):
        for download in datasets.get(name).downloads:
            assert len(download.sha256) == 64
            assert download.unpack == download.file.endswith(".tar.gz")


def test_download_unpack_convert(site, tmp_path, monkeypatch, capsys):
    folder, port = site
    members, scores = matched()
    write_archive(folder / "lmd_matched.tar.gz", members)
    write_scores(folder, scores)
    dataset = served(datasets.get("lakh_matched"), folder, port)
    monkeypatch.setattr(datasets, "get", lambda name: dataset)
    here, output = tmp_path / "data", tmp_path / "records"
    flags = [f"--input={here}", "--dataset=lakh_matched", *FLAGS]
    assert run(convert.main, *flags, "--download", "--best_match", f"--output={output}") == 0
    assert {path.name for path in here.iterdir()} == {
        *("lmd_matched", "lmd_matched.tar.gz", "match_scores.json"),
    }
    manifest = Manifest.read(output)
    # Six files, one of them twice; of song 0's two the better stays.
    assert (manifest.sources["num_listed"], manifest.sources["num_read"]) == (6, 4)
    drops = {reason: drop.num_pieces for reason, drop in manifest.drops.items()}
    assert drops == {"duplicate": 1, "lower_match_score": 1}
    report = json.loads((output / "report.json").read_text())
    lowest = f"A/A/A/{SONGS[0]}/{midi_file(0)[0]}.mid"
    assert manifest.drops["lower_match_score"].names == (lowest,)
    assert f"'{lowest}' does not have the best match score of its song's files." in {
        drop["message"] for drop in report["dropped"]
    }
    assert manifest.options["best_match"] is True
    # What is there is not fetched again, and without the flag all files are converted.
    (folder / "lmd_matched.tar.gz").unlink()
    capsys.readouterr()
    assert run(convert.main, *flags, "--download", "--dry_run") == 0
    assert "6 pieces found, 5 read" in capsys.readouterr().out


def test_a_wrong_archive_is_refused(site, tmp_path, monkeypatch, capsys):
    folder, port = site
    members, scores = matched()
    write_archive(folder / "lmd_matched.tar.gz", members)
    write_scores(folder, scores)
    dataset = served(datasets.get("lakh_matched"), folder, port)
    data = bytearray((folder / "lmd_matched.tar.gz").read_bytes())
    data[50] ^= 1
    (folder / "lmd_matched.tar.gz").write_bytes(data)
    monkeypatch.setattr(datasets, "get", lambda name: dataset)
    flags = ["--dataset=lakh_matched", "--download", "--dry_run", f"--input={tmp_path / 'data'}"]
    with pytest.raises(SystemExit):
        convert.main(flags)
    assert "expected SHA256" in capsys.readouterr().err
    assert list((tmp_path / "data").iterdir()) == []


def test_names_and_splits_are_the_same_wherever_it_was_unpacked(tmp_path):
    members, _ = matched()
    one = unpack_to(tmp_path / "one", members)
    two = unpack_to(tmp_path / "two" / "lmd_matched", members).parent  # As --download has it.
    places = [one, one / "lmd_matched", two]
    dataset = datasets.get("lakh_matched")
    plans = [plan_conversion(dataset, OPTIONS, [str(place)]) for place in places]
    names = [
        {source.name: task.split for task in plan.tasks for _, source in task.sources}
        for plan in plans
    ]
    assert names[0] == names[1] == names[2] and len(names[0]) == 5
    assert all(name.count("/") == 4 for name in names[0])
    splits = {song: {names[0][n] for n in names[0] if song in n} for song in SONGS}
    assert splits[SONGS[0]] == splits[SONGS[1]] and len(splits[SONGS[0]]) == 1


def test_songs_that_share_a_file_share_a_split(tmp_path):
    """Pairs of songs of which each two share a file, and pairs none."""
    members = {}
    for pair in range(12):
        for song, seeds in ((f"TRAAAAA128F{pair:07X}", (0, 1)), (f"TRBBBBB128F{pair:07X}", (1, 2))):
            for seed in seeds:
                digest, data = midi_file(3 * pair + seed)
                members[place(song, digest)] = data
    folder = unpack_to(tmp_path, members)
    plan = plan_conversion(datasets.get("lakh_matched"), OPTIONS, [str(folder)])
    split_of = {s.name.split("/")[3]: t.split for t in plan.tasks for _, s in t.sources}
    assert set(split_of.values()) == {"train", "validation", "test"}
    for pair in range(12):
        assert split_of[f"TRAAAAA128F{pair:07X}"] == split_of[f"TRBBBBB128F{pair:07X}"]


def test_versions_of_a_song_by_name_are_one_group():
    group_of = datasets.get("lakh_clean").group_of
    assert group_of("ABBA/Waterloo.mid") == group_of("ABBA/Waterloo.12.mid") == "abba/waterloo"
    assert group_of("Abba/waterloo.1.mid") == "abba/waterloo"
    assert group_of("ABBA/Waterloo 2.mid") == "abba/waterloo 2"
    assert group_of("2Pac/Nr. 1.mid") == "2pac/nr. 1"


def test_the_full_archive_in_a_users_folder(tmp_path):
    folder = tmp_path / "any name"
    unpack_to(folder, {f"{m[0][0]}/{m[0]}.mid": m[1] for m in map(midi_file, range(3))})
    (folder / "notes.abc").write_text("X:1\nK:C\nC|\n")
    files, root = datasets.get("lakh").files(str(folder))
    assert root == folder and len(files) == 3
    files, root = datasets.get("lakh").files(str(folder / "*" / "*.mid"))
    assert root == folder and len(files) == 3


def test_folders_that_are_something_else(tmp_path, capsys):
    matched_files = datasets.get("lakh_matched").files
    with pytest.raises(ConfigError, match=r"Dataset lakh_clean needs --input=FOLDER, where its"):
        datasets.get("lakh_clean").files()
    (tmp_path / "lmd_matched.tar.gz").write_bytes(b"")
    with pytest.raises(MusicGanError, match=r"Received: its archive. --download checks and unpac"):
        matched_files(str(tmp_path))
    (tmp_path / "lmd_matched.tar.gz").unlink()
    unpack_to(tmp_path, {"lmd_full/0/00.mid": midi_file(0)[1], "abc/x.abc": b"X:1\n"})
    for folder in (tmp_path, tmp_path / "lmd_full"):
        with pytest.raises(MusicGanError, match=r"Received: lmd_full, which is --dataset=lakh\."):
            matched_files(str(folder))
    with pytest.raises(MusicGanError, match=r"Expected MIDI files in .*abc. Received: none"):
        matched_files(str(tmp_path / "abc"))
    line = refused(capsys, convert.main, "--dataset=lakh_clean", "--output=o", "--download")
    assert "--download needs one --input=FOLDER" in line


def test_a_dataset_without_scores(tmp_path, capsys):
    members, _ = matched()
    folder = unpack_to(tmp_path, members)
    best = ConvertOptions(GRID, best_match=True)
    with pytest.raises(ConfigError, match=r"--best_match needs match_scores.json in .*lmd_matched"):
        plan_conversion(datasets.get("lakh_matched"), best, [str(folder)])
    with pytest.raises(ConfigError, match=r"Dataset midi does not tell which file of a song is"):
        plan_conversion(datasets.get("midi"), best, [str(folder)])
    assert "Listing" not in capsys.readouterr().err  # It takes minutes, and is not begun in vain.
