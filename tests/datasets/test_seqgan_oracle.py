"""SeqGAN's oracle as a dataset: its sequences, and the parameters that a record set keeps."""

import io
import shutil
import zipfile

import numpy as np
import pytest

from tests.oracle_records import few_sequences, write_oracle_records
from tfmusicgan import datasets, representations
from tfmusicgan.errors import ConfigError, MusicGanError, RecordsError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.tfrecord import RecordWriter
from tfmusicgan.records import convert as conversion
from tfmusicgan.records.convert import convert, dry_run
from tfmusicgan.records.kept_oracle import read_oracle
from tfmusicgan.records.manifest import Manifest
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.representations.token_sequence import TokenSequence
from tfmusicgan.token_oracle import TokenOracle

DATASET = datasets.get("seqgan_oracle")
REP = TokenSequence(num_tokens=9, length=20)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Twelve sequences to train on and five held out."""
    folder = tmp_path_factory.mktemp("records") / "set"
    write_oracle_records(folder, REP, num_training=12, num_test=5)
    return folder


@pytest.fixture(scope="module")
def oracle(records):
    return TokenOracle.read(records / "oracle.npz")


def _tokens(folder, split):
    return np.concatenate([b["tokens"] for b in RecordSet.open(folder, split).examples()])


def test_records_hold_what_the_oracle_draws(records, oracle):
    drawn = oracle.sample(17, 20, seed=0)
    # Shards are dealt like cards.
    assert sorted(map(tuple, _tokens(records, "train"))) == sorted(map(tuple, drawn[:12]))
    np.testing.assert_array_equal(_tokens(records, "test"), drawn[12:])
    assert RecordSet.open(records, "train").num_examples == 12


def test_a_record_set_keeps_the_oracle(records, oracle):
    manifest = Manifest.read(records)
    drawn = TokenOracle.draw(9, seed=6, embedding_size=3, hidden_size=4)
    assert read_oracle(records, manifest).digest() == oracle.digest() == drawn.digest()
    assert list(manifest.files) == ["oracle.npz"]
    assert Manifest.from_json(manifest.to_json(), records) == manifest


def test_an_oracle_that_is_missing_or_another(records, tmp_path):
    shutil.copytree(records, tmp_path / "set")
    manifest = Manifest.read(tmp_path / "set")
    TokenOracle.draw(9, seed=7, embedding_size=3, hidden_size=4).write(tmp_path / "set/oracle.npz")
    with pytest.raises(RecordsError, match=r"Expected the oracle .*oracle.npz. .*another file"):
        read_oracle(tmp_path / "set", manifest)
    (tmp_path / "set/oracle.npz").unlink()
    with pytest.raises(RecordsError, match="Convert the data again"):
        read_oracle(tmp_path / "set", manifest)


def test_sets_without_an_oracle_say_nothing_of_files(tiny_records):
    folder = tiny_records["musegan_hybrid_chorales"]
    text = (folder / "manifest.json").read_text()
    assert '"files"' not in text
    assert read_oracle(folder, Manifest.read(folder)) is None


def test_a_set_can_be_replaced(records, tmp_path):
    shutil.copytree(records, tmp_path / "set")
    (tmp_path / "set/oracle.npz").write_bytes(b"damaged")
    with few_sequences(12, 5):
        options, source = ConvertOptions(REP, num_shards=2), records / "oracle.npz"
        convert(DATASET, options, tmp_path / "set", [str(source)], overwrite=True)
    names = [path.name for path in records.iterdir()]
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == sorted(names)
    for name in names:
        assert (tmp_path / "set" / name).read_bytes() == (records / name).read_bytes(), name


def test_input_that_is_no_oracle(records, tmp_path):
    with pytest.raises(ConfigError, match=r"needs --input=FILE.npz.* Received: none. Draw a new"):
        DATASET.files()
    with pytest.raises(ConfigError, match=r"one file .* Received: .*gone.npz"):
        DATASET.files(str(tmp_path / "gone.npz"))
    (tmp_path / "music.npz").write_bytes(b"no oracle")
    with pytest.raises(MusicGanError, match=r"Expected an oracle's parameters, .npz"):
        convert(DATASET, ConvertOptions(REP), tmp_path / "set", [str(tmp_path / "music.npz")])
    assert not list(tmp_path.glob("set*"))


@pytest.mark.parametrize("num_tokens", [8, 10])
@pytest.mark.parametrize("run", [convert, dry_run])
def test_another_vocabulary_than_the_oracles(records, tmp_path, num_tokens, run):
    options = ConvertOptions(TokenSequence(num_tokens=num_tokens, length=20))
    output = [tmp_path / "set"] if run is convert else []
    with pytest.raises(ConfigError, match=rf"9 tokens. Received: .* {num_tokens}. .*num_tokens=9"):
        run(DATASET, options, *output, [str(records / "oracle.npz")])
    assert not list(tmp_path.glob("set*"))


def test_an_input_whose_header_claims_more_than_memory_holds(records, tmp_path):
    source, header = tmp_path / "huge.npz", io.BytesIO()
    huge = {"descr": "<f4", "fortran_order": False, "shape": (10**6, 10**6)}
    np.lib.format.write_array_header_1_0(header, huge)
    with zipfile.ZipFile(records / "oracle.npz") as whole, zipfile.ZipFile(source, "w") as archive:
        for name in whole.namelist():
            archive.writestr(name, header.getvalue() if name == "Wo.npy" else whole.read(name))
    with pytest.raises(MusicGanError, match=r"Expected an oracle's parameters.* its header says 4"):
        convert(DATASET, ConvertOptions(REP), tmp_path / "set", [str(source)])
    assert not list(tmp_path.glob("set*"))


def test_an_oracle_that_changes_while_it_is_converted(records, tmp_path, monkeypatch):
    source = shutil.copy(records / "oracle.npz", tmp_path / "oracle.npz")
    read = conversion.read_stats

    def change(*arguments):
        TokenOracle.draw(9, seed=8, embedding_size=3, hidden_size=4).write(source)
        return read(*arguments)

    monkeypatch.setattr(conversion, "read_stats", change)
    with few_sequences(12, 5), pytest.raises(RecordsError, match="has changed since"):
        convert(DATASET, ConvertOptions(REP), tmp_path / "set", [str(source)])
    assert not (tmp_path / "set").exists()


def test_token_sequences_both_ways():
    rep = TokenSequence(num_tokens=12, length=3)
    sequence = rep.decode({"tokens": np.array([11, 0, 7])}, qpm=60.0)
    assert [(a.time, a.text) for a in sequence.text_annotations] == [(0, "11"), (1, "0"), (2, "7")]
    assert sequence.total_time == 3.0 and not sequence.notes
    (example,) = rep.encode(sequence)
    assert example["tokens"].tolist() == [11, 0, 7] and example["tokens"].dtype == np.int32
    assert representations.from_manifest(representations.to_manifest(rep)) == rep


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["1", "2"], "other_length"),
        (["1", "12", "3"], "bad_tokens"),
        (["1", "C", "3"], "bad_tokens"),
        (["1", "1" * 5000, "3"], "bad_tokens"),  # more digits than Python's int reads
        (["1", "0" * 5000, "3"], "bad_tokens"),
    ],
)
def test_sequences_that_are_none(texts, reason):
    rep = TokenSequence(num_tokens=12, length=3)
    sequence = NoteSequence()
    for place, text in enumerate(texts):
        sequence.text_annotations.add(time=place, text=text)
    with pytest.raises(MusicGanError) as error:
        rep.encode(sequence)
    assert error.value.reason == reason and len(str(error.value)) < 200
    with pytest.raises(MusicGanError, match=r"within 0-11. Received: 3 to 12"):
        rep.decode({"tokens": np.array([3, 12])})


def test_a_token_of_thousands_of_digits_is_counted(tmp_path):
    rep = TokenSequence(num_tokens=12, length=3)
    with RecordWriter(tmp_path / "tokens.tfrecord") as writer:
        for number in range(7):
            sequence = rep.decode({"tokens": np.array([number, 0, 1])})
            sequence.id = str(number)
            sequence.notes.add(pitch=60, velocity=80, end_time=1.0)  # a file of music has some
            if number == 4:
                sequence.text_annotations[1].text = "1" * 5000
            writer.write(sequence)
    options = ConvertOptions(rep, split=(1.0, 0.0, 0.0))
    source = str(tmp_path / "tokens.tfrecord")
    convert(datasets.get("midi"), options, tmp_path / "set", [source])
    manifest = Manifest.read(tmp_path / "set")
    assert manifest.num_examples("train") == 6
    assert [(reason, drop.num_pieces) for reason, drop in manifest.drops.items()] == [
        ("bad_tokens", 1)
    ]
