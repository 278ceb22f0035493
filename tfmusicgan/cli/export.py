"""Exports a run's checkpoint as a SavedModel for TensorFlow Serving.

tfmusicgan-export --run=runs/chorales --output=serving/models
"""

from tfmusicgan.cli.app import Command
from tfmusicgan.serving.versions import MAX_VERSION

COMMAND = Command(
    "tfmusicgan-export",
    "exports a run's checkpoint as a SavedModel for TensorFlow Serving.",
    ["tfmusicgan-export --run=runs/chorales --output=serving/models --name=chorales"],
)
_RUN = COMMAND.string("run", None, "Folder written by tfmusicgan-train.")
_OUTPUT = COMMAND.string("output", None, "The model root: NAME/VERSION appears below it.")
_NAME = COMMAND.string("name", None, "The model's name in requests; by default the recipe's.")
_VERSION = COMMAND.integer(
    "model_version",
    None,
    "Version folder; by default one more than the highest.",
    0,
    MAX_VERSION,
)
_CHECKPOINT = COMMAND.string(
    "checkpoint",
    "latest",
    "latest, best (nearest to the data by its metrics), ema (averaged weights), or a "
    "checkpoint's folder.",
)
_OVERWRITE = COMMAND.boolean("overwrite", False, "Replace --model_version if it is there.")


def _execute() -> None:
    COMMAND.require(_RUN, _OUTPUT)
    from tfmusicgan.serving import export
    from tfmusicgan.training.run import Run

    folder = export.export_run(
        Run.open(_RUN.value),
        _OUTPUT.value,
        _NAME.value,
        _VERSION.value,
        _CHECKPOINT.value,
        _OVERWRITE.value,
    )
    print(f"Exported: {folder}")


main = COMMAND.entry_point(_execute)
