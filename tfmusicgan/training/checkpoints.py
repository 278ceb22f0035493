"""Checkpoints: everything needed to go on, in folders that appear whole or not at all.

A run's folder holds `checkpoints/step-000000100/` with TensorFlow's checkpoint files and a
`checkpoint.json` (format version, step, recipe, metric, what the callbacks remember). A checkpoint
is written under a temporary name and renamed, so that a kill or a full disk leaves the earlier ones
as they were.
"""

import contextlib
import dataclasses
import json
import math
import pathlib
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf

from tfmusicgan import files
from tfmusicgan.errors import CheckpointError, DamagedCheckpointError
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.training import variables

FORMAT_VERSION = 1
_FILES = "variables"
_INFO = "checkpoint.json"
# What TensorFlow's checkpoint reader raises beside its own errors, by the kind of damage.
_DAMAGE = (ValueError, AssertionError, LookupError, RuntimeError)
_NO_DAMAGE = (variables.MisfitError, tf.errors.ResourceExhaustedError)  # the files may be whole


@dataclasses.dataclass(frozen=True)
class CheckpointInfo:
    """What `checkpoint.json` says.

    Attributes:
      path: The checkpoint's folder.
      step: Training steps done.
      recipe: The recipe's name.
      metric: Distance to the data's metrics, smaller is better; None when it was not measured.
      state: What the run's callbacks remember; empty where nothing was kept.
    """

    path: pathlib.Path
    step: int
    recipe: str
    metric: float | None
    state: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class CheckpointStore:
    """The checkpoints of one run: write, find, restore, prune.

    Args:
      folder: The run's `checkpoints` folder; it need not exist yet.
      recipe: The recipe's name; checkpoints of another are refused.
      keep_latest: How many of the newest checkpoints to keep.
      keep_every: Keep each checkpoint whose step is a multiple of this; 0 for none.
    """

    def __init__(
        self, folder: pathlib.Path, recipe: str, keep_latest: int = 3, keep_every: int = 0
    ):
        self.folder = pathlib.Path(folder)
        self.recipe = recipe
        self.keep_latest, self.keep_every = keep_latest, keep_every

    def save(
        self,
        model: MusicGAN,
        metric: float | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> pathlib.Path:
        """Writes the model's whole training state, then prunes.

        Args:
          model: Compiled, so that its optimizers have their state.
          metric: Distance to the data's metrics, for `best`.
          state: What the run's callbacks remember, JSON-able.

        Returns:
          The checkpoint's folder.

        Raises:
          CheckpointError: If it cannot be written; the earlier ones are as they were.
        """
        step = int(model.step.numpy())
        final = self.folder / f"step-{step:09d}"
        partial = files.partial_name(final)
        metric = None if metric is None or math.isnan(metric) else metric
        try:
            self._remove_leftovers()
            partial.mkdir(parents=True)
            tf.train.Checkpoint(**variables.state(model)).write(str(partial / _FILES))
            info = {"format": FORMAT_VERSION, "step": step, "recipe": self.recipe, "metric": metric}
            if state:
                info["state"] = dict(state)
            (partial / _INFO).write_text(json.dumps(info, indent=1) + "\n")
            files.replace_folder(partial, final)
        except (OSError, tf.errors.OpError) as error:
            shutil.rmtree(partial, ignore_errors=True)
            again = "Make room there and run the same command again; it goes on from the last one."
            raise CheckpointError(
                f"The checkpoint of step {step} could not be written to {self.folder}: "
                f"{files.why_not_written(error)}.{files.room_advice(error, again)}"
            ) from error
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        self._prune()
        return final

    def tidy(self) -> None:
        """Ends the last `save` of a run that was killed in it, with one checkpoint too many.

        More than one too many are not of that kind: the run kept them under other settings.

        Raises:
          OSError: If a folder cannot be removed.
        """
        self._remove_leftovers()
        if len(self._surplus()) == 1:
            self._prune()

    def all(self) -> list[CheckpointInfo]:
        """The complete checkpoints, oldest first."""
        return [read_info(path) for path in self._folders()]

    def latest(self) -> CheckpointInfo | None:
        """The newest checkpoint, None when there is none."""
        found = self.all()
        return found[-1] if found else None

    def best(self) -> CheckpointInfo | None:
        """The checkpoint with the smallest metric, None when none was measured."""
        measured = [info for info in self.all() if info.metric is not None]
        return min(measured, key=lambda info: (info.metric, -info.step), default=None)

    def latest_in_words(self) -> str:
        """A sentence that names the newest checkpoint, for messages."""
        found = self.latest()
        return f"The last good checkpoint is {found.path}." if found else "There is no checkpoint."

    def find(self, name: str) -> CheckpointInfo:
        """Looks up `latest`, `best`, `ema` (the latest), or a checkpoint folder's path.

        Raises:
          CheckpointError: If there is no such checkpoint.
        """
        if name in ("latest", "ema"):
            found = self.latest()
        elif name == "best":
            found = self.best()
        else:
            return read_info(pathlib.Path(name))
        if found is None:
            raise CheckpointError(
                f"Expected a {name} checkpoint. Received: none in {self.folder}. "
                "Train first with tfmusicgan-train, or name another run."
            )
        return found

    def restore(self, model: MusicGAN, info: CheckpointInfo, expect_training: bool = True) -> None:
        """Loads a checkpoint into a model.

        Args:
          model: Built from the checkpoint's recipe and config.
          info: From `find`, `latest` or `best`.
          expect_training: Restore the optimizers too; the model must be compiled.

        Raises:
          DamagedCheckpointError: If the checkpoint is damaged.
          CheckpointError: If the checkpoint is of another recipe or of other sizes.
        """
        if info.recipe != self.recipe:
            raise CheckpointError(
                f"Expected a checkpoint of recipe {self.recipe!r}. Received: one of "
                f"{info.recipe!r} at {info.path}. Name a run of this recipe."
            )
        path = str(info.path / _FILES)
        try:
            variables.check_fit(model, path, expect_training)
            status = tf.train.Checkpoint(**variables.state(model)).read(path)
            status.assert_existing_objects_matched()
            if expect_training:
                status.assert_consumed()
            else:
                status.expect_partial()
        except (tf.errors.OpError, *_DAMAGE) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            message = (
                f"Expected a checkpoint that fits the model. Received: {info.path}, which does "
                f"not load ({reason}). Use another checkpoint, or the config it was trained with."
            )
            if isinstance(error, _NO_DAMAGE) or "Permission denied" in reason:
                raise CheckpointError(message) from error
            raise DamagedCheckpointError(message, info.path, reason) from error

    @contextlib.contextmanager
    def naming_what_to_remove(self) -> Iterator[None]:
        """Says of a damaged checkpoint what to remove, for a run that is to go on from the others.

        Raises:
          CheckpointError: If the block met a damaged checkpoint.
        """
        try:
            yield
        except DamagedCheckpointError as error:
            damaged, steps = {error.path}, []
            for path in self._folders():
                try:
                    steps += [read_info(path).step] * (path != error.path)
                except DamagedCheckpointError:
                    damaged.add(path)
            where = f"step {max(steps)}" if steps else "the beginning"
            raise CheckpointError(
                f"Expected checkpoints that load. Received: {error.path}, which does not load "
                f"({error.reason}). Remove {' and '.join(map(str, sorted(damaged)))}; the run goes "
                f"on from {where}."
            ) from error

    def _folders(self) -> list[pathlib.Path]:
        return [path for path in sorted(self.folder.glob("step-*")) if path.is_dir()]

    def _prune(self) -> None:
        for path in self._surplus():
            files.remove_folder(path)

    def _surplus(self) -> list[pathlib.Path]:
        """Checkpoints that are not to be kept."""
        infos = self.all()
        keep = {info.path for info in infos[-self.keep_latest :]}
        best = self.best()
        if best is not None:
            keep.add(best.path)
        if self.keep_every:
            keep |= {info.path for info in infos if info.step % self.keep_every == 0}
        return [info.path for info in infos if info.path not in keep]

    def _remove_leftovers(self) -> None:
        """What a killed run left: checkpoints half written or half removed."""
        for path in self.folder.glob(".step-*"):
            shutil.rmtree(path)


def read_info(path: pathlib.Path) -> CheckpointInfo:
    """Reads a checkpoint folder's `checkpoint.json`.

    Raises:
      DamagedCheckpointError: If it is not a checkpoint.
      CheckpointError: If it is of another format version, or may not be read.
    """
    try:
        info = json.loads((path / _INFO).read_text())
        version = info["format"]
        state = dict(info.get("state", {}))
        found = CheckpointInfo(path, int(info["step"]), info["recipe"], info["metric"], state)
    except PermissionError as error:
        raise CheckpointError(
            f"Expected a checkpoint folder with {_INFO}. Received: {path}, {error.strerror}. Allow "
            "this user to read it."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"no {_INFO}" if isinstance(error, OSError) else f"a damaged {_INFO}"
        raise DamagedCheckpointError(
            f"Expected a checkpoint folder with {_INFO}. Received: {path}. Name a folder such as "
            "RUN/checkpoints/step-000001000, or latest, best or ema.",
            path,
            reason,
        ) from None
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"Expected checkpoint format {FORMAT_VERSION}. Received: format {version} at {path}. "
            "Use the release that wrote it, or train again."
        )
    return found
