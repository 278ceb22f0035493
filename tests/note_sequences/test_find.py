"""Finding files of music."""

import glob
import os
import pathlib

import pytest

from tests.note_sequences.folder import ALL, names
from tfmusicgan.errors import MusicGanError
from tfmusicgan.note_sequences import sources
from tfmusicgan.note_sequences.find import FORMATS, find_files


def test_find_in_a_folder(folder):
    assert names(find_files(folder), folder) == ALL


def test_find_one_file_and_by_glob(folder, monkeypatch):
    assert find_files(folder / "b.mid") == [folder / "b.mid"]
    assert names(find_files(f"{folder}/**/*.[mMkK][iIaA]*"), folder) == [
        *("A.MID", "B sub/deep/c.Kar", "b.mid"),
    ]
    monkeypatch.chdir(folder)
    assert find_files("*.mid") == [pathlib.Path("b.mid")]


def test_loops_of_links_end(folder):
    os.symlink(folder, folder / "B sub" / "again")
    os.symlink(folder / "gone", folder / "broken.mid")
    assert names(find_files(folder), folder) == ALL
    os.symlink(folder, folder / "B sub" / "and again")
    assert names(find_files(f"{folder}/**/*.mid"), folder) == ["b.mid"]


def test_globs_as_glob_has_them(folder):
    os.symlink(folder / "B sub", folder / "link")
    for pattern in (
        "**/*.*",
        "**",
        "*/**/c.Kar",
        "**/deep/*",
        "l*/d*/**",
        "**/[Bl]*/**/*.Kar",
        "*",
    ):
        expected = [
            path
            for path in glob.glob(f"{folder}/{pattern}", recursive=True)
            if pathlib.Path(path).suffix.lower() in FORMATS
        ]
        found = [str(path) for path in find_files(f"{folder}/{pattern}")]
        assert sorted(found) == sorted(set(expected)), pattern


def test_a_closed_folder_is_reported_and_the_rest_found(folder, monkeypatch):
    iterdir = pathlib.Path.iterdir

    def closed(path):
        if path.name == "deep":
            raise PermissionError(13, "Permission denied", str(path))
        return iterdir(path)

    monkeypatch.setattr(pathlib.Path, "iterdir", closed)
    files = find_files(folder)
    assert names(files, folder) == [ALL[0], "B sub/deep", *ALL[2:]]
    found, [(name, error)] = sources.list_sources(files[:3], folder)
    assert [source.name for source in found] == ["A.MID", "b.mid"]
    assert (name, error.reason) == ("B sub/deep", "unreadable_folder")
    assert "readable folder. Received one that may not be read: B sub/deep." in str(error)


@pytest.mark.parametrize(
    ("path", "message"),
    [("gone", "Nothing is at"), ("notes.txt", "Found none there"), ("*.wav", "Found none there")],
)
def test_nothing_there(folder, path, message):
    with pytest.raises(MusicGanError, match=message):
        find_files(folder / path)
