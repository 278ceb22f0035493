"""MidiNet: melodies bar by bar (Yang, Chou, Yang 2017)."""
