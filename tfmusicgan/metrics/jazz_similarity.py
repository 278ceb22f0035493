"""How alike jazz lines are."""

from collections.abc import Sequence

import numpy as np

from tfmusicgan.metrics.jazz_lines import Line

_MOST = 512  # lines that are compared with each other


def line_similarity(lines: Sequence[Line]) -> float:
    """Mean share of equal entries at equal places, over all pairs of different lines.

    Entries are equal that have pitch and duration in common; places beyond a line's end are unlike
    all others. Primers, which a model was given, do not count.

    Args:
      lines: Of many the first 512 are compared.

    Returns:
      Within 0-1: 1 if all are the same; NaN for fewer than two that have entries.
    """
    scored = [line.modelled() for line in lines[:_MOST]]
    scored = [line for line in scored if len(line.pitches)]
    if len(scored) < 2:
        return float("nan")
    lengths = np.array([len(line.pitches) for line in scored])
    entries = np.full((len(scored), lengths.max()), -1, np.int64)
    for row, line in zip(entries, scored, strict=True):
        row[: len(line.pitches)] = line.pitches * 1024 + line.durations
    shares = []
    for place, row in enumerate(entries[:-1]):
        others = entries[place + 1 :]
        equal = ((others == row) & (others >= 0)).sum(axis=1)
        shares.append(equal / np.maximum(lengths[place + 1 :], lengths[place]))
    return float(np.concatenate(shares).mean())
