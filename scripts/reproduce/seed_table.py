"""One table of several runs' figures, a line for each recipe: the seeds' mean and spread.

    python scripts/reproduce/seed_table.py runs/reproduce-nottingham-small --figures=held_out_nll

Reads `<name>-<seed>/evaluation.json`, what `tfmusicgan-evaluate` wrote. Rows of data and untrained
models come first, those of a run without settings; another recipe's, or those of a setting
(`<recipe>+<setting>-<seed>`), are beside them where they differ, with its name.
"""

import argparse
import json
import pathlib
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

_OTHERS = ("training data", "held-out data", "untrained")

Figures = dict[str, float]


def evaluated(folder: pathlib.Path, recipe: str = "") -> dict[str, list[Figures]]:
    """The figures of all runs that have been evaluated.

    Args:
      folder: Of `<name>-<seed>` folders.
      recipe: What their names begin with.

    Returns:
      `training data`, `held-out data` and `untrained`, each followed by those of other recipes and
      settings that differ, as `<row>, <recipe or setting>`, and the runs' names without seeds, each
      with the figures of its seeds; the former of the first seed.
    """
    found: dict[str, list[Figures]] = defaultdict(list)
    paths = folder.glob(f"{recipe}*-*/evaluation.json")
    for path in sorted(paths, key=lambda path: ("+" in path.parent.name, path)):
        result = json.loads(path.read_text())
        name = path.parent.name.rsplit("-", 1)[0]
        if name not in found:
            _add_others(found, name, result)
        found[name] += _figures(result, "trained")
    first = [name for row in _OTHERS for name in found if _row_of(name) == row]
    return {name: found[name] for name in [*first, *sorted(set(found) - set(first))] if found[name]}


def _add_others(found: dict[str, list[Figures]], name: str, result: Mapping[str, dict]) -> None:
    """Adds the rows of a run that are not those of its training, unless they are there."""
    for row in _OTHERS:
        known = [figures for title, figures in found.items() if _row_of(title) == row]
        figures = _figures(result, row)
        if figures and figures not in known:
            title = f"{row}, {name.partition('+')[2] or name}" if known else row
            found[f"{row}, {name}" if title in found else title] = figures


def _row_of(title: str) -> str:
    return title.split(", ")[0]


def _figures(result: Mapping[str, dict], row: str) -> list[Figures]:
    """Those of one row in a list, which is empty where there is no such row."""
    if row not in result["rows"]:
        return []
    figures = {**result["rows"][row], **result["memorisation"].get(row, {})}
    return [{k: v for k, v in figures.items() if v is not None}]


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
        seeds = "" if _row_of(name) in _OTHERS else len(runs)
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
