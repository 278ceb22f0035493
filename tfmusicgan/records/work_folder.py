"""Where a conversion works until it is complete, and how its result gets its name.

The work folder is `<output>.partial`; while a process works there it holds a lock on the file
`<output>.partial.lock`. Folders that hold anything else than a conversion's own files are never
touched.
"""

import contextlib
import fcntl
import os
import pathlib
import re
import shutil
from collections.abc import Iterator

from tfmusicgan.errors import OutputExistsError, RecordsError
from tfmusicgan.files import is_at, write_whole
from tfmusicgan.records.convert_shard import ShardStats, stats_path
from tfmusicgan.records.manifest import KEPT_FILES, MANIFEST_NAME, SPLITS, is_record_set
from tfmusicgan.records.plan import Plan, ShardTask
from tfmusicgan.records.summary import REPORT_NAME, package_versions

PLAN_NAME = "plan.json"
# The files of a record set or of a conversion, and what a killed process leaves half written.
_OUR_FILES = re.compile(
    rf"{PLAN_NAME}|{MANIFEST_NAME}|{REPORT_NAME}"
    rf"|{'|'.join(map(re.escape, KEPT_FILES))}"
    rf"|({'|'.join(SPLITS)})-\d+-of-\d+\.tfrecord\.gz(\.stats\.json)?"
    r"|\..+\.partial(\.gz|\.json|\.npz)?"
)


def work_folder_of(output: pathlib.Path) -> pathlib.Path:
    """Where the conversion to `output` works."""
    return output.with_name(f"{output.name}.partial")


def check_output(output: pathlib.Path, overwrite: bool) -> None:
    """Checks that a record set may take this name.

    Raises:
      OutputExistsError: If something is there and `overwrite` is off, or is no record set; or if
        the name that a replaced set takes for a moment belongs to something else.
    """
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    if not is_record_set(output):
        raise OutputExistsError(
            f"{output} is there already and is no record set, so it is not replaced. Choose "
            "another --output."
        )
    if not overwrite:
        raise OutputExistsError(
            f"{output} is there already. Give --overwrite to replace it, or another --output."
        )
    replaced = _replaced(output)
    if replaced.exists() and not _holds_only_ours(replaced):
        raise OutputExistsError(
            f"{replaced} is there already and is no record set. Move it away: {output} takes that "
            "name before it is removed."
        )


@contextlib.contextmanager
def locked(output: pathlib.Path) -> Iterator[None]:
    """Keeps other processes from converting to the same output.

    The lock ends with its process, however that ends.

    Raises:
      RecordsError: If another process holds it.
      OSError: If the lock file cannot be made.
    """
    folder = work_folder_of(output)
    path = folder.with_name(f"{folder.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with open(path, "ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RecordsError(
                    f"Another process is converting to {output}. Wait for it, or choose another "
                    "--output."
                ) from None
            # Whoever held the lock before may have removed the file since it was opened here.
            if not is_at(file.fileno(), path):
                continue
            try:
                yield
            finally:
                path.unlink()
            return


def enter(output: pathlib.Path, plan: Plan, overwrite: bool) -> pathlib.Path:
    """Makes the work folder, or finds it as an interrupted run of this very plan left it.

    Returns:
      The work folder.

    Raises:
      RecordsError: If an interrupted run of another plan is there and `overwrite` is off.
      OutputExistsError: If something else is there.
    """
    folder = work_folder_of(output)
    text = plan.to_json(package_versions())
    plan_path = folder / PLAN_NAME
    if folder.exists():
        if not _holds_only_ours(folder):
            raise OutputExistsError(
                f"{folder} is there already and is no interrupted conversion. Move it away."
            )
        if plan_path.is_file():
            if plan_path.read_text(encoding="utf-8") == text:
                for leftover in folder.glob(".*.partial*"):
                    leftover.unlink()
                return folder
            if not overwrite:
                raise RecordsError(
                    f"{folder} is an interrupted conversion of other files or options. Give the "
                    "options it was started with to go on, or --overwrite to start anew."
                )
        # Without a plan it was killed before its first shard or after its last: start anew.
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    write_whole(plan_path, text)
    return folder


def is_finished(folder: pathlib.Path, task: ShardTask) -> bool:
    """Whether a shard and its counts are in the work folder."""
    path = stats_path(folder, task.file)
    if not path.is_file():
        return False
    shard = folder / task.file
    stats = ShardStats.from_json(path.read_text(encoding="utf-8"))
    return shard.is_file() and shard.stat().st_size == stats.num_bytes


def finish(output: pathlib.Path, plan: Plan) -> None:
    """Gives the complete work folder its name; what was there before goes afterwards."""
    folder, replaced = work_folder_of(output), _replaced(output)
    for task in plan.tasks:
        stats_path(folder, task.file).unlink(missing_ok=True)
    (folder / PLAN_NAME).unlink(missing_ok=True)
    if output.exists() and any(output.iterdir()):
        if replaced.exists():
            shutil.rmtree(replaced)
        os.replace(output, replaced)
    os.replace(folder, output)
    # One that is there without an output was left by a run that was killed between the two renames.
    if replaced.exists() and _holds_only_ours(replaced):
        shutil.rmtree(replaced)


def _replaced(output: pathlib.Path) -> pathlib.Path:
    return output.with_name(f"{output.name}.replaced")


def _holds_only_ours(folder: pathlib.Path) -> bool:
    """Whether a folder has nothing but files of a conversion; a manifest has to be ours."""
    if not folder.is_dir():
        return False
    if (folder / MANIFEST_NAME).exists() and not is_record_set(folder):
        return False
    return all(_OUR_FILES.fullmatch(path.name) and path.is_file() for path in folder.iterdir())
