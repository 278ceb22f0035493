"""The four commands that are killed, each on the uninterrupted output of the one before it."""

import dataclasses
import pathlib
from collections.abc import Sequence

_MODEL = "chorales"
_TRAINING = (
    "--checkpoint_every=2",
    "--collapse_patience=0",  # so few steps of a toy model make no music
    "--seed=5",
    # What training draws at random beside the latents and the order of the data.
    "--set=critic_dropout=0.25",
    "--set=max_transposition_semitones=3",
)


@dataclasses.dataclass(frozen=True)
class Job:
    """A command, and how to read what it leaves.

    Attributes:
      name: For the table.
      command: Module in `tfmusicgan.cli`, and flags but `--output`.
      output: Below the folder of a run: the value of `--output`.
      result: Below the folder of a run: what appears when all is done, after which the command
        refuses to replace it; empty where the same command may always be given again.
      half_written: Glob, below the folder of a run, of what has not got its final name yet.
      ignored: Pattern of paths that differ between any two runs.
    """

    name: str
    command: tuple[str, ...]
    output: str
    result: str
    half_written: str
    ignored: str = ""

    def command_in(self, folder: pathlib.Path) -> list[str]:
        """The command of a run in this folder."""
        return [*self.command, f"--output={folder / self.output}"]

    def is_finished(self, folder: pathlib.Path) -> bool:
        """Whether a run that was killed had all done, and is not to be started again."""
        return bool(self.result) and (folder / self.result).exists()


def make_jobs(
    references: pathlib.Path,
    inputs: Sequence[str] = (),
    workers: int = 1,
    recipe: str = "musegan_hybrid_chorales",
    training: Sequence[str] = ("--set=training_steps=30", "--steps_per_epoch=7"),
    num_samples: int = 600,
) -> list[Job]:
    """The jobs in the order in which they need each other.

    Args:
      references: Holds the folder of the uninterrupted run of each job, under the job's name.
      inputs: Music to convert; Bach's chorales by default.
      workers: Processes of the conversion.
      recipe: One of chorales; its preset `tiny` is taken.
      training: Flags of the training.
      num_samples: Pieces to sample.

    Returns:
      Convert, train, export and sample.
    """
    preset = (f"--recipe={recipe}", "--preset=tiny")
    music = [f"--input={path}" for path in inputs]
    records, run = references / "convert/records", references / "train/run"
    model = references / "export/models" / _MODEL
    return [
        Job(
            "convert",
            ("convert", *preset, *music, f"--workers={workers}"),
            output="records",
            result="records",
            half_written="records.partial/.*.partial*",
        ),
        Job(
            "train",
            ("train", *preset, f"--records={records}", *_TRAINING, *training),
            output="run",
            result="",
            half_written="run/checkpoints/.step-*",
            # Event logs hold times, and each start of the command begins files of its own.
            ignored="run/logs/*",
        ),
        Job(
            "export",
            ("export", f"--run={run}", f"--name={_MODEL}", "--model_version=1"),
            output="models",
            result=f"models/{_MODEL}/1",
            half_written=f"models/{_MODEL}/.1.partial",
        ),
        Job(
            "sample",
            ("sample", f"--model={model}", f"--num={num_samples}", "--shard_size=50", "--midi"),
            output="samples",
            result="samples",
            half_written="samples.partial/.*.partial.*",
        ),
    ]
