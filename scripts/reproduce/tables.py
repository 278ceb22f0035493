"""Writes the tables of a reproduction's runs as Markdown.

  python scripts/reproduce/tables.py runs/reproduce-musegan

For each run in the folder: steps, distances, what has moved most of the way, memorisation, the
spread over samples of several seeds, and the table that tfmusicgan-evaluate printed.
"""

import argparse
import json
import pathlib


def summary(runs: list[pathlib.Path]) -> list[str]:
    """One line of a table for each run."""
    lines = [
        "| run | steps | distance: untrained | trained (samples of three seeds) | held-out data |"
        " moved most of the way | nearest training phrase: trained, held-out | self-similarity:"
        " trained, held-out |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for run in runs:
        result = _read(run / "evaluation.json")
        seeds = [run / "evaluation.json", *sorted(run.glob("evaluation-*.json"))]
        trained = [_read(path)["distances"]["trained"] for path in seeds]
        distances, verdict = result["distances"], result["verdict"]
        cells = [
            f"`{run.name}`",
            f"{result['settings']['step']:,}",
            f"{distances['untrained']:.4f}",
            ", ".join(f"{value:.4f}" for value in trained),
            _number(distances.get("held-out data"), ".4f"),
            f"{verdict['judged'] - len(verdict['fall_short'])} of {verdict['judged']}",
            _pair(result, "nearest_training_phrase"),
            _pair(result, "self_similarity"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def table(run: pathlib.Path) -> list[str]:
    """A run's table as it was printed, and the widest of its 95 % intervals."""
    result = _read(run / "evaluation.json")
    widths = {
        key: high - low
        for key, (low, high) in result["intervals"].items()
        if low is not None and high is not None
    }
    widest = max(widths, key=widths.get)
    low, high = result["intervals"][widest]
    return [
        f"### {run.name}",
        "",
        "```",
        (run / "evaluation.txt").read_text().rstrip(),
        "```",
        "",
        "95 % intervals of the trained row, over resampled phrases, are at most as wide as that "
        f"of `{widest}`, {low:.3f} to {high:.3f}; all are in `evaluation.json`.",
        "",
    ]


def _pair(result: dict, name: str) -> str:
    rows = result["memorisation"]
    pair = (rows.get(row, {}).get(name) for row in ("trained", "held-out data"))
    return ", ".join(_number(value, ".3f") for value in pair)


def _number(value: float | None, form: str) -> str:
    """A dash for what there is none of: records may lack held-out data."""
    return "-" if value is None else format(value, form)


def _read(path: pathlib.Path) -> dict:
    return json.loads(path.read_text())


def main() -> None:
    """Prints the Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="OUT of the reproduction script")
    folder = parser.parse_args().folder
    runs = sorted(path.parent for path in folder.glob("*/evaluation.json"))
    if not runs:
        parser.error(f"expected evaluations in {folder}/*/evaluation.json; found none")
    print("\n".join([*summary(runs), ""]))
    for run in runs:
        print("\n".join(table(run)))


if __name__ == "__main__":
    main()
