"""MAESTRO and piano-midi.de: made-up miniatures in their layouts, and their real files."""

import zipfile

import pytest

from tests.datasets.lakh_archive import midi_file, unpack_to
from tfmusicgan import datasets
from tfmusicgan.datasets import piano_midi_de
from tfmusicgan.errors import ConfigError, MusicGanError
from tfmusicgan.records.plan import list_pieces
from tfmusicgan.representations.note_events import NoteEvents

MAESTRO, PIANO = datasets.get("maestro"), datasets.get("piano_midi_de")
HEADER = "canonical_composer,canonical_title,split,year,midi_filename,audio_filename,duration"
TABLE = "\n".join(
    [
        HEADER,
        'Ann Other,"Waltz, No. 1",train,2004,2004/a.midi,2004/a.wav,9.5',
        "Bo,March,test,2004,2004/b.midi,2004/b.wav,8.5",
        "Bo,Air,validation,2018,2018/c.midi,2018/c.wav,7.5",
        "Cy,Lost,train,2018,2018/lost.midi,2018/lost.wav,1.0",
    ]
)


def performances(table=TABLE):
    names = ("2004/a.midi", "2004/b.midi", "2018/c.midi", "2018/d.midi")
    files = {f"maestro-v3.0.0/{name}": midi_file(i)[1] for i, name in enumerate(names)}
    files["maestro-v3.0.0/LICENSE"] = b"CC"
    return files | ({"maestro-v3.0.0/maestro-v3.0.0.csv": table.encode()} if table else {})


def write_zip(path, files):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def listed(dataset, path):
    sources, errors = dataset.list_sources(*dataset.files(str(path)))
    return sources, {name: error.reason for name, error in errors}


def test_what_would_be_downloaded():
    (archive,) = MAESTRO.downloads
    assert archive.url.endswith("/maestro/v3.0.0/maestro-v3.0.0-midi.zip")
    assert archive.size_bytes == 58_416_533 and archive.sha256.startswith("70470ee25329")
    (archive,) = PIANO.downloads
    commit = "505aef5e7539ac56cdb4cbc72d08a98bfaf7a208"
    assert archive.url.endswith(f"/cheriell/ClassicalPianoMIDI-dataset/archive/{commit}.zip")


@pytest.mark.parametrize("layout", ["unpacked", "downloaded", "archive"])
def test_performances_are_in_the_official_split(tmp_path, layout):
    if layout == "unpacked":
        path = unpack_to(tmp_path / "x", performances())
    else:
        path = write_zip(tmp_path / "maestro-v3.0.0-midi.zip", performances())
        path = path.parent if layout == "downloaded" else path
    sources, errors = listed(MAESTRO, path)
    names = ["train/2004/a.midi", "test/2004/b.midi", "validation/2018/c.midi"]
    assert [source.name for source in sources] == names
    assert errors == {"2018/d.midi": "not_in_index"}
    assert [MAESTRO.split_of(name) for name in names] == ["train", "test", "validation"]
    piece = MAESTRO.read_source(sources[1])
    assert piece.id == "test/2004/b.midi" and piece.collection_name == "maestro" and piece.notes


def test_rows_of_the_table_without_a_file_are_counted_once(tmp_path):
    """However many files are listed at a time."""
    names = [f"2009/{number}.midi" for number in range(130)]
    rows = [f"Bo,Air,train,2009,{name},x,1.0" for name in names]
    table = "\n".join([TABLE, *rows])
    music = {f"maestro-v3.0.0/{name}": midi_file(10 + i)[1] for i, name in enumerate(names)}
    path = unpack_to(tmp_path, performances(table) | music)
    files, root = MAESTRO.files(str(path))
    lists = {"list_sources": MAESTRO.list_sources, "missing_files": MAESTRO.missing_files}
    pieces, dropped = list_pieces(files, root, **lists)
    assert len(pieces) == 133
    expected = {"2018/d.midi": "not_in_index", "2018/lost.midi": "missing_file"}
    assert {drop.name: drop.reason for drop in dropped} == expected
    assert not MAESTRO.missing_files(
        *MAESTRO.files(str(unpack_to(tmp_path / "x", performances(""))))
    )


def test_files_without_a_table_are_split_by_their_names(tmp_path):
    sources, errors = listed(MAESTRO, unpack_to(tmp_path, performances(table="")))
    assert [s.name.split("/")[-1] for s in sources] == ["a.midi", "b.midi", "c.midi", "d.midi"]
    assert not errors and {MAESTRO.split_of(source.name) for source in sources} == {None}


def test_damaged_and_several_tables(tmp_path):
    other = HEADER.replace("split", "part") + "\n" + "a," * 6
    for number, table in enumerate((HEADER, other, TABLE + "\nBo,Cut off,train")):
        path = unpack_to(tmp_path / str(number), performances(table))
        with pytest.raises(MusicGanError, match=r"columns split and midi_filename.* damaged one"):
            listed(MAESTRO, path)
    wrong = performances(TABLE.replace(",test,", ",exam,"))
    with pytest.raises(MusicGanError, match="splits of which are train, validation, test"):
        listed(MAESTRO, unpack_to(tmp_path / "wrong", wrong))
    two = performances() | {"maestro-v2.0.0/maestro-v2.0.0.csv": TABLE.encode()}
    with pytest.raises(MusicGanError, match=r"one release of MAESTRO in .* Received 2 tables"):
        MAESTRO.files(str(unpack_to(tmp_path / "two", two)))


def pieces(folder=""):
    found = {f"{folder}Ann/a.mid": midi_file(0)[1], f"{folder}Bo/b.mid": midi_file(1)[1]}
    return found | {f"{folder}Bo/empty.mid": b""}


@pytest.mark.parametrize("layout", ["unpacked", "downloaded", "archive"])
def test_piano_pieces(tmp_path, layout):
    if layout == "unpacked":
        path = unpack_to(tmp_path / "x", pieces())
    elif layout == "archive":
        path = write_zip(tmp_path / "any.zip", pieces())
    else:
        name = f"ClassicalPianoMIDI-dataset-{piano_midi_de._COMMIT}"
        path = write_zip(tmp_path / f"{name}.zip", pieces(f"{name}/midis/")).parent
    sources, errors = listed(PIANO, path)
    assert [source.name for source in sources] == ["Ann/a.mid", "Bo/b.mid"]
    assert errors == {"Bo/empty.mid": "empty_file"}
    piece = PIANO.read_source(sources[0])
    assert piece.id == "Ann/a.mid" and piece.collection_name == "piano_midi_de" and piece.notes


def test_refused_paths(tmp_path):
    for dataset in (MAESTRO, PIANO):
        with pytest.raises(ConfigError, match=f"Dataset {dataset.name} needs one --input"):
            dataset.files()
        with pytest.raises(MusicGanError, match="Nothing is at"):
            dataset.files(str(tmp_path / "none"))
        with pytest.raises(MusicGanError, match=r"Expected MIDI files \(.mid, .midi\) in"):
            dataset.files(str(tmp_path))
    deeper = {**pieces(), "Cy/Etudes/c.mid": midi_file(2)[1]}
    with pytest.raises(MusicGanError, match="4 pieces in 2 places"):
        PIANO.files(str(unpack_to(tmp_path / "x", deeper)))


@pytest.mark.parametrize(
    ("dataset", "folder", "count"),
    [
        (PIANO, "piano_midi_de", 337),
        (MAESTRO, "maestro_asap_subset", 66),
    ],
)
def test_the_real_pieces(test_data, dataset, folder, count):
    sources, errors = listed(dataset, test_data / folder)
    assert len(sources) == count and not errors
    piece = dataset.read_source(sources[10])
    events = NoteEvents(length=100).encode(piece)
    assert len(events) == len(piece.notes) // 100
