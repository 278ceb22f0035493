"""How many examples a second the reader of a record set delivers, and how soon the first comes.

    python scripts/benchmarks/reader.py --records=tfrecords/bach_chorales
    python scripts/benchmarks/reader.py --preset=paper --num_examples=20000

Without --records a set of random phrases in the shapes of a preset is written first, as dense as
music is (one cell in forty). Batches are taken as a training step takes them: examples of several
updates side by side. The suite promises at least 3 times what the training step consumes; give its
examples a second as --consumed to have the ratio printed.
"""

import argparse
import os
import pathlib
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from tfmusicgan import datasets, recipes, representations
from tfmusicgan.records.convert_shard import ShardStats
from tfmusicgan.records.manifest import MANIFEST_NAME
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.records.plan import Plan, ShardTask
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.records.schema import Origin, example_to_bytes
from tfmusicgan.records.shard_file import ShardWriter, file_digest
from tfmusicgan.records.summary import make_manifest

_RECIPE = "musegan_hybrid"
_DENSITY = 1 / 40


def main() -> None:
    """Parses flags, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", help="folder of a record set; else random phrases")
    parser.add_argument("--preset", default="paper", help=f"preset of {_RECIPE} for random phrases")
    parser.add_argument("--num_examples", type=int, default=8192, help="random phrases to write")
    parser.add_argument("--batch_size", type=int, default=64, help="rows of a batch")
    parser.add_argument("--examples_per_row", type=int, default=6, help="updates of a step")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to measure")
    parser.add_argument("--consumed", type=float, help="examples a second of the training step")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        directory = flags.records or write_random(
            pathlib.Path(folder), flags.preset, flags.num_examples
        )
        records = RecordSet.open(directory)
        measure(records, flags.batch_size, flags.examples_per_row, flags.seconds, flags.consumed)


def measure(
    records: RecordSet, batch_size: int, per_row: int, seconds: float, consumed: float | None
) -> None:
    """Takes batches for some seconds and prints the rate."""
    spec = {name: list(field.shape) for name, field in records.representation.spec.items()}
    print(f"{records.num_examples} examples of {spec}, batches of {batch_size} x {per_row}")
    begin = time.perf_counter()
    batches = iter(records.batches(batch_size, seed=0, examples_per_row=per_row))
    next(batches)
    print(f"first batch after {time.perf_counter() - begin:.2f} s")
    begin, num, slowest = time.perf_counter(), 0, 0.0
    while (passed := time.perf_counter() - begin) < seconds:
        before = time.perf_counter()
        next(batches)
        slowest = max(slowest, time.perf_counter() - before)
        num += batch_size * per_row
    print(f"{num / passed:.0f} examples a second, slowest batch after {slowest:.3f} s")
    if consumed:
        print(f"{num / passed / consumed:.1f} times what is consumed; promised: 3")


def write_random(folder: pathlib.Path, preset: str, num_examples: int) -> pathlib.Path:
    """Writes a record set of random phrases in 8 shards; returns its folder."""
    recipe = recipes.get(_RECIPE)
    parameters = dict(recipe.preset(preset).representation)
    representation = representations.get(recipe.representation).from_parameters(parameters)
    options = ConvertOptions(representation, split=(1.0, 0.0, 0.0))
    random = np.random.default_rng(0)
    spec = representation.spec
    tasks, stats = [], []
    for shard in range(8):
        file = f"train-{shard:05d}-of-00008.tfrecord.gz"
        with ShardWriter(folder / file) as writer:
            for index in range(shard, num_examples, 8):
                example = {
                    name: random.random(field.shape, np.float32) < _DENSITY
                    for name, field in spec.items()
                }
                writer.write(example_to_bytes(example, spec, Origin("random", 0, index)))
        tasks.append(ShardTask("train", file, (), options.to_json()))
        stats.append(
            ShardStats(
                file,
                num_examples=writer.num_examples,
                num_bytes=(folder / file).stat().st_size,
                num_unpacked_bytes=writer.num_unpacked_bytes,
                sha256=file_digest(folder / file),
            )
        )
    plan = Plan(tuple(tasks), 0, (), options.to_json())
    manifest = make_manifest(datasets.get("midi"), options, plan, stats)
    (folder / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
    return folder


if __name__ == "__main__":
    main()
