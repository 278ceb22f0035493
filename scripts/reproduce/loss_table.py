"""A loss of several runs at certain steps, a line for each run, from what TensorBoard was written.

    python scripts/reproduce/loss_table.py runs/reproduce-midinet/midinet_*-* \
      --steps=100,800,2200,5000

A run's last step has a column of its own. What is written at a step is the mean since the step that
was written before it.
"""

import argparse
import pathlib
from collections.abc import Sequence

from curves import Curve, read_curves


def table(curves: dict[str, Curve], steps: Sequence[int]) -> list[str]:
    """A Markdown table.

    Args:
      curves: By the name of the run.
      steps: Columns; where a run has not written one, the first after it, if there is any.
    """
    lines = ["| | " + " | ".join(f"{step:,}" for step in steps) + " | at the end |"]
    lines.append("|---|" + "---:|" * (len(steps) + 1))
    for name, (written, values) in curves.items():
        places = written.searchsorted(steps)
        cells = [f"{values[n]:.2f}" if n < len(values) else "" for n in places]
        cells.append(f"{values[-1]:.2f} (step {written[-1]:,.0f})")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Parses flags, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=pathlib.Path, help="folders of runs")
    parser.add_argument("--loss", default="generator_loss")
    parser.add_argument("--steps", required=True, help="columns, with commas between them")
    flags = parser.parse_args()
    key = ("train", f"training/{flags.loss}")
    curves = {run.name: read_curves(run / "logs")[key] for run in flags.runs}
    print("\n".join(table(curves, [int(step) for step in flags.steps.split(",")])))


if __name__ == "__main__":
    main()
