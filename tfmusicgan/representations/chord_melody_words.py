"""Tunes with chords as words: one for each moment where the melody or the chords go on.

Source: Lee, Hwang, Min, Yoon (2017), "A SeqGAN for Polyphonic Music Generation",
https://arxiv.org/abs/1710.11418, and the authors' code, https://github.com/L0SG/seqgan-music.

Differs from the released code: durations are whole steps, so that noise makes no words of its own;
pitch class 0 is C, octaves belong to the notes that have them, and every event takes time; the
vocabulary comes from the training pieces alone, so there is a token for the words that others have,
and the start symbol is no word; windows do not run over the ends of pieces, and lose no word where
they meet.
"""

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Self

import numpy as np

from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import chord_melody_parts
from tfmusicgan.representations import chord_melody_vocabulary as vocabulary
from tfmusicgan.representations.base import Encoded, Example, FieldSpec
from tfmusicgan.representations.chord_melody_events import NUM_COLUMNS
from tfmusicgan.representations.chord_melody_messages import words_to_note_sequence
from tfmusicgan.representations.chord_melody_parts import name_of
from tfmusicgan.representations.chord_melody_vocabulary import MAX_WORDS, Word
from tfmusicgan.representations.melody_messages import check_tokens
from tfmusicgan.representations.parameters import (
    check_names,
    check_part_names,
    check_whole_numbers,
)

START, UNKNOWN = 0, 1
"""Tokens that are no words: what stands before a piece, and any word that the vocabulary lacks."""

# What is longer is a damaged file, or a question that would fill memory.
MAX_TOKENS = 65_536

NUM_RESERVED = 2
"""Tokens before that of the first word."""

_INT_RANGES = {
    "steps_per_quarter": (1, 480),
    "length": (1, 4096),
    "max_words": (1, MAX_WORDS),
}


@dataclasses.dataclass(frozen=True)
class ChordMelodyWords:
    """Windows of a melody with chords as words of a vocabulary.

    Array `tokens`: int32 [length]. Every moment where a note or a rest of the melody begins, or a
    chord or a rest of the chords, is a word of six numbers:

    * the melody's duration in steps, octave (4 for C4, MIDI 60) and pitch class (1 for C, 12 for
      B); octave and class are 0 for a rest, all three where it goes on with what it had;
    * the chord's duration in steps, octaves and pitch classes: class k (0 for C) is bit k, the
      octaves are decimal digits, one for each class from the lowest class on. Again the last two
      are 0 for a rest, all three where nothing begins.

    So C4 for a quarter note over C3-E3-G3 for four is `24 4 1 96 333 145`. Time is in the durations
    alone: it is lost with a word. Token 0 is the start symbol, which is in no data, token 1 stands
    for every word that the vocabulary lacks, and the word i of it is token i + 2. A vocabulary has
    no events of more than 4,095 steps, and no chords of more than six pitch classes.

    The melody is played by one instrument (`melody_track.py` says which: the one named melody, else
    the first), the chords by one of the others, found in the same way. Each part is a chain of
    events without gaps, from its first note to the end of its last. A note ends where the next one
    of its part begins; of melody notes that begin together the highest counts, of a chord's notes
    of one class the lowest, and a chord lasts as long as the longest of its notes. Positions are
    rounded to steps, and no event is shorter than one.

    A window is whole: what is left at a piece's end is shorter, and is left out and counted. (The
    released sequences run on into the next piece; here a piece is encoded without any other.)

    Lost: notes below MIDI 12, velocity, program, tempo, meter, drums and further instruments, what
    sounds on while its part begins another note, doubled pitch classes, rests before a part's first
    note and after its last, and how long chords have sounded where a window begins.

    Attributes:
      steps_per_quarter: Steps in a quarter note; 24 have thirds and eighths of one.
      length: Words in a window.
      hop: Words from the beginning of a window to that of the next; by default `length`, so that
        windows neither overlap nor leave anything out between them.
      melody_name: In the name of the instrument that plays the melody, in lower case; empty: names
        do not count.
      chords_name: The same for the chords.
      max_words: Most words of a vocabulary; the others count as unknown.
      words: The vocabulary. Without one nothing can be encoded: see `with_vocabulary`.
    """

    name: ClassVar[str] = "chord_melody_words"
    version: ClassVar[int] = 1

    steps_per_quarter: int = 24
    length: int = 100
    hop: int | None = None
    melody_name: str = "melody"
    chords_name: str = "chord"
    max_words: int = 16_384
    words: tuple[Word, ...] = dataclasses.field(default=(), repr=False)

    def __post_init__(self):
        """Checks the ranges.

        Raises:
          ConfigError: If a parameter is out of range.
        """
        check_whole_numbers(self, _INT_RANGES | ({} if self.hop is None else {"hop": (1, 4096)}))
        check_part_names(self, ("melody_name", "chords_name"))
        vocabulary.check_words(self.words)

    @property
    def num_tokens(self) -> int:
        """Size of the vocabulary: the start symbol, the unknown word, and the words."""
        return NUM_RESERVED + len(self.words)

    @property
    def start_token(self) -> int:
        """What stands before a piece; no model may draw it."""
        return START

    @property
    def drawable(self) -> np.ndarray:
        """The tokens that a model may draw, those of words: bool [num_tokens]."""
        return np.arange(self.num_tokens) >= NUM_RESERVED

    @property
    def default_qpm(self) -> float:
        """The tempo of decoded music unless one is given: MIDI's, and that of the paper's tunes."""
        return transforms.DEFAULT_QPM

    @property
    def spec(self) -> dict[str, FieldSpec]:
        """The one array of an example."""
        meaning = (
            f"word of a melody with chords; 0 is the start symbol, 1 an unknown word, 2 to "
            f"{max(self.num_tokens - 1, 2)} are the vocabulary's"
        )
        return {"tokens": FieldSpec((self.length,), "int32", meaning)}

    @property
    def needs_vocabulary(self) -> bool:
        """Whether there is none yet: conversions call `with_vocabulary` then."""
        return not self.words

    def with_vocabulary(self, sequences: Iterable[NoteSequence]) -> Self:
        """Takes the vocabulary from the windows of some pieces, those that train.

        The most frequent word comes first, of equally frequent ones the one with the smaller
        numbers: the order of the pieces does not matter.

        Args:
          sequences: The pieces. Those that cannot be encoded are passed over.

        Returns:
          A representation with these words; without any if no piece gives a window.
        """
        words = vocabulary.most_frequent(self._windows_of(sequences), self.max_words)
        return dataclasses.replace(self, words=words)

    def encode(self, sequence: NoteSequence) -> list[Example]:
        """Cuts a piece into windows of words.

        Args:
          sequence: The piece; it stays as it is.

        Returns:
          Windows in order, `{"tokens": int32 [length]}`.

        Raises:
          ConversionError: With a reason of `find_words`, `"too_short"` (less than a window) or
            `"no_vocabulary"`.
        """
        return self.encode_counted(sequence)[0]

    def encode_counted(self, sequence: NoteSequence) -> Encoded:
        """As `encode`, with the windows left out of a piece that is kept, by reason.

        `"short_last_window"`: what is left at the end. Lost are `"unknown_words"`, of the whole
        piece.
        """
        words, starts = self._cut(sequence)
        if self.needs_vocabulary:
            raise ConversionError(
                "Expected a vocabulary, which with_vocabulary takes from the training pieces. "
                f"Received: none for {name_of(sequence)!r}.",
                reason="no_vocabulary",
            )
        tokens = self.find_tokens(words)
        reached = starts[-1] + max(self.length, starts.step)
        examples = [{"tokens": tokens[start : start + self.length]} for start in starts]
        left_out = {"short_last_window": int(reached < len(words))}
        return Encoded(examples, left_out, {"unknown_words": np.count_nonzero(tokens == UNKNOWN)})

    def find_words(self, sequence: NoteSequence) -> np.ndarray:
        """The words of a whole piece.

        Args:
          sequence: The piece; it stays as it is.

        Returns:
          int64 [words, 6].

        Raises:
          ConversionError: With reason `"bad_times"`, `"too_long"`, `"no_melody"` or `"no_chords"`
            (no instrument but drums that could play it, or no note of it from MIDI 12 on).
        """
        return chord_melody_parts.find_words(
            sequence, self.steps_per_quarter, self.melody_name, self.chords_name
        )

    def find_tokens(self, words: np.ndarray) -> np.ndarray:
        """Looks words up: int64 [words, 6] to int32 [words], 1 for those that are not there.

        What a model goes on with has the nearest words in their place (`chord_melody_nearest.py`).
        """
        keys, tokens = self.sorted_keys
        wanted = vocabulary.word_keys(words)
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[place] == wanted, tokens[place], np.int32(UNKNOWN))

    def decode(self, example: Example, qpm: float | None = None) -> NoteSequence:
        """Builds the NoteSequence of one window, or of several that follow each other.

        The melody is instrument 0, the chords are instrument 1 (see `chord_melody_messages.py`,
        which also says how the two are laid beside each other). The start symbol takes no time; an
        unknown word is a rest of the melody, as long as the most frequent word's note.

        Args:
          example: `{"tokens": [length]}` of any integer dtype and any number of tokens from one.
          qpm: Tempo in quarter notes per minute, 4 to 1,000; 120 by default.

        Returns:
          A valid NoteSequence with a total_time of all events, rests at the end included.

        Raises:
          ConversionError: If the array's shape, dtype or values are not the spec's.
          ConfigError: If `qpm` is out of range.
        """
        tokens = np.asarray(example["tokens"])
        check_tokens(tokens, self.num_tokens)
        qpm = self.default_qpm if qpm is None else qpm
        return words_to_note_sequence(self.table[tokens], self.steps_per_quarter, qpm)

    @functools.cached_property
    def table(self) -> np.ndarray:
        """What each token decodes to: words, int64 [num_tokens, 6]."""
        unknown = next((word[0] for word in self.words if word[0]), 0)
        rows = [(0,) * 6, (unknown, *(0,) * 5), *self.words]
        return np.array(rows, np.int64)

    @functools.cached_property
    def sorted_keys(self) -> tuple[np.ndarray, np.ndarray]:
        """Keys of the vocabulary, ascending, int64 [words + 1], and their tokens, int32.

        `NO_KEY` comes first, for the unknown word.
        """
        keys = vocabulary.word_keys(np.array(self.words, np.int64).reshape(-1, NUM_COLUMNS))
        order = np.argsort(keys)
        tokens = np.append(UNKNOWN, order + NUM_RESERVED).astype(np.int32)
        return np.append(vocabulary.NO_KEY, keys[order]), tokens

    def to_parameters(self) -> dict[str, Any]:
        """The fields as JSON-able values; words are texts of six numbers."""
        return dataclasses.asdict(self) | {"words": vocabulary.to_texts(self.words)}

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """The inverse of `to_parameters`.

        Raises:
          ConfigError: If a parameter is unknown or out of range.
        """
        check_names(cls, parameters)
        words = vocabulary.from_texts(parameters.get("words", ()))
        return cls(**{**parameters, "words": words})

    def _windows_of(self, sequences: Iterable[NoteSequence]) -> Iterator[np.ndarray]:
        for sequence in sequences:
            try:
                words, starts = self._cut(sequence)
            except ConversionError:
                continue
            yield from (words[start : start + self.length] for start in starts)

    def _cut(self, sequence: NoteSequence) -> tuple[np.ndarray, range]:
        """A piece's words, and where its windows begin."""
        words = self.find_words(sequence)
        hop = self.length if self.hop is None else self.hop
        starts = range(0, len(words) - self.length + 1, hop)
        if not starts:
            raise ConversionError(
                f"Expected {self.length} words. Received: {len(words)} in {name_of(sequence)!r}.",
                reason="too_short",
            )
        return words, starts
