"""Rows of metrics side by side, and how near a row is to the data's."""

import math
import textwrap
from collections.abc import Mapping

from tfmusicgan.errors import ConfigError
from tfmusicgan.metrics.registry import scale

Row = Mapping[str, float]


def distance_to(reference: Row, row: Row) -> float:
    """How far a row of metrics is from a reference row: 0 is equal, 1 as far as can be.

    The mean over the reference's metrics of min(1, |value - reference| / scale). The scale is the
    width of the metric's range: 1 for rates, 12 for pitch classes, 2.83 for tonal distances.
    Metrics that the reference leaves undefined (NaN) are skipped; a metric that is defined in the
    reference and undefined in the row, or not in it, counts 1: a track that never plays is no
    better than one that plays wrongly.

    Args:
      reference: Metric key to value, as from `metrics.evaluate`; the data's row.
      row: The row to compare.

    Returns:
      Within 0-1; NaN if the reference defines nothing.

    Raises:
      ConfigError: If a key belongs to no metric.
    """
    differences = []
    for key, expected in reference.items():
        if math.isnan(expected):
            continue
        value = row.get(key, math.nan)
        difference = 1.0 if math.isnan(value) else abs(value - expected) / scale(key)
        differences.append(min(1.0, difference))
    return sum(differences) / len(differences) if differences else math.nan


def format_table(
    rows: Mapping[str, Row],
    reference: str | None = None,
    remarks: Mapping[str, Row] | None = None,
    header_width: int | None = None,
) -> str:
    """Formats rows as an aligned text table: a line for each metric, a column for each row.

    Args:
      rows: Row name (`"training data"`, `"trained"`) to metrics; what a row lacks is left blank,
        what is undefined is a dash.
      reference: Name of the row that a last line gives each row's distance to, if any.
      remarks: Further columns that are no rows and have no distance.
      header_width: Wraps the columns' names to as many characters, words permitting.

    Returns:
      Lines without a line break at the end.

    Raises:
      ConfigError: If `reference` is none of the rows.
    """
    if reference is not None and reference not in rows:
        raise ConfigError(
            f"Expected the reference among the rows {', '.join(rows)}. Received: {reference!r}."
        )
    columns = {**rows, **(remarks or {})}
    keys = list(dict.fromkeys(key for row in rows.values() for key in row))
    lines = _header(["metric", *columns], header_width)
    num_header = len(lines)
    lines.extend([key, *(_format(row, key) for row in columns.values())] for key in keys)
    if reference is not None:
        distances = [f"{distance_to(rows[reference], row):.4f}" for row in rows.values()]
        blank = [""] * (len(columns) - len(rows))
        lines.append([f"distance to {reference}", *distances, *blank])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = [_join(line, widths) for line in lines]
    rule = "-" * max(len(line) for line in text)
    text.insert(num_header, rule)
    if reference is not None:
        text.insert(-1, rule)
    return "\n".join(text)


def format_rows(rows: Mapping[str, Row], columns: Mapping[str, str]) -> str:
    """Formats rows as an aligned text table: a line for each row, a column for each metric.

    Args:
      rows: Row name to metrics; what a row lacks is left blank, what is undefined is a dash.
      columns: Metric key to the column's name, in order.

    Returns:
      Lines without a line break at the end.
    """
    lines = [["", *columns.values()]]
    lines.extend([name, *(_format(row, key) for key in columns)] for name, row in rows.items())
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = [_join(line, widths) for line in lines]
    text.insert(1, "-" * max(len(line) for line in text))
    return "\n".join(text)


def _header(names: list[str], width: int | None) -> list[list[str]]:
    """One or several lines of column names, their last words in the last line."""
    if width is None:
        return [names]
    wrapped = [textwrap.wrap(name, width, break_long_words=False) for name in names]
    height = max(map(len, wrapped))
    padded = [[""] * (height - len(words)) + words for words in wrapped]
    return [list(line) for line in zip(*padded, strict=True)]


def _format(row: Row, key: str) -> str:
    if key not in row:
        return ""
    return "-" if math.isnan(row[key]) else f"{row[key]:.3f}"


def _join(line: list[str], widths: list[int]) -> str:
    cells = [line[0].ljust(widths[0])]
    cells.extend(text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True))
    return "  ".join(cells).rstrip()
