"""Measures of piano-rolls, found by name.

evaluate(("empty_bars", "tonal_distance"), piano_rolls, representation)
{"empty_bars/drums": 0.08, ..., "tonal_distance/piano-guitar": 1.02, ...}
"""

from tfmusicgan.metrics import musical, tonal_distance  # noqa: F401 (they fill the registry)
from tfmusicgan.metrics.registry import evaluate, get, names, scale

__all__ = ["evaluate", "get", "names", "scale"]
