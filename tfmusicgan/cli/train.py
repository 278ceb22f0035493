"""Trains a recipe on TFRecords.

tfmusicgan-train --recipe=musegan_hybrid_chorales --preset=small \
        --records=tfrecords/bach_chorales --output=runs/chorales
"""

from tfmusicgan.cli.app import Command
from tfmusicgan.training.options import PRECISIONS, STRATEGIES, TrainingOptions

COMMAND = Command(
    "tfmusicgan-train",
    "trains a recipe on a folder of TFRecords; run again, it goes on where it was.",
    [
        "tfmusicgan-train --recipe=musegan_hybrid_chorales --preset=small "
        "--records=tfrecords/bach_chorales --output=runs/chorales",
        "tfmusicgan-train ... --set=training_steps=2000 --set=learning_rate=5e-4",
        "tensorboard --logdir=runs/chorales/logs",
    ],
)
_DEFAULTS = TrainingOptions()
_RECIPE = COMMAND.string("recipe", None, "Required. What to train; tfmusicgan-recipes lists them.")
_PRESET = COMMAND.string(
    "preset", "small", "The recipe's size: paper, small, or tiny, which is for tests."
)
_RECORDS = COMMAND.string("records", None, "Required. Folder written by tfmusicgan-convert.")
_OUTPUT = COMMAND.string("output", None, "Required. The run's folder, for checkpoints and logs.")
_SET = COMMAND.repeated(
    "set",
    "A hyperparameter as name=value; may be given several times. Names and values: "
    "tfmusicgan-recipes --describe=RECIPE --preset=PRESET.",
)
_SEED = COMMAND.integer("seed", 0, "Of weights, noise and data order.", lower=0, upper=2**31 - 1)
_OVERWRITE = COMMAND.boolean("overwrite", False, "Delete another run in --output first.")
_STRATEGY = COMMAND.enum(
    "strategy",
    _DEFAULTS.strategy,
    STRATEGIES,
    "Devices to train on. none: one GPU, or the CPU; mirrored: all GPUs of this machine; "
    "multi_worker: those of several processes, each started with its own TF_CONFIG in the "
    "environment, which names all of them.",
)
_GROUPS = COMMAND.integer(
    "file_groups",
    None,
    "For multi_worker: into how many groups the records' files are divided, a multiple of the "
    "workers; each reads its own groups only. Runs with as many groups train the same weights on "
    "any number of workers. By default the run's own number; of a new run, that of its workers.",
    lower=1,
)
_PRECISION = COMMAND.enum(
    "precision",
    PRECISIONS[0],
    PRECISIONS,
    "Arithmetic of the networks; weights are float32, or float64 for comparisons.",
)
_XLA = COMMAND.boolean(
    "xla",
    _DEFAULTS.jit_compile,
    "Compile with XLA; by default where a process trains on one GPU alone.",
)
_EPOCH = COMMAND.integer(
    "steps_per_epoch", _DEFAULTS.steps_per_epoch, "Training steps a line of progress.", lower=1
)
_EVERY = COMMAND.integer(
    "checkpoint_every",
    _DEFAULTS.checkpoint_every,
    "Training steps between checkpoints and measurements.",
    lower=1,
)
_LATEST = COMMAND.integer(
    "keep_latest", _DEFAULTS.keep_latest, "How many of the newest checkpoints to keep.", lower=1
)
_KEEP = COMMAND.integer(
    "keep_every",
    _DEFAULTS.keep_every,
    "Also keep checkpoints at multiples of this step; 0 for none.",
    lower=0,
)
_SHOW = COMMAND.integer(
    "show_every",
    _DEFAULTS.show_every,
    "Training steps between pictures and sounds for TensorBoard, and at the last step; 0 for none.",
    lower=0,
)
_SAMPLES = COMMAND.integer(
    "num_samples", _DEFAULTS.num_samples, "Phrases sampled for each measurement.", lower=2
)
_PATIENCE = COMMAND.integer(
    "collapse_patience",
    _DEFAULTS.collapse_patience,
    "Stop when this many measurements in a row find nothing but empty or equal samples, after there"
    " was music or in the second half of the steps; 0 never.",
    lower=0,
)
_PROFILE = COMMAND.list(
    "profile",
    _DEFAULTS.profile_steps,
    "Exactly two numbers, FIRST,LAST, as in 20,30: the training steps to profile for TensorBoard, "
    "counted from 1 where this command starts or goes on.",
)


def _execute() -> None:
    COMMAND.require(_RECIPE, _RECORDS, _OUTPUT)
    from tfmusicgan import recipes

    recipe = recipes.get(_RECIPE.value)
    recipe.preset(_PRESET.value)
    profile = _profile_steps(_PROFILE.value)

    from tfmusicgan.training import fit, strategy

    strategy.prepare_devices(_PRECISION.value)
    options = TrainingOptions(
        steps_per_epoch=_EPOCH.value,
        checkpoint_every=_EVERY.value,
        keep_latest=_LATEST.value,
        keep_every=_KEEP.value,
        show_every=_SHOW.value,
        collapse_patience=_PATIENCE.value,
        num_samples=_SAMPLES.value,
        strategy=_STRATEGY.value,
        jit_compile=_XLA.value,
        profile_steps=profile,
    )
    run = fit.train(
        recipe,
        _PRESET.value,
        _RECORDS.value,
        _OUTPUT.value,
        _SET.value,
        _SEED.value,
        _OVERWRITE.value,
        options,
        _GROUPS.value,
    )
    last = run.store().latest()
    print(f"Trained {recipe.name} ({_PRESET.value}) for {last.step} steps: {last.path}")


def _profile_steps(texts: list[str] | None) -> tuple[int, int] | None:
    from tfmusicgan.errors import ConfigError

    if texts is None:
        return None
    try:
        first, last = (int(text) for text in texts)
    except ValueError:
        first, last = 0, 0
    if not 1 <= first <= last:
        raise ConfigError(
            "Expected --profile=FIRST,LAST, two steps from 1 on. Received: "
            f"--profile={','.join(texts)}."
        )
    return first, last


main = COMMAND.entry_point(_execute)
