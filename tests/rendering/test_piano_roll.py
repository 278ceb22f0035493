"""Piano-roll pictures, by the colours of their pixels."""

import subprocess
import sys

import numpy as np
import pytest

from tfmusicgan.errors import ConfigError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.rendering.piano_roll import (
    COLOURS,
    DRUM_COLOUR,
    _panels,
    draw_piano_roll,
    piano_roll_image,
)


def _rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])


def _band() -> NoteSequence:
    sequence = NoteSequence(total_time=4.0)
    # The two pitched tracks play the same pitch at the same time.
    sequence.notes.add(pitch=60, velocity=90, start_time=0.0, end_time=1.0, instrument=0)
    sequence.notes.add(
        pitch=60, velocity=90, start_time=0.0, end_time=4.0, instrument=1, program=40
    )
    sequence.notes.add(
        pitch=36, velocity=90, start_time=2.0, end_time=3.0, instrument=9, is_drum=True
    )
    return sequence


def _read(path) -> np.ndarray:
    from matplotlib import image

    return np.rint(image.imread(path)[:, :, :3] * 255).astype(int)


def _pixels(picture: np.ndarray, colour: str) -> tuple[np.ndarray, np.ndarray]:
    return np.nonzero((np.abs(picture - _rgb(colour)) <= 2).all(axis=2))


def test_every_track_is_seen_in_its_colour_and_place(tmp_path):
    draw_piano_roll(_band(), tmp_path / "a.png", "a title")
    picture = _read(tmp_path / "a.png")
    spans = {}
    for name, colour in (("piano", COLOURS[0]), ("violin", COLOURS[1]), ("drums", DRUM_COLOUR)):
        rows, columns = _pixels(picture, colour)
        # The widest line of the colour is a note; the track's name has only short ones.
        counts = np.bincount(rows)
        row = counts.argmax()
        spans[name] = (row, np.median(columns[rows == row]), counts[row])
    assert spans["piano"][0] < spans["violin"][0] < spans["drums"][0]
    whole = spans["violin"][2]
    assert spans["piano"][2] / whole == pytest.approx(0.25, abs=0.01)
    assert spans["drums"][2] / whole == pytest.approx(0.25, abs=0.01)
    # Middles of the notes: at 0.5, 2 and 2.5 of 4 seconds.
    assert (spans["violin"][1] - spans["piano"][1]) / whole == pytest.approx(1.5 / 4, abs=0.01)
    assert (spans["drums"][1] - spans["violin"][1]) / whole == pytest.approx(0.5 / 4, abs=0.01)


def test_higher_notes_are_drawn_higher_and_pictures_repeat(tmp_path):
    sequence = NoteSequence(total_time=2.0)
    sequence.notes.add(pitch=60, velocity=9, start_time=0.0, end_time=0.5)
    sequence.notes.add(pitch=79, velocity=9, start_time=1.0, end_time=1.5)
    draw_piano_roll(sequence, tmp_path / "a.png")
    draw_piano_roll(sequence, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    picture = _read(tmp_path / "a.png")
    rows, columns = _pixels(picture[60:], COLOURS[0])  # below the heading and the track's name
    middle = (columns.min() + columns.max()) / 2
    assert rows[columns > middle].max() < rows[columns < middle].min()


def test_music_without_notes_and_long_music_are_drawn(tmp_path):
    draw_piano_roll(NoteSequence(), tmp_path / "empty.png")
    long = NoteSequence(total_time=1200.0)
    long.notes.add(pitch=0, velocity=9, start_time=0.0, end_time=1200.0)
    long.notes.add(pitch=127, velocity=9, start_time=1199.0, end_time=1200.0)
    long.time_signatures.add(numerator=3, denominator=8)
    draw_piano_roll(long, tmp_path / "long.png")
    assert _read(tmp_path / "long.png").shape[1] <= 36 * 110
    assert sorted(child.name for child in tmp_path.iterdir()) == ["empty.png", "long.png"]


def test_long_music_is_broken_into_lines(tmp_path):
    # 42 bars of two seconds: lines of 16, 16 and 10, whose bars are equally wide.
    sequence = NoteSequence(total_time=84.0)
    for bar in (0, 17, 39):
        sequence.notes.add(pitch=60, velocity=9, start_time=2.0 * bar, end_time=2.0 * bar + 4.0)
    draw_piano_roll(sequence, tmp_path / "a.png")
    picture = _read(tmp_path / "a.png")
    assert picture.shape[1] == pytest.approx((16 * 1.6 + 1.5) * 110, abs=2)
    rows, columns = _pixels(picture, COLOURS[0])
    counts = np.bincount(rows)
    notes = np.nonzero(counts > 200)[0]  # the track's name has only short lines
    bands = np.split(notes, np.nonzero(np.diff(notes) > 20)[0] + 1)
    assert len(bands) == 3
    lefts, widths = [], []
    for band in bands:
        of_note = columns[rows == band[len(band) // 2]]
        lefts.append(of_note.min())
        widths.append(np.ptp(of_note) + 1)
    bar = widths[0] / 2
    assert widths == pytest.approx([2 * bar] * 3, abs=3)
    assert np.subtract(lefts, lefts[0]) / bar == pytest.approx([0, 1, 7], abs=0.03)


def test_chord_symbols_stand_where_they_begin():
    sequence = _band()
    # The last one begins where the music ends.
    for time, text in ((2.0, "G$7$"), (0.5, "Cmaj7"), (4.0, "F")):
        kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
        sequence.text_annotations.add(time=time, text=text, annotation_type=kind)
    sequence.text_annotations.add(time=1.0, text="no chord symbol")
    top, *others = _panels(sequence, "").axes
    assert [(text.get_text(), text.xy[0]) for text in top.texts] == [("Cmaj7", 0.5), ("G$7$", 2.0)]
    assert not any(panel.texts for panel in others)


@pytest.mark.parametrize("qpm", [42, 50, 120, 139])
def test_chord_symbols_of_long_music_stand_on_their_lines(qpm):
    end = 34 * 240 / qpm  # bars, in lines of 16
    sequence = NoteSequence(total_time=end)
    sequence.tempos.add(qpm=qpm)
    sequence.notes.add(pitch=60, velocity=90, start_time=0.0, end_time=end)
    for bar in (0, 15, 16, 33):
        kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
        time = bar * 240 / qpm
        sequence.text_annotations.add(time=time, text=f"bar {bar}", annotation_type=kind)
    found = [[text.get_text() for text in panel.texts] for panel in _panels(sequence, "").axes]
    assert found == [["bar 0", "bar 15"], ["bar 16"], ["bar 33"]]


def test_a_symbol_of_any_length_leaves_the_picture_as_it_is(tmp_path):
    panels = []
    for text in ("C", "C" * 300):
        sequence = _band()
        kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
        sequence.text_annotations.add(time=3.9, text=text, annotation_type=kind)
        figure = _panels(sequence, "")
        figure.savefig(tmp_path / "a.png")  # lays it out
        panels.append([panel.get_position().bounds for panel in figure.axes])
    assert panels[0] == panels[1]


def test_a_grid_for_tensorboard():
    image = piano_roll_image([_band(), NoteSequence(), _band()], ["x"], width=900, row_height=200)
    assert image.shape == (400, 900, 3)
    assert image.dtype == np.uint8
    first, empty = image[:200, :450].astype(int), image[210:, 600:]
    assert (empty == 255).all()  # no fourth piece
    assert len(np.unique(first.reshape(-1, 3), axis=0)) > 10
    assert piano_roll_image(_band()).shape == (300, 1200, 3)


@pytest.mark.parametrize(("sequences", "columns"), [([], 2), ([NoteSequence()], 0)])
def test_an_empty_grid_is_refused(sequences, columns):
    with pytest.raises(ConfigError, match="at least one sequence and one column"):
        piano_roll_image(sequences, columns=columns)


def test_no_global_state_of_matplotlib_is_touched(tmp_path):
    code = (
        "import sys; from tfmusicgan.rendering.piano_roll import draw_piano_roll;"
        "from tfmusicgan.note_sequences.proto import NoteSequence;"
        "assert 'matplotlib' not in sys.modules;"
        f"draw_piano_roll(NoteSequence(), {str(tmp_path / 'a.png')!r});"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
