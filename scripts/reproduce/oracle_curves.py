"""The table and the curve of SeqGAN's synthetic experiment, from what its runs wrote.

    python scripts/reproduce/oracle_curves.py runs/reproduce-seqgan-paper --output=curve.png

Prints a line for each recipe, with the seeds' mean and spread, and a table by round; draws NLL
under the oracle, and that of held-out sequences under the generator, by training step. Runs that
are not finished are shown as far as they came. `--log` lays the released log over them.
"""

import argparse
import csv
import pathlib

import numpy as np
from curves import read_curves
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from seed_table import evaluated, table

from tfmusicgan.errors import ConfigError
from tfmusicgan.training.run import Run

_FIGURES = {
    "oracle_nll/token": "NLL under the oracle",
    "held_out_nll": "NLL of held-out sequences",
    "self_bleu/2": "self-BLEU-2",
    "distinct_ngrams/2": "distinct 2-grams",
}
_DRAWN = ("oracle_nll/token", "held_out_nll")

Curve = tuple[list[int], list[float]]  # steps, values


def rounds(folder: pathlib.Path, run: Run, every: int = 5) -> list[str]:
    """NLL under the oracle after every few rounds of one run."""
    curves = read_curves(folder / "logs") if list((folder / "logs").rglob("*tfevents*")) else {}
    steps, values = curves.get(("samples", "music/oracle_nll/token"), (np.zeros(0), np.zeros(0)))
    config = run.recipe.preset(run.settings["preset"]).config
    config = type(config)(**{k: _plain(v) for k, v in run.settings["config"].items()})
    first = config.likelihood_steps + config.discriminator_sets * config.set_steps
    per_round = max(1, config.generator_updates + config.sets_per_round * config.set_steps)
    number = (steps - first - 1) // per_round  # at `first` the policy has not been updated yet
    lines = []
    for wanted in range(0, int(number.max(initial=-1)) + 1, every):
        places = np.flatnonzero(number == wanted)
        if len(places):  # the generator stands still until the next round
            lines.append(f"| {wanted} | {np.mean(values[places]):.3f} |")
    return ["| round | NLL under the oracle |", "|---:|---:|", *lines] if lines else []


def draw(folder: pathlib.Path, released: Curve | None = None) -> Figure:
    """Curves of all runs, a colour for each recipe, a panel for each of two figures.

    Args:
      folder: OUT of seqgan_oracle.sh.
      released: From `read_log`.
    """
    figure = Figure(figsize=(9.0, 6.5), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, 1, sharex=True)
    colours = {}
    for run in sorted(path.parent for path in folder.glob("*-*/run.json")):
        if not list((run / "logs").rglob("*tfevents*")):
            continue
        curves = read_curves(run / "logs")
        name = run.name.rpartition("-")[0]
        colour = colours.setdefault(name, f"C{len(colours) % 10}")
        for axes, key in zip(panels, _DRAWN, strict=True):
            if ("samples", f"music/{key}") in curves:
                steps, values = curves["samples", f"music/{key}"]
                axes.plot(steps, values, color=colour, label=name, linewidth=1)
    if released is not None:
        panels[0].plot(*released, "k--", linewidth=1, label="released log")
    for axes, key in zip(panels, _DRAWN, strict=True):
        axes.set_ylabel(f"{_FIGURES[key]}, nats a token", fontsize=9)
        axes.grid(alpha=0.3)
        axes.tick_params(labelsize=8)
    handles, labels = panels[0].get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    figure.legend(once.values(), once, fontsize=7, loc="outside upper center", ncols=3)
    panels[1].set_xlabel("training step (one update of one network)", fontsize=9)
    return figure


def read_log(log: pathlib.Path) -> Curve:
    """The released log by our training steps: 156 an epoch, 4,681 a round.

    Args:
      log: `phase`, `epoch` and `nll`, with tabs between them, and their names in the first line.

    Raises:
      ConfigError: If it is no such file.
    """
    steps, values = [], []
    try:
        with log.open(encoding="utf-8") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                epoch, adversarial = int(row["epoch"]), not row["phase"].startswith("pre")
                steps.append(65_520 + 4_681 * epoch if adversarial else 156 * (epoch + 1))
                values.append(float(row["nll"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        raise _no_log(log, error) from None
    if not steps:
        raise _no_log(log, "no line below the first")
    return steps, values


def _no_log(log: pathlib.Path, why: object) -> ConfigError:
    return ConfigError(
        "Expected the released log, nll_log.tsv, with columns phase, epoch and nll. Received: "
        f"{log} ({why}). Name that file, or leave --log away."
    )


def _expect_published(folder: pathlib.Path) -> None:
    """Refuses runs of another preset, over whose phases the log would lie at wrong steps."""
    for path in sorted(folder.glob("*-*/run.json")):
        preset = Run.open(path.parent).settings["preset"]
        if preset != "paper":
            raise ConfigError(
                f"Expected runs of preset paper below the released log. Received: {preset} in "
                f"{path.parent}. Leave --log away."
            )


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def main() -> None:
    """Parses flags, prints, draws."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="OUT of seqgan_oracle.sh")
    parser.add_argument("--output", type=pathlib.Path, required=True, help="PNG file of the curve")
    parser.add_argument("--log", type=pathlib.Path, help="the released nll_log.tsv")
    flags = parser.parse_args()
    try:
        # Before anything is printed.
        released = None if flags.log is None else read_log(flags.log)
        if released is not None:
            _expect_published(flags.folder)
        print("\n".join(table(evaluated(flags.folder), _FIGURES)))
        for path in sorted(flags.folder.glob("seqgan_oracle*-*/run.json")):
            run = Run.open(path.parent)
            lines = rounds(path.parent, run) if run.recipe.name == "seqgan_oracle" else []
            if lines:
                print("\n".join(["", f"`{path.parent.name}`", "", *lines]))
        draw(flags.folder, released).savefig(flags.output)
        print(f"\n{flags.output}")
    except (OSError, ValueError) as error:  # the suite's own errors are ValueErrors
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
