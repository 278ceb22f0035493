"""Measures of piano-rolls, of token sequences and of notes, found by name.

evaluate(("empty_bars", "tonal_distance"), piano_rolls, representation)
{"empty_bars/drums": 0.08, ..., "tonal_distance/piano-guitar": 1.02, ...}
"""

# Importing them fills the registry, in the order in which `names` lists them.
from tfmusicgan.metrics import musical, notes_in_scale, tonal_distance  # noqa: F401, I001
from tfmusicgan.metrics import histograms  # noqa: F401
from tfmusicgan.metrics import as_published  # noqa: F401
from tfmusicgan.metrics import token_metrics, word_metrics  # noqa: F401
from tfmusicgan.metrics import note_metrics  # noqa: F401
from tfmusicgan.metrics import bar_metrics  # noqa: F401
from tfmusicgan.metrics import event_metrics  # noqa: F401
from tfmusicgan.metrics import jazz_phrase_metrics  # noqa: F401
from tfmusicgan.metrics.registry import estimates, evaluate, get, names, scale

__all__ = ["estimates", "evaluate", "get", "names", "scale"]
