"""The table of datasets, the chorales, folders of music, and the cards."""

import itertools
import pathlib
import subprocess
import sys

import pytest

from tests.records.pieces import write_pieces
from tfmusicgan import datasets
from tfmusicgan.datasets import bach_chorales, cards
from tfmusicgan.datasets.base import Dataset
from tfmusicgan.datasets.download import Download
from tfmusicgan.datasets.midi import root_of
from tfmusicgan.errors import ConfigError, MusicGanError

ROOT = pathlib.Path(__file__).parents[2]


def test_the_table():
    assert datasets.names() == [
        *("audio_notes", "bach_chorales", "impro_visor"),
        *("lakh", "lakh_aligned", "lakh_clean", "lakh_matched", "lpd"),
        *("maestro", "midi", "midi_lead_sheets", "nottingham", "nottingham_lead_sheets"),
        *("nsynth", "nsynth_full", "nsynth_gansynth_subset", "nsynth_instruments"),
        *("openewld", "piano_midi_de", "pop909", "pop909_melody", "seqgan_oracle"),
        "soundfont_notes",
    ]
    assert datasets.get("midi").name == "midi"
    with pytest.raises(ConfigError, match=r"Unknown dataset 'lark'. Known: audio_notes, "):
        datasets.get("lark")


def test_the_chorales_are_found_as_described():
    dataset = datasets.get("bach_chorales")
    files, root = dataset.files()
    assert len(files) == dataset.num_pieces == 408
    assert sum(file.stat().st_size for file in files) == dataset.size_bytes
    assert files == sorted(files) and all(file.parent == root for file in files)
    assert "bwv66.6.mxl" in {file.name for file in files}


def test_music21_is_not_imported():
    code = (
        "import sys; from tfmusicgan import datasets; datasets.get('bach_chorales').files(); "
        "print('music21' in sys.modules, 'note_seq' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"


def test_near_copies_exist_and_are_one_group():
    dataset = datasets.get("bach_chorales")
    names = {file.name for file in dataset.files()[0]}
    members = [f"{name}.mxl" for group in bach_chorales.NEAR_COPIES for name in group]
    assert len(members) == len(set(members)) and set(members) <= names
    assert dataset.group_of("bwv324.mxl") == dataset.group_of("bwv323.mxl") == "bwv10.7.mxl"
    assert dataset.group_of("bwv66.6.mxl") == "bwv66.6.mxl"


def test_some_near_copies_share_their_melody():
    """Soprano intervals of two groups, read with note_seq: the same tune in another key."""
    from tfmusicgan.note_sequences.musicxml import read_musicxml

    def tune(name):
        sequence = read_musicxml(bach_chorales.corpus_folder() / f"{name}.mxl")
        notes = sorted((n.start_time, n.pitch) for n in sequence.notes if n.part == 0)[:20]
        return [b[1] - a[1] for a, b in itertools.pairwise(notes)]

    assert tune("bwv253") == tune("bwv414")
    assert tune("bwv253") != tune("bwv274")


def test_the_chorales_take_no_input():
    with pytest.raises(ConfigError, match=r"takes no --input.*'x'. Use --dataset=midi"):
        datasets.get("bach_chorales").files("x")


def test_music21_without_its_scores(monkeypatch, tmp_path):
    monkeypatch.setattr(bach_chorales.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MusicGanError, match=r"pip install music21"):
        bach_chorales.corpus_folder()

    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(bach_chorales.importlib.util, "find_spec", lambda name: Spec)
    with pytest.raises(MusicGanError, match=r"this music21 came without its corpus"):
        bach_chorales.corpus_folder()
    (tmp_path / "corpus" / "bach").mkdir(parents=True)
    with pytest.raises(MusicGanError, match=r"Expected .mxl scores in .* Received: none"):
        datasets.get("bach_chorales").files()


def test_folders_files_and_globs(tmp_path):
    music = write_pieces(tmp_path / "m", 3, bars=1)
    dataset = datasets.get("midi")
    folder = music / "album"
    everything = [folder / f"song_00{i}.mid" for i in range(3)]
    assert dataset.files(str(music)) == (everything, music)
    assert dataset.files([str(music)]) == (everything, music)
    assert dataset.files(str(music / "**" / "*.mid")) == (everything, music)
    assert dataset.files(str(folder / "song_00[12].mid")) == (everything[1:], folder)
    assert dataset.files(str(everything[1])) == ([everything[1]], folder)
    both = dataset.files([str(everything[1]), str(music)])
    assert both == (everything, music)


def test_relative_paths_give_the_same_names(tmp_path, monkeypatch):
    music = write_pieces(tmp_path / "m", 1, bars=1)
    monkeypatch.chdir(tmp_path)
    assert datasets.get("midi").files("m") == datasets.get("midi").files(str(music))
    assert datasets.get("midi").files("m/../m/*/*.mid")[1] == music


@pytest.mark.parametrize(
    ("given", "root"),
    [
        ("*.mid", "."),
        ("song_00[01].mid", "."),
        ("**/*.mid", "."),
        ("../*/*.mid", ".."),
        ("../album [[]live]/*.mid", "."),
        ("song_000.mid", "."),
        (".", "."),
    ],
)
def test_a_working_directory_with_brackets_is_no_pattern(tmp_path, monkeypatch, given, root):
    folder = write_pieces(tmp_path / "Songs [2020]", 1, bars=1) / "album"
    folder = folder.rename(folder.with_name("album [live]"))
    monkeypatch.chdir(folder)
    files, found_root = datasets.get("midi").files(given)
    assert files == [folder / "song_000.mid"]
    assert found_root == (folder / root).resolve()


def test_no_folder():
    with pytest.raises(ConfigError, match=r"midi needs --input=FOLDER"):
        datasets.get("midi").files(None)
    with pytest.raises(MusicGanError, match=r"Nothing is at"):
        datasets.get("midi").files("/no/such/folder")


@pytest.mark.parametrize(
    ("path", "root"),
    [("/a/*/b/*.mid", "/a"), ("/a/b.mid", "/a"), ("/*.mid", "/"), ("/a/b[12]/c.mid", "/a")],
)
def test_root_of_paths(path, root):
    assert root_of(path) == pathlib.Path(root)


def test_root_of_paths_with_brackets(tmp_path):
    folder = tmp_path / "Songs [2020]"
    folder.mkdir()
    (folder / "a [1].mid").touch()
    assert root_of(str(folder / "a [1].mid")) == root_of(str(folder)) == folder
    assert root_of(str(tmp_path / "Songs [[]2020]" / "*.mid")) == folder


@pytest.mark.parametrize("name", datasets.names())
def test_cards_are_up_to_date(name):
    written = (ROOT / "tfrecords" / f"{name}.md").read_text(encoding="utf-8")
    assert written == cards.card(datasets.get(name)), (
        "Run tfmusicgan-datasets --write_cards=tfrecords"
    )


@pytest.mark.parametrize(
    "name",
    [
        *("openewld", "impro_visor", "pop909_melody"),
        *("midi_lead_sheets", "nottingham_lead_sheets"),
    ],
)
def test_commands_for_lead_sheets_keep_their_chords(name):
    assert "--recipe=midinet_stable " in datasets.get(name).command


def test_descriptions_name_downloads_and_checksums():
    dataset = Dataset(
        name="x",
        title="X",
        description="Music.",
        source_url="https://example.org",
        licence="CC0",
        attribution="nobody",
        command="tfmusicgan-convert",
        find_files=lambda paths: ([], pathlib.Path()),
        downloads=(
            Download("https://example.org/a", "a", sha256="ab"),
            Download("https://example.org/b", "b", md5="cd"),
            Download("https://example.org/c", "c"),
        ),
    )
    text = cards.describe(dataset)
    assert "https://example.org/a (SHA-256 ab), https://example.org/b (MD5 cd)" in text
    assert "c (no checksum published)" in text and "depends on your files" in text
