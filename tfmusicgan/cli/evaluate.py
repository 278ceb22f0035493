"""Measures a run's samples beside the data: one table, and JSON.

tfmusicgan-evaluate --run=runs/chorales --records=tfrecords/bach_chorales
tfmusicgan-evaluate --run=runs/notes --records=tfrecords/notes --classifier=runs/classifier
"""

import pathlib
import sys

from tfmusicgan.cli.app import Command

COMMAND = Command(
    "tfmusicgan-evaluate",
    "prints the metrics of training data, held-out data, the untrained and the trained model, "
    "and how far training has moved them.",
    [
        "tfmusicgan-evaluate --run=runs/chorales --records=tfrecords/bach_chorales "
        "--output=runs/chorales/evaluation.json",
        "tfmusicgan-evaluate --run=runs/notes --records=tfrecords/notes "
        "--classifier=runs/classifier",
    ],
)
_RUN = COMMAND.string("run", None, "Folder written by tfmusicgan-train.")
_RECORDS = COMMAND.string("records", None, "Folder written by tfmusicgan-convert.")
_OUTPUT = COMMAND.string("output", None, "JSON file to write; by default none.")
_CHECKPOINT = COMMAND.string("checkpoint", "latest", "latest, best, ema, or a checkpoint's folder.")
_CLASSIFIER = COMMAND.string(
    "classifier", None, "Folder of a run of pitch_classifier, to measure generated notes by."
)
_NUM = COMMAND.integer("num_phrases", 1024, "Phrases or notes per row.", lower=2)
_SEED = COMMAND.integer("seed", 0, "Of the samples.", lower=0, upper=2**31 - 1)
_REQUIRE = COMMAND.boolean(
    "require_improvement", False, "Exit with 1 if the trained row is not nearer to the data."
)
_OVERWRITE = COMMAND.boolean("overwrite", False, "Replace --output if it is there.")


def _execute() -> int:
    COMMAND.require(_RUN, _RECORDS)
    from tfmusicgan.errors import MusicGanError, OutputExistsError

    output = pathlib.Path(_OUTPUT.value) if _OUTPUT.value else None
    if output and output.exists() and not _OVERWRITE.value:
        raise OutputExistsError(f"{output} is there. Name another --output, or pass --overwrite.")

    from tfmusicgan import evaluation
    from tfmusicgan.files import write_whole
    from tfmusicgan.training.run import Run

    result = evaluation.evaluate_run(
        Run.open(_RUN.value),
        _RECORDS.value,
        _CHECKPOINT.value,
        _NUM.value,
        _SEED.value,
        Run.open(_CLASSIFIER.value) if _CLASSIFIER.value else None,
    )
    for warning in result.warnings:
        print(f"{COMMAND.name}: {warning}", file=sys.stderr)
    print(result.table())
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        write_whole(output, result.to_json())
    if _REQUIRE.value and not result.improved():
        raise MusicGanError(
            "Expected the trained row nearer to the data than the untrained. Received distances "
            f"{result.distance(evaluation.TRAINED):.4f} and "
            f"{result.distance(evaluation.UNTRAINED):.4f}. Train for more steps."
        )
    return 0


main = COMMAND.entry_point(_execute)
