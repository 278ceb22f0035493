"""Small files that ask for much work: time in proportion to their size, and no more."""

import struct
import time

import pytest

from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.midi import read_midi
from tfmusicgan.note_sequences.musicxml import read_musicxml

NOTE = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>4</duration></note>"
# What took a minute or more when the work grew with the square of the size.
MOST_SECONDS = 12


def _score(measures: str) -> bytes:
    return (
        '<score-partwise><part-list><score-part id="P1"><part-name>a</part-name></score-part>'
        '</part-list><part id="P1"><measure><attributes><divisions>1</divisions></attributes>'
        f"{NOTE}</measure>{measures}</part></score-partwise>"
    ).encode()


CHANGES = (
    "<measure><attributes><time><beats>{}</beats><beat-type>4</beat-type></time><key>"
    f"<fifths>1</fifths></key></attributes><sound tempo='{{}}'/>{NOTE}</measure>"
)


@pytest.mark.parametrize(
    ("measures", "num_notes"),
    [
        ("<measure/>" * 20_000, 1),
        ("".join(CHANGES.format(3 + n % 2, 90 + n % 7) for n in range(6_000)), 6_001),
    ],
    ids=["empty measures", "changes of tempo and meter"],
)
def test_scores(measures, num_notes):
    begin = time.monotonic()
    assert len(read_musicxml(_score(measures)).notes) == num_notes
    assert time.monotonic() - begin < MOST_SECONDS


def test_midi_with_many_changes():
    num = 30_000
    changes = b"".join(
        b"\x01\xff\x51\x03%b\x00\xff\x58\x04%c\x02\x18\x08"
        % ((400_000 + n % 7).to_bytes(3, "big"), 3 + n % 2)
        for n in range(num)
    )
    track = changes + b"\x00\x90\x40\x40\x60\x80\x40\x40\x00\xff\x2f\x00"
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 4)
    begin = time.monotonic()
    sequence = read_midi(header + b"MTrk" + struct.pack(">I", len(track)) + track)
    segments = transforms.meter_segments(sequence)
    assert len(segments) == num + 1
    assert (segments[0].numerator, segments[1].numerator, segments[2].numerator) == (4, 3, 4)
    assert segments[2].start_quarter == 0.5
    assert time.monotonic() - begin < MOST_SECONDS
