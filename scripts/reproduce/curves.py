r"""Draws the curves of runs into one picture, from what they wrote for TensorBoard.

  python scripts/reproduce/curves.py runs/chorales runs/too_fast --output=curves.png \
    --pictures=pictures

A column for each run, side by side on the same rows: critic gap, gradient penalty, gradient norms,
distance to the data, similarity of the phrases, and metrics of the samples (their tracks' mean,
shaded from the lowest to the highest) with the data's own as a dashed line. `--pictures` also
writes the last picture of each run's samples.
"""

import argparse
import contextlib
import pathlib
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, SymmetricalLogLocator
from tensorflow.core.framework import summary_pb2
from tensorflow.core.util import event_pb2

Curve = tuple[np.ndarray, np.ndarray]  # steps, values
Curves = dict[tuple[str, str], Curve]  # (TensorBoard's run, tag) to curve

# Title, and the tags that are drawn together; logarithmic where values span magnitudes.
TRAINING_ROWS = (
    ("critic gap", ("critic_gap",), "symlog"),
    ("gradient penalty", ("gradient_penalty",), "log"),
    ("gradient norms", ("critic_gradient_norm", "generator_gradient_norm"), "log"),
)
METRICS = ("distance", "self_similarity", "empty_bars", "polyphonicity", "used_pitch_classes")
COLOURS = ("#0072B2", "#D55E00")
_DPI = 72


def read_curves(logs: pathlib.Path) -> Curves:
    """The numbers of all event files below a folder.

    A run that was killed writes some steps again when it goes on: the later ones count.

    Args:
      logs: A run's `logs` folder.

    Returns:
      Curves by TensorBoard's run and tag, in the order of their steps.

    Raises:
      FileNotFoundError: If there is no event file.
    """
    points: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for run, step, value in _values(logs, "scalars"):
        points[run, value.tag][step] = float(tf.make_ndarray(value.tensor))
    return {key: _curve(steps) for key, steps in points.items()}


def last_picture(logs: pathlib.Path) -> bytes | None:
    """The last picture of samples below a folder as a PNG file; None if there is none.

    Args:
      logs: A run's `logs` folder.

    Raises:
      FileNotFoundError: If there is no event file.
    """
    pictures = {step: value for _, step, value in _values(logs, "images")}
    if not pictures:
        return None
    _, _, png = tf.make_ndarray(pictures[max(pictures)].tensor)  # after its width and height
    return png


def draw(runs: Sequence[pathlib.Path], titles: Sequence[str]) -> Figure:
    """Draws runs side by side.

    Args:
      runs: Folders that `tfmusicgan-train` wrote.
      titles: Of the columns.

    Returns:
      The figure: rows of axes, in each a column for each run.

    Raises:
      FileNotFoundError: If a run has no event files.
    """
    num_rows = len(TRAINING_ROWS) + len(METRICS)
    size = (3.6 * len(runs) + 1.0, 1.35 * num_rows + 0.5)
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(num_rows, len(runs), squeeze=False, sharex="all")
    for column, (run, title) in enumerate(zip(runs, titles, strict=True)):
        curves = read_curves(run / "logs")
        rows = grid[:, column]
        for axes, (_, names, scale) in zip(rows, TRAINING_ROWS, strict=False):
            _draw_training(axes, curves, names, scale)
        for axes, metric in zip(rows[len(TRAINING_ROWS) :], METRICS, strict=True):
            _draw_metric(axes, curves, metric)
        rows[0].set_title(title, fontsize=10)
        rows[-1].set_xlabel("training step", fontsize=8)
    labels = [title for title, *_ in TRAINING_ROWS]
    labels += [metric.replace("_", " ") for metric in METRICS]
    for axes, label in zip(grid[:, 0], labels, strict=True):
        axes.set_ylabel(label, fontsize=8)
    for axes in grid.ravel():
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.3)
    return figure


def _values(logs: pathlib.Path, kind: str) -> Iterator[tuple[str, int, summary_pb2.Summary.Value]]:
    """TensorBoard's run, step and value of everything of one kind, in the order it was written."""
    paths = sorted(logs.rglob("*tfevents*"), key=lambda path: (path.parent, path.name))
    if not paths:
        raise FileNotFoundError(f"Expected TensorBoard's event files in {logs}. Received: none.")
    for path in paths:
        for event in _events(path):
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == kind:
                    yield path.parent.name, event.step, value


def _events(path: pathlib.Path) -> Iterator[event_pb2.Event]:
    # The last record of a run that was killed, or is just writing, is cut short.
    with contextlib.suppress(tf.errors.DataLossError):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            yield event_pb2.Event.FromString(record)


def _curve(points: dict[int, float]) -> Curve:
    steps = sorted(points)
    return np.array(steps), np.array([points[step] for step in steps])


def _draw_training(axes: Axes, curves: Curves, names: Sequence[str], scale: str) -> None:
    for name, colour in zip(names, COLOURS, strict=False):
        curve = curves.get(("train", f"training/{name}"))
        if curve is None:  # a run that ended within its first epoch
            continue
        if scale == "log" and not curve[1].any():
            axes.text(0.5, 0.5, "always 0", transform=axes.transAxes, ha="center", fontsize=8)
            continue
        axes.plot(*curve, _style(curve[0]), color=colour, label=name.split("_")[0])
    _set_scale(axes, scale)
    if axes.lines and len(names) > 1:
        axes.legend(fontsize=7)


def _style(steps: np.ndarray) -> str:
    return "-" if len(steps) > 10 else ".-"  # a line of one point is nothing to see


def _set_scale(axes: Axes, scale: str) -> None:
    """Logarithmic where the values span more than a magnitude."""
    values = np.abs([value for line in axes.lines for value in line.get_ydata()])
    values = values[values > 0]
    if not values.size or values.max() <= 10 * values.min():
        return
    if scale == "log":
        axes.set_yscale("log")
    else:
        # Both sides of 0, over six magnitudes at most: more would hide the signs.
        linear = 10.0 ** max(np.ceil(np.log10(values.min())), round(np.log10(values.max())) - 6)
        axes.axhline(0.0, color="black", linewidth=0.6)
        axes.set_yscale("symlog", linthresh=linear)
        locator = SymmetricalLogLocator(base=10, linthresh=linear)
        locator.set_params(numticks=7)
        axes.yaxis.set_major_locator(locator)
    axes.yaxis.set_minor_formatter(NullFormatter())


def _draw_metric(axes: Axes, curves: Curves, metric: str) -> None:
    """The mean of a metric over its tracks; where one is undefined for silence, of the others."""
    for run in ("samples", "data"):
        tracks = [
            curve
            for (where, tag), curve in curves.items()
            if where == run and tag.split("/")[1] == metric
        ]
        if not tracks or (metric == "distance" and run == "data"):
            continue
        steps = tracks[0][0]
        values = np.ma.masked_invalid([curve[1] for curve in tracks])
        colour, style = (COLOURS[0], _style(steps)) if run == "samples" else ("black", "--")
        axes.plot(steps, values.mean(axis=0), style, color=colour, label=run)
        if run == "samples" and len(tracks) > 1:
            axes.fill_between(steps, values.min(axis=0), values.max(axis=0), alpha=0.2)
    top = 12.5 if metric == "used_pitch_classes" else 1.05
    axes.set_ylim(-0.04 * top, top)


def _save_pictures(runs: Sequence[pathlib.Path], folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for run in runs:
        if (png := last_picture(run / "logs")) is not None:
            (folder / f"{run.name}.png").write_bytes(png)


def main() -> None:
    """Draws the runs that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=pathlib.Path, help="folders of tfmusicgan-train")
    parser.add_argument("--titles", help="of the columns, with commas between; default: folders")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="the PNG file")
    parser.add_argument("--pictures", type=pathlib.Path, help="folder for the samples' pictures")
    arguments = parser.parse_args()
    titles = arguments.titles.split(",") if arguments.titles else [r.name for r in arguments.runs]
    if len(titles) != len(arguments.runs):
        parser.error(f"expected {len(arguments.runs)} titles; received {len(titles)}")
    try:
        figure = draw(arguments.runs, titles)
        figure.savefig(arguments.output, metadata={"Software": None})
        if arguments.pictures:
            _save_pictures(arguments.runs, arguments.pictures)
    except OSError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
