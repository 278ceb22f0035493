"""Chord symbols above the staves of a picture, as lead sheets have them."""

from typing import TYPE_CHECKING

from tfmusicgan.note_sequences.proto import NoteSequence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FONT_SIZE = 9
_LONGEST = 16  # characters of a symbol that are shown
_SLACK_SECONDS = 1e-6  # bars and symbols are summed up apart from each other
TITLE_PAD = 16  # points that a panel's title moves up to leave them their line


def find_chord_symbols(sequence: NoteSequence) -> list[tuple[float, str]]:
    """The chord symbols of a piece: (seconds, text), in order of time."""
    kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
    found = [text for text in sequence.text_annotations if text.annotation_type == kind]
    return sorted(((text.time, text.text) for text in found), key=lambda one: one[0])


def draw_chord_symbols(
    axes: "Axes", symbols: list[tuple[float, str]], first: float, last: float
) -> None:
    """Writes chord symbols above a panel, each where it begins; what lies outside is left out.

    Args:
      axes: The panel, whose horizontal axis is in seconds.
      symbols: Of the whole piece, as `find_chord_symbols` gives them.
      first: Seconds at which the panel's music begins.
      last: Seconds at which it ends: what begins there belongs to the next line.
    """
    for time, text in symbols:
        if first - _SLACK_SECONDS <= time < last - _SLACK_SECONDS:
            shown = axes.annotate(
                text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…",
                (time, 1.0),
                xycoords=axes.get_xaxis_transform(),
                xytext=(0, 3),
                textcoords="offset points",
                fontsize=_FONT_SIZE,
                parse_math=False,  # a symbol with a dollar sign is no formula
                annotation_clip=False,
            )
            shown.set_in_layout(False)  # the last bar's may reach over the edge: no panel shrinks
