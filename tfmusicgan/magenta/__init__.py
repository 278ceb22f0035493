"""Exported models as sequence generators of Magenta's kind, for programs that are built on these.

`ServedSequenceGenerator` asks a server, `LocalSequenceGenerator` runs a SavedModel in this process.
Both take Magenta's `GeneratorOptions` by the same rules, which are in `generator.py`; `options.py`
reads them, `models.py` asks the models, `sections.py` cuts and joins music.

Source: magenta 2105a6da, `models/shared/sequence_generator.py` and
`models/melody_rnn/melody_rnn_sequence_generator.py`.
"""

from tfmusicgan.errors import SequenceGeneratorError
from tfmusicgan.magenta.generator import (
    LocalSequenceGenerator,
    SequenceGenerator,
    ServedSequenceGenerator,
)

__all__ = [
    "LocalSequenceGenerator",
    "SequenceGenerator",
    "SequenceGeneratorError",
    "ServedSequenceGenerator",
]
