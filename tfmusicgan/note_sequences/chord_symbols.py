"""What chord symbols say about pitch: roots, tones, basses, triads; on note_seq's reading of them.

`chord_spellings.py` brings symbols of many sources to one spelling first, so that all functions
here take any of them. Elevenths and thirteenths have all thirds below them, the eleventh included.
"""

from tfmusicgan.errors import ChordSymbolError
from tfmusicgan.note_sequences import chord_spellings
from tfmusicgan.note_sequences.chord_spellings import NO_CHORD, normalise_symbol
from tfmusicgan.note_sequences.proto import note_seq_module
from tfmusicgan.note_sequences.transforms import transpose_chord

__all__ = [
    "NO_CHORD",
    "QUALITIES",
    "chord_bass",
    "chord_pitch_classes",
    "chord_pitches",
    "nearest_triad",
    "normalise_symbol",
    "read_progression",
    "root_and_quality",
    "transpose_symbol",
]

QUALITIES = ("major", "minor", "augmented", "diminished", "other")
"""What `root_and_quality` calls chords, in note_seq's order."""

_LOWEST_ROOT, _LOWEST_BASS = 48, 36  # C3 and C2: below most melodies.


def root_and_quality(symbol: str) -> tuple[int, str]:
    """The root and the kind of triad of a chord.

    Args:
      symbol: Any that `normalise_symbol` takes.

    Returns:
      (pitch class of the root, 0 for C; one of `QUALITIES`: the third and the fifth as note_seq
      judges them, so that sevenths and higher ones do not count).

    Raises:
      ChordSymbolError: If it is no chord symbol, or with reason `"no_chord"` for `N.C.`.
    """
    figure = _sounding(symbol)
    library = note_seq_module("chord_symbols_lib")
    return library.chord_symbol_root(figure), QUALITIES[library.chord_symbol_quality(figure)]


def chord_pitch_classes(symbol: str) -> frozenset[int]:
    """The pitch classes of a chord; none for `N.C.`.

    A bass that is no tone of the chord is not among them: see `chord_bass`.

    Args:
      symbol: Any that `normalise_symbol` takes.

    Raises:
      ChordSymbolError: If it is no chord symbol.
    """
    figure = normalise_symbol(symbol)
    if figure == NO_CHORD:
        return frozenset()
    figures = chord_spellings.without_contradictions(figure)
    found = (chord_spellings.note_seq_pitches(one, symbol) for one in figures)
    return frozenset(pitch for pitches in found for pitch in pitches)


def chord_bass(symbol: str) -> int:
    """The pitch class of a chord's bass: what stands behind the `/`, or else the root.

    Raises:
      ChordSymbolError: If it is no chord symbol, or with reason `"no_chord"` for `N.C.`.
    """
    return note_seq_module("chord_symbols_lib").chord_symbol_bass(_sounding(symbol))


def chord_pitches(symbol: str) -> tuple[int, ...]:
    """A chord as it is played where nothing else says how: in root position, within an octave.

    Args:
      symbol: Any that `normalise_symbol` takes.

    Returns:
      MIDI pitches, ascending: the root from C3 to B3, the other tones above it, and a bass that is
      not the root from C2 to B2. Empty for `N.C.`.

    Raises:
      ChordSymbolError: If it is no chord symbol.
    """
    if normalise_symbol(symbol) == NO_CHORD:
        return ()
    root, bass = root_and_quality(symbol)[0], chord_bass(symbol)
    above = sorted((pitch_class - root) % 12 for pitch_class in chord_pitch_classes(symbol))
    tones = tuple(_LOWEST_ROOT + root + semitones for semitones in above)
    return tones if bass == root else (_LOWEST_BASS + bass, *tones)


def nearest_triad(symbol: str) -> tuple[int, str]:
    """The major or minor triad that stands for a chord, for models that know those 24 alone.

    The rule: the root stays, and the third decides. A chord with a major third above its root is
    major (`C7`, `Caug`, `C7#9`, `C6/9`), one with a minor third and no major one is minor (`Cm7`,
    `Cdim`, `Cm7b5`); fifth, seventh, higher tones and bass do not count. A chord without a third
    (suspended, power chords, `N.C.`) has no such triad: nothing says which it would be.

    Args:
      symbol: Any that `normalise_symbol` takes.

    Returns:
      (pitch class of the root, 0 for C; `"major"` or `"minor"`).

    Raises:
      ChordSymbolError: If it is no chord symbol, with reason `"no_chord"` for `N.C.`, or with
        reason `"no_third"`.
    """
    figure = _sounding(symbol)
    root = note_seq_module("chord_symbols_lib").chord_symbol_root(figure)
    above = {(pitch_class - root) % 12 for pitch_class in chord_pitch_classes(figure)}
    # In a suspended chord a raised ninth is no third.
    third = (above & {3, 4}) if "sus" not in figure else set()
    if not third:
        raise ChordSymbolError(
            f"Expected a chord with a third, which makes it major or minor. Received: {symbol!r}, "
            "which has none.",
            "no_third",
        )
    return root, "major" if 4 in third else "minor"


def transpose_symbol(symbol: str, semitones: int) -> str:
    """Moves a chord symbol, its bass with it; `N.C.` stays.

    Args:
      symbol: Any that `normalise_symbol` takes.
      semitones: Upwards if positive.

    Returns:
      In note_seq's spelling, with roots spelled C Db D Eb E F F# G Ab A Bb B.

    Raises:
      ChordSymbolError: If it is no chord symbol.
    """
    return transpose_chord(normalise_symbol(symbol), semitones)


def read_progression(text: str) -> tuple[str, ...]:
    """Reads chord symbols that follow each other, e.g. `"C Am | F G7"`.

    Args:
      text: Symbols with spaces, or bar lines, between them.

    Returns:
      The symbols in note_seq's spelling.

    Raises:
      ChordSymbolError: If one of them is no chord symbol, or with reason `"no_chord_symbols"` if
        there are none.
    """
    symbols = text.replace("|", " ").split()
    if not symbols:
        raise ChordSymbolError(
            f"Expected chord symbols such as 'C Am F G'. Received: {text!r}.", "no_chord_symbols"
        )
    return tuple(normalise_symbol(symbol) for symbol in symbols)


def _sounding(symbol: str) -> str:
    figure = normalise_symbol(symbol)
    if figure == NO_CHORD:
        raise ChordSymbolError(f"Expected a chord. Received: {symbol!r}, no chord.", "no_chord")
    return figure
