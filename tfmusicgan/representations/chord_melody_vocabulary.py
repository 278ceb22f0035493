"""The words of a vocabulary: their order, their text, and one number for each."""

import collections
from collections.abc import Iterable, Sequence

import numpy as np

from tfmusicgan.errors import ConfigError
from tfmusicgan.representations.chord_melody_events import NUM_COLUMNS, NUM_OCTAVES

Word = tuple[int, int, int, int, int, int]

MAX_WORDS = 65_536
MAX_DURATION = 4095
"""Most steps of an event that a vocabulary has a word for: 170 quarter notes of 24 steps each."""
MAX_CHORD_CLASSES = 6
"""Most pitch classes of a chord that a vocabulary has a word for."""

# How many values each column of a word has: the product is below 2**63.
RADICES = (MAX_DURATION + 1, NUM_OCTAVES, 13, MAX_DURATION + 1, 10**MAX_CHORD_CLASSES, 2**12)
NO_KEY = -1
# How many pitch classes each set of them has.
NUM_CLASSES = np.array([number.bit_count() for number in range(2**12)])


def word_keys(words: np.ndarray) -> np.ndarray:
    """A number for each word, another for every other.

    Args:
      words: int64 [..., 6], as `chord_melody_events.merge` gives them.

    Returns:
      int64 [...]; `NO_KEY` for words with an event of more than `MAX_DURATION` steps or a chord of
      more than `MAX_CHORD_CLASSES` pitch classes.
    """
    fits = (words[..., 0] <= MAX_DURATION) & (words[..., 3] <= MAX_DURATION)
    fits &= NUM_CLASSES[words[..., 5]] <= MAX_CHORD_CLASSES
    keys = np.zeros(words.shape[:-1], np.int64)
    for column, radix in enumerate(RADICES):
        keys = keys * radix + np.where(fits, words[..., column], 0)
    return np.where(fits, keys, NO_KEY)


def most_frequent(pieces: Iterable[np.ndarray], limit: int) -> tuple[Word, ...]:
    """The words of some pieces, the most frequent first, equally frequent ones by their numbers.

    Args:
      pieces: int64 [words, 6] each.
      limit: How many at most.

    Returns:
      Words that have a key.
    """
    counts = collections.Counter[Word]()
    for words in pieces:
        counts.update(map(tuple, words[word_keys(words) != NO_KEY].tolist()))
    return tuple(sorted(counts, key=lambda word: (-counts[word], word))[:limit])


def to_texts(words: Sequence[Word]) -> list[str]:
    """Words as texts of six numbers, for JSON."""
    return [" ".join(map(str, word)) for word in words]


def from_texts(texts: Iterable[str | Iterable[int]]) -> tuple[Word, ...]:
    """The inverse of `to_texts`; lists of six numbers are words as well.

    Raises:
      ConfigError: If one is not six whole numbers.
    """
    words = []
    try:
        for text in texts:
            words.append(tuple(int(n) for n in text.split()) if isinstance(text, str) else text)
        words = [tuple(word) for word in words]
    except (TypeError, ValueError):
        raise ConfigError(
            f"words: expected texts of six whole numbers. Received: {texts!r:.60}."
        ) from None
    check_words(words)
    return tuple(words)


def check_words(words: Sequence[Word]) -> None:
    """Checks a vocabulary.

    Raises:
      ConfigError: If it has more than `MAX_WORDS`, or one of them is no word, or comes twice.
    """
    if len(words) > MAX_WORDS:
        raise ConfigError(f"words: expected at most {MAX_WORDS}. Received: {len(words)}.")
    seen = set()
    for word in words:
        if word in seen or not _is_word(word):
            what = "each word once" if word in seen else "six numbers of a melody and a chord"
            raise ConfigError(f"words: expected {what}. Received: {word!r:.80}.")
        seen.add(word)


def melody_pitch(word: Word) -> int:
    """MIDI pitch of a word's melody note; meaningless without one."""
    return word[1] * 12 + 11 + word[2]


def chord_pitches(word: Word) -> list[int]:
    """MIDI pitches of a word's chord, by pitch class; none for a rest."""
    classes = [k for k in range(12) if word[5] >> k & 1]
    octaves = f"{word[4]:0{len(classes)}d}" if classes else ""
    return [12 + int(octave) * 12 + k for octave, k in zip(octaves, classes, strict=True)]


def _is_word(word: Word) -> bool:
    """Whether these can be the six numbers of a word that has a key."""
    if len(word) != NUM_COLUMNS or not all(type(number) is int for number in word):
        return False
    if not all(0 <= number < radix for number, radix in zip(word, RADICES, strict=True)):
        return False
    steps, octave, pitch, chord_steps, octaves, classes = word
    count = classes.bit_count()
    return (
        (steps > 0 or chord_steps > 0)
        and (pitch > 0 or octave == 0)
        and (steps > 0 or pitch == 0)
        and (chord_steps > 0 or classes == 0)
        and count <= MAX_CHORD_CLASSES
        and (octaves < 10**count if count else octaves == 0)
        and max(melody_pitch(word), *chord_pitches(word), 0) <= 127
    )
