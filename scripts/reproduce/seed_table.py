"""One table of several runs' figures, a line for each recipe: the seeds' mean and spread.

    python scripts/reproduce/seed_table.py runs/reproduce-nottingham --figures=held_out_nll

Reads `<name>-<seed>/evaluation.json`, what `tfmusicgan-evaluate` wrote. The data's rows come first,
where a run of the recipe has been evaluated.
"""

import argparse
import json
import pathlib
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

_DATA = {"training data": "training data", "held-out data": "held-out data"}
_UNTRAINED = {"untrained": "untrained"}

Figures = dict[str, float]


def evaluated(folder: pathlib.Path, recipe: str = "") -> dict[str, list[Figures]]:
    """The figures of all runs that have been evaluated.

    Args:
      folder: Of `<name>-<seed>` folders.
      recipe: What their names begin with.

    Returns:
      `training data`, `held-out data`, `untrained` and the runs' names without seeds, each with the
      figures of its seeds; the data's once.
    """
    found: dict[str, list[Figures]] = defaultdict(list)
    paths = sorted(folder.glob(f"{recipe}*-*/evaluation.json"))
    for number, path in enumerate(paths):
        result = json.loads(path.read_text())
        names = {"trained": path.parent.name.rsplit("-", 1)[0]}
        names |= _DATA | _UNTRAINED if number == 0 else {}
        for row, name in names.items():
            if row in result["rows"]:
                figures = {**result["rows"][row], **result["memorisation"].get(row, {})}
                found[name].append({k: v for k, v in figures.items() if v is not None})
    first = [*_DATA, *_UNTRAINED]
    rest = sorted(set(found) - set(first))
    return {name: found[name] for name in [*first, *rest] if name in found}


def table(rows: Mapping[str, list[Figures]], titles: Mapping[str, str]) -> list[str]:
    """A Markdown table.

    Args:
      rows: From `evaluated`.
      titles: Figure to the head of its column.
    """
    lines = [f"| | seeds | {' | '.join(titles.values())} |"]
    lines.append(f"|---|---:|{'---:|' * len(titles)}")
    for name, runs in rows.items():
        cells = [_mean([run[key] for run in runs if key in run]) for key in titles]
        seeds = "" if name in {**_DATA, **_UNTRAINED} else len(runs)
        lines.append(f"| {name} | {seeds} | {' | '.join(cells)} |")
    return lines


def _mean(values: list[float]) -> str:
    """The mean, and how far the farthest is from it."""
    if not values:
        return ""
    mean = np.mean(values)
    spread = f" ± {np.max(np.abs(values - mean)):.3f}" if len(values) > 1 else ""
    return f"{mean:.3f}{spread}"


def main() -> None:
    """Parses flags, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="of runs that have been evaluated")
    parser.add_argument("--recipe", default="", help="what the runs' names begin with")
    parser.add_argument("--figures", required=True, help="columns, with commas between them")
    flags = parser.parse_args()
    figures = flags.figures.split(",")
    rows = evaluated(flags.folder, flags.recipe)
    print("\n".join(table(rows, dict(zip(figures, figures, strict=True)))))


if __name__ == "__main__":
    main()
