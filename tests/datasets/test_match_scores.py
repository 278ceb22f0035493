"""Which files are of one song, and which is its best."""

import pathlib

import pytest

from tests.datasets.lakh_archive import SONGS, write_scores
from tfmusicgan.datasets import match_scores
from tfmusicgan.errors import ConfigError, MusicGanError

ONE, TWO, THREE, FOUR = SONGS
NAMES = [
    f"A/A/A/{ONE}/aa.mid",
    f"A/A/A/{ONE}/bb.mid",
    f"A/A/A/{TWO}/bb.mid",
    f"A/A/A/{TWO}/11.mid",
    f"Z/Z/Z/{THREE}/cc.mid",
]


def test_songs_that_share_a_file_are_one_group(tmp_path):
    groups = match_scores.group_by_song(NAMES, tmp_path)
    assert groups == dict.fromkeys(NAMES[:4], ONE) | {NAMES[4]: THREE}
    # Without the shared file they are two.
    apart = match_scores.group_by_song([NAMES[0], NAMES[3]], tmp_path)
    assert apart == {NAMES[0]: ONE, NAMES[3]: TWO}


def test_groups_do_not_depend_on_the_order(tmp_path):
    forwards = match_scores.group_by_song(NAMES, tmp_path)
    assert match_scores.group_by_song(NAMES[::-1], tmp_path) == forwards


def test_long_chains_are_one_group(tmp_path):
    songs = [f"TRABCDE128F{n:07X}" for n in range(2000)]
    names = [f"x/{song}/{n + m}.mid" for n, song in enumerate(songs) for m in (0, 1)]
    groups = match_scores.group_by_song(names[::-1], tmp_path)
    assert set(groups.values()) == {songs[0]}


def test_files_of_the_full_archive_are_grouped_by_their_scores(tmp_path):
    names = ["0/0a.mid", "1/1b.mid", "2/2c.mid", "3/3d.mid"]
    assert match_scores.group_by_song(names, tmp_path) == {n: n[2:4] for n in names}
    write_scores(tmp_path, {TWO: {"0a": 0.6, "2c": 0.7}, ONE: {"3d": 0.9}})
    groups = match_scores.group_by_song(names, tmp_path)
    assert groups == {"0/0a.mid": TWO, "2/2c.mid": TWO, "1/1b.mid": "1b", "3/3d.mid": ONE}


def test_the_best_file_of_each_song_stays(tmp_path):
    write_scores(tmp_path, {ONE: {"aa": 0.7, "bb": 0.9}, TWO: {"bb": 0.6, "11": 0.8}})
    # bb is best of the first song, and so it stays, wherever it lies.
    assert match_scores.leave_out_lower_scores(NAMES, tmp_path) == {NAMES[0]: "lower_match_score"}
    # The best of those that are there, not of those that have a score.
    assert match_scores.leave_out_lower_scores([NAMES[0]], tmp_path) == {}


def test_equal_scores_and_none(tmp_path):
    """Of equal scores the first MD5 stays; a file without a score goes before any that has one."""
    write_scores(tmp_path, {ONE: {"aa": 0.7, "bb": 0.7}, TWO: {"bb": 0.6}})
    left_out = match_scores.leave_out_lower_scores(NAMES, tmp_path)
    assert left_out == {NAMES[3]: "lower_match_score"}
    assert match_scores.leave_out_lower_scores(NAMES[:2], tmp_path) == {
        NAMES[1]: "lower_match_score"
    }


def test_files_without_a_song(tmp_path):
    write_scores(tmp_path, {ONE: {"0a": 0.6, "2c": 0.7}})
    names = ["0/0a.mid", "1/1b.mid", "2/2c.mid"]
    left_out = match_scores.leave_out_lower_scores(names, tmp_path)
    assert left_out == {"0/0a.mid": "lower_match_score", "1/1b.mid": "no_match_score"}


def test_scores_are_found_above_the_music(tmp_path):
    root = tmp_path / "lmd_matched" / "lmd_matched"
    root.mkdir(parents=True)
    assert match_scores.find_scores(root) is None
    with pytest.raises(ConfigError, match=r"--best_match needs match_scores.json in .*--download"):
        match_scores.leave_out_lower_scores(NAMES, root)
    path = write_scores(tmp_path, {})
    assert match_scores.find_scores(root) == path
    assert match_scores.find_scores(root / "A") is None
    assert match_scores.find_scores(pathlib.Path("/")) is None


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '{"a": {"b": "x"}}', '{"a": {"b": true}}'])
def test_files_that_are_no_scores(tmp_path, text):
    path = tmp_path / "match_scores.json"
    path.write_text(text)
    with pytest.raises(
        MusicGanError, match=r"Expected Lakh's match scores .* Remove .* Fetch http:"
    ):
        match_scores.read_scores(path)


def test_a_file_that_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(match_scores, "_LARGEST_BYTES", 1)
    with pytest.raises(MusicGanError, match=r"Expected at most 1 bytes. Received more"):
        match_scores.read_scores(write_scores(tmp_path, {}))
