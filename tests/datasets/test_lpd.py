"""The Lakh Pianoroll Dataset: folders of .npz files through the whole conversion."""

import re

import numpy as np
import pytest

from tests.datasets.lakh_archive import SONGS, write_scores
from tests.note_sequences.pianorolls import matrix, write_npz
from tfmusicgan import datasets
from tfmusicgan.cli import convert as convert_command
from tfmusicgan.errors import ConfigError, MusicGanError
from tfmusicgan.records.convert import convert, dry_run
from tfmusicgan.records.filters import PieceFilters
from tfmusicgan.records.manifest import Manifest
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.tracks import TRACK_SETS

LPD5 = MultitrackPianoRoll(tracks=TRACK_SETS["lpd5"], bars=1, hop_bars=1, separate_notes="never")
STEPS = 2 * 96
TRACKS = ((0, True, "Drums"), (0, False, "Piano"), (24, False, "Guitar"))
TRACKS += ((32, False, "Bass"), (48, False, "Strings"))


def _rolls(seed):
    """Five tracks of two bars, as LPD-5 has them; the guitar has no steps at all."""
    random = np.random.default_rng(seed)
    rolls = []
    for _ in range(5):
        roll = np.zeros((STEPS, 128), np.uint8)
        for start in range(0, STEPS, 12):
            roll[start : start + 11, random.integers(24, 108)] = random.integers(1, 128)
        rolls.append(roll)
    rolls[0] = np.where(np.arange(STEPS)[:, np.newaxis] % 12 == 0, rolls[0], 0)
    rolls[2] = rolls[2][:0]
    return rolls


def _write(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    tracks = [(*row, roll) for row, roll in zip(TRACKS, _rolls(seed), strict=True)]
    write_npz(path, tracks, tempo=np.full(STEPS, 97.0), downbeat=np.arange(STEPS) == 0)


def test_the_rolls_come_out_as_they_went_in(tmp_path):
    """24 steps to a beat and LPD-5's tracks: the phrases are the piano-rolls, bar by bar."""
    for seed in range(3):
        _write(tmp_path / "lpd" / "A" / f"{seed}.npz", seed)
    options = ConvertOptions(LPD5, split=(1, 0, 0))
    convert(datasets.get("lpd"), options, tmp_path / "out", [str(tmp_path / "lpd")])
    batches = RecordSet.open(tmp_path / "out").examples()
    found = np.concatenate([batch["piano_roll"] for batch in batches])
    expected = []
    for seed in range(3):
        rolls = [roll if len(roll) else np.zeros((STEPS, 128)) for roll in _rolls(seed)]
        stacked = np.stack(rolls, axis=-1)[:, 24:108] > 0
        expected.extend(stacked.reshape(2, 1, 96, 84, 5))
    np.testing.assert_array_equal(found, np.stack(expected))


def test_damaged_files_are_counted(tmp_path):
    folder = tmp_path / "lpd"
    for seed in range(3):
        _write(folder / f"{seed}.npz", seed)
    (folder / "3.npz").write_bytes(b"PK no archive")
    (folder / "4.npz").write_bytes(b"")
    np.savez(folder / "5.npz", shape=np.arange(5))
    (folder / "song.mid").write_bytes(b"not looked at")
    manifest = dry_run(datasets.get("lpd"), ConvertOptions(LPD5), [str(folder)])
    drops = {reason: drop.names for reason, drop in manifest.drops.items()}
    assert drops == {
        "empty_file": ("4.npz",),
        "not_npz": ("3.npz",),
        "not_pianoroll": ("5.npz",),
    }
    assert manifest.sources["num_listed"] == 6


def test_files_of_one_recording_stay_together_and_its_best_alone(tmp_path):
    folder = tmp_path / "lpd_5_matched"
    for seed in range(4):
        _write(folder / "A/A/A" / SONGS[0] / f"{seed:032x}.npz", seed)
    write_scores(tmp_path, {SONGS[0]: {f"{seed:032x}": 0.5 + seed / 10 for seed in range(4)}})
    lpd = datasets.get("lpd")
    options = ConvertOptions(LPD5, split=(0.4, 0.3, 0.3))
    manifest = dry_run(lpd, options, [str(folder)])
    assert sorted(manifest.num_pieces(split) for split in manifest.shards) == [0, 0, 4]
    best = dry_run(lpd, ConvertOptions(LPD5, best_match=True), [str(folder)])
    assert best.drops["lower_match_score"].num_pieces == 3


def test_the_best_of_a_recording_needs_scores_that_are_fetched_by_hand(tmp_path):
    _write(tmp_path / "lpd" / "0.npz", 0)
    lpd, options = datasets.get("lpd"), ConvertOptions(LPD5, best_match=True)
    (scores,) = (d for d in datasets.get("lakh").downloads if d.file == "match_scores.json")
    assert not lpd.downloads
    with pytest.raises(
        ConfigError, match=rf"Received: none there\. Fetch {re.escape(scores.url)};"
    ):
        dry_run(lpd, options, [str(tmp_path / "lpd")])


def test_folders_without_piano_rolls(tmp_path):
    with pytest.raises(ConfigError, match=r"Dataset lpd needs --input=FOLDER"):
        datasets.get("lpd").files()
    (tmp_path / "a.mid").write_bytes(b"MThd")
    with pytest.raises(MusicGanError, match=r"Expected piano-rolls \(.npz\) .*tar xzf lpd_5_clean"):
        datasets.get("lpd").files(str(tmp_path))
    _write(tmp_path / "b.npz", 0)
    assert datasets.get("lpd").files(str(tmp_path)) == ([tmp_path / "b.npz"], tmp_path)


def _write_four_bars(path):
    """In every track a note of 12 steps that comes twice, the first time a rest shorter."""
    roll = matrix((0, 11, 60, 80), (12, 24, 60, 80), (300, 384, 62, 80), steps=4 * 96)
    path.parent.mkdir(parents=True)
    tracks = [(*row, roll) for row in TRACKS]
    write_npz(path, tracks, downbeat=np.arange(4 * 96) == 0)
    return roll


def _convert(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        convert_command.main(["--dataset=lpd", "--split=1,0,0", *map(str, arguments)])
    return ended.value.code or 0, capsys.readouterr().err


@pytest.mark.parametrize("recipe", ["musegan_hybrid", "binary_musegan"])
def test_the_papers_preset_takes_the_rolls_as_they_are(recipe, capsys, tmp_path):
    """Without keys, whose choice would leave nothing, and without a second rest after notes."""
    roll = _write_four_bars(tmp_path / "lpd" / "song.npz")
    flags = [f"--input={tmp_path / 'lpd'}", f"--recipe={recipe}", "--preset=paper"]
    status, err = _convert(capsys, *flags, f"--output={tmp_path / 'out'}")
    assert status == 0
    assert ("Dataset lpd names no keys: pieces in any key" in err) == (recipe == "musegan_hybrid")
    assert "separate_notes=repeats, in place of the preset's always." in err
    records = RecordSet.open(tmp_path / "out")
    ((phrase,),) = [batch["piano_roll"] for batch in records.examples()]
    (piano,) = (i for i, track in enumerate(records.representation.tracks) if track.name == "piano")
    np.testing.assert_array_equal(phrase.reshape(4 * 96, 84, -1)[..., piano], roll[:, 24:108] > 0)
    filters = Manifest.read(tmp_path / "out").options["filters"]
    assert filters["keys"] == [] and filters["time_signatures"] == ["4/4"]
    assert filters["single_time_signature"] and filters["whole_first_bar"]


def test_what_is_asked_for_by_name_holds(capsys, tmp_path):
    _write_four_bars(tmp_path / "lpd" / "song.npz")
    flags = [f"--input={tmp_path / 'lpd'}", "--recipe=musegan_hybrid", "--preset=paper"]
    flags += [f"--output={tmp_path / 'out'}"]
    status, err = _convert(capsys, *flags, "--keys=C")
    assert status == 1
    assert "Dataset lpd names no keys: leave out --keys." in err
    status, err = _convert(capsys, *flags, "--keys=", "--set=separate_notes=always")
    assert status == 0 and "Dataset lpd" not in err
    assert RecordSet.open(tmp_path / "out").representation.separate_notes == "always"
    tonic = ConvertOptions(LPD5, PieceFilters(keys=("C",), transpose="tonic"))
    with pytest.raises(ConfigError, match=r"names no keys: leave out --keys and --transpose\."):
        dry_run(datasets.get("lpd"), tonic, [str(tmp_path / "lpd")])
