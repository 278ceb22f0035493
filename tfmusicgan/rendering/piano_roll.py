"""NoteSequence -> picture: a piano-roll with bar lines, pitch names and track names.

Time runs to the right in bars, pitch upwards. A file shows one panel per track, each over its own
range, so that tracks that share a range hide nothing of each other, and breaks long pieces into
lines as a score does, with chord symbols above them; a grid of several pieces (for TensorBoard)
lays the tracks of each piece over one another. Drums have one named row per drum.
Drawn with matplotlib's objects alone: no pyplot, no global state, no display.
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfmusicgan.errors import ConfigError
from tfmusicgan.files import replacing
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.rendering.beats import Beats, find_beats
from tfmusicgan.rendering.chord_symbols import TITLE_PAD, draw_chord_symbols, find_chord_symbols
from tfmusicgan.rendering.names import drum_name, pitch_name, track_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette (2008), distinct for colour-blind readers too, without its pale yellow
# and black; drums are grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5C00", "#8040C0")
DRUM_COLOUR = "#555555"
_BLACK_KEYS = (1, 3, 6, 8, 10)
_DPI = 110
_INCHES_PER_BAR = 1.6
_WIDTHS = (9.0, 36.0)  # inches: readable for one bar, still an image for a symphony
_MAX_TRACKS = 32
_BARS_PER_LINE = 16
_MAX_HEIGHT = 60.0  # inches: still an image for hours of music, with more bars in a line


def draw_piano_roll(sequence: NoteSequence, path: str | os.PathLike, title: str = "") -> None:
    """Draws a sequence into a PNG file, one panel per track; whole or not at all.

    Args:
      sequence: The music; without notes one empty panel is drawn. Chord symbols after the end of
        the last note, and of `total_time`, are not shown.
      path: The file to write; it is replaced if it is there.
      title: Shown above, beside tempo, metre and length.

    Raises:
      OSError: If the file cannot be written.
    """
    figure = _panels(sequence, title)
    with replacing(path) as temporary:
        # No software name and date inside: the same music gives the same bytes.
        figure.savefig(temporary, format="png", dpi=_DPI, metadata={"Software": None})


def piano_roll_image(
    sequences: NoteSequence | Sequence[NoteSequence],
    titles: Sequence[str] = (),
    columns: int = 2,
    width: int = 1200,
    row_height: int = 300,
) -> np.ndarray:
    """Draws several sequences as a grid of overlaid piano-rolls, for TensorBoard.

    Args:
      sequences: One piece, or several.
      titles: Shown above each; missing ones are numbers from 1.
      columns: Pictures in a row.
      width: Of the image, in pixels.
      row_height: Of one row of pictures, in pixels.

    Returns:
      uint8 [height, width, 3], RGB.

    Raises:
      ConfigError: If there is no sequence or no column.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if isinstance(sequences, NoteSequence):
        sequences = [sequences]
    if not sequences or columns < 1:
        raise ConfigError(
            "Expected at least one sequence and one column. Received:"
            f" {len(sequences)} sequences, {columns} columns."
        )
    columns = min(columns, len(sequences))
    rows = -(-len(sequences) // columns)
    size = (width / _DPI, rows * row_height / _DPI)
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for index, axes in enumerate(grid):
        if index >= len(sequences):
            axes.set_axis_off()
            continue
        title = titles[index] if index < len(titles) else str(index + 1)
        _overlay(axes, sequences[index], title)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def _panels(sequence: NoteSequence, title: str) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    end = _end_seconds(sequence)
    beats = find_beats(sequence, end)
    names = dict(list(track_names(sequence).items())[:_MAX_TRACKS]) or {None: "no notes"}
    notes = {track: _notes(sequence, track) for track in names}
    rows = {track: _rows(notes[track], track) for track in names}
    spans = [max(len(rows[track]), 10) for track in names]
    line_height = sum(0.35 + 0.075 * span for span in spans)
    lines = _lines(beats, line_height)
    num_bars = len(lines[0].bars) - 1
    width = float(np.clip(_INCHES_PER_BAR * num_bars + 1.5, *_WIDTHS))
    figure = Figure(figsize=(width, 1.2 + len(lines) * line_height), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(_heading(sequence, title, end), fontsize=12, x=0.01, ha="left")
    grid = figure.subplots(
        len(lines) * len(names), 1, squeeze=False, height_ratios=spans * len(lines)
    ).reshape(len(lines), len(names))
    colours, symbols = _colours(list(names)), find_chord_symbols(sequence)
    for index, (line, panels) in enumerate(zip(lines, grid, strict=True)):
        first, last = line.bars[0], line.bars[-1]
        # The last line may be short: its bars are as wide as those of the others.
        right = first + (last - first) * num_bars / (len(line.bars) - 1)
        for axes, (track, name), colour in zip(panels, names.items(), colours, strict=True):
            here = [n for n in notes[track] if n.end_time >= first and n.start_time <= last]
            _draw_background(axes, rows[track], track, line)
            axes.set_xlim(first, right)
            _draw_notes(axes, here, rows[track], colour)
            pad = TITLE_PAD if symbols and axes is panels[0] else 3
            axes.set_title(name, loc="left", color=colour, fontsize=10, fontweight="bold", pad=pad)
            axes.set_xticks([])
        draw_chord_symbols(panels[0], symbols, first, last)
        _label_bars(panels[-1], line, 1 + index * num_bars)
    return figure


def _lines(beats: Beats, line_height: float) -> list[Beats]:
    """Cuts a piece into lines of equally many bars, but for the last."""
    num_bars = len(beats.bars) - 1
    most = max(int((_MAX_HEIGHT - 1.2) / line_height), 1)
    per_line = max(-(-num_bars // most), _BARS_PER_LINE)
    per_line = min(-(-per_line // 4) * 4, num_bars)
    lines = []
    for first in range(0, num_bars, per_line):
        bars = beats.bars[first : first + per_line + 1]
        inside = tuple(beat for beat in beats.beats if bars[0] <= beat <= bars[-1])
        lines.append(Beats(bars, inside))
    return lines


def _overlay(axes: "Axes", sequence: NoteSequence, title: str) -> None:
    """Draws all pitched tracks over one another, drums in rows of their own below."""
    end = _end_seconds(sequence)
    beats = find_beats(sequence, end)
    names = dict(list(track_names(sequence).items())[:_MAX_TRACKS])
    pitched = [note for note in sequence.notes if not note.is_drum]
    rows = _rows(pitched, None)
    _draw_background(axes, rows, None, beats)
    colours = _colours(list(names))
    for (track, name), colour in zip(names.items(), colours, strict=True):
        notes = _notes(sequence, track)
        track_rows = rows
        if track[2]:
            # Drums under the pitches, one row per drum that is used.
            used = sorted({note.pitch for note in notes})
            track_rows = {pitch: i - len(used) - 1 for i, pitch in enumerate(used)}
            axes.set_ylim(min(axes.get_ylim()[0], -len(used) - 2), None)
        _draw_notes(axes, notes, track_rows, colour, alpha=0.75)
        axes.plot([], [], color=colour, linewidth=5, alpha=0.75, label=name)
    axes.set_title(title, loc="left", fontsize=9)
    _label_bars(axes, beats)
    if names:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=6, frameon=False)


def _notes(sequence: NoteSequence, track: tuple[int, int, bool] | None) -> list:
    return [n for n in sequence.notes if (n.instrument, n.program, n.is_drum) == track]


def _end_seconds(sequence: NoteSequence) -> float:
    return max([sequence.total_time, 0.5, *(note.end_time for note in sequence.notes)])


def _colours(tracks: list) -> list[str]:
    pitched = iter(COLOURS[i % len(COLOURS)] for i in range(len(tracks)))
    return [DRUM_COLOUR if track and track[2] else next(pitched) for track in tracks]


def _rows(notes: list, track: tuple[int, int, bool] | None) -> dict[int, int]:
    """Pitch -> row from the bottom: every semitone of a range, but of drums the ones used."""
    pitches = sorted({note.pitch for note in notes})
    if track and track[2]:
        return {pitch: row for row, pitch in enumerate(pitches)}
    low, high = (pitches[0], pitches[-1]) if pitches else (60, 71)
    spare = max(11 - (high - low), 0)  # an octave at least
    low -= spare // 2 + 1
    high += spare - spare // 2 + 1
    return {pitch: row for row, pitch in enumerate(range(low, high + 1))}


def _draw_background(
    axes: "Axes", rows: dict[int, int], track: tuple[int, int, bool] | None, beats: Beats
) -> None:
    axes.set_xlim(beats.bars[0], beats.bars[-1])
    axes.set_ylim(-0.5, len(rows) - 0.5)
    axes.set_axisbelow(True)
    if track and track[2]:
        axes.set_yticks(list(rows.values()), [drum_name(pitch) for pitch in rows], fontsize=7)
        for row in list(rows.values())[1::2]:
            axes.axhspan(row - 0.5, row + 0.5, color="#F3F3F3", linewidth=0, zorder=0)
    else:
        for pitch, row in rows.items():
            if pitch % 12 in _BLACK_KEYS:
                axes.axhspan(row - 0.5, row + 0.5, color="#F3F3F3", linewidth=0, zorder=0)
            if pitch % 12 == 0:
                axes.axhline(row - 0.5, color="#9A9A9A", linewidth=0.8, zorder=1)
        # Octaves by name; over a short range the fifth between them too.
        named = (0, 7) if len(rows) <= 30 else (0,)
        shown = {pitch: row for pitch, row in rows.items() if pitch % 12 in named}
        axes.set_yticks(list(shown.values()), [pitch_name(p) for p in shown], fontsize=8)
    axes.vlines(beats.beats, 0, 1, "#DDDDDD", linewidth=0.6, transform=axes.get_xaxis_transform())
    axes.vlines(beats.bars, 0, 1, "#777777", linewidth=1.0, transform=axes.get_xaxis_transform())
    axes.tick_params(length=2)


def _draw_notes(
    axes: "Axes", notes: list, rows: dict[int, int], colour: str, alpha: float = 1.0
) -> None:
    from matplotlib.collections import PolyCollection

    if not notes:
        return
    left, right = (
        np.array([getattr(n, f"{side}_time") for n in notes]) for side in ("start", "end")
    )
    # A note too short to see is drawn 0.3 % of the width long.
    right = np.maximum(right, left + 0.003 * np.ptp(axes.get_xlim()))
    middle = np.array([rows[note.pitch] for note in notes], np.float64)
    low, high = middle - 0.42, middle + 0.42
    corners = np.stack([left, low, left, high, right, high, right, low], axis=1).reshape(-1, 4, 2)
    # The white edge parts repeated notes.
    axes.add_collection(
        PolyCollection(
            corners, facecolors=colour, edgecolors="white", linewidths=0.5, alpha=alpha, zorder=3
        ),
        autolim=False,
    )


def _label_bars(axes: "Axes", beats: Beats, first_bar: int = 1) -> None:
    starts = beats.bars[:-1]
    every = next(step for step in (1, 2, 4, 8, 16, 32, 64, 10**6) if len(starts) / step <= 32)
    numbers = range(first_bar, first_bar + len(starts), every)
    axes.set_xticks(starts[::every], [str(number) for number in numbers], fontsize=8)
    axes.set_xlabel("bar", fontsize=8)


def _heading(sequence: NoteSequence, title: str, end_seconds: float) -> str:
    qpm = sequence.tempos[0].qpm if sequence.tempos else 120.0
    metre = "4/4"
    if sequence.time_signatures:
        first = sequence.time_signatures[0]
        metre = f"{first.numerator}/{first.denominator}"
    facts = f"{qpm:g} quarters a minute, {metre}, {end_seconds:.1f} s"
    return f"{title}    {facts}" if title else facts
