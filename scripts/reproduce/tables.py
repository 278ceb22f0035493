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
    """A run's table as it was printed, and how wide its 95 % intervals are."""
    result = _read(run / "evaluation.json")
    return [
        f"### {run.name}",
        "",
        "```",
        (run / "evaluation.txt").read_text().rstrip(),
        "```",
        "",
        "95 % intervals of the trained row, over resampled phrases, are in `evaluation.json`."
        + _widest(result),
        "",
    ]


def _widest(result: dict) -> str:
    """The widest interval, of metrics in different units as a share of each one's own way.

    That is the way from the untrained model to the data; of metrics that are not judged, it is
    within the data's own spread.
    """
    untrained, data = (result["rows"][row] for row in ("untrained", "training data"))
    shares = {
        key: (interval[1] - interval[0]) / abs(untrained[key] - data[key])
        for key, interval in result["intervals"].items()
        if None not in interval and result["movement"].get(key, {}).get("judged")
    }
    if not shares:
        return ""
    key = max(shares, key=shares.get)
    low, high = result["intervals"][key]
    return (
        f" The widest, beside the way from the untrained model to the data, is that of `{key}`, "
        f"{low:.3f} to {high:.3f}: {100 * shares[key]:.1f} % of it."
    )


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
