"""Kills conversion, training, export and bulk sampling at random moments; all must end bit-equal.

    python scripts/soak/soak.py --kills=100 --seed=0 --output=out/soak

Every job runs once to its end. Then it runs again and again, is killed with SIGKILL together with
all its processes, and is started with the same flags until it ends by itself. Half of the kills
come at a moment drawn evenly from the job's whole duration, the others while a file or folder (in
training: a checkpoint) is half-written. Compared is every file, byte by byte, but TensorBoard's
event logs, which hold times. Nothing else may be there: no temporary file, no lock. The exit status
is 1 if anything differs.
"""

import argparse
import collections
import dataclasses
import pathlib
import random
import shutil
import signal
import statistics
import sys
from collections.abc import Sequence
from typing import Any

import kills
import outputs
from jobs import Job, make_jobs

_AIMED_SHARE = 0.5  # of the kills: while something is half-written
_LANDINGS = {
    "start": "before its first write",
    "work": "at work",
    "write": "something half-written",
}


@dataclasses.dataclass
class Result:
    """What came of a job.

    Attributes:
      job: Its name.
      seconds: Duration of the uninterrupted run, imports not counted.
      runs: How many ended after kills, and were compared.
      landed: Kills by what they met, as in `kills.Attempt`.
      failures: What was wrong, a line each.
    """

    job: str
    seconds: float
    runs: int = 0
    landed: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    failures: list[str] = dataclasses.field(default_factory=list)


def main() -> None:
    """Parses flags, kills, prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="of all four jobs together")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--output", required=True, help="a new folder for everything")
    parser.add_argument("--input", action="append", default=[], help="music; else Bach's chorales")
    parser.add_argument("--workers", type=int, default=2, help="processes of the conversion")
    flags = parser.parse_args()
    output = pathlib.Path(flags.output).absolute()
    if output.exists():
        sys.exit(f"{output} is there already. Name another --output, or remove it.")
    with kills.Forks() as forks:
        results = soak(forks, output, flags.kills, flags.seed, flags.input, flags.workers)
    print(table(results))
    failures = [line for result in results for line in result.failures]
    print("\n".join(failures) or "All ended equal to the uninterrupted runs, nothing left behind.")
    sys.exit(1 if failures else 0)


def soak(
    forks: kills.Forks,
    output: pathlib.Path,
    num_kills: int,
    seed: int = 0,
    inputs: Sequence[str] = (),
    workers: int = 1,
    **options: Any,
) -> list[Result]:
    """Runs and kills all jobs.

    Args:
      forks: Starts the commands.
      output: Gets the uninterrupted runs in `reference/<job>`, and whatever failed.
      num_kills: Of all jobs together.
      seed: Of the moments.
      inputs: Music to convert; Bach's chorales by default.
      workers: Processes of the conversion.
      **options: Of `make_jobs`: recipe, training and samples.

    Returns:
      A result for each job.

    Raises:
      RuntimeError: If an uninterrupted run fails.
    """
    jobs = make_jobs(output / "reference", inputs, workers, **options)
    results = []
    for number, job in enumerate(jobs):
        share = num_kills * (number + 1) // len(jobs) - num_kills * number // len(jobs)
        results.append(_soak_job(forks, job, output, share, random.Random(f"{seed} {job.name}")))
        print(table(results[-1:]), flush=True)
    return results


def table(results: Sequence[Result]) -> str:
    """The results as a table in Markdown."""
    titles = ["job", "s uninterrupted", "kills", *_LANDINGS.values(), "runs compared", "equal"]
    lines = [titles, ["---", *["---:"] * (len(titles) - 2), "---"]]
    for result in results:
        numbers = [result.landed[name] for name in _LANDINGS]
        equal = "no" if result.failures else "yes"
        seconds = f"{result.seconds:.1f}"
        lines.append([result.job, seconds, result.landed.total(), *numbers, result.runs, equal])
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _soak_job(
    forks: kills.Forks, job: Job, output: pathlib.Path, num_kills: int, rng: random.Random
) -> Result:
    reference = output / "reference" / job.name
    reference.mkdir(parents=True)
    straight = kills.attempt(forks, job.command_in(reference), reference, job.half_written)
    if straight.status:
        raise RuntimeError(f"{job.name} failed by itself: {_last_line(reference)}")
    expected = outputs.contents(reference, job.ignored)
    result = Result(job.name, straight.seconds)
    while result.landed.total() < num_kills and len(result.failures) < 10:
        result.runs += 1
        folder = output / f"{job.name}-{result.runs:03d}"
        folder.mkdir()
        failures = _killed_run(forks, job, folder, straight, num_kills, result.landed, rng)
        failures += outputs.differences(expected, outputs.contents(folder, job.ignored))
        if failures:
            result.failures += [f"{folder}: {failure}" for failure in failures]
        else:
            shutil.rmtree(folder)
            folder.with_name(f"{folder.name}.log").unlink()
        print(f"{job.name}: {result.landed.total()} of {num_kills} kills", flush=True)
    return result


def _killed_run(
    forks: kills.Forks,
    job: Job,
    folder: pathlib.Path,
    straight: kills.Attempt,
    num_kills: int,
    landed: collections.Counter[str],
    rng: random.Random,
) -> list[str]:
    """Starts a job again after every kill until it ends; counts the kills, returns what failed."""
    while not job.is_finished(folder):
        moment = _draw(straight, rng) if landed.total() < num_kills else None
        ended = kills.attempt(forks, job.command_in(folder), folder, job.half_written, moment)
        if ended.status == 0:
            break
        if moment is None or ended.status != -signal.SIGKILL:
            return [f"ended with status {ended.status}: {_last_line(folder)}"]
        landed[ended.landed] += 1
    return []


def _draw(straight: kills.Attempt, rng: random.Random) -> kills.Moment:
    """A moment in a run like this one."""
    if straight.write_seconds and rng.random() < _AIMED_SHARE:
        # A run that goes on writes fewer: the last half is aimed at through the first.
        num_writes = rng.randint(1, max(1, len(straight.write_seconds) // 2))
        return kills.Moment(rng.uniform(0, statistics.mean(straight.write_seconds)), num_writes)
    return kills.Moment(rng.uniform(0, straight.seconds))


def _last_line(folder: pathlib.Path) -> str:
    log = folder.with_name(f"{folder.name}.log").read_text(errors="replace")
    return log.strip().rpartition("\n")[2]


if __name__ == "__main__":
    main()
