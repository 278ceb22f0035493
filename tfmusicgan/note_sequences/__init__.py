"""Raw music files to NoteSequences and back: the hub of everything."""
