"""Spellings of chord symbols, of many sources, to one that note_seq's `chord_symbols_lib` reads.

Known beside note_seq's own are

* Impro-Visor and printed jazz: `CM7`, `A-7`, `Bb69`, `G13sus`, `D7alt`, `F7+`, `Bø`, `C^7`, `NC`;
* Harte's, as POP909 has them: `C:maj7/3` (the bass is a degree), `A:sus4(b7)`, `B:hdim7`, `N`;
* MusicXML and ABC, as their readers write them: `Em7(b5)`, `Bb7(b9)/D`, `D/f#`.

`alt`, which is no one chord, becomes `7(#5)(#9)`. The first accidentals belong to the root: `Bb5`
is B flat's fifth.

Source: Harte et al., "Symbolic representation of musical chords", ISMIR 2005; Impro-Visor's
vocabulary, https://github.com/Impro-Visor/Impro-Visor, vocab/My.voc.
"""

import functools
import itertools
import re

from tfmusicgan.errors import ChordSymbolError
from tfmusicgan.note_sequences.proto import note_seq_module
from tfmusicgan.note_sequences.transforms import transpose_chord

NO_CHORD = "N.C."
"""note_seq's symbol for no chord."""

_MAX_LENGTH = 64  # Characters; real symbols have up to twelve.
_SIGNS = str.maketrans({"♯": "#", "♭": "b", "Ø": "ø", "º": "°", "△": "Δ"})
_NO_CHORDS = ("NC", "N")
_FIGURE = re.compile(
    r"(?P<root>[A-G](?:#{1,2}|b{1,2}|)(?![#b]))(?P<harte>:?)(?P<kind>.*?)"
    r"(?:/(?P<bass>[A-Ga-g](?:#{1,2}|b{1,2}|)))?"
)
_DEGREE_BASS = re.compile(r"(?P<kind>.*)/(?P<sign>[#b]*)(?P<degree>\d{1,2})")
_DEGREE_SEMITONES = (0, 2, 4, 5, 7, 9, 11)

# Kinds of many spellings to one, rule after rule.
_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"[ ,]", ""),
        (r"omit", "no"),
        (r"(?:Δ|\^)(?:7|(?!\d))", "maj7"),
        (r"Δ|\^", "maj"),
        (r"^(?:major|Maj|MAJ|Ma(?!dd)|MA|ma(?!j|dd)|M(?![iI]))", "maj"),
        (r"^(?:minor|Min|MIN|min|Mi|MI|mi|-)", "m"),
        (r"^m\(?(?:maj|Maj|MAJ|[Mm]a(?!dd)|MA|M)(?:7?\)?(?!\d)|(9)\)?)", r"m(maj7)\1"),
        (r"^m\(maj7\)9", "m(maj7)(add9)"),
        (r"^(?:ø|hdim|h(?!d)|/o|m7\(b5\))7?", "m7b5"),
        (r"^(?:°|o(?!m)|diminished)", "dim"),
        (r"^(?:augmented|\+)", "aug"),
        (r"^dom(?:inant)?(?=\d)", ""),
        (r"^(?:maj)?6/?9", "6/9"),
        (r"^maj(?=6|add|no|$|/|\()", ""),
        (r"^m6/?9", "m6(add9)"),
        (r"^sus47", "sus7"),
        (r"^(?:7sus|sus7)4?(?!\d)", "sus7"),
        (r"^9sus4?", "sus7(add9)"),
        (r"^13sus4?", "sus7(add9)(add13)"),
        (r"^7sus2", "sus2(add7)"),
        (r"^sus4", "sus"),
        (r"^7?alt$", "7(#5)(#9)"),
        (r"^(7|9)(?:\+|aug)(?!\d)", r"aug\1"),
        (r"(?<=[\d)])\+(?=\d)", "#"),
        (r"(?<=[\d)])-(?=\d)", "b"),
        (r"\(?((?:add[#b]?|no|#|b)\d+)\)?", r"(\1)"),
        (r"^m7\(b5\)", "m7b5"),
        (r"^sus\((?:b7|add7)\)", "sus7"),
    )
)
_HARTE_KINDS = {
    "": "",
    "1": "ped",
    "maj": "",
    "min": "m",
    "hdim7": "m7b5",
    "minmaj7": "m(maj7)",
    "maj6": "6",
    "min6": "m6",
}
_HARTE_SHORTHAND = re.compile(r"(?P<kind>[a-z0-9]*)(?:\((?P<degrees>[#b*0-9,]+)\))?")
_ALTERATION = re.compile(r"(?<!add)(?P<sign>[#b])(?P<degree>\d{1,2})")


@functools.lru_cache(4096)
def normalise_symbol(symbol: str) -> str:
    """A chord symbol in the one spelling, of those that note_seq reads, that all come to.

    Args:
      symbol: Root, kind, and bass behind a `/`; or one of the signs for no chord: `N.C.`, `NC`,
        `N`.

    Returns:
      The symbol, e.g. `"Em7b5/Bb"` or `"D7(b9)(#5)"`, or `NO_CHORD`; normalised again it stays.

    Raises:
      ChordSymbolError: If it is none.
    """
    text = symbol.strip().translate(_SIGNS)
    if text.replace(".", "").upper() in _NO_CHORDS:
        return NO_CHORD
    match = _FIGURE.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if match is None:
        raise _unknown(symbol)
    root, kind, bass = match["root"], match["kind"], match["bass"]
    if bass:
        bass = bass[0].upper() + bass[1:]
    if match["harte"]:
        kind, degree = _split_degree_bass(kind)
        kind = _kind_of_harte(kind, symbol)
        bass = bass or (None if degree is None else transpose_chord(root, degree))
    for rule, replacement in _RULES:
        kind = rule.sub(replacement, kind)
    figure = f"{root}{kind}/{bass}" if bass and bass != root else f"{root}{kind}"
    for one in without_contradictions(figure):
        note_seq_pitches(one, symbol)
    return figure


def _split_degree_bass(kind: str) -> tuple[str, int | None]:
    """A kind without its bass, and how many semitones above the root that is; None if it has none.

    Only in Harte's spelling: elsewhere `/9` belongs to `6/9`.
    """
    match = _DEGREE_BASS.fullmatch(kind)
    if match is None or not 1 <= int(match["degree"]) <= 13:
        return kind, None
    semitones = _DEGREE_SEMITONES[(int(match["degree"]) - 1) % 7]
    return match["kind"], semitones + match["sign"].count("#") - match["sign"].count("b")


def _kind_of_harte(kind: str, symbol: str) -> str:
    """A kind of Harte's in note_seq's spelling; degrees count from the major scale."""
    match = _HARTE_SHORTHAND.fullmatch(kind)
    if match is None:
        raise _unknown(symbol)
    figure = _HARTE_KINDS.get(match["kind"], match["kind"])
    for degree in (match["degrees"] or "").split(","):
        if degree.startswith("*"):
            figure += f"(no{degree.lstrip('*#b')})"
        elif degree in ("7", "14"):
            figure += "(add#7)"  # A bare seventh is a minor one in note_seq.
        elif degree:
            figure += f"({degree})" if degree[0] in "#b" else f"(add{degree})"
    return figure


def without_contradictions(figure: str) -> list[str]:
    """Symbols that together have a chord's tones, none of them with a degree altered twice.

    note_seq keeps one tone a degree: in `C7b9#9` it would cancel one with the other.
    """
    match = _FIGURE.fullmatch(figure)
    kind = match["kind"]
    by_degree: dict[str, list[tuple[int, int]]] = {}
    for alteration in _ALTERATION.finditer(kind):
        by_degree.setdefault(alteration["degree"], []).append(alteration.span())
    twice = [spans for spans in by_degree.values() if len(spans) > 1]
    figures = []
    for kept in itertools.product(*twice):
        one = kind
        for start, end in sorted(set(itertools.chain(*twice)) - set(kept), reverse=True):
            one = one[:start] + one[end:]
        figures.append(match["root"] + one.replace("()", ""))
    return figures


def note_seq_pitches(figure: str, symbol: str) -> list[int]:
    """The pitch classes of a figure as note_seq reads it.

    Args:
      figure: In note_seq's spelling.
      symbol: What messages call it.

    Raises:
      ChordSymbolError: If note_seq cannot read it.
    """
    library = note_seq_module("chord_symbols_lib")
    try:
        return library.chord_symbol_pitches(figure)
    except library.ChordSymbolError as error:
        raise _unknown(symbol) from error


def _unknown(symbol: str) -> ChordSymbolError:
    return ChordSymbolError(
        "Expected a chord symbol such as Am7, Bb7#5 or D/F#, or N.C. for no chord. Received: "
        f"{symbol[:_MAX_LENGTH]!r}."
    )
