"""The reader: order as a function of (seed, step), layout of rows."""

import collections

import numpy as np
import pytest
import tensorflow as tf

from tests.records.pieces import GRID
from tfmusicgan.errors import RecordsError
from tfmusicgan.records import ordering
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.records.schema import bytes_to_example
from tfmusicgan.records.shard_file import read_shard


def _key(example):
    return np.packbits(example).tobytes()


def _stored(directory, split="train"):
    """The split's examples in file order, by the NumPy reader."""
    paths = sorted(directory.glob(f"{split}-*"))
    records = [record for path in paths for record in read_shard(path)]
    return [_key(bytes_to_example(record, GRID.spec)[0]["piano_roll"]) for record in records]


def _stream(records, num, **options):
    """The first examples of the endless stream."""
    batches = records.batches(1, **options).take(num)
    return [_key(batch["piano_roll"][0]) for batch in batches.as_numpy_iterator()]


def test_batches_have_the_representations_shapes(directory):
    records = RecordSet.open(directory)
    assert records.representation == GRID
    assert records.num_examples == len(_stored(directory)) == 40
    spec = records.batches(3).element_spec["piano_roll"]
    assert (spec.shape, spec.dtype) == ((3, 2, 8, 12, 3), tf.bool)
    spec = records.batches(3, examples_per_row=5).element_spec["piano_roll"]
    assert (spec.shape, spec.dtype) == ((3, 5, 2, 8, 12, 3), tf.bool)


@pytest.mark.parametrize("block_bytes", [ordering.BLOCK_BYTES, 3500, 1])
def test_every_epoch_has_every_example_once_in_another_order(directory, block_bytes):
    records = RecordSet.open(directory)
    stored = _stored(directory)
    stream = _stream(records, 3 * 40, seed=5, block_bytes=block_bytes)
    epochs = [stream[first : first + 40] for first in (0, 40, 80)]
    for epoch in epochs:
        assert collections.Counter(epoch) == collections.Counter(stored)
    assert len({tuple(epoch) for epoch in [*epochs, stored]}) == 4
    assert _stream(records, 40, seed=6, block_bytes=block_bytes) != epochs[0]


@pytest.mark.parametrize("block_bytes", [ordering.BLOCK_BYTES, 3500, 1])
@pytest.mark.parametrize("examples_per_row", [1, 3])
def test_a_batch_is_the_same_however_it_is_reached(directory, block_bytes, examples_per_row):
    records = RecordSet.open(directory)
    options = {"seed": 11, "block_bytes": block_bytes, "examples_per_row": examples_per_row}
    whole = [_key(b["piano_roll"]) for b in records.batches(7, **options).take(14)]
    assert len(set(whole)) == 14
    for step in (1, 5, 6, 13):
        batch = next(iter(records.batches(7, start_step=step, **options)))
        assert _key(batch["piano_roll"]) == whole[step]


def test_batches_are_cut_from_one_stream(directory):
    """Batch k holds examples k * B * R onwards; row r, update j is number r * R + j of them."""
    records = RecordSet.open(directory)
    stream = _stream(records, 2 * 4 * 3, seed=2)
    batches = records.batches(4, seed=2, examples_per_row=3).take(2).as_numpy_iterator()
    for k, batch in enumerate(batches):
        for r in range(4):
            for j in range(3):
                assert _key(batch["piano_roll"][r, j]) == stream[k * 12 + r * 3 + j]


def test_a_batch_may_be_larger_than_an_epoch(directory):
    records = RecordSet.open(directory)
    stream = _stream(records, 2 * 99, seed=1)
    batches = list(records.batches(33, seed=1, examples_per_row=3).take(2).as_numpy_iterator())
    assert [_key(x) for b in batches for row in b["piano_roll"] for x in row] == stream


def test_without_shuffling_the_order_is_that_of_the_files(directory):
    records = RecordSet.open(directory)
    stored = _stored(directory)
    assert _stream(records, 80, shuffle=False) == stored + stored
    once = list(records.batches(16, shuffle=False, repeat=False).as_numpy_iterator())
    assert [len(batch["piano_roll"]) for batch in once] == [16, 16, 8]
    assert [_key(x) for batch in once for x in batch["piano_roll"]] == stored
    rows = records.batches(8, shuffle=False, repeat=False, examples_per_row=2)
    assert len(list(rows)) == 2
    assert list(records.batches(16, repeat=False, start_step=3)) == []


def test_one_shuffled_epoch(directory):
    once = RecordSet.open(directory).batches(7, seed=3, repeat=False).as_numpy_iterator()
    keys = [_key(x) for batch in once for x in batch["piano_roll"]]
    assert keys == _stream(RecordSet.open(directory), 40, seed=3)


def test_examples_for_evaluation(directory):
    records = RecordSet.open(directory, "validation")
    stored = _stored(directory, "validation")
    batches = list(records.examples())
    assert [_key(x) for batch in batches for x in batch["piano_roll"]] == stored
    assert batches[0]["piano_roll"].dtype == bool
    limited = list(records.examples(limit=5))
    assert [_key(x) for batch in limited for x in batch["piano_roll"]] == stored[:5]


def test_no_dataset_is_tuned(directory, monkeypatch):
    """The iterator of one that is may wait up to a minute, when it goes, for a thread."""
    records, seen = RecordSet.open(directory), []
    iterate = tf.data.Dataset.as_numpy_iterator
    monkeypatch.setattr(
        tf.data.Dataset, "as_numpy_iterator", lambda self: seen.append(self) or iterate(self)
    )
    list(records.examples())
    for dataset in (*seen, records.batches(2), records.batches(2, num_groups=2)):
        assert dataset.options().autotune.enabled is False
    assert len(seen) == 1


def test_the_order_goes_through_blocks_as_documented(directory):
    """An independent, slow reading of the order: shards, blocks, permutations."""
    records = RecordSet.open(directory)
    shards = [_stored_shard(directory / shard.file) for shard in records.shards]
    per_block = 2
    sizes = sorted((s.num_unpacked_bytes for s in records.shards), reverse=True)
    block_bytes = sizes[0] + sizes[1]
    expected = []
    for epoch in range(2):
        order = ordering.permutation(4, ordering.fold_seed(9, 1, epoch)).numpy()
        for block in range(2):
            chosen = order[block * per_block : (block + 1) * per_block]
            members = [key for shard in chosen for key in shards[shard]]
            seed = ordering.fold_seed(9, 2, epoch, block)
            expected += [members[i] for i in ordering.permutation(len(members), seed).numpy()]
    assert _stream(records, 80, seed=9, block_bytes=block_bytes) == expected


def _stored_shard(path):
    records = read_shard(path)
    return [_key(bytes_to_example(record, GRID.spec)[0]["piano_roll"]) for record in records]


def test_permutations_are_permutations_and_differ():
    for size in (1, 2, 3, 17, 1000):
        order = ordering.permutation(size, ordering.fold_seed(3, size)).numpy()
        assert sorted(order) == list(range(size))
    orders = {
        tuple(ordering.permutation(30, ordering.fold_seed(seed, stream, epoch)).numpy())
        for seed in (0, 1, -1, 2**40)
        for stream in (1, 2)
        for epoch in (0, 1)
    }
    assert len(orders) == 16


def test_the_first_place_is_uniform():
    firsts = [
        ordering.permutation(8, ordering.fold_seed(seed, 1)).numpy()[0] for seed in range(800)
    ]
    counts = np.bincount(firsts, minlength=8)
    assert counts.sum() == 800 and np.abs(counts - 100).max() < 45  # 4.8 standard deviations


@pytest.mark.parametrize(
    ("sizes", "bound", "expected"),
    [((5, 5, 5), 10, 2), ((5, 5, 5), 9, 1), ((100,), 10, 1), ((1, 1, 8), 9, 2), ((3, 2), 99, 2)],
)
def test_shards_per_block(sizes, bound, expected):
    assert ordering.shards_per_block(sizes, bound) == expected


def test_start_step_reads_no_earlier_block(damaged):
    """With a block per shard, a damaged first shard is not seen by who starts behind it."""
    records = RecordSet.open(damaged)
    order = ordering.permutation(4, ordering.fold_seed(0, 1, 0)).numpy()
    first = damaged / records.shards[order[0]].file
    first.write_bytes(b"\0" * first.stat().st_size)
    behind = records.shards[order[0]].num_examples
    batches = records.batches(1, start_step=behind, repeat=False, block_bytes=1)
    assert len(list(batches)) == 40 - behind


@pytest.mark.parametrize(("batch_size", "per_row", "step"), [(0, 1, 0), (1, 0, 0), (1, 1, -1)])
def test_arguments_out_of_range(directory, batch_size, per_row, step):
    with pytest.raises(RecordsError, match=r"Expected batch_size and examples_per_row of at least"):
        RecordSet.open(directory).batches(batch_size, examples_per_row=per_row, start_step=step)
