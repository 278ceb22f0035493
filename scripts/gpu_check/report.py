"""What the check prints and keeps: plain tables, and the same as JSON."""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from tfmusicgan.files import write_whole

_WIDTH = 140


class Table:
    """Rows of fixed columns, printed one by one as they come.

    Args:
      columns: Name to width; names are aligned left, numbers right.
    """

    def __init__(self, columns: Mapping[str, int]):
        self.columns = dict(columns)
        self._begun = False

    def row(self, *cells: str) -> None:
        """Prints a row, below the head if it is the first; a last cell without column is a note."""
        if not self._begun:
            self._begun = True
            self._print(self.columns)
            print("-" * (sum(self.columns.values()) + 2 * len(self.columns) - 2))
        self._print(cells)

    def _print(self, cells: Sequence[str]) -> None:
        widths = [*self.columns.values(), 0]
        padded = [
            cell.ljust(width) if number < 2 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(cells, widths, strict=False))
        ]
        print("  ".join(padded).rstrip(), flush=True)


def heading(text: str) -> None:
    """Prints a section's title."""
    print(f"\n== {text}", flush=True)


def one_line(error: Exception) -> str:
    """An error as one line that a table can end with."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:_WIDTH]


def short(number: float | None) -> str:
    """Three digits with a unit of thousands (k, M, G, T, P); nothing for None."""
    if number is None:
        return ""
    for unit in ("", "k", "M", "G", "T"):
        if abs(number) < 999.5:
            return f"{number:.3g}{unit}"
        number /= 1000
    return f"{number:.3g}P"


def not_reached(rows: Sequence[Sequence[str]], num_recipes: int) -> None:
    """Says which (recipe, form) of all recipes the time was too short for, a line per form."""
    forms: dict[str, list[str]] = {}
    for name, form in rows:
        forms.setdefault(form, []).append(name)
    for form, names in forms.items():
        which = ", ".join(names) if len(names) < num_recipes else f"all {num_recipes} recipes"
        print(f"Not reached (--minutes): {form}: {which}", flush=True)


def write_json(path: str | pathlib.Path, results: Mapping[str, Any]) -> None:
    """Writes the results, whole or not at all."""
    write_whole(pathlib.Path(path), json.dumps(results, indent=1) + "\n")
