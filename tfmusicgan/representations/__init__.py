"""NoteSequences to arrays and back: one module per representation, found here by name.

A representation's NumPy half is imported when it is asked for; its graph half (`<name>_graph.py`)
needs TensorFlow and is imported by whoever exports.
"""

import importlib
from collections.abc import Mapping
from typing import Any

from tfmusicgan.errors import RecordsError, unknown_name
from tfmusicgan.representations.base import Representation

_CLASSES = {
    "chord_melody_words": "tfmusicgan.representations.chord_melody_words:ChordMelodyWords",
    "jazz_phrases": "tfmusicgan.representations.jazz_phrases:JazzPhrases",
    "melody_bars": "tfmusicgan.representations.melody_bars:MelodyBars",
    "melody_tokens": "tfmusicgan.representations.melody_tokens:MelodyTokens",
    "note_events": "tfmusicgan.representations.note_events:NoteEvents",
    "token_sequence": "tfmusicgan.representations.token_sequence:TokenSequence",
    "note_audio": "tfmusicgan.representations.note_audio:NoteAudio",
    "multitrack_piano_roll": "tfmusicgan.representations.multitrack_piano_roll:MultitrackPianoRoll",
}


def names() -> tuple[str, ...]:
    """The representations' names, sorted."""
    return tuple(sorted(_CLASSES))


def get(name: str) -> type[Representation]:
    """Looks a representation's class up.

    Raises:
      ConfigError: If there is no representation of that name.
    """
    if name not in _CLASSES:
        raise unknown_name("representation", name, _CLASSES)
    module, _, attribute = _CLASSES[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def to_manifest(representation: Representation) -> dict[str, Any]:
    """What a manifest or an export keeps of a representation, JSON-able."""
    return {
        "name": representation.name,
        "version": representation.version,
        "parameters": representation.to_parameters(),
    }


def from_manifest(entry: Mapping[str, Any]) -> Representation:
    """Builds the representation that `to_manifest` described.

    Args:
      entry: `{"name": str, "version": int, "parameters": {...}}`.

    Raises:
      ConfigError: If the name or a parameter is unknown, or a value is out of range.
      RecordsError: If the entry is incomplete or of another version.
    """
    expected = "Expected a representation entry with name, version and parameters."
    if not isinstance(entry, Mapping) or not isinstance(entry.get("parameters", {}), Mapping):
        raise RecordsError(f"{expected} Received: {entry!r}. Convert the music again.")
    missing = {"name", "version", "parameters"} - set(entry)
    if missing:
        raise RecordsError(
            f"{expected} Missing: {', '.join(sorted(missing))}. Convert the music again."
        )
    cls = get(entry["name"])
    if entry["version"] != cls.version:
        raise RecordsError(
            f"Expected version {cls.version} of representation {entry['name']!r}. "
            f"Received: version {entry['version']}. Convert the music again with this release, "
            "or install the release that wrote it."
        )
    return cls.from_parameters(entry["parameters"])
