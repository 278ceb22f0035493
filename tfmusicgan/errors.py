"""The suite's error classes.

Every error that a user can cause derives from `MusicGanError`, a `ValueError`; commands print its
message as one line on stderr and exit with its status, 1 for most. The message says what was
expected, what came, where, and the way out (no line breaks). Errors of one piece of music (a file
that cannot be read, a piece that cannot be encoded) derive from `PieceError`: pipelines catch them,
count them by `reason`, and go on.
"""

import pathlib
from collections.abc import Iterable


class MusicGanError(ValueError):
    """Base class of everything that a user's input or files can cause.

    Attributes:
      status: The exit status of a command that ends with it.
    """

    status = 1


class PieceError(MusicGanError):
    """One piece of music is left out; its `reason` is the name it is counted under.

    Attributes:
      reason: A short slug, e.g. `"unreadable_midi"` or `"no_notes"`, a key of the drop counts in
        a record set's manifest.
    """

    reason = "other"

    def __init__(self, message: str, reason: str | None = None):
        super().__init__(message)
        if reason is not None:
            self.reason = reason

    def __reduce__(self):
        # Keeps `reason` when a Beam worker process sends the error back.
        return (type(self), (str(self), self.reason))


class ReadError(PieceError):
    """A source file is corrupt, truncated, empty, or not music."""

    reason = "unreadable"


class ConversionError(PieceError):
    """A NoteSequence does not fit the representation, or a filter left it out."""

    reason = "unconvertible"


class ChordSymbolError(ConversionError):
    """A chord symbol that cannot be read, or has not what is asked of it (a third, a root)."""

    reason = "unknown_chord_symbol"


class ConfigError(MusicGanError):
    """An unknown recipe, preset, hyperparameter, dataset or track name, or a value out of range."""


class RecordsError(MusicGanError):
    """A record set is missing, truncated, or of another format or representation."""


class CheckpointError(MusicGanError):
    """A checkpoint is missing, damaged, or of another recipe."""


class DamagedCheckpointError(CheckpointError):
    """A checkpoint's files are not as they were written.

    Args:
      message: The whole message.
      path: The checkpoint's folder.
      reason: What is wrong with it, in a few words.
    """

    def __init__(self, message: str, path: pathlib.Path, reason: str):
        super().__init__(message)
        self.path, self.reason = path, reason


class TrainingError(MusicGanError):
    """Training cannot go on: a non-finite loss, collapse, a lost worker, or logs on a full disk."""


class WorkerLostError(MusicGanError):
    """A local worker process of a pipeline was killed; what the others finished is kept."""


class InterruptedRunError(MusicGanError):
    """A signal ended the work in good order; the same command goes on from there.

    Args:
      message: What is saved where.
      status: 128 plus the signal's number, as shells count.
    """

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status


class ExportError(MusicGanError):
    """A SavedModel is missing, damaged, or not one of the suite's."""


class SequenceGeneratorError(MusicGanError):
    """A generator of Magenta's kind cannot do what its options ask; named as Magenta's own."""


class OutputExistsError(MusicGanError):
    """The output is there already and `--overwrite` was not given."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> ConfigError:
    """Builds the error for a name that is not in a table.

    Args:
      kind: What was asked for, e.g. `"recipe"`.
      name: The name that came.
      known: The valid names.

    Returns:
      A `ConfigError` whose message lists the valid names in order.
    """
    return ConfigError(f"Unknown {kind} {name!r}. Known: {', '.join(sorted(known))}.")
