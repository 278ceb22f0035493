"""Made-up songs, laid out and named as POP909's are.

Song 001 has two beats before its first bar line, at 0.25 seconds, 0.5 seconds a beat and 0.4 after
beat 20, and one bar of two beats among those of four. `time_of` counts beats from its first bar,
which is two beats longer than what is written. Song 002 has beats of three quavers, song 003 bars
of three beats.
"""

import io
import zipfile
from collections.abc import Sequence

import note_seq

from tfmusicgan.note_sequences.midi import to_midi_bytes

# Beats, counted from the first that is written, at which bars begin.
LINES = (2, 6, 10, 14, 18, 20, 24, 28, 32, 36, 40, 44)
NUM_BEATS = 45
ADDED = 2  # Beats before those that are written.

# (pitch, start, end) in beats from the first bar line.
MELODY = (
    *((60, 1.5, 3), (64, 4, 6.5), (62, 6, 8), (67, 10, 11), (71, 10.02, 12)),
    *((69, 21.94, 24), (65, 25, 29), (66, 30.5, 31)),
)
BRIDGE = ((72, 2, 4),)
PIANO = ((48, 2.5, 4), (52, 4, 8), (55, 4, 8), (43, 44, 47))
# (first beat that is written, last, label); nothing between 14 and 16.
CHORDS = (
    *((0, 2, "N"), (2, 6, "C:maj"), (6, 10, "C:maj"), (10, 14, "A:min7/b7")),
    (16, 44, "G:sus4(b7)"),
)
KEYS = "1.0\t8.0\tBb:min\n8.0\t18.0\tDb:maj\n"
HEAD = ("song_id", "name", "artist", "modify_times", "num_beats_per_measure")
INDEX = (
    (*HEAD, "num_quavers_per_beat"),
    ("001", "\u6625", "A & B", "3", "2", "2"),
    ("002", "<2>", "C", "1", "2", "3"),
    ("003", "3", "", "1", "3", "2"),
)


def time_of(beat: float) -> float:
    """When a beat of song 001 is, in seconds of its file."""
    written = beat - ADDED
    return 0.25 + 0.5 * min(written, 20) + 0.4 * max(written - 20, 0)


def song(
    tracks: Sequence[Sequence[tuple[int, float, float]]],
    time=time_of,
    names: Sequence[str] = ("MELODY", "BRIDGE", "PIANO"),
) -> bytes:
    """A MIDI file, with events of tempo and meter that say nothing."""
    sequence = note_seq.NoteSequence(ticks_per_quarter=480)
    sequence.tempos.add(qpm=60)
    sequence.time_signatures.add(numerator=1, denominator=4)
    for number, (notes, name) in enumerate(zip(tracks, names, strict=True)):
        sequence.instrument_infos.add(instrument=number, name=name)
        for pitch, start, end in notes:
            note = sequence.notes.add(pitch=pitch, velocity=50 + pitch % 7, instrument=number)
            note.start_time, note.end_time = time(start), time(end)
    sequence.control_changes.add(time=0, control_number=64, control_value=90, instrument=2)
    sequence.total_time = max(note.end_time for note in sequence.notes)
    return to_midi_bytes(sequence)


def beats_text(times: Sequence[float], lines: Sequence[int], length: int = 4) -> str:
    """A text of beats; in the first reading bars are half as long, or as long if of three."""
    half = length // 2 if length % 2 == 0 else length
    rows = []
    for number, time in enumerate(times):
        first = number in lines or (half != length and (number - lines[0]) % half == 0)
        rows.append(f"{time} {float(first)} {float(number in lines)}")
    return "\n".join(rows) + "\n"


def spans_text(spans: Sequence[tuple[float, float, str]], time) -> str:
    """A text of chords, its times with six decimals as upstream's."""
    return "".join(f"{time(start):.6f}\t{time(end):.6f}\t{label}\n" for start, end, label in spans)


def index_xlsx(rows: Sequence[Sequence[str]] = INDEX, shared: bool = False) -> bytes:
    """A table, its texts in the cells, as upstream's are, or shared."""
    cells, strings = [], []
    for line, row in enumerate(rows, 1):
        cells.append(f'<row r="{line}">')
        for column, text in zip("ABCDEF", row, strict=False):
            text = text.replace("&", "&amp;").replace("<", "&lt;")
            if shared:
                cells.append(f'<c r="{column}{line}" t="s"><v>{len(strings)}</v></c>')
                strings.append(f"<si><t>{text}</t></si>")
            else:
                cells.append(f'<c r="{column}{line}" t="inlineStr"><is><t>{text}</t></is></c>')
        cells.append("</row>")
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    sheet = f"<worksheet {space}><sheetData>{''.join(cells)}</sheetData></worksheet>"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
        if shared:
            archive.writestr("xl/sharedStrings.xml", f"<sst {space}>{''.join(strings)}</sst>")
    return stream.getvalue()


def members(top: str = "POP909") -> dict[str, bytes]:
    """All files, as upstream's archive has them."""
    first = [time_of(beat + ADDED) for beat in range(NUM_BEATS)]
    files: dict[str, bytes] = {f"{top}/index.xlsx": index_xlsx()}
    files |= {
        f"{top}/001/001.mid": song((MELODY, BRIDGE, PIANO)),
        f"{top}/001/beat_midi.txt": beats_text(first, LINES).encode(),
        f"{top}/001/chord_midi.txt": spans_text(
            CHORDS, lambda beat: time_of(beat + ADDED)
        ).encode(),
        f"{top}/001/key_audio.txt": KEYS.encode(),
        f"{top}/001/versions/001-v1.mid": b"not looked at",
    }

    def even(beat: float) -> float:
        return 0.6 * beat + 0.6

    compound = [even(beat) for beat in range(17)]
    waltz = [even(beat) for beat in range(17)]
    for number, times, lines, length, melody in (
        ("002", compound, range(0, 17, 4), 4, ((62, 1 + 1 / 3, 2), (64, 14, 15.5))),
        ("003", waltz, range(1, 17, 3), 3, ((61, 16, 16.5),)),
    ):
        files |= {
            f"{top}/{number}/{number}.mid": song((melody, BRIDGE, PIANO), even),
            f"{top}/{number}/beat_midi.txt": beats_text(times, lines, length).encode(),
            f"{top}/{number}/chord_midi.txt": spans_text(((0, 16, "F#:dim7"),), even).encode(),
            f"{top}/{number}/key_audio.txt": b"0.0 9.0 C:maj\n",
        }
    return files
