"""Real corpora through the whole conversion."""

import json
import pathlib
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from tfmusicgan import datasets, recipes, representations
from tfmusicgan.records.convert import convert, dry_run
from tfmusicgan.records.filters import PieceFilters
from tfmusicgan.records.manifest import Manifest
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.records.reader import RecordSet


def _representation(recipe, preset):
    row = recipes.get(recipe)
    parameters = row.preset(preset).representation
    return representations.get(row.representation).from_parameters(parameters)


@pytest.mark.slow
def test_the_chorales_become_phrases_of_four_voices(tmp_path):
    dataset = datasets.get("bach_chorales")
    options = ConvertOptions(_representation("musegan_hybrid_chorales", "tiny"))
    manifest = convert(dataset, options, tmp_path / "chorales")
    assert manifest.sources["num_listed"] == 408
    # 364 scores have four parts; the others are left out as what they are.
    assert manifest.drops["wrong_part_count"].num_pieces == 408 - 364
    assert set(manifest.drops) <= {"wrong_part_count", "no_bars_in_meter", "too_short"}
    kept = {split: manifest.num_pieces(split) for split in manifest.shards}
    assert sum(kept.values()) + sum(drop.num_pieces for drop in manifest.drops.values()) == 408
    assert kept["train"] > 3 * kept["validation"] > 0 < kept["test"]
    report = json.loads((tmp_path / "chorales" / "report.json").read_text())
    splits = {name: source["shard"].split("-")[0] for name, source in report["sources"].items()}
    groups: dict[str, set[str]] = {}
    for name, split in splits.items():
        groups.setdefault(dataset.group_of(name), set()).add(split)
    assert all(len(found) == 1 for found in groups.values())


@pytest.mark.slow
def test_two_corpora_give_phrases_of_five_tracks(test_data, tmp_path):
    folders = []
    for name in ("freedoom_music", "simutrans_music"):
        with zipfile.ZipFile(next((test_data / name).glob("*.zip"))) as archive:
            archive.extractall(tmp_path / name)
        folders.append(str(tmp_path / name))
    grid = {**_representation("musegan_hybrid", "small").to_parameters(), "min_piece_tracks": 4}
    representation = representations.get("multitrack_piano_roll").from_parameters(grid)
    filters = PieceFilters((), ("4/4",), single_time_signature=True, whole_first_bar=True)
    options = ConvertOptions(representation, filters)
    manifest = dry_run(datasets.get("midi"), options, folders)
    dropped = {reason: drop.num_pieces for reason, drop in manifest.drops.items()}
    rules = {"incomplete_first_bar", "several_time_signatures", "other_time_signature"}
    assert set(dropped) == rules | {"too_few_tracks"}
    # The corpora's cards: 75 and 43 pieces are in 4/4 or name no meter and have four tracks.
    assert sum(manifest.num_pieces(split) for split in manifest.shards) > 100
    assert sum(manifest.num_examples(split) for split in manifest.shards) > 8_000
    # What names no meter is in 4/4, as MIDI says, and stays.
    names = [str(path) for folder in folders for path in pathlib.Path(folder).rglob("*.mid")]
    unnamed = [name for name in names if b"\xff\x58\x04" not in pathlib.Path(name).read_bytes()]
    assert len(unnamed) > 30
    for reason in rules:
        assert not any(
            name.endswith(one) for one in manifest.drops[reason].names for name in unnamed
        )


@pytest.mark.slow
def test_folk_tunes_become_tokens_that_mostly_sound(test_data, tmp_path):
    with zipfile.ZipFile(test_data / "nottingham" / "nottingham_midi.zip") as archive:
        archive.extractall(
            tmp_path, [name for name in archive.namelist() if name.startswith("MIDI/melody/")]
        )
    options = ConvertOptions(representations.get("melody_tokens")(), split=(1.0, 0.0, 0.0))
    manifest = convert(datasets.get("midi"), options, tmp_path / "out", [str(tmp_path / "MIDI")])
    # All melodies but the copies of others and one of 11 s; the rest of each is half a window long.
    assert manifest.sources["num_listed"] == 1034
    dropped = {reason: drop.num_pieces for reason, drop in manifest.drops.items()}
    assert set(dropped) <= {"duplicate", "too_short", "short_last_window", "too_few_notes"}
    assert dropped["too_short"] == 1
    assert manifest.num_pieces("train") == 1034 - sum(dropped.values()) > 1000
    assert manifest.num_pieces("train") > manifest.drops["short_last_window"].num_phrases > 900
    tokens = np.concatenate([b["tokens"] for b in RecordSet.open(tmp_path / "out").examples()])
    assert len(tokens) > 4_800
    assert 0.01 < (tokens == 0).mean() < 0.03
    assert 0.25 < (tokens[:, 1:] == tokens[:, :-1]).mean() < 0.4
    assert {*np.unique(tokens)} < {*range(89)}


def test_unreadable_files_of_a_real_corpus_are_named_and_memory_is_bounded(test_data, tmp_path):
    with zipfile.ZipFile(next((test_data / "simutrans_music").glob("*.zip"))) as archive:
        archive.extractall(tmp_path / "music")
    num_files = len(datasets.get("midi").files(str(tmp_path / "music"))[0])
    code = (
        "from tfmusicgan.cli.convert import main\n"
        f"try: main(['--input={tmp_path / 'music'}', '--recipe=musegan_hybrid', "
        "'--preset=paper', '--min_piece_tracks=1', '--keys=', '--time_signatures=', "
        "'--nosingle_time_signature', '--nowhole_first_bar', "
        f"'--output={tmp_path / 'out'}'])\n"
        # Not ru_maxrss: a child takes over its parent's peak there.
        "finally: print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(done.stdout.split()[-1]) < 1e6  # kB of the one process that does all the work
    manifest = Manifest.read(tmp_path / "out")
    kept = sum(manifest.num_pieces(split) for split in manifest.shards)
    left_out = sum(drop.num_pieces for drop in manifest.drops.values())
    assert manifest.sources["num_listed"] == num_files == kept + left_out
    assert kept > 10
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert len(report["dropped"]) == left_out
    assert all(drop["message"].count("\n") == 0 for drop in report["dropped"])
