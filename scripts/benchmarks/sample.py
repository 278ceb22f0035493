"""Samples per second of an exported model against the batch size.

  scripts/benchmarks/sample.py --model=serving/models/musegan_hybrid --batch_sizes=1,16,64,256

Each line is the fastest of `--repeats` timed stretches of the same calls that tfmusicgan-sample
makes (model and messages; writing left out), after one call to warm up.
"""

import time

from tfmusicgan.cli.app import Command

COMMAND = Command(
    "sample.py",
    "measures samples per second of an exported model against the batch size.",
    ("scripts/benchmarks/sample.py --model=serving/models/musegan_hybrid",),
)
MODEL = COMMAND.string("model", None, "Folder of an exported model or of one version.")
BATCH_SIZES = COMMAND.list("batch_sizes", ["1", "8", "16", "32", "64", "128"], "Batch sizes.")
SECONDS = COMMAND.float("seconds", 2.0, "Length of one stretch, in seconds.", lower=0.01)
REPEATS = COMMAND.integer("repeats", 3, "Stretches for each batch size.", lower=1)
SIGNATURE = COMMAND.string("signature", "serving_default", "Signature of the model to call.")
CONTROL = COMMAND.repeated("control", "name=value: an input of the signature beside the seed.")


def _execute() -> None:
    COMMAND.require(MODEL)
    from tfmusicgan import bulk_sampling
    from tfmusicgan.errors import ConfigError
    from tfmusicgan.serving.exported import find_export

    if not all(text.isdecimal() for text in BATCH_SIZES.value):
        raise ConfigError(f"Expected whole numbers. Received: --batch_sizes={BATCH_SIZES.value}.")
    export = find_export(MODEL.value)
    print(f"{export}, signature {SIGNATURE.value}\nbatch  samples/s  ms/batch")
    for batch_size in map(int, BATCH_SIZES.value):
        plan = bulk_sampling.make_plan(
            export,
            SIGNATURE.value,
            CONTROL.value,
            seed=1,
            num=2**32,
            batch_size=batch_size,
            shard_size=2**32,
            midi=False,
        )
        rates = [_rate(plan, str(export), SECONDS.value) for _ in range(REPEATS.value)]
        print(f"{batch_size:5d}  {max(rates):9.1f}  {1000 * batch_size / max(rates):8.2f}")


def _rate(plan, export: str, seconds: float) -> float:
    """Samples per second over at least `seconds`, after one call to warm up."""
    from tfmusicgan import bulk_sampling

    bulk_sampling.sample_rows(plan, export, range(plan.batch_size))
    started = time.perf_counter()
    done = 0
    while (elapsed := time.perf_counter() - started) < seconds:
        bulk_sampling.sample_rows(plan, export, range(done, done + plan.batch_size))
        done += plan.batch_size
    return done / elapsed


main = COMMAND.entry_point(_execute)

if __name__ == "__main__":
    main()
