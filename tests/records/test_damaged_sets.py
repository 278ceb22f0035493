"""Record sets that are damaged, missing, or of another kind: said plainly."""

import dataclasses
import gzip
import json

import pytest

from tests.records.pieces import GRID
from tfmusicgan import representations
from tfmusicgan.errors import ConfigError, RecordsError
from tfmusicgan.records.manifest import Manifest
from tfmusicgan.records.reader import RecordSet


def test_what_is_no_record_set_is_said_plainly(tmp_path):
    with pytest.raises(
        RecordsError, match=r"at .*nowhere. Received: nothing there. Write one with"
    ):
        RecordSet.open(tmp_path / "nowhere")
    with pytest.raises(RecordsError, match=r"Received: a folder without one"):
        RecordSet.open(tmp_path)


def test_unknown_and_empty_splits(directory, tmp_path):
    with pytest.raises(RecordsError, match=r"split among train, validation, test. Received: 'val'"):
        RecordSet.open(directory, "val")
    _change(directory, tmp_path, lambda content: content["shards"].update(test=[]))
    with pytest.raises(
        RecordsError, match=r"Split 'test' of .* is empty; it has train, validation"
    ):
        RecordSet.open(tmp_path, "test")


def _change(directory, target, change):
    content = json.loads((directory / "manifest.json").read_text())
    change(content)
    (target / "manifest.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda c: c.update(format_version=2),
            RecordsError,
            r"expected records of format version 1. Received: 2. Convert the data again",
        ),
        (lambda c: c.update(format="x"), RecordsError, r"is not a manifest of the suite"),
        (lambda c: c.pop("drops"), RecordsError, r"is damaged: KeyError\('drops'\)"),
        (lambda c: c.update(lost=5), RecordsError, r"is damaged: AttributeError"),
        (lambda c: c.update(lost={"words": "5"}), RecordsError, r"is damaged: KeyError\('lost'\)"),
        (lambda c: c["shards"].pop("test"), RecordsError, r"is damaged: KeyError\('shards'\)"),
        (
            lambda c: c["representation"].update(parameters=[1]),
            RecordsError,
            r"Expected a representation entry with name, version and parameters. Received: \{",
        ),
        (
            lambda c: c.update(representation="piano_roll"),
            RecordsError,
            r"parameters. Received: 'piano_roll'. Convert the music again",
        ),
        (
            lambda c: c["shards"]["train"][0].pop("sha256"),
            RecordsError,
            r"is damaged: TypeError",
        ),
        (
            lambda c: c["representation"].update(version=99),
            RecordsError,
            r"Expected version 1 of representation",
        ),
        (
            lambda c: c["representation"].update(name="specgram"),
            ConfigError,
            r"Unknown representation 'specgram'",
        ),
    ],
)
def test_manifests_of_something_else(damaged, change, error, message):
    _change(damaged, damaged, change)
    with pytest.raises(error, match=message):
        RecordSet.open(damaged)


def test_a_manifest_that_is_no_json(damaged):
    (damaged / "manifest.json").write_text('{"format": ')
    with pytest.raises(RecordsError, match=r"manifest.json is not a manifest: Expecting value"):
        RecordSet.open(damaged)
    (damaged / "manifest.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(
        RecordsError, match=r"manifest.json is not a manifest: .*codec can't decode"
    ):
        RecordSet.open(damaged)


def test_missing_and_truncated_shards(damaged):
    shard = sorted(damaged.glob("train-*"))[1]
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-20])
    with pytest.raises(RecordsError, match=rf"{shard.name}: expected {len(whole)} bytes. Received"):
        RecordSet.open(damaged)
    shard.unlink()
    with pytest.raises(RecordsError, match=rf"{shard.name} is missing. Convert the data again"):
        RecordSet.open(damaged)


def test_a_damaged_record_is_told_with_its_shard(damaged):
    shard = sorted(damaged.glob("train-*"))[2]
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 255
    shard.write_bytes(bytes(data))
    records = RecordSet.open(damaged)
    with pytest.raises(RecordsError, match=rf"{shard.name} is damaged: its SHA-256 is not the"):
        list(records.examples())
    with pytest.raises(RecordsError, match=rf"{shard.name} is damaged"), records.plain_errors():
        list(records.batches(4, repeat=False))
    with pytest.raises(RecordsError, match=rf"{shard.name} is damaged"):
        records.verify()


def test_a_damaged_record_under_a_valid_digest(damaged):
    """A set whose manifest was made for the damaged file: only TensorFlow notices."""
    from tfmusicgan.records.shard_file import file_digest

    shard = sorted(damaged.glob("train-*"))[0]
    data = bytearray(gzip.decompress(shard.read_bytes()))
    data[20] ^= 1
    shard.write_bytes(gzip.compress(bytes(data), mtime=0))

    def trust(content):
        entry = content["shards"]["train"][0]
        entry.update(num_bytes=shard.stat().st_size, sha256=file_digest(shard))

    _change(damaged, damaged, trust)
    with pytest.raises(RecordsError, match=r"cannot be read: .*corrupted record"):
        list(RecordSet.open(damaged).examples())


def test_another_number_of_records_than_the_manifest_says(damaged):
    def miscount(content):
        content["shards"]["train"][0]["num_examples"] -= 1

    _change(damaged, damaged, miscount)
    with pytest.raises(RecordsError, match=r"cannot be read: a shard has another number of"):
        list(RecordSet.open(damaged).examples())


def test_records_of_another_representation(directory):
    records = RecordSet.open(directory)
    records.expect(GRID)
    with pytest.raises(RecordsError, match=r"expected bars=4. Received: 2. Convert the data again"):
        records.expect(dataclasses.replace(GRID, bars=4))


@pytest.mark.parametrize(("key", "value"), [("name", "specgram"), ("version", 2)])
def test_records_of_another_kind(directory, monkeypatch, key, value):
    records = RecordSet.open(directory)
    changed = {**representations.to_manifest(GRID), key: value}
    monkeypatch.setattr(representations, "to_manifest", lambda representation: changed)
    with pytest.raises(RecordsError, match=rf"expected representation {key} {value!r}. Received"):
        records.expect(GRID)


def test_manifest_round_trip(directory):
    manifest = Manifest.read(directory)
    assert Manifest.from_json(manifest.to_json(), directory) == manifest
    assert manifest.to_json() == (directory / "manifest.json").read_text()
