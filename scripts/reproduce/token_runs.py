"""A run of token sequences and its records, for the programs of this folder."""

import pathlib

from tfmusicgan import representations
from tfmusicgan.errors import ConfigError, RecordsError
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.training.checkpoints import CheckpointInfo
from tfmusicgan.training.run import Run


def load(
    folder: pathlib.Path, records: pathlib.Path, checkpoint: str
) -> tuple[MusicGAN, CheckpointInfo, RecordSet]:
    """Loads a run's model, and opens the training split of its records.

    Args:
      folder: The run's folder.
      records: The record set's folder.
      checkpoint: `latest`, `best`, `ema`, or a checkpoint folder's path.

    Raises:
      CheckpointError: If there is no such run or checkpoint.
      ConfigError: If it is a run of something else than token sequences.
      RecordsError: If the records are damaged, or others than those of the run.
    """
    run = Run.open(folder)
    representation = representations.from_manifest(run.settings["representation"])
    if "tokens" not in representation.spec:
        raise ConfigError(
            "Expected a run of token sequences, e.g. of seqgan_oracle. Received: one of "
            f"{run.recipe.name} at {folder}."
        )
    train = RecordSet.open(records, "train")
    train.expect(representation)
    sources, number = dict(train.manifest.sources), train.num_examples
    trained = run.settings["records"]
    # Others of the same vocabulary give wrong figures: of sequences the model has not learnt from,
    # or under an oracle that did not write them.
    if (trained.get("sources"), trained.get("num_examples")) != (sources, number):
        raise RecordsError(
            f"Expected the records that the run at {folder} was trained on. Received: others, at "
            f"{records}. Name the --records of its training."
        )
    model, info = run.load_model(checkpoint)
    return model, info, train
