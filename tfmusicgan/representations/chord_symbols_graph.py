"""Chord symbols to triads inside the graph: a look-up in constant tables, core ops only.

Equals `chord_symbols.nearest_triad` for symbols whose kind is in the table: all of note_seq's, the
spellings of jazz and of Harte that stand for them, and those with one alteration, or two of a
seventh chord; in Harte's with the third or the fifth left out. Brackets do not count, nor do other
words and signs for major, minor, diminished, augmented, added and left-out tones. Kinds are looked
up by their hash, and compared letter by letter. Other symbols are `UNKNOWN`.
"""

import functools
import itertools

import numpy as np
import tensorflow as tf

from tfmusicgan.errors import PieceError
from tfmusicgan.note_sequences.chord_symbols import nearest_triad
from tfmusicgan.note_sequences.proto import note_seq_module

UNKNOWN, NO_TRIAD, FIRST_MAJOR, FIRST_MINOR = -1, 0, 1, 13

_NATURALS = (("C", 0), ("D", 2), ("E", 4), ("F", 5), ("G", 7), ("A", 9), ("B", 11))
_SIGNS = (("", 0), ("#", 1), ("b", -1), ("##", 2), ("bb", -2))
_DEGREES = ("#4", "b5", "#5", "b6", "b9", "#9", "11", "#11", "13", "b13")
_SEVENTHS = ("7", "maj7", "M7", "m7", "9", "13")
_ADDED = ("2", "4", "6", "9", "11", "13", "b9", "#9", "#11", "b13")
_JAZZ = (
    "Maj7 Maj9 MA7 ma7 Ma7 Maj Ma MA mi mi7 mi9 mi6 min9 min6 -9 -6 -11 ^ ^7 ^9 Δ Δ7 Δ9 ø ø7 h "
    "h7 ° °7 M6 maj6 69 M69 maj69 m69 -69 6/9 m6/9 7alt alt 7+ 9+ +7 aug7 dom7 h7b5 mMaj7 mMA7 "
    "m9b5 -M7 -Δ7 mΔ7 -^7 m^7 mM9 +M7 maj7#5 M7+ maj7#11 7b5b9 7#5b9 7#5#9 7b9#5 7b9b5 7#9#5 "
    "7#9b5 7b9#9 7b9#11 7#9#11 13b9 13#11 13#9 9#11 9b5 9#5 9b13 7b9b13 7#9b13 7#11 m7#5 "
    "m11b5 dim9 5 m7b5b9 M9#11 maj9#11 maj13#11 M13 -13 m13 "
    "sus 7sus 9sus 13sus 7sus4 9sus4 13sus4 sus47 7sus2 "
    "7susb9 7sus4b9 m(maj9)"
)
_HARTE = (
    "maj min dim aug maj7 min7 7 dim7 hdim7 minmaj7 maj6 min6 9 maj9 min9 11 maj11 min11 13 "
    "maj13 min13 maj(9) min(9) 7(9) 7(b9) 7(#9) 7(#11) 7(13) 7(b13) maj7(#11) min7(11) "
    "maj(11) min(11) maj6(9) min6(9) maj7(9) min7(9) min7(b5) sus4 sus2 sus4(b7) sus4(b7,9) 5 1"
)
_SIGNS_OF_PRINT = (("♯", "#"), ("♭", "b"), ("Ø", "ø"), ("º", "°"), ("△", "Δ"))
# Kinds of many spellings to fewer, rule after rule; those of Harte begin with a colon and stay.
_RULES = (
    ("^(:[^(]*)[(]", r"\1&"),  # `C:maj(9)` has no seventh, `C:maj9` has one.
    ("[(), ]", ""),
    ("omit", "no"),
    ("add", "&"),  # Else the rules for `ma` and `MA` would find theirs in `madd` and `MAdd`.
    ("^(minor|min|Min|MIN|Mi|MI|mi|-)", "m"),
    ("^(major|maj|Maj|MAJ|Ma|MA|ma|M)", "maj"),
    ("^m(maj|Maj|MAJ|Ma|MA|ma|M)", "mmaj"),
    ("^(diminished|°|o)", "dim"),
    ("^(augmented|[+])", "aug"),
    ("^dom(inant)?([0-9])", r"\2"),
    # The sign before a degree, the last one first, as often as real symbols have one.
    *[(r"^([^:].*|)([0-9])[+]([0-9])", r"\1\2#\3")] * 3,
    *[(r"^([^:].*|)([0-9])-([0-9])", r"\1\2b\3")] * 3,
)


def triad_numbers(symbols: tf.Tensor) -> tf.Tensor:
    """Looks chord symbols up.

    Args:
      symbols: tf.string, any shape.

    Returns:
      int32 of the same shape: from `FIRST_MAJOR` on the major triads on C, C# to B, from
      `FIRST_MINOR` on the minor ones, `NO_TRIAD` for chords without a third and for no chord,
      `UNKNOWN` for what is no chord symbol of the table.
    """
    pitch_class, kind, _ = split(symbols)
    third = find(kind, _kinds(), UNKNOWN)
    number = tf.where(third > 0, third + pitch_class, third)
    number = tf.where(pitch_class < 0, UNKNOWN, number)
    return tf.where(is_no_chord(symbols), NO_TRIAD, number)


def is_no_chord(symbols: tf.Tensor) -> tf.Tensor:
    """Whether they are signs for no chord: bool of the same shape."""
    return tf.strings.regex_full_match(tf.strings.strip(symbols), "[.]*[Nn][.]*([Cc][.]*)?")


def split(symbols: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Takes chord symbols apart.

    Args:
      symbols: tf.string, any shape.

    Returns:
      Of the same shape each: int32, the root's pitch class or `UNKNOWN`; tf.string, the kind in the
      table's spelling; and the bass, a note's name, of Harte's symbols a degree such as `b7`, or
      nothing.
    """
    text = tf.strings.strip(symbols)
    for sign, ours in _SIGNS_OF_PRINT:
        text = tf.strings.regex_replace(text, sign, ours)
    without = tf.strings.regex_replace(text, "/[A-Ga-g](##?|bb?)?$", "")
    without = tf.strings.regex_replace(without, "(:.*)/[#b]?[0-9]+$", r"\1")
    # What is cut off, if anything: a slash and the bass.
    length = tf.strings.length(text)
    behind = tf.minimum(tf.strings.length(without) + 1, length)
    bass = tf.strings.substr(text, behind, length - behind)
    root = tf.strings.regex_replace(without, "^([A-G](##?|bb?)?).*$", r"\1")
    kind = spell(tf.strings.regex_replace(without, "^[A-G](##?|bb?)?", ""))
    return find(root, roots(), UNKNOWN), kind, bass


def spell(kinds: tf.Tensor) -> tf.Tensor:
    """Kinds in the spelling of the table: tf.string of the same shape."""
    for pattern, replacement in _RULES:
        kinds = tf.strings.regex_replace(kinds, pattern, replacement)
    return kinds


def spell_all(kinds: tuple[str, ...]) -> list[str]:
    """The same of Python's texts."""
    with tf.init_scope():
        return [text.decode() for text in spell(tf.constant(kinds)).numpy().tolist()]


def find(
    texts: tf.Tensor, table: tuple[tuple[str, ...], tuple[int, ...]], missing: int
) -> tf.Tensor:
    """The number of each text in a table: int32 of the texts' shape."""
    names, numbers = table
    order = np.argsort(_hashes(names), kind="stable")
    hashes = tf.constant(_hashes(names)[order])
    found = tf.searchsorted(hashes, tf.reshape(_hash(texts), [-1]))
    found = tf.reshape(tf.minimum(found, len(names) - 1), tf.shape(texts))
    same = tf.gather(tf.constant(np.array(names, object)[order]), found) == texts
    return tf.where(
        same, tf.gather(tf.constant(np.array(numbers, np.int32)[order]), found), missing
    )


def _hash(texts: tf.Tensor) -> tf.Tensor:
    return tf.strings.to_hash_bucket_fast(texts, 2**62)


@functools.cache
def _hashes(names: tuple[str, ...]) -> np.ndarray:
    with tf.init_scope():
        return _hash(tf.constant(names)).numpy()


@functools.cache
def roots() -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of notes to pitch classes."""
    named = {
        letter + sign: (pitch_class + shift) % 12
        for letter, pitch_class in _NATURALS
        for sign, shift in _SIGNS
    }
    return tuple(named), tuple(named.values())


@functools.cache
def _kinds() -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Kinds to `FIRST_MAJOR`, `FIRST_MINOR` or `NO_TRIAD`, by `nearest_triad` on C."""
    found = {}
    for kind in candidates():
        try:
            third = nearest_triad(f"C{kind}")[1]
        except PieceError as error:
            if error.reason == "no_third":
                found[kind] = NO_TRIAD
            continue
        found[kind] = FIRST_MAJOR if third == "major" else FIRST_MINOR
    found = dict(zip(spell_all(tuple(found)), found.values(), strict=True))
    return tuple(found), tuple(found.values())


def candidates() -> list[str]:
    """Kinds that may be chord symbols behind a root."""
    library = note_seq_module("chord_symbols_lib")
    kinds = list(library._CHORD_KINDS_BY_ABBREV)
    changes = [*_DEGREES, *(f"(add{degree})" for degree in _ADDED), "no3", "no5"]
    more = [f"{kind}{change}" for kind in kinds for change in changes]
    for kind, (one, two) in itertools.product(_SEVENTHS, itertools.permutations(_DEGREES, 2)):
        more.append(f"{kind}{one}{two}")
    harte = [f":{kind}" for kind in _HARTE.split()]
    harte += [
        f":{kind}(*{degree})" for kind in _HARTE.split() if "(" not in kind for degree in (3, 5)
    ]
    # A first accidental would be the root's.
    several = [*kinds, *_JAZZ.split(), *harte, *more]
    return list(dict.fromkeys(kind for kind in several if kind[:1] not in ("#", "b")))
