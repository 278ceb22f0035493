"""NSynth: both forms give the same notes; filter and splits; what is wrong is named."""

import hashlib
import json
import shutil
import zipfile

import numpy as np
import pytest

from tests.datasets.nsynth_miniature import (
    NOTES,
    RATE,
    SAMPLES,
    fields_of,
    name_of,
    samples_of,
    write_archives,
    write_records,
    write_wav,
)
from tfmusicgan import datasets
from tfmusicgan.datasets import cards, nsynth
from tfmusicgan.errors import ConfigError, MusicGanError
from tfmusicgan.note_sequences.tfrecord import framed
from tfmusicgan.records.convert import convert
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.records.plan import list_pieces
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.note_audio import NoteAudio

ALL = datasets.get("nsynth_full")
PAPER = datasets.get("nsynth")
REP = NoteAudio(RATE, SAMPLES, min_pitch=0, max_pitch=127)


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nsynth")
    write_archives(folder)
    return folder


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """The training split as one file, the test split as it may lie in its own folder."""
    folder = tmp_path_factory.mktemp("nsynth")
    write_records(folder / "nsynth-train.tfrecord", "train")
    (folder / "nsynth-test").mkdir()
    write_records(folder / "nsynth-test" / "nsynth-test.tfrecord-00000-of-00001", "test")
    return folder


def _listed(dataset, path):
    files, root = dataset.files(str(path))
    return list_pieces(files, root, list_sources=dataset.list_sources)


def _names(sources):
    return {source.name for source in sources}


def _examples(dataset, sources):
    """Name of a note -> its example."""
    notes = {s.name.partition("/")[2]: dataset.read_source(s) for s in sources}
    return {name: REP.encode(note)[0] for name, note in notes.items()}


@pytest.mark.parametrize("form", ["archives", "records"])
def test_samples_and_labels(form, request):
    pieces, dropped = _listed(ALL, request.getfixturevalue(form))
    examples = _examples(ALL, pieces)
    expected = [*NOTES["train"], *NOTES["test"], *(NOTES["valid"] if form == "archives" else [])]
    assert not dropped and set(examples) == {name_of(note) for note in expected}
    for note in expected:
        example = examples[name_of(note)]
        np.testing.assert_array_equal(example["audio"], samples_of(note))
        instrument, family, source, pitch, velocity = note
        labels = (instrument, family, source, pitch, velocity)
        names = ("instrument", "instrument_family", "instrument_source", "pitch", "velocity")
        assert tuple(int(example[name]) for name in names) == labels
        assert example["qualities"].nonzero()[0].tolist() == [instrument % 10]


def test_workers_need_no_file_of_labels(archives, tmp_path):
    """What a source holds is enough, with its WAV file."""
    copy = shutil.copytree(archives, tmp_path / "copy")
    pieces, _ = _listed(ALL, copy)
    for path in copy.glob("*/examples.json"):
        path.unlink()
    assert len(_examples(ALL, pieces)) == 11


def test_the_papers_filter_and_split(archives):
    pieces, dropped = _listed(PAPER, archives)
    reasons = {drop.name: drop.reason for drop in dropped}
    assert reasons == {
        name_of(NOTES["train"][2]): "pitch_out_of_range",
        name_of(NOTES["train"][3]): "pitch_out_of_range",
        name_of(NOTES["train"][4]): "not_acoustic",
        name_of(NOTES["valid"][1]): "not_acoustic",
    }
    for source in pieces:
        split, _, note = source.name.partition("/")
        place = int.from_bytes(hashlib.sha256(note.encode()).digest()[:8], "big") / 2**64
        kept = "train" if place < 0.72 else "validation"
        assert split == (kept if place < 0.8 else "test") == PAPER.split_of(source.name)
    # Instruments are in all parts: of many notes a fifth is for testing, 8 % to choose by.
    notes = [
        fake_note(f"keyboard_acoustic_003-{p:03d}-{v:03d}") for p in range(128) for v in (25, 50)
    ]
    splits = [nsynth.choose_paper(note, None) for note in notes]
    assert 0.14 < splits.count("test") / 256 < 0.26
    assert 0.04 < splits.count("validation") / 256 < 0.14
    assert sum(nsynth._PAPER_SPLIT[:2]) == 0.8


def fake_note(name):
    labels = nsynth.Labels(60, 100, 3, 4, 0, (0,) * 10)
    return nsynth.ListedNote(name, "valid", labels, None)


def test_what_is_filtered_out_is_never_read(archives, tmp_path):
    copy = shutil.copytree(archives, tmp_path / "copy")
    gone = copy / "nsynth-train" / "audio"
    for number in (2, 3, 4):
        (gone / f"{name_of(NOTES['train'][number])}.wav").unlink()
    _, dropped = _listed(PAPER, copy)
    assert {drop.reason for drop in dropped} == {"pitch_out_of_range", "not_acoustic"}
    _, dropped = _listed(ALL, copy)
    assert [drop.reason for drop in dropped] == ["unreadable_file"] * 3


def test_upstreams_split(archives):
    pieces, _ = _listed(datasets.get("nsynth_instruments"), archives)
    subset = {"train": (0, 1, 5, 6), "valid": (0,), "test": (0, 1)}
    names = {"train": "train", "valid": "validation", "test": "test"}
    assert _names(pieces) == {
        f"{names[split]}/{name_of(NOTES[split][number])}"
        for split, numbers in subset.items()
        for number in numbers
    }
    everything, _ = _listed(ALL, archives)
    assert len(everything) == 11 and _names(pieces) < _names(everything)


def test_the_published_list(archives, tmp_path, monkeypatch):
    copy = shutil.copytree(archives, tmp_path / "copy")
    subset = datasets.get("nsynth_gansynth_subset")
    with pytest.raises(MusicGanError, match=r"Expected nsynth-gansynth_splits.csv in .*--download"):
        subset.files(str(copy))
    rows = [(NOTES["train"][0], "test"), (NOTES["test"][1], "train"), (NOTES["valid"][0], "valid")]
    text = "id,split\n" + "".join(f"{name_of(note)},{split}\n" for note, split in rows)
    (copy / "nsynth-gansynth_splits.csv").write_text(text)
    with pytest.raises(MusicGanError, match=r"expected SHA-256 b6e77ff8.* Received: .*Remove"):
        subset.files(str(copy))
    digest = hashlib.sha256(text.encode()).hexdigest()
    monkeypatch.setattr(nsynth, "SPLIT_LIST_SHA256", digest)
    pieces, dropped = _listed(subset, copy)
    assert _names(pieces) == {
        f"test/{name_of(NOTES['train'][0])}",
        f"train/{name_of(NOTES['test'][1])}",
        f"validation/{name_of(NOTES['valid'][0])}",
    }
    reasons = [drop.reason for drop in dropped]
    assert reasons.count("not_in_split_list") == 4 and reasons.count("not_acoustic") == 2


def test_records_of_both_forms_are_the_same(archives, records, tmp_path):
    sets = []
    for form in (archives, records):
        output = tmp_path / form.name
        options = ConvertOptions(NoteAudio(RATE, SAMPLES), num_shards=1)
        manifest = convert(datasets.get("nsynth_instruments"), options, output, [str(form)])
        assert manifest.drops["pitch_out_of_range"].num_pieces == 2
        (batch,) = RecordSet.open(output, "train").examples()
        sets.append(batch)
    assert sets[0]["audio"].shape == (4, SAMPLES)
    for name in sets[0]:
        np.testing.assert_array_equal(sets[0][name], sets[1][name], name)


def test_archives_that_are_zipped_or_unpacked_one_deeper(archives, tmp_path):
    deeper = tmp_path / "deeper" / "nsynth-test"
    shutil.copytree(archives / "nsynth-test", deeper / "nsynth-test")
    zipped = tmp_path / "nsynth_part.zip"
    with zipfile.ZipFile(zipped, "w") as file:
        for path in sorted((archives / "nsynth-test").rglob("*.*")):
            file.write(path, path.relative_to(archives))
    expected, _ = _listed(ALL, archives / "nsynth-test")
    assert len(expected) == 2
    for place in (tmp_path / "deeper", deeper, zipped):
        pieces, _ = _listed(ALL, place)
        assert [(p.name, p.digest) for p in pieces] == [(p.name, p.digest) for p in expected]
        assert len(_examples(ALL, pieces)) == 2


def _only(folder, note, fields=None, samples=None):
    """An archive of one note of the test split."""
    audio = folder / "nsynth-test" / "audio"
    audio.mkdir(parents=True)
    fields = fields_of(note) if fields is None else fields
    (audio.parent / "examples.json").write_text(json.dumps({name_of(note): fields}))
    write_wav(audio / f"{name_of(note)}.wav", samples_of(note) if samples is None else samples)
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pitch": 128}, "pitch within 0 to 127. Received: 128"),
        ({"velocity": 0}, "velocity within 1 to 127. Received: 0"),
        ({"pitch": 60.0}, "Received: 60.0"),
        ({"instrument_family": 11}, "family within -1 to 10. Received: 11"),
        ({"instrument_source": -1}, "instrument_source within 0"),
        ({"qualities": [0] * 9}, "Expected 10 qualities"),
        ({"qualities": [0] * 9 + [2]}, "quality within 0 to 1. Received: 2"),
        ({"qualities": "0000000000"}, "Expected 10 qualities"),
    ],
)
def test_bad_labels_are_named(tmp_path, change, message):
    note = NOTES["test"][0]
    folder = _only(tmp_path, note, {**fields_of(note), **change})
    pieces, dropped = _listed(ALL, folder)
    messages = [drop.message for drop in dropped if drop.reason == "bad_label"]
    for source in pieces:
        with pytest.raises(MusicGanError) as error:
            ALL.read_source(source)
        assert error.value.reason == "bad_label"
        messages.append(str(error.value))
    assert len(messages) == 1 and message in messages[0]


def test_labels_that_are_missing(tmp_path):
    note = NOTES["test"][0]
    fields = fields_of(note)
    del fields["velocity"]
    pieces, dropped = _listed(ALL, _only(tmp_path, note, fields))
    assert not pieces and dropped[0].reason == "bad_label"
    assert name_of(note) in dropped[0].message


@pytest.mark.parametrize(
    ("samples", "reason"),
    [(np.zeros(SAMPLES), "silent_audio"), (np.zeros(0), "empty_audio")],
)
def test_bad_audio_is_counted(tmp_path, samples, reason):
    folder = _only(tmp_path, NOTES["test"][0], samples=samples)
    with pytest.raises(MusicGanError, match=f"No example came out of 1 pieces: 1 {reason}"):
        convert(ALL, ConvertOptions(REP), tmp_path / "set", [str(folder)])


def test_stereo_and_other_rates(tmp_path):
    note = NOTES["test"][0]
    one = samples_of(note)
    stereo = np.stack([one, 0 * one], axis=1)
    (source,), _ = _listed(ALL, _only(tmp_path / "stereo", note, samples=stereo))
    (example,) = REP.encode(ALL.read_source(source))
    np.testing.assert_allclose(example["audio"], one / 2, atol=0.51)


def test_damaged_records(records, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    data = (records / "nsynth-train.tfrecord").read_bytes()
    (copy / "nsynth-train.tfrecord").write_bytes(data[: len(data) // 2])
    pieces, dropped = _listed(ALL, copy)
    assert len(pieces) == 3
    assert [(drop.name, drop.reason) for drop in dropped] == [
        ("nsynth-train.tfrecord", "truncated_tfrecord")
    ]
    (copy / "nsynth-train.tfrecord").write_bytes(framed(b"\xff\xff") + framed(b"") + data)
    pieces, dropped = _listed(ALL, copy)
    assert len(pieces) == 7
    assert [drop.reason for drop in dropped] == ["not_an_example", "bad_label"]
    # What was listed is no longer there.
    (copy / "nsynth-train.tfrecord").write_bytes(data[: len(data) // 2])
    with pytest.raises(MusicGanError, match="The file has changed since it was listed: train/"):
        REP.encode(ALL.read_source(pieces[-1]))


def test_input_that_is_something_else(tmp_path, archives):
    with pytest.raises(ConfigError, match=r"nsynth needs one --input, the folder"):
        PAPER.files()
    with pytest.raises(MusicGanError, match="Nothing is at"):
        PAPER.files(str(tmp_path / "gone"))
    with pytest.raises(MusicGanError, match=r"Expected NSynth: .* neither. --download fetches it"):
        PAPER.files(str(tmp_path))
    (tmp_path / "nsynth-train.jsonwav.tar.gz").write_bytes(b"")
    with pytest.raises(MusicGanError, match=r"Unpack nsynth-train.jsonwav.tar.gz there \(tar xf\)"):
        PAPER.files(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"examples.json is damaged: .*Unpack its archive again"),
        ("[" * 100_000, "examples.json is damaged"),
        ("[1]", "Expected labels of notes by the notes' names"),
        ('{"../../etc/passwd": {}}', "Expected labels of notes by the notes' names"),
    ],
)
def test_a_damaged_file_of_labels(tmp_path, text, message):
    (tmp_path / "nsynth-test").mkdir()
    (tmp_path / "nsynth-test" / "examples.json").write_text(text)
    with pytest.raises(MusicGanError, match=message):
        PAPER.files(str(tmp_path))


def test_what_would_be_downloaded():
    text = cards.describe(datasets.get("nsynth_gansynth_subset"))
    assert "nsynth-train.jsonwav.tar.gz (MD5 fde6665a93865503ba598b9fac388660)" in text
    assert "nsynth-gansynth_splits.csv (2,952,153 bytes, SHA-256 b6e77ff861c8" in text
    assert len(PAPER.downloads) == 3 and all(one.unpack for one in PAPER.downloads)


def test_sixty_real_notes(test_data):
    """Of NSynth's test split, all of pitch 60; 31 are acoustic."""
    folder = test_data / "nsynth_test_subset"
    pieces, dropped = _listed(ALL, folder)
    assert len(pieces) == 60 and not dropped
    rep = NoteAudio()
    examples = [rep.encode(ALL.read_source(source))[0] for source in pieces]
    families = np.bincount([example["instrument_family"] for example in examples], minlength=11)
    assert families.tolist() == [8, 7, 1, 9, 6, 2, 11, 8, 5, 0, 3]
    velocities = [int(example["velocity"]) for example in examples]
    assert [velocities.count(v) for v in (25, 50, 75, 100, 127)] == [8, 11, 16, 11, 14]
    assert {int(example["pitch"]) for example in examples} == {60}
    pieces, dropped = _listed(PAPER, folder)
    assert len(pieces) == 31 and {drop.reason for drop in dropped} == {"not_acoustic"}
    first = next(s for s in pieces if s.name.endswith("/brass_acoustic_006-060-100"))
    (example,) = rep.encode(PAPER.read_source(first))
    _check_against_soundfile(folder, first.name.partition("/")[2], example["audio"])


def _check_against_soundfile(folder, note, audio):
    import io

    import soundfile

    with zipfile.ZipFile(folder / "nsynth_test_60.zip") as file:
        data = file.read(f"nsynth-test/audio/{note}.wav")
    samples, rate = soundfile.read(io.BytesIO(data), dtype="int16")
    assert rate == 16000
    np.testing.assert_array_equal(audio, samples)
