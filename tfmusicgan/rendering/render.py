"""A piece of music in every form a person wants: MIDI, WAV, PNG."""

import os
import pathlib
from collections.abc import Sequence

from tfmusicgan.errors import unknown_name
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.swing import swing as swung

FORMATS = ("midi", "wav", "png")
_SUFFIXES = {"midi": ".mid", "wav": ".wav", "png": ".png"}


def render_all(
    sequence: NoteSequence,
    stem: str | os.PathLike,
    formats: Sequence[str] = FORMATS,
    soundfont: str | os.PathLike | None = None,
    swing: float = 1.0,
) -> list[pathlib.Path]:
    """Writes a sequence in several formats, each file whole or not at all.

    Args:
      sequence: The music.
      stem: Path without suffix; `.mid`, `.wav`, `.png` are added, missing folders made.
      formats: Names out of `FORMATS`.
      soundfont: For `"wav"`: an SF2 file; None takes the one that comes with pretty_midi.
      swing: How many times as long the first eighth of a quarter note is as the second, 1 to 3, see
        `note_sequences.swing`.

    Returns:
      The files' paths, in the order of `formats`.

    Raises:
      ConfigError: If a format is unknown, or the swing out of its range; nothing is written then.
      MusicGanError: If the music cannot be played (no notes), or the soundfont is damaged.
    """
    for name in formats:
        if name not in FORMATS:
            raise unknown_name("format", name, FORMATS)
    sequence = swung(sequence, swing)
    stem = pathlib.Path(stem)
    stem.parent.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in formats:
        path = stem.with_name(stem.name + _SUFFIXES[name])
        _render(sequence, name, path, soundfont)
        paths.append(path)
    return paths


def _render(
    sequence: NoteSequence,
    name: str,
    path: pathlib.Path,
    soundfont: str | os.PathLike | None,
) -> None:
    # Imported here: a command that writes MIDI alone loads neither the synthesiser nor matplotlib.
    if name == "midi":
        from tfmusicgan.note_sequences.midi import write_midi

        write_midi(sequence, path)
    elif name == "wav":
        from tfmusicgan.rendering.wav import render_wav

        render_wav(sequence, path, soundfont)
    else:
        from tfmusicgan.rendering.piano_roll import draw_piano_roll

        draw_piano_roll(sequence, path, title=sequence.id or path.stem)
