"""Sequences of tokens that stand for nothing: what SeqGAN's oracle writes.

Source: Yu, Zhang, Wang, Yu (2017), "SeqGAN", section "Synthetic Data Experiments",
https://arxiv.org/abs/1609.05473: 5,000 tokens, 20 to a sequence.
"""

import dataclasses
from typing import ClassVar

import numpy as np

from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.base import Example, FieldSpec
from tfmusicgan.representations.melody_messages import check_tokens
from tfmusicgan.representations.parameters import PlainParameters, check_whole_numbers
from tfmusicgan.representations.score_header import check_qpm, score_header

_INT_RANGES = {"num_tokens": (2, 1_000_000), "length": (1, 4096)}
_MOST_DIGITS = 9  # more than any token has; Python refuses to read thousands of them


@dataclasses.dataclass(frozen=True)
class TokenSequence(PlainParameters):
    """Tokens, a quarter note each, as the texts of a NoteSequence without notes.

    Array `tokens`: int32 [length]. In a NoteSequence a token is a text annotation, the number in
    decimal, and annotations in order of time are the sequence. Nothing sounds, so there is no graph
    half and no export.

    Lost: everything that is no text annotation, and the annotations' distances in time.

    Attributes:
      num_tokens: Size of the vocabulary.
      length: Tokens of a sequence; others are refused.
    """

    name: ClassVar[str] = "token_sequence"
    version: ClassVar[int] = 1
    sounds: ClassVar[bool] = False  # no pictures, no sound, no export

    num_tokens: int = 5000
    length: int = 20

    def __post_init__(self):
        """Checks the ranges.

        Raises:
          ConfigError: If a parameter is out of range.
        """
        check_whole_numbers(self, _INT_RANGES)

    @property
    def start_token(self) -> int:
        """What stands before a sequence; as published, also a token of the vocabulary."""
        return 0

    @property
    def default_qpm(self) -> float:
        """Tokens a minute."""
        return 120.0

    @property
    def spec(self) -> dict[str, FieldSpec]:
        """The one array of an example."""
        meaning = f"place; tokens 0 to {self.num_tokens - 1} that stand for nothing"
        return {"tokens": FieldSpec((self.length,), "int32", meaning)}

    def encode(self, sequence: NoteSequence) -> list[Example]:
        """Reads the one sequence of tokens.

        Args:
          sequence: It stays as it is.

        Returns:
          `[{"tokens": int32 [length]}]`.

        Raises:
          ConversionError: With reason `"other_length"` or `"bad_tokens"`.
        """
        name = sequence.id or sequence.filename or "the sequence"
        annotations = sorted(sequence.text_annotations, key=lambda one: one.time)
        if len(annotations) != self.length:
            raise ConversionError(
                f"Expected {self.length} text annotations, a token each. Received: "
                f"{len(annotations)} in {name!r}.",
                reason="other_length",
            )
        texts = [annotation.text for annotation in annotations]
        for text in texts:
            if not self._is_token(text):
                raise ConversionError(
                    f"Expected tokens within 0-{self.num_tokens - 1}. Received: {text[:40]!r} in "
                    f"{name!r}.",
                    reason="bad_tokens",
                )
        return [{"tokens": np.array([int(text) for text in texts], np.int32)}]

    def _is_token(self, text: str) -> bool:
        is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
        return is_number and int(text) < self.num_tokens

    def decode(self, example: Example, qpm: float | None = None) -> NoteSequence:
        """Writes tokens as text annotations, a quarter note apart.

        Args:
          example: `{"tokens": int [any length from 1]}`.
          qpm: Tokens per minute, 4 to 1,000; by default `default_qpm`.

        Returns:
          A NoteSequence without notes, as long as its tokens.

        Raises:
          ConversionError: If the array's shape, dtype or a token is none of the spec's.
          ConfigError: If `qpm` is out of range.
        """
        tokens = np.asarray(example["tokens"])
        check_tokens(tokens, self.num_tokens)
        qpm = self.default_qpm if qpm is None else qpm
        check_qpm(qpm)
        sequence = score_header(steps_per_beat=1, beats_per_bar=4, instrument_names=[])
        sequence.tempos.add(qpm=qpm)
        sequence.total_time = len(tokens) * 60.0 / qpm
        for place, token in enumerate(tokens.tolist()):
            sequence.text_annotations.add(time=place * 60.0 / qpm, text=str(token))
        return sequence
