"""JazzGAN: melodies over chords, note by note (Trieu and Keller 2018)."""
