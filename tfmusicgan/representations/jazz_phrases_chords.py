"""Chords as their bass and the semitones above it, twelve bits, and the symbols that say so.

A chord stands on its bass: `C/E` is a chord on E, with a minor third and a minor sixth. Bit s of
its tones is s semitones above the bass, which always belongs to it; no chord has no tones.
"""

import functools
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from tfmusicgan.errors import ChordSymbolError
from tfmusicgan.note_sequences.chord_symbols import (
    NO_CHORD,
    chord_bass,
    chord_pitch_classes,
    normalise_symbol,
)
from tfmusicgan.note_sequences.lead_sheet import ChordSpan
from tfmusicgan.representations.jazz_phrases_rhythm import round_to_steps

ROOTS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
NUM_TONES = 2**12
"""Sets of tones, as numbers."""

# The first that has a set of tones names it.
_KINDS = (
    *("", "m", "7", "maj7", "m7", "6", "m6", "m7b5", "dim", "dim7", "aug", "aug7", "m(maj7)"),
    *("9", "maj9", "m9", "aug9", "6/9", "11", "maj11", "m11", "13", "maj13", "m13"),
    *("sus", "sus2", "sus7", "5", "ped"),
)
_CHANGES = ("b9", "#9", "#11", "b13", "b5", "#5", "add9", "add11", "add13", "no5", "no3")
# Whose alterations are chords of their own, rather than others over a bass.
_SEVENTHS = ("7", "maj7", "m7", "9", "maj9", "m9", "13", "sus7")
# Degrees so high that they may all stand beside each other and beside a kind's own, by semitones
# above the root.
_DEGREES = ("", "b16", "23", "b17", "24", "18", "#25", "19", "b20", "27", "b21", "28")


@functools.lru_cache(4096)
def chord_numbers(symbol: str) -> tuple[int, int]:
    """A chord's bass and tones.

    Args:
      symbol: Any that `normalise_symbol` takes.

    Returns:
      (pitch class of the bass, 0 for C; tones, bit s for s semitones above it); (0, 0) for no
      chord.

    Raises:
      ChordSymbolError: If it is no chord symbol.
    """
    classes = chord_pitch_classes(symbol)
    if not classes:
        return 0, 0
    bass = chord_bass(symbol)
    return bass, tones_above(bass, classes)


def tones_above(bass: int, pitch_classes: frozenset[int]) -> int:
    """Pitch classes as tones above a bass, with the bass."""
    return 1 | sum({1 << (pitch_class - bass) % 12 for pitch_class in pitch_classes})


def to_bits(tones: np.ndarray) -> np.ndarray:
    """Tones as numbers to one column a semitone: int [...] to uint8 [..., 12]."""
    return (np.asarray(tones)[..., np.newaxis] >> np.arange(12) & 1).astype(np.uint8)


def from_bits(bits: np.ndarray) -> np.ndarray:
    """The inverse of `to_bits`: int64 [...]."""
    return (np.asarray(bits, np.int64) << np.arange(12)).sum(axis=-1)


def symbol_of(bass: int, tones: int) -> str:
    """The symbol of a chord, such that `chord_numbers` of it gives the same again.

    Of several names the plainest: a chord in root position before one over a bass.

    Args:
      bass: Pitch class.
      tones: Odd, or 0.
    """
    if not tones:
        return NO_CHORD
    kinds, shifts = symbol_tables()
    root = ROOTS[(bass + int(shifts[tones])) % 12]
    return root + kinds[tones] + (f"/{ROOTS[bass]}" if shifts[tones] else "")


@functools.cache
def symbol_tables() -> tuple[tuple[str, ...], np.ndarray]:
    """Of each set of tones the kind of chord, and how far above the bass its root is.

    Returns:
      `NUM_TONES` texts, empty for even numbers, and int32 [NUM_TONES].
    """
    plain = {kind: chord_pitch_classes(f"C{kind}") for kind in _KINDS}
    changed = _with_changes(_KINDS, 1)
    found: dict[int, tuple[str, int]] = {}
    for kinds, basses in (
        (plain, (0,)),
        (_with_changes(_SEVENTHS, 1), (0,)),
        (_with_changes(_SEVENTHS, 2), (0,)),
        (plain, range(1, 12)),
        (changed, (0,)),
        (changed, range(1, 12)),
    ):
        for (kind, classes), bass in itertools.product(kinds.items(), basses):
            found.setdefault(tones_above(bass, classes), (kind, -bass % 12))
    for tones in set(range(1, NUM_TONES, 2)) - set(found):
        found[tones] = _with_added_tones(plain | changed, tones), 0
    names = [found.get(tones, ("", 0)) for tones in range(NUM_TONES)]
    return tuple(kind for kind, _ in names), np.array([shift for _, shift in names], np.int32)


def _with_added_tones(kinds: Mapping[str, frozenset[int]], tones: int) -> str:
    """Any tones: the largest kind that is among them, with the others added."""
    own = {tone for tone in range(12) if tones >> tone & 1}
    kind = max((name for name in kinds if kinds[name] <= own), key=lambda name: len(kinds[name]))
    return kind + "".join(f"(add{_DEGREES[tone]})" for tone in sorted(own - kinds[kind]))


def _with_changes(kinds: Sequence[str], count: int) -> dict[str, frozenset[int]]:
    """Kinds with so many alterations to their pitch classes on C, those that there are."""
    found = {}
    for kind, changes in itertools.product(kinds, itertools.combinations(_CHANGES, count)):
        text = "C" + kind + "".join(f"({change})" for change in changes)
        try:
            found[normalise_symbol(text)[1:]] = chord_pitch_classes(text)
        except ChordSymbolError:
            continue  # Such as a third left out of a chord that has none.
    return found


def chord_steps(spans: tuple[ChordSpan, ...], num_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The chord at each step of a lead sheet.

    Args:
      spans: In order, without gaps.
      num_steps: Of the sheet; a chord's beginning is rounded to the nearest.

    Returns:
      int64 [num_steps] each: bass and tones.

    Raises:
      ChordSymbolError: If a symbol cannot be read.
    """
    quarters = np.array([span.start_quarter for span in spans])
    starts = round_to_steps(quarters)
    numbers = np.array([chord_numbers(span.symbol) for span in spans], np.int64)
    # Of several that begin at one step the last holds.
    holds = np.searchsorted(starts, np.arange(num_steps), side="right") - 1
    return numbers[holds, 0], numbers[holds, 1]
