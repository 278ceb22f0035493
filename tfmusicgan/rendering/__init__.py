"""NoteSequences to what a person hears and sees: MIDI, WAV, piano-roll PNG."""

from tfmusicgan.rendering.render import FORMATS, render_all

__all__ = ["FORMATS", "render_all"]
