"""Pieces that were asked for, as files."""

import pathlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tfmusicgan.errors import MusicGanError, OutputExistsError

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from tfmusicgan.serving.sounds import Sound


def check_new(folder: pathlib.Path, stems: set[str]) -> None:
    """Sees that a folder has no file of these names, whatever their format.

    Raises:
      OutputExistsError: If it has.
    """
    there = sorted(p for p in folder.glob("*") if p.stem in stems) if folder.is_dir() else []
    if there:
        raise OutputExistsError(
            f"Expected new files. Received: {there[0]}, which is there. Name another --output or "
            "--seed, or pass --overwrite."
        )


def write_piece(
    piece: "Message | Sound",
    stem: pathlib.Path,
    formats: Sequence[str],
    soundfont: str | None,
    command: str,
    swing: float = 1.0,
) -> bool:
    """Writes one piece and prints the paths; says so, and goes on, where a format is impossible.

    Args:
      piece: A NoteSequence, or a `Sound`, which has one format.
      stem: The files' path without their endings.
      formats: Of `rendering.FORMATS`.
      soundfont: SF2 file for WAV, None for pretty_midi's.
      command: The command's name, for what it says.
      swing: Of a NoteSequence, see `rendering.render_all`.

    Returns:
      Whether all formats were written.
    """
    from tfmusicgan import rendering
    from tfmusicgan.serving.sounds import Sound

    if isinstance(piece, Sound):
        write_sound(piece, stem.with_name(f"{stem.name}.wav"))
        return True
    is_whole = True
    for name in formats:
        try:
            (path,) = rendering.render_all(piece, stem, [name], soundfont, swing)
        except MusicGanError as error:
            # A piece without a note, say, has no sound; the others, and its MIDI file, are wanted.
            print(f"{command}: {stem.name}, {name}: {error}", file=sys.stderr)
            is_whole = False
        else:
            print(path, flush=True)
    return is_whole


def write_sound(sound: "Sound", path: pathlib.Path) -> None:
    """Writes a `Sound` as a WAV file and prints its path."""
    from tfmusicgan.files import replacing

    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        partial.write_bytes(sound.wav)
    print(path, flush=True)
