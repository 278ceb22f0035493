"""What a training step costs: inside the graph, outside it, and against the machine's limit.

    python scripts/benchmarks/training_step.py --records=tfrecords/bach_chorales-small

Prints, from one process: seconds per step inside the graph (the compiled step on a batch that stays
where it is), seconds per step under `fit` with the reader and callbacks of a real run, the share
outside the graph (promised: under 5 %), examples a second that the step consumes and the reader
delivers (promised: 3 times as many), and FLOP/s beside those of a large matrix product.
"""

import argparse
import os
import pathlib
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf

from tfmusicgan import recipes, representations
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.training import strategy, watching
from tfmusicgan.training.options import TrainingOptions
from tfmusicgan.training.run import Run

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from gpu_check.flops import graph_flops


def main() -> None:
    """Parses flags, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", required=True, help="folder of a record set")
    parser.add_argument("--recipe", default="musegan_hybrid_chorales", help="recipe")
    parser.add_argument("--preset", default="small", help="preset of the records")
    parser.add_argument("--steps", type=int, default=60, help="steps to time")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the fastest counts")
    flags = parser.parse_args()
    strategy.prepare_devices()
    records = RecordSet.open(flags.records)
    recipe = recipes.get(flags.recipe)
    with tempfile.TemporaryDirectory() as folder:
        entry = representations.to_manifest(records.representation)
        run = Run.plan(pathlib.Path(folder), recipe, flags.preset, (), {}, entry, seed=0)
        model = run.build_model()
        model.compile(jit_compile=strategy.use_xla())
        measure(model, run, records, flags.steps, flags.rounds)


def measure(model, run: Run, records: RecordSet, steps: int, rounds: int) -> None:
    """Times the step, `fit` and the reader, alternating, and prints the fastest of each."""
    config = model.model_config
    examples = config.batch_size * model.examples_per_row
    batches = records.batches(config.batch_size, seed=0, examples_per_row=model.examples_per_row)
    batch = next(iter(batches))
    step = tf.function(model.train_step, jit_compile=strategy.use_xla())
    step(batch)
    flops = graph_flops(step.get_concrete_function(batch))
    options = TrainingOptions(steps_per_epoch=steps, checkpoint_every=10**9, collapse_patience=0)
    callbacks, _ = watching.make_callbacks(model, run, records, options)
    model.fit(batches, steps_per_epoch=2, callbacks=callbacks, shuffle=False, verbose=0)
    inside, whole, reading, product = [], [], [], []
    for _ in range(rounds):
        inside.append(seconds_per(lambda: step(batch), steps))
        clock = StepClock()
        watched = [*callbacks, clock]
        model.fit(batches, steps_per_epoch=steps, callbacks=watched, shuffle=False, verbose=0)
        whole.append(clock.seconds_per_step())
        source = iter(batches)
        next(source)
        reading.append(seconds_per(lambda source=source: next(source), steps))
        product.append(product_flops())
    graph, fitted = min(inside), min(whole)
    print(f"inside the graph: {graph * 1e3:.1f} ms a step, under fit: {fitted * 1e3:.1f} ms")
    print(f"outside the graph: {(fitted - graph) / fitted:.1%} of a step")
    print(
        f"examples a second: {examples / fitted:.0f} consumed, {examples / min(reading):.0f} read: "
        f"{fitted / min(reading):.1f} times"
    )
    rate = flops / graph / 1e9
    print(
        f"products and convolutions: {flops / 1e9:.1f} GFLOP a step, {rate:.0f} GFLOP/s, "
        f"{rate * 1e9 / max(product):.0%} of a 2048 x 2048 product's {max(product) / 1e9:.0f}"
    )


class StepClock(keras.callbacks.Callback):
    """Times the steps of one epoch, without the start that a run has once."""

    def __init__(self):
        super().__init__()
        self.ends: list[float] = []

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Notes the time."""
        self.ends.append(time.perf_counter())

    def seconds_per_step(self) -> float:
        """Mean time from the end of one step to the end of the next."""
        return (self.ends[-1] - self.ends[0]) / (len(self.ends) - 1)


def seconds_per(call, count: int) -> float:
    """Seconds of one call, averaged over `count`."""
    begin = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - begin) / count


def product_flops() -> float:
    """FLOP/s of a large float32 matrix product."""
    a = tf.random.stateless_normal((2048, 2048), (1, 2))
    multiply = tf.function(lambda: tf.matmul(a, a))
    multiply()
    return 2 * 2048**3 / seconds_per(multiply, 10)


if __name__ == "__main__":
    main()
