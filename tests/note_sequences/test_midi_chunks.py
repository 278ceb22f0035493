"""Splitting a file into its tracks; refusals are in test_midi.py."""

from tests.note_sequences import midi_bytes as mb
from tfmusicgan.note_sequences import midi_chunks


def test_other_chunks_and_those_after_the_last_track_are_passed_over():
    first, second = mb.track((5, mb.on(60))), mb.track((6, mb.on(61)))
    data = mb.midi(first, b"XFIH\x00\x00\x00\x03abc", second, first, division=96, num_tracks=2)
    chunks = midi_chunks.split_chunks(data, "x")
    assert chunks.ticks_per_quarter == 96
    assert chunks.tracks == (first[8:], second[8:])


def test_a_longer_header_is_honoured():
    track = mb.track((5, mb.on(60)))
    data = b"MThd\x00\x00\x00\x08\x00\x01\x00\x01\x01\xe0zz" + track
    assert midi_chunks.split_chunks(data, "x").tracks == (track[8:],)


def test_ends():
    body = mb.track((5, mb.on(60)))[8:]
    assert midi_chunks.ends_properly(body)
    assert midi_chunks.without_end(body) == b"\x05\x90\x3c\x50\x00"
    assert not midi_chunks.ends_properly(mb.track((5, mb.on(60)), end=False)[8:])


def test_single_track_file():
    track = mb.track((5, mb.on(60)))
    assert midi_chunks.single_track_file(480, track[8:]) == mb.midi(track, kind=0)
