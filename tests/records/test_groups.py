"""Groups of shards: what each worker of a cluster reads, and what one process reads of all."""

import collections
import dataclasses
import shutil

import numpy as np
import pytest

from tests.records.pieces import GRID
from tfmusicgan.errors import RecordsError
from tfmusicgan.records import checks, ordering
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.records.schema import bytes_to_example
from tfmusicgan.records.shard_file import read_shard


def _keys(rolls):
    return [np.packbits(roll).tobytes() for roll in rolls.reshape(-1, *rolls.shape[-4:])]


def _stored(records, index):
    examples = read_shard(records.directory / records.shards[index].file)
    rolls = [bytes_to_example(example, GRID.spec)[0]["piano_roll"] for example in examples]
    return [np.packbits(roll).tobytes() for roll in rolls]


def _dealt(records, num_groups):
    return ordering.deal(tuple(shard.num_examples for shard in records.shards), num_groups)


@pytest.mark.parametrize(
    ("counts", "num_groups", "expected"),
    [
        ((5, 1, 1, 3), 1, [[0, 1, 2, 3]]),
        ((5, 1, 1, 3), 2, [[0], [1, 2, 3]]),  # 5 | 3, 3+1, 3+1+1
        ((2, 9, 4, 4), 3, [[1], [0, 2], [3]]),  # 9 | 4 | 4, then 2 to the first of the fours
        ((7, 7), 2, [[0], [1]]),
    ],
)
def test_shards_are_dealt_evenly(counts, num_groups, expected):
    assert ordering.deal(counts, num_groups) == expected


@pytest.mark.parametrize("start_step", [0, 5])
@pytest.mark.parametrize("examples_per_row", [1, 3])
def test_workers_read_the_rows_of_one_process(directory, start_step, examples_per_row):
    records = RecordSet.open(directory)
    options = {"seed": 4, "examples_per_row": examples_per_row, "start_step": start_step}

    def read(**which):
        batches = records.batches(8, num_groups=4, **options, **which).take(12)
        return [batch["piano_roll"] for batch in batches.as_numpy_iterator()]

    whole = read()
    first, rest = read(groups=range(1)), read(groups=range(1, 4))
    for rolls, own, others in zip(whole, first, rest, strict=True):
        assert len(own) == 2 and len(others) == 6
        np.testing.assert_array_equal(rolls, np.concatenate([own, others]))


def test_a_group_repeats_its_own_examples_in_an_order_of_its_own(directory):
    records = RecordSet.open(directory)
    dealt = _dealt(records, 2)
    for group, indices in enumerate(dealt):
        held = [key for index in indices for key in _stored(records, index)]
        options = {"seed": 1, "num_groups": 2, "groups": range(group, group + 1)}
        batches = records.batches(2, **options).take(3 * len(held)).as_numpy_iterator()
        stream = [key for batch in batches for key in _keys(batch["piano_roll"])]
        for epoch in range(3):
            part = stream[epoch * len(held) : (epoch + 1) * len(held)]
            assert collections.Counter(part) == collections.Counter(held) and part != held
    table = records._tables(num_groups=2)
    orders = [ordering.shuffle_block(t, np.arange(50), 1, 0, 0).numpy() for t in table]
    assert (orders[0] != orders[1]).any()


def test_a_worker_opens_no_file_of_another(directory, tmp_path):
    directory = shutil.copytree(directory, tmp_path / "records")
    records = RecordSet.open(directory)
    mine, others = _dealt(records, 2)
    for index in others:
        (directory / records.shards[index].file).unlink()
    batches = records.batches(4, num_groups=2, groups=range(1)).take(30)
    read = [key for batch in batches.as_numpy_iterator() for key in _keys(batch["piano_roll"])]
    assert set(read) == {key for index in mine for key in _stored(records, index)}


def test_groups_that_do_not_fit(directory):
    records = RecordSet.open(directory)
    with pytest.raises(RecordsError, match=r"at least 5 shards .*Received: 4 .* --shards=5"):
        records.batches(10, num_groups=5)
    with pytest.raises(RecordsError, match=r"divides batch_size 9.*Received: 2"):
        records.batches(9, num_groups=2)
    with pytest.raises(RecordsError, match=r"repeat=True with 2 file groups"):
        records.batches(8, num_groups=2, repeat=False)
    for groups in (range(2, 3), range(0)):
        with pytest.raises(RecordsError, match=r"some of the file groups 0 to 1\. Received"):
            records.batches(8, num_groups=2, groups=groups)


def test_groups_of_uneven_sizes(directory):
    records = RecordSet.open(directory)
    shards = [dataclasses.replace(records.shards[0], num_examples=n) for n in (100, 40, 10)]
    checks.check_groups(directory, shards, 8, 2)  # 100 | 50
    with pytest.raises(RecordsError, match=r"2 groups of .* Received: 50 to 101 .*--shards=16"):
        shards[0] = dataclasses.replace(shards[0], num_examples=101)
        checks.check_groups(directory, shards, 8, 2)
