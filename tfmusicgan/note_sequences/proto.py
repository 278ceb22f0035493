"""The NoteSequence messages, without importing note_seq's package.

`import note_seq` runs librosa and pretty_midi (over a second, and it changes pretty_midi).
The generated message module alone takes 0.05 s; loaded by its path and registered under its own
name it gives the very same classes, whether note_seq is imported before, after, or never.
"""

import importlib
import importlib.util
import pathlib
import sys
import types
import warnings


def message_module(name: str) -> types.ModuleType:
    """Loads one of note_seq's modules of messages.

    Args:
      name: The module's name without its package: `"music_pb2"` or `"generator_pb2"`.

    Returns:
      The module.

    Raises:
      ImportError: If note-seq is not installed.
    """
    full_name = f"note_seq.protobuf.{name}"
    if full_name in sys.modules:
        return sys.modules[full_name]
    package = importlib.util.find_spec("note_seq")
    if package is None:
        raise ImportError("note-seq is not installed: pip install note-seq")
    path = pathlib.Path(package.submodule_search_locations[0], "protobuf", f"{name}.py")
    spec = importlib.util.spec_from_file_location(full_name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # Registered, so that a later `import note_seq` finds these classes and makes no second ones.
    sys.modules[full_name] = module
    return module


music_pb2 = message_module("music_pb2")
NoteSequence = music_pb2.NoteSequence


def note_seq_module(name: str) -> types.ModuleType:
    """Imports one of note_seq's modules when a reader needs it.

    Args:
      name: The module's name without its package, e.g. `"abc_parser"`.

    Returns:
      The module.
    """
    with warnings.catch_warnings():
        # pydub, which note_seq brings along and we don't use, misses ffmpeg aloud.
        warnings.filterwarnings("ignore", message="Couldn't find ffmpeg", category=RuntimeWarning)
        return importlib.import_module(f"note_seq.{name}")
