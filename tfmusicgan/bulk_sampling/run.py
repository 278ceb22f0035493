"""The sampling run: a Beam pipeline over shards, resumed where it was interrupted."""

import collections
import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import re
import shutil
import threading
import time
from collections.abc import Iterator
from typing import Any

from tfmusicgan import __version__
from tfmusicgan.bulk_sampling.plan import Plan
from tfmusicgan.bulk_sampling.shards import sample_shard
from tfmusicgan.errors import ConfigError, MusicGanError, OutputExistsError, WorkerLostError
from tfmusicgan.files import locked, replace_folder, write_whole
from tfmusicgan.progress import ProgressBar
from tfmusicgan.records.beam_runner import EMBEDDED, run_all

_PLAN, _MANIFEST = "plan.json", "manifest.json"
_REMOTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+:/")  # pathlib takes one of two slashes away
_MOST_FRUITLESS = 2  # runs in a row that lose a worker before a shard is finished


def require_local(path: str | os.PathLike, flag: str) -> None:
    """Refuses a path that is not one of this machine's file system.

    Args:
      path: The path, as given.
      flag: What it was given as, for the message.

    Raises:
      ConfigError: If it has a scheme.
    """
    if _REMOTE.match(os.fspath(path)):
        raise ConfigError(
            f"Expected a folder of this machine's file system in --{flag}. Received: {path}. Mount "
            "what it names, and give the path of the mount."
        )


def check_output(output: str | os.PathLike, overwrite: bool) -> None:
    """Refuses to replace what is there; asked before the model is loaded.

    Raises:
      ConfigError: If `output` is not of this machine's file system.
      OutputExistsError: If `output` exists and `overwrite` is False, or it is no set of samples.
    """
    require_local(output, "output")
    folder = pathlib.Path(os.path.realpath(output))
    if not os.path.lexists(folder):
        return
    if not overwrite:
        raise OutputExistsError(f"{output} exists. Name another --output, or give --overwrite.")
    # Only ever samples: a mistyped --output must not cost a folder of something else.
    is_empty = folder.is_dir() and not any(folder.iterdir())
    if not is_empty and "signature" not in _manifest_of(folder):
        raise OutputExistsError(
            f"{output} exists and holds no samples, so it is not replaced. Name another --output."
        )


def sample_to_folder(
    plan: Plan,
    export: pathlib.Path,
    output: str | os.PathLike,
    *,
    workers: int = 1,
    runner: str = EMBEDDED,
    beam_options: str = "",
    overwrite: bool = False,
) -> dict[str, Any]:
    """Samples, or goes on where an earlier run with the same plan was interrupted.

    Args:
      plan: What to sample.
      export: The model's version folder, readable by every worker.
      output: The folder to make, or a link to it; `<output>.partial`, beside the folder itself,
        holds the shards until all are there.
      workers: Processes on this machine.
      runner: `"embedded"`, or the name of any other Beam runner.
      beam_options: Beam's own options, as on its command lines.
      overwrite: Replace a finished `output`, and drop an unfinished run of another plan.

    Returns:
      The manifest written to `output`.

    Raises:
      ConfigError: If `output` is not of this machine's file system.
      OutputExistsError: If `output` exists, or an unfinished run of another plan, and `overwrite`
        is not given.
      MusicGanError: If another run writes there, or a worker failed.
      WorkerLostError: If workers are killed again and again before they finish a shard.
    """
    check_output(output, overwrite)
    # A link means its folder, whose disk may be another; `.` has no name to be replaced under.
    output = pathlib.Path(os.path.realpath(output))
    partial = output.with_name(output.name + ".partial")
    partial.mkdir(parents=True, exist_ok=True)
    with _locked(partial):
        _take_up(plan, partial, overwrite)
        todo = _missing(plan, partial)
        done = sum(len(plan.rows(k)) for k in set(range(plan.num_shards)) - set(todo))
        if done:
            print(f"Going on with {partial}: {done:,} of {plan.num:,} samples are there.")
        if todo:
            task = (plan, str(export.absolute()), str(partial.absolute()))
            with _progress(plan, partial, todo):
                _sample(task, todo, runner, workers, beam_options)
        manifest = _finish(plan, partial)
        replace_folder(partial, output)
    return manifest


@contextlib.contextmanager
def _locked(partial: pathlib.Path) -> Iterator[None]:
    """Keeps a second run out of the same folder."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(partial))
        except BlockingIOError:
            raise MusicGanError(
                f"Another run writes to {partial}. Wait for it, or name another --output."
            ) from None
        yield


def _take_up(plan: Plan, partial: pathlib.Path, overwrite: bool) -> None:
    """Compares the plan with the one of an interrupted run, or begins."""
    path = partial / _PLAN
    wanted = json.dumps(dataclasses.asdict(plan), indent=2, sort_keys=True) + "\n"
    if path.exists():
        found = path.read_text()
        if found == wanted:
            return
        if not overwrite:
            raise OutputExistsError(
                f"{partial} holds an unfinished run with other options ({_differences(found, plan)}"
                "). Repeat those to go on, name another --output, or drop it with --overwrite."
            )
    elif _manifest_of(partial).items() >= _described(plan).items():
        return  # killed between its last sample and its name
    elif any(partial.iterdir()) and not overwrite:
        raise OutputExistsError(
            f"{partial} holds files that are no unfinished run. Name another --output, or drop them"
            " with --overwrite."
        )
    for child in partial.iterdir():
        shutil.rmtree(child) if child.is_dir() else child.unlink()
    write_whole(path, wanted)


def _differences(found: str, plan: Plan) -> str:
    try:
        old = json.loads(found)
    except json.JSONDecodeError:
        return "its plan.json is damaged"
    new = json.loads(json.dumps(dataclasses.asdict(plan)))
    return ", ".join(f"{key} {old.get(key)!r}" for key in new if old.get(key) != new[key])


def _missing(plan: Plan, partial: pathlib.Path) -> list[int]:
    """The shards that are not there yet; removes what stopped workers left of their counts."""
    for stale in partial.glob(".*.count"):
        stale.unlink()
    return [k for k in range(plan.num_shards) if not (partial / plan.shard_name(k)).exists()]


def _sample(
    task: tuple[Plan, str, str], todo: list[int], runner: str, workers: int, options: str
) -> None:
    """Samples shards, and after a worker's death those that it kept from being finished."""
    plan, _, partial = task
    function, fruitless = functools.partial(_shard_or_error, task), 0
    while True:
        try:
            return run_all(function, todo, "shards of samples", runner, workers, options)
        except WorkerLostError:
            left = _missing(plan, pathlib.Path(partial))
            fruitless = fruitless + 1 if len(left) == len(todo) else 0
            if fruitless == _MOST_FRUITLESS:
                raise
            print(f"A worker process was killed: going on with {len(left):,} shards.", flush=True)
            todo = left


@contextlib.contextmanager
def _progress(plan: Plan, partial: pathlib.Path, todo: list[int]) -> Iterator[None]:
    """Shows the samples done, as every worker leaves them in its shard's count file."""
    stopped = threading.Event()
    total = sum(len(plan.rows(shard)) for shard in todo)
    started = time.monotonic()

    def done() -> int:
        count = sum(len(plan.rows(k)) for k in todo if (partial / plan.shard_name(k)).exists())
        for path in partial.glob(".*.count"):
            with contextlib.suppress(FileNotFoundError):
                count += int(path.read_text() or 0)
        return min(count, total)

    def watch(bar: ProgressBar) -> None:
        while not stopped.wait(0.5):
            count = done()
            bar.update(count, f"{count / (time.monotonic() - started):,.0f} a second")

    with ProgressBar("Sampling", total, "samples") as bar:
        watcher = threading.Thread(target=watch, args=(bar,), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stopped.set()
            watcher.join()
            count = done()
            bar.update(count, f"{count / (time.monotonic() - started):,.0f} a second")


def _shard_or_error(task: tuple[Plan, str, str], shard: int) -> None:
    """Samples a shard; an error of the file system becomes one of ours, which crosses processes."""
    plan, export, partial = task
    try:
        sample_shard(plan, shard, export, pathlib.Path(partial))
    except OSError as error:
        place = error.filename or partial
        raise MusicGanError(
            f"{error.strerror or error}: {place}. Finished shards are kept in {partial}."
        ) from None


def _finish(plan: Plan, partial: pathlib.Path) -> dict[str, Any]:
    """Writes the manifest, then removes what only an unfinished run needs, the plan last."""
    manifest = _manifest_of(partial) or _count(plan, partial)
    write_whole(partial / _MANIFEST, json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    keep = {file["name"] for file in manifest["files"]} | {plan.extra_files, _MANIFEST, _PLAN}
    for child in partial.iterdir():
        if child.name not in keep:
            child.unlink()
    if plan.extra_files:
        for leftover in partial.glob(f"{plan.extra_files}/*/.*"):
            leftover.unlink()
    (partial / _PLAN).unlink(missing_ok=True)
    return manifest


def _count(plan: Plan, partial: pathlib.Path) -> dict[str, Any]:
    """The manifest of a run whose shards are all there."""
    files, totals = [], collections.Counter(samples=plan.num)
    for shard in range(plan.num_shards):
        name = plan.shard_name(shard)
        counts = json.loads((partial / f"{name}.json").read_text())
        totals.update(counts)
        files.append({"name": name, "samples": len(plan.rows(shard))})
    return _described(plan) | {
        "counts": dict(totals),
        "files": files,
        "versions": {"tfmusicgan": __version__},
    }


def _described(plan: Plan) -> dict[str, Any]:
    """The plan's part of the manifest, as JSON gives it back."""
    described = dataclasses.asdict(plan)
    if plan.extra_files:
        described["extra_files"] = {"files": plan.num, "folder": plan.extra_files}
    return json.loads(json.dumps(described))


def _manifest_of(folder: pathlib.Path) -> dict[str, Any]:
    """A folder's manifest; empty where there is none."""
    try:
        manifest = json.loads((folder / _MANIFEST).read_text())
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}
