"""Folders of labelled audio: names, tables, and real notes of eighteen instruments."""

import hashlib
import json
import zipfile

import numpy as np
import pytest
import soundfile

from tests.made_up_audio import tone
from tfmusicgan import datasets
from tfmusicgan.cli.convert import main
from tfmusicgan.datasets import audio_labels
from tfmusicgan.datasets.audio_notes import with_pattern
from tfmusicgan.errors import ConfigError, MusicGanError, ReadError
from tfmusicgan.records.manifest import Manifest
from tfmusicgan.records.plan import list_pieces
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.note_audio import NoteAudio, audio_of

DATASET = datasets.get("audio_notes")
RATE = 16_000
REP = NoteAudio(sample_rate=8000, num_samples=2000, min_pitch=40, max_pitch=80)


def _write(folder, name, pitch=60, samples=4000, rate=RATE):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(pitch, samples, rate, seed=pitch), rate)


def _listed(folder, dataset=DATASET):
    files, root = dataset.files(str(folder))
    lists = {"list_sources": dataset.list_sources, "missing_files": dataset.missing_files}
    pieces, dropped = list_pieces(files, root, **lists)
    return pieces, {drop.name: drop for drop in dropped}


def _labels(source):
    note = DATASET.read_source(source)
    (played,) = note.sequence.notes
    return (
        *(played.pitch, played.velocity, note.instrument),
        *(note.instrument_family, note.instrument_source),
    )


def test_nsynths_names(tmp_path):
    _write(tmp_path, "a/keyboard_acoustic_004-060-025.wav")
    _write(tmp_path, "synth_lead_synthetic_000-072-127.FLAC", 72)
    _write(tmp_path, ".hidden/keyboard_acoustic_004-061-025.wav")
    (tmp_path / "notes.txt").write_text("no audio")
    pieces, dropped = _listed(tmp_path)
    assert not dropped
    piano, lead = pieces
    number = int(hashlib.sha256(b"keyboard_acoustic_004").hexdigest()[:8], 16) // 2
    assert _labels(piano) == (60, 25, number, 4, 0)
    assert _labels(lead)[:2] == (72, 127) and _labels(lead)[3:] == (9, 2)
    assert piano.name == "a/keyboard_acoustic_004-060-025.wav"


def test_another_pattern(tmp_path):
    for name in ("Flute Vib_Db4.ogg", "Flute Vib_A#5.ogg", "Oboe_c-1.ogg", "Oboe 62.ogg"):
        _write(tmp_path, name)
    pattern = r"(?P<instrument>[\w ]+)_(?P<pitch>[A-Gc][#b]?-?\d)"
    pieces, dropped = _listed(tmp_path, with_pattern(DATASET, pattern))
    labels = [_labels(source) for source in pieces]
    assert [label[0] for label in labels] == [82, 61, 0]
    assert labels[0][2] == labels[1][2] != labels[2][2]
    assert {label[1] for label in labels} == {100} and {label[3:] for label in labels} == {(-1, -1)}
    assert dropped["Oboe 62.ogg"].reason == "no_label"
    # Other labels, other notes: nothing goes on with what was made under another pattern.
    other, _ = _listed(tmp_path, with_pattern(DATASET, r".*(?P<instrument>\w)_(?P<pitch>.*)"))
    assert other[0].name == pieces[0].name and other[0].digest != pieces[0].digest


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "Expected a regular expression of file names"),
        (r"(?P<velocity>\d+)", "pitch at least"),
        (r"(?P<pitch>\d+)_(?P<note>.)", "Expected named groups among pitch, velocity"),
    ],
)
def test_patterns_that_are_none(pattern, message):
    with pytest.raises(ConfigError, match=message):
        with_pattern(DATASET, pattern)
    with pytest.raises(ConfigError, match=r"--name_pattern is for --dataset=audio_notes"):
        with_pattern(datasets.get("midi"), r"(?P<pitch>\d+)")


def _table(folder, *rows, columns="file,pitch,velocity,instrument,family,source,qualities"):
    folder.mkdir(exist_ok=True)
    (folder / "labels.csv").write_text("\n".join([columns, *rows]), encoding="utf-8-sig")


def test_a_table_of_labels(tmp_path):
    rows = ("a/one.wav,61,90,17,mallet,1,bright tempo-synced", "two.wav,C5,,Bell,,,")
    _table(tmp_path, *rows, "gone.wav,60,,,,,", ",61,,,,,")
    _write(tmp_path, "a/one.wav")
    _write(tmp_path, "two.wav")
    _write(tmp_path, "keyboard_acoustic_004-060-025.wav")
    pieces, dropped = _listed(tmp_path)
    one, two = pieces
    assert _labels(one) == (61, 90, 17, 5, 1)
    assert np.nonzero(DATASET.read_source(one).qualities)[0].tolist() == [0, 9]
    assert _labels(two)[:2] == (72, 100) and _labels(two)[3:] == (-1, -1)
    # A table goes before names, and names every file.
    assert dropped.pop("keyboard_acoustic_004-060-025.wav").reason == "no_label"
    # Rows that no file belongs to are counted.
    assert {name: drop.reason for name, drop in dropped.items()} == {
        "gone.wav": "missing_file",
        "row 4 of labels.csv": "missing_file",
    }


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.wav,,90,,,,", "pitch a MIDI number or a name such as C#4. Received: ''"),
        ("a.wav,60.5,90,,,,", "Received: '60.5' of a.wav"),
        ("a.wav,60,loud,,,,", "velocity a number. Received: 'loud'"),
        ("a.wav,60,90,,harp,,", "family among bass, brass"),
        ("a.wav,60,90,,,digital,", "source among acoustic"),
        ("a.wav,60,90,,,,shiny", "quality among bright"),
        ("a.wav,128,90,,,,", "pitch within 0 to 127"),
        ("a.wav,60,0,,,,", "velocity within 1 to 127"),
        ("a.wav,60,90,,11,,", "family within -1 to 10"),
    ],
)
def test_bad_labels(tmp_path, row, message):
    _table(tmp_path, row)
    _write(tmp_path, "a.wav")
    pieces, dropped = _listed(tmp_path)
    errors = [drop.message for drop in dropped.values() if drop.reason == "bad_label"]
    for source in pieces:
        with pytest.raises(ReadError) as error:
            DATASET.read_source(source)
        errors.append(str(error.value))
    assert len(errors) == 1 and message in errors[0]


def test_tables_that_are_none(tmp_path):
    _write(tmp_path, "a.wav")
    _table(tmp_path, "a.wav,60", columns="file,note")
    with pytest.raises(MusicGanError, match=r"file and pitch at least, in .* Received: file, note"):
        _listed(tmp_path)
    _table(tmp_path, "a.wav,60", "b.wav,61", "a.wav,62", columns="file,pitch")
    with pytest.raises(MusicGanError, match=r"one row for each file in .* several of a.wav\."):
        _listed(tmp_path)
    (tmp_path / "labels.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MusicGanError, match="Expected a table in"):
        _listed(tmp_path)


def test_a_table_that_is_too_long_is_not_read_in_part(tmp_path, monkeypatch):
    monkeypatch.setattr(audio_labels, "_MAX_TABLE_BYTES", 40)
    _write(tmp_path, "a.wav")
    _table(tmp_path, "a.wav,60", *["b.wav,61"] * 3, columns="file,pitch")
    with pytest.raises(MusicGanError, match=r"at most 40 bytes in .* Received: 49\."):
        _listed(tmp_path)


def test_folders_without_notes(tmp_path):
    with pytest.raises(ConfigError, match="needs one --input=FOLDER"):
        DATASET.files()
    with pytest.raises(MusicGanError, match="No folder is at"):
        DATASET.files(str(tmp_path / "gone"))
    with pytest.raises(MusicGanError, match=r"Expected .wav, .flac, .mp3, .ogg files"):
        DATASET.files(str(tmp_path))


def test_the_command(tmp_path, capsys):
    """Good notes of two rates; bad ones are counted, each under its reason."""
    music = tmp_path / "music"
    _write(music, "flute_60.wav", 60, 5000)
    _write(music, "flute_55.flac", 55, 9000, rate=44100)
    _write(music, "flute_90.wav", 90)
    _write(music, "other.wav")
    soundfile.write(music / "flute_70.wav", np.zeros(4000), RATE)
    (music / "flute_71.mp3").write_bytes(b"noise" * 99)
    (music / "flute_72.ogg").write_bytes(b"")
    nan = np.full(4000, np.nan, np.float32)
    soundfile.write(music / "flute_73.wav", nan, RATE, subtype="FLOAT")
    flags = ["--representation=note_audio", "--split=1,0,0"]  # own files of sound: audio_notes
    flags += [r"--name_pattern=(?P<instrument>\w+)_(?P<pitch>\d+)", f"--input={music}"]
    flags += [f"--set={name}={value}" for name, value in REP.to_parameters().items()]
    with pytest.raises(SystemExit) as ended:
        main([*flags, f"--output={tmp_path / 'set'}"])
    assert ended.value.code == 0
    manifest = Manifest.read(tmp_path / "set")
    assert {reason: drop.names for reason, drop in manifest.drops.items()} == {
        "empty_file": ("flute_72.ogg",),
        "no_label": ("other.wav",),
        "not_finite": ("flute_73.wav",),
        "pitch_out_of_range": ("flute_90.wav",),
        "silent_audio": ("flute_70.wav",),
        "undecodable_audio": ("flute_71.mp3",),
    }
    (batch,) = RecordSet.open(tmp_path / "set").examples()
    assert batch["pitch"].tolist() == [55, 60]
    for wave, pitch in zip(audio_of(batch), batch["pitch"], strict=True):
        spectrum = np.abs(np.fft.rfft(wave[:1500] * np.hanning(1500), 16000))
        hertz = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)
        near = np.argmax(spectrum[: round(2 * hertz * 1.2)]) / 2.0
        assert min(abs(near - hertz), abs(near - 2 * hertz)) < 4.0


def test_real_notes(test_data, tmp_path):
    """Every seventh of 206 recorded notes: labels as in their list, samples as soundfile reads."""
    with zipfile.ZipFile(test_data / "single_notes_16k" / "single_notes_16k.zip") as archive:
        expected = json.loads(archive.read("single-notes/examples.json"))
        names = sorted(name for name in archive.namelist() if name.endswith(".flac"))
        archive.extractall(tmp_path, names[::7])
    pieces, dropped = _listed(tmp_path)
    assert len(names) == 206 and len(pieces) == 30 and not dropped
    for source in pieces:
        (example,) = NoteAudio().encode(DATASET.read_source(source))
        fields = expected[source.name.rpartition("/")[2].removesuffix(".flac")]
        for name in ("pitch", "velocity", "instrument_family", "instrument_source"):
            assert int(example[name]) == fields[name]
        samples, _ = soundfile.read(tmp_path / source.name, dtype="int16")
        np.testing.assert_array_equal(example["audio"], samples)
