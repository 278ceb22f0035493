"""Reads a finished record set: batches for training in a resumable order, arrays for evaluation.

records = RecordSet.open("tfrecords/bach_chorales", split="train")
for batch in records.batches(batch_size=16, seed=0, start_step=1000):
    batch["piano_roll"]    # bool [16, bars, steps, pitches, tracks]
"""

import contextlib
import dataclasses
import functools
import pathlib
from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
import tensorflow as tf

from tfmusicgan import representations
from tfmusicgan.errors import RecordsError
from tfmusicgan.records import checks, ordering
from tfmusicgan.records.manifest import SPLITS, Manifest, Shard
from tfmusicgan.records.parsing import parse_batch
from tfmusicgan.records.stream import MISCOUNTED, examples, side_by_side, untuned
from tfmusicgan.representations.base import Representation

_EVALUATION_BATCH = 256
# Enough to hide the parsing of one.
_BATCHES_AHEAD = 2
# With those ahead up to six batches in memory; a paper-sized one of six updates is 62 MB.
_PARALLEL_PARSES = 4


@dataclasses.dataclass(frozen=True)
class RecordSet:
    """One split of a record set on disk. Made by `RecordSet.open`.

    Attributes:
      directory: The record set's folder.
      split: `"train"`, `"validation"` or `"test"`.
      manifest: What the set holds and how it was made.
      representation: The representation that wrote it.
    """

    directory: pathlib.Path
    split: str
    manifest: Manifest
    representation: Representation

    @classmethod
    def open(cls, directory: str | pathlib.Path, split: str = "train") -> Self:
        """Opens a split and checks that its files are whole.

        Raises:
          RecordsError: If there is no finished set, its format version or representation is
            another, a shard is missing or has another size, or the split is unknown or empty.
          ConfigError: If the representation is unknown.
        """
        directory = pathlib.Path(directory)
        manifest = Manifest.read(directory)
        if split not in SPLITS:
            raise RecordsError(f"Expected a split among {', '.join(SPLITS)}. Received: {split!r}.")
        if manifest.num_examples(split) == 0:
            held = [name for name in SPLITS if manifest.num_examples(name)]
            raise RecordsError(
                f"Split {split!r} of {directory} is empty; it has {', '.join(held)}. Convert more "
                "pieces, or give tfmusicgan-convert other --split fractions."
            )
        representation = representations.from_manifest(manifest.representation)
        checks.check_fields(directory, manifest, representation)
        for shard in manifest.shards[split]:
            checks.check_size(directory / shard.file, shard)
        return cls(directory, split, manifest, representation)

    @property
    def shards(self) -> tuple[Shard, ...]:
        """The split's shards, in file order."""
        return self.manifest.shards[self.split]

    @property
    def num_examples(self) -> int:
        """Number of examples in one epoch of this split."""
        return self.manifest.num_examples(self.split)

    def expect(self, representation: Representation) -> None:
        """Checks that the set was written with a representation.

        Raises:
          RecordsError: If it was written with another one, or with other parameters.
        """
        expected = representations.to_manifest(representation)
        came = dict(self.manifest.representation)
        if expected != came:
            difference = checks.difference(expected, came)
            raise RecordsError(
                f"Records at {self.directory}: expected {difference}. Convert the data again with "
                "the same recipe and preset, or change them to match."
            )

    # AutoGraph would rewrite the functions that training maps, for seconds and to no end.
    @tf.autograph.experimental.do_not_convert
    def batches(
        self,
        batch_size: int,
        seed: int = 0,
        start_step: int = 0,
        examples_per_row: int = 1,
        repeat: bool = True,
        shuffle: bool = True,
        block_bytes: int = ordering.BLOCK_BYTES,
        num_groups: int = 1,
        groups: range | None = None,
    ) -> tf.data.Dataset:
        """Batches in an order that is a pure function of (seed, step, num_groups).

        With R = examples_per_row, batch k holds examples k * batch_size * R onwards of an endless
        stream of epochs; row r, update j of it is example k * batch_size * R + r * R + j. Batch k
        is the same whether reached by iteration or by `start_step=k`, which reads nothing before
        the block it starts in.

        With G = num_groups above 1 the shards are dealt to G groups, each with an endless stream of
        its own; a batch is `batch_size / G` rows of the first group, then as many of the second,
        and so on. A worker that takes some of the groups gets their rows of the same batches, and
        opens no file of another group.

        Args:
          batch_size: Rows of a batch of all groups, at least 1.
          seed: Decides the order. The same seed gives the same order on every machine.
          start_step: Number of the first batch.
          examples_per_row: Examples side by side in each row, e.g. one for each update of a step.
          repeat: Whether the stream is endless. Otherwise it ends after one epoch; the last batch
            is then smaller where `batch_size` does not divide the epoch (left out if
            `examples_per_row` is above 1).
          shuffle: Whether epochs are shuffled; otherwise each has the order of the files.
          block_bytes: Bound on what is shuffled at once, in bytes before compression.
          num_groups: Groups of shards, a divisor of batch_size; above 1 with `repeat` alone. Each
            has as many examples as any other, but for a shard: a smaller one repeats sooner.
          groups: Which of them to read; all by default.

        Returns:
          Dataset of field name -> [rows, *shape], or [rows, examples_per_row, *shape] if
          examples_per_row is above 1; the rows are batch_size * len(groups) / num_groups.

        Raises:
          RecordsError: If an argument is out of range, or there are fewer shards than groups.
        """
        checks.check_sizes(batch_size, examples_per_row, start_step)
        checks.check_groups(self.directory, self.shards, batch_size, num_groups)
        groups = range(num_groups) if groups is None else groups
        checks.check_choice(groups, num_groups, repeat)
        num = batch_size // num_groups * examples_per_row
        whole = repeat or examples_per_row > 1
        tables = self._tables(block_bytes, num_groups)
        stream = side_by_side(
            [
                examples(tables[group], seed, start_step * num, repeat, shuffle).batch(num, whole)
                for group in groups
            ]
        )
        spec = self.representation.spec

        def parse(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
            batch = parse_batch(serialized, spec)
            if examples_per_row == 1:
                return batch
            rows = (num * len(groups) // examples_per_row, examples_per_row)
            return {name: tf.reshape(x, [*rows, *x.shape[1:]]) for name, x in batch.items()}

        parsed = stream.map(parse, num_parallel_calls=_PARALLEL_PARSES)
        return untuned(parsed.prefetch(_BATCHES_AHEAD))

    def examples(self, limit: int | None = None) -> Iterator[dict[str, np.ndarray]]:
        """Yields the split once in file order, as NumPy batches.

        Args:
          limit: Number of examples to stop after; all by default.

        Yields:
          Field name -> [at most 256, *shape].

        Raises:
          RecordsError: If a shard is damaged.
        """
        (table,) = self._tables()
        dataset = examples(table, 0, 0, repeat=False, shuffle=False)
        if limit is not None:
            dataset = dataset.take(limit)
        parse = functools.partial(parse_batch, spec=self.representation.spec)
        with self.plain_errors():
            batches = dataset.batch(_EVALUATION_BATCH).map(parse)
            yield from untuned(batches).as_numpy_iterator()

    def spread(self, limit: int) -> dict[str, np.ndarray]:
        """Examples at even distances over the split, since neighbours overlap.

        Args:
          limit: How many at most.

        Returns:
          Field name -> [n, *shape], n the smaller of `limit` and `num_examples`.

        Raises:
          RecordsError: If a shard is damaged.
        """
        wanted = spread_places(self.num_examples, limit)
        parts, first = [], 0
        for batch in self.examples():
            size = len(next(iter(batch.values())))
            inside = wanted[(wanted >= first) & (wanted < first + size)] - first
            parts.append({name: values[inside] for name, values in batch.items()})
            first += size
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def whole(self, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Some fields of all examples, in file order.

        Args:
          names: The fields' names; without any, nothing is read.

        Returns:
          Field name -> [num_examples, *shape].

        Raises:
          RecordsError: If a shard is damaged.
        """
        if not names:
            return {}
        parts = [{name: batch[name] for name in names} for batch in self.examples()]
        return {name: np.concatenate([part[name] for part in parts]) for name in names}

    def verify(self) -> None:
        """Compares every shard of the split with its digest in the manifest.

        Raises:
          RecordsError: If one differs.
        """
        for shard in self.shards:
            checks.check_digest(self.directory / shard.file, shard)

    @contextlib.contextmanager
    def plain_errors(self) -> Iterator[None]:
        """Turns TensorFlow's errors about damaged records into one line that names the shard.

        Raises:
          RecordsError: If the block raised an error about records, or any TensorFlow error about
            arguments or files while a shard differs from its digest.
        """
        try:
            yield
        except tf.errors.DataLossError as error:
            self.verify()
            raise self._unreadable(error.message.splitlines()[0]) from None
        except (tf.errors.InvalidArgumentError, tf.errors.NotFoundError) as error:
            self.verify()
            if MISCOUNTED in error.message:
                raise self._unreadable(MISCOUNTED) from None
            raise

    def _unreadable(self, detail: str) -> RecordsError:
        return RecordsError(
            f"Records at {self.directory} cannot be read: {detail}. Convert the data again."
        )

    def _tables(
        self, block_bytes: int = ordering.BLOCK_BYTES, num_groups: int = 1
    ) -> list[ordering.ShardTable]:
        """The shards of each group; a group's blocks are the smaller, the more groups there are."""
        shards = [shard for shard in self.shards if shard.num_examples]
        dealt = ordering.deal(tuple(shard.num_examples for shard in shards), num_groups)
        tables = []
        for group, indices in enumerate(dealt):
            own = [shards[index] for index in indices]
            sizes = tuple(shard.num_unpacked_bytes for shard in own)
            tables.append(
                ordering.ShardTable(
                    paths=tuple(str(self.directory / shard.file) for shard in own),
                    counts=tuple(shard.num_examples for shard in own),
                    shards_per_block=ordering.shards_per_block(sizes, block_bytes // num_groups),
                    group=group,
                )
            )
        return tables


def spread_places(count: int, limit: int) -> np.ndarray:
    """Places at even distances among `count`, the first and the last among them.

    Args:
      count: Of all, at least 1.
      limit: How many are wanted at most.

    Returns:
      int64 [the smaller of both], in order.
    """
    return np.linspace(0, count - 1, min(limit, count)).astype(np.int64)
