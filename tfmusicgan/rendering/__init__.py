"""NoteSequences to what a person hears and sees: MIDI, WAV, piano-roll PNG."""
