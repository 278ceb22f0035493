"""The nearest word of a vocabulary, which stands for one that it lacks: the NumPy half.

It is what a model goes on with: the unknown word would be a rest in place of what was played, and
nothing that the model has learnt of. Records keep the unknown word, and have none but the pieces'.

How near a word is, in this order; of words that are equally near, the one that comes first in the
vocabulary, as the most frequent ones do:

1. whether the melody has a note; then whether it has a rest, or goes on with what it had;
2. the melody note: of its pitch class in the nearest octave; if no word has that, by semitones;
3. the melody event's duration, by steps;
4. the chord event's duration, by steps; where no chord begins it is 0;
5. how many pitch classes are in one chord and not in the other;
6. the chord's lowest note, as the melody's.

So the melody stays as it is before anything else does: a word with another chord, or with none,
comes before one with another note. A chord's duration comes before what sounds in it, because time
is in the durations alone: a chord of another length moves all chords behind it away from the
melody, a chord of other notes is one wrong chord. (With a vocabulary of 3,314 words of four fifths
of the Nottingham tunes: in the others, of whose words 3 % are unknown, chords begin 1.1 quarter
notes from their places by the melody on average, with the notes first 4.0; in 41 of Bach's
chorales, of whose words 85 % are unknown, 2.3 and 15.9.)

`chord_melody_nearest_graph.py` does the same inside the graph.
"""

import numpy as np

from tfmusicgan.representations.chord_melody_events import NUM_COLUMNS
from tfmusicgan.representations.chord_melody_vocabulary import MAX_DURATION, NUM_CLASSES
from tfmusicgan.representations.chord_melody_words import NUM_RESERVED, UNKNOWN, ChordMelodyWords

NO_PITCH = -1

ANOTHER_CLASS = 128
"""More than any two MIDI pitches are apart."""

RADICES = (4, 2 * ANOTHER_CLASS, MAX_DURATION + 1, MAX_DURATION + 1, 13, 2 * ANOTHER_CLASS)
"""How many values each difference has, in order: the product is below 2**63."""


def find_nearest_tokens(words: np.ndarray, representation: ChordMelodyWords) -> np.ndarray:
    """As `ChordMelodyWords.find_tokens`, with the nearest words for unknown ones.

    Args:
      words: int64 [words, 6], as `ChordMelodyWords.find_words` gives them.
      representation: Gives the vocabulary.

    Returns:
      int32 [words]; the unknown word only if there is no vocabulary.
    """
    tokens = representation.find_tokens(words)
    unknown = tokens == UNKNOWN
    if representation.words:
        places = nearest(features(words[unknown]), known_features(representation))
        tokens[unknown] = places + NUM_RESERVED
    return tokens


def known_features(representation: ChordMelodyWords) -> np.ndarray:
    """The `features` of a vocabulary, in its order: int64 [vocabulary, 6]."""
    return features(np.array(representation.words, np.int64).reshape(-1, NUM_COLUMNS))


def features(words: np.ndarray) -> np.ndarray:
    """What the distance of two words depends on.

    Args:
      words: int64 [words, 6], as `chord_melody_events.merge` gives them.

    Returns:
      int64 [words, 6]: the melody's kind (0 goes on, 1 rest, 3 note), MIDI pitch (`NO_PITCH` for
      none) and steps; the chord's steps, pitch classes and lowest MIDI pitch. More steps than
      `MAX_DURATION` count as that.
    """
    steps, octave, pitch, chord_steps, octaves, classes = words.T
    kind = (steps > 0) + 2 * (pitch > 0)
    note = np.where(pitch > 0, octave * 12 + 11 + pitch, NO_PITCH)
    steps, chord_steps = (np.minimum(side, MAX_DURATION) for side in (steps, chord_steps))
    return np.stack([kind, note, steps, chord_steps, classes, _lowest(octaves, classes)], axis=1)


def nearest(wanted: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The nearest of some words to each of others.

    Args:
      wanted: int64 [words, 6], of `features`.
      known: int64 [vocabulary, 6], of `features`; one word at least.

    Returns:
      int64 [words], places in `known`.
    """
    # One by one: what is wanted of a long piece times a large vocabulary would fill memory.
    return np.array([np.argmin(distances(word, known)) for word in wanted], np.int64)


def distances(wanted: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Distances of one word to all known ones, in the order above.

    Args:
      wanted: int64 [6], of `features`.
      known: int64 [vocabulary, 6], of `features`.

    Returns:
      int64 [vocabulary]; 0 for words of the same features.
    """
    kind, note, steps, chord_steps, classes, lowest = known.T
    differences = (
        kind ^ wanted[0],
        _between(note, wanted[1]),
        np.abs(steps - wanted[2]),
        np.abs(chord_steps - wanted[3]),
        NUM_CLASSES[classes ^ wanted[4]],
        _between(lowest, wanted[5]),
    )
    total = np.zeros(len(known), np.int64)
    for difference, radix in zip(differences, RADICES, strict=True):
        total = total * radix + difference
    return total


def _between(pitches: np.ndarray, pitch: int) -> np.ndarray:
    """Semitones, and `ANOTHER_CLASS` more for another pitch class; 0 where one is no pitch."""
    there = (pitches != NO_PITCH) & (pitch != NO_PITCH)
    apart = np.abs(pitches - pitch)
    return np.where(there, apart + ANOTHER_CLASS * (apart % 12 > 0), 0)


def _lowest(octaves: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Lowest MIDI pitches of chords, `NO_PITCH` for rests: int64, shapes as given."""
    lowest = np.full_like(classes, NO_PITCH)
    # The last digit is the octave of the highest class.
    for pitch_class in reversed(range(12)):
        here = (classes >> pitch_class & 1) > 0
        pitch = 12 + octaves % 10 * 12 + pitch_class
        lowest = np.where(here & ((lowest == NO_PITCH) | (pitch < lowest)), pitch, lowest)
        octaves = np.where(here, octaves // 10, octaves)
    return lowest
