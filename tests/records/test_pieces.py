"""Which piece each example is of, beside the examples themselves."""

import shutil

import numpy as np
import pytest

from tfmusicgan.errors import RecordsError
from tfmusicgan.records.pieces import spread_pieces
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.records.schema import bytes_to_example
from tfmusicgan.records.shard_file import read_shard

RECIPE = "musegan_hybrid_chorales"


def test_pieces_of_the_spread_examples(tiny_records):
    records = RecordSet.open(tiny_records[RECIPE])
    spec = records.representation.spec
    read = [
        bytes_to_example(serialized, spec)
        for shard in records.shards
        for serialized in read_shard(records.directory / shard.file)
    ]
    numbers = [origin.source_index for _, origin in read]
    assert spread_pieces(records, records.num_examples).tolist() == numbers
    assert len(set(numbers)) > 5
    # The same places as the examples'.
    chosen = records.spread(7)["piano_roll"]
    found = spread_pieces(records, 7)
    for roll, number in zip(chosen, found, strict=True):
        same = [np.array_equal(roll, example["piano_roll"]) for example, _ in read]
        assert number in np.array(numbers)[same]


def test_damage_is_one_line(tiny_records, tmp_path):
    folder = shutil.copytree(tiny_records[RECIPE], tmp_path / "records")
    records = RecordSet.open(folder)
    path = folder / records.shards[0].file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(RecordsError, match=path.name):
        spread_pieces(records, 3)
