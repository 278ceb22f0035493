"""Small files that ask for much work: time in proportion to their size, and no more."""

import io
import struct
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

from tests.note_sequences.pianorolls import matrix, write_npz
from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.midi import read_midi
from tfmusicgan.note_sequences.musicxml import read_musicxml
from tfmusicgan.note_sequences.pianoroll_npz import read_pianoroll_npz

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


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_archives_of_other_compressions(method):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("META-INF/container.xml", bytes(range(256)) * 9)
    data = bytearray(file.getvalue())
    data[100:110] = bytes(10)  # Of the packed bytes: LZMA has an error of its own for those.
    with pytest.raises(ReadError, match=f"compression method {method}, not stored") as caught:
        read_musicxml(bytes(data), "x")
    assert caught.value.reason == "malformed_mxl"


@pytest.mark.parametrize(
    ("tempos", "found"), [([120], [(0.0, 120.0)]), ([60, 120], [(0.0, 60.0), (20_000.0, 120.0)])]
)
def test_pianorolls_of_many_steps_to_a_beat(tmp_path, tempos, found):
    # Beat by beat, 24 times over; every step's tempo would be ten gigabytes.
    tempo = np.tile(np.repeat(np.array(tempos, np.int8), 40_000 // len(tempos)), 24)
    path = write_npz(
        tmp_path / "a.npz",
        [(0, False, "a", matrix((0, 5, 60, 1)))],
        info={"resolution": 32_767},
        tempo=tempo,
    )
    tracemalloc.start()
    try:
        sequence = read_pianoroll_npz(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [(tempo.time, tempo.qpm) for tempo in sequence.tempos] == found
    assert most < 200 * 2**20
