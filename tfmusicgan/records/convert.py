"""Converts music files to a record set: plan, convert shard by shard, finish all at once.

The shards are written to `<output>.partial`, together with the plan. When all are there, the
manifest is written and the folder takes its name. A run that is interrupted at any point goes on
with the shards that are missing; the bytes are those of an uninterrupted run.
"""

import dataclasses
import functools
import os
import pathlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence

from tfmusicgan.datasets.base import Dataset
from tfmusicgan.errors import ConfigError, MusicGanError, RecordsError
from tfmusicgan.files import replacing, write_whole
from tfmusicgan.progress import ProgressBar
from tfmusicgan.records import selection, vocabulary, work_folder
from tfmusicgan.records.beam_runner import EMBEDDED, run_all
from tfmusicgan.records.convert_shard import ShardStats, convert_shard, stats_path
from tfmusicgan.records.kept_oracle import check_vocabulary
from tfmusicgan.records.manifest import MANIFEST_NAME, Manifest
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.records.plan import Plan, ShardTask, list_pieces, make_plan
from tfmusicgan.records.shard_file import file_digest
from tfmusicgan.records.summary import REPORT_NAME, make_manifest, make_report
from tfmusicgan.token_oracle import TokenOracle

_POLL_SECONDS = 0.5


def convert(
    dataset: Dataset,
    options: ConvertOptions,
    output: str | os.PathLike,
    inputs: Sequence[str] | None = None,
    overwrite: bool = False,
    num_workers: int = 1,
    runner: str = EMBEDDED,
    beam_options: str = "",
    licence: str = "",
    attribution: str = "",
) -> Manifest:
    """Converts a dataset to a record set.

    Args:
      dataset: Where the music comes from.
      options: How it is encoded, split and dealt to shards.
      output: The record set's folder; it appears when everything is done.
      inputs: Folders, files or globs, for a dataset that takes them.
      overwrite: Whether a record set that is there is replaced (once the new one is complete), and
        an interrupted run with other options given up.
      num_workers: Local worker processes.
      runner: See `beam_runner.run_all`. Any other than the embedded one needs input and output at
        paths that its workers see.
      beam_options: Beam's own options, as on its command lines.
      licence: Of the music, for the manifest; the dataset's by default.
      attribution: Whom to name, for the manifest; the dataset's by default.

    Returns:
      The manifest, as written.

    Raises:
      OutputExistsError: If `output` is there and `overwrite` is off, or is no record set.
      RecordsError: If an interrupted run with another plan is there, another process converts to
        the same output, or a shard cannot be written.
      MusicGanError: If there is no input, or no example came out of it; nothing is left then.
    """
    # A link to an empty folder on another disk means that folder.
    output = pathlib.Path(os.path.realpath(output))
    work_folder.check_output(output, overwrite)
    kept_files = _check_kept(dataset, options, inputs)
    plan = plan_conversion(dataset, options, inputs)
    plan, options = vocabulary.complete(dataset, plan, options)
    with work_folder.locked(output):
        work_folder.check_output(output, overwrite)
        folder = work_folder.enter(output, plan, overwrite)
        missing = [task for task in plan.tasks if not work_folder.is_finished(folder, task)]
        _run(dataset, plan.tasks, missing, folder, False, runner, num_workers, beam_options)
        stats = read_stats(folder, plan)
        kept = _keep_files(kept_files, folder)
        credited = dataclasses.replace(dataset, **dataset.credits_of(inputs or ()))
        manifest = make_manifest(credited, options, plan, stats, licence, attribution, kept)
        if not sum(one.num_examples for one in stats):
            shutil.rmtree(folder)
            raise MusicGanError(
                f"No example came out of {plan.num_listed} pieces: "
                f"{_reasons(manifest, options.filters.asking_for_keys)}"
            )
        write_whole(folder / REPORT_NAME, make_report(plan, stats))
        write_whole(folder / MANIFEST_NAME, manifest.to_json())
        work_folder.finish(output, plan)
    return manifest


def dry_run(
    dataset: Dataset,
    options: ConvertOptions,
    inputs: Sequence[str] | None = None,
    num_workers: int = 1,
    runner: str = EMBEDDED,
    beam_options: str = "",
) -> Manifest:
    """Counts what `convert` would keep and drop, without writing anything that stays.

    Returns:
      The manifest that a conversion would give, its shards without sizes and digests.

    Raises:
      MusicGanError: If there is no input.
    """
    _check_kept(dataset, options, inputs)
    plan = plan_conversion(dataset, options, inputs)
    plan, options = vocabulary.complete(dataset, plan, options)
    with tempfile.TemporaryDirectory(prefix="tfmusicgan-dry-run-") as name:
        folder = pathlib.Path(name)
        _run(dataset, plan.tasks, plan.tasks, folder, True, runner, num_workers, beam_options)
        return make_manifest(dataset, options, plan, read_stats(folder, plan))


def plan_conversion(
    dataset: Dataset, options: ConvertOptions, inputs: Sequence[str] | None = None
) -> Plan:
    """Lists a dataset's pieces and plans their shards, with a progress bar.

    Raises:
      MusicGanError: If there is no piece.
      ConfigError: If the best file of each song is wanted and nothing tells which it is, or keys
        are wanted and no piece names one.
    """
    asking = options.filters.asking_for_keys
    if asking and not dataset.names_keys:
        flags = " and ".join(f"--{name}" for name in asking)
        raise ConfigError(f"Dataset {dataset.name} names no keys: leave out {flags}.")
    files, root = dataset.files(inputs or None)
    if options.best_match:
        # Said now if it cannot be: Lakh takes minutes to list.
        selection.leave_out(dataset, (), root, best_match=True, only=None)
    with ProgressBar("Listing", len(files), "files") as bar:
        pieces, dropped = list_pieces(
            files, root, bar.update, dataset.list_sources, dataset.missing_files
        )
    return make_plan(dataset, pieces, dropped, options, root)


def read_stats(folder: pathlib.Path, plan: Plan) -> list[ShardStats]:
    """The counts of all shards, in the plan's order.

    Raises:
      RecordsError: If a runner ended without an error and yet left a shard out.
    """
    stats = []
    for task in plan.tasks:
        path = stats_path(folder, task.file)
        if not path.is_file():
            raise RecordsError(
                f"Expected {path} after the run. Received: nothing there. Workers of another "
                "machine need the output folder at the same path."
            )
        stats.append(ShardStats.from_json(path.read_text(encoding="utf-8")))
    return stats


def _check_kept(
    dataset: Dataset, options: ConvertOptions, inputs: Sequence[str] | None
) -> dict[str, tuple[pathlib.Path, str]]:
    """What the record set is to keep of the dataset's files: name to path and SHA-256."""
    found = {}
    for name, path in dataset.kept_files(inputs or ()).items():
        check_vocabulary(TokenOracle.read(path), options.representation)
        found[name] = path, file_digest(path)
    return found


def _keep_files(
    files: Mapping[str, tuple[pathlib.Path, str]], folder: pathlib.Path
) -> dict[str, str]:
    """Copies what the record set keeps: name to SHA-256."""
    for name, (path, digest) in files.items():
        with replacing(folder / name) as partial:
            shutil.copyfile(path, partial)
            if file_digest(partial) != digest:
                raise RecordsError(
                    f"{path} has changed since the conversion began. Start it again with "
                    "--overwrite."
                )
    return {name: digest for name, (_, digest) in files.items()}


def _run(
    dataset: Dataset,
    tasks: Sequence[ShardTask],
    missing: Sequence[ShardTask],
    folder: pathlib.Path,
    is_dry: bool,
    runner: str,
    num_workers: int,
    beam_options: str,
) -> None:
    if num_workers < 1:
        raise ConfigError(f"Expected at least 1 worker. Received: {num_workers}.")
    function = functools.partial(
        convert_shard,
        folder=str(folder),
        dry_run=is_dry,
        read=dataset.read_counted or dataset.read_source,
    )
    title = "Checking" if is_dry else "Converting"
    with ProgressBar(title, len(tasks), "shards") as bar, _Polling(tasks, folder, bar.update):
        run_all(function, missing, "shards", runner, num_workers, beam_options)


class _Polling:
    """Counts the finished shards in the work folder now and then, whoever writes them."""

    def __init__(
        self, tasks: Sequence[ShardTask], folder: pathlib.Path, update: Callable[[int], None]
    ):
        self._paths = [stats_path(folder, task.file) for task in tasks]
        self._update = update
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join()
        self._count()

    def _poll(self) -> None:
        while not self._stop.wait(_POLL_SECONDS):
            self._count()

    def _count(self) -> None:
        self._update(sum(path.exists() for path in self._paths))


def _reasons(manifest: Manifest, asking_for_keys: Sequence[str]) -> str:
    """Why pieces were left out, the most frequent reason first, and what to try."""
    drops = sorted(manifest.drops.items(), key=lambda item: -item[1].num_pieces)
    parts = [
        f"{drop.num_pieces} {reason} ({drop.names[0]})" for reason, drop in drops if drop.names
    ]
    hint = ""
    if "no_key" in manifest.drops and asking_for_keys:
        flags = " ".join(f"--{name}=" for name in asking_for_keys)
        hint = f" Pieces that name no key pass with {flags}."
    return f"{', '.join(parts)}.{hint} Try --dry_run with other options."
