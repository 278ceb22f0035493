"""A long piece phrase by phrase. No I/O.

A piece of n phrases begins as the piece of fewer phrases of its seed does, but no signature makes
the k-th phrase alone. So the first is asked for, then the first two, four, eight ..., which makes
each phrase twice or less on average, and of each answer the phrases are handed on that have not
been. A note that lasts to the end of an answer may last longer in the next: its phrase waits.
"""

import math
from collections.abc import Mapping

import numpy as np

from tfmusicgan.client import requests
from tfmusicgan.client.controls import control_rows, seed_rows
from tfmusicgan.client.requests import Call, Described, Metadata, Prediction
from tfmusicgan.errors import ConfigError, MusicGanError
from tfmusicgan.note_sequences.proto import NoteSequence

SIGNATURE = "generate"
_CONTROL = "num_phrases"
_TOLERANCE = 1e-6  # of a phrase, and of the time in it


class PhraseCutter:
    """Cuts growing answers to phrases.

    Args:
      num_phrases: The piece's length.

    Attributes:
      wanted: How many phrases to ask for next; 0 when all have been handed on.
    """

    def __init__(self, num_phrases: int):
        self._num_phrases = num_phrases
        self._num_cut = 0
        self._seconds = 0.0
        self.wanted = 1

    def cut(self, piece: NoteSequence) -> list[NoteSequence]:
        """The phrases that can be handed on.

        Args:
          piece: The first `wanted` phrases.

        Returns:
          One NoteSequence per phrase: the notes that begin in it, at their times in the piece.
          `total_time` is the phrase's end, or that of its last note where one lasts longer.

        Raises:
          MusicGanError: If the piece is not as long as was asked.
        """
        known = self.wanted
        seconds = self._seconds or piece.total_time / known
        if not math.isclose(piece.total_time, seconds * known, rel_tol=_TOLERANCE) or not seconds:
            raise MusicGanError(
                f"Expected a piece of {known} phrases of {seconds:g} s each. Received: one of "
                f"{piece.total_time:g} s. Ask for fewer phrases: the model's card has how many."
            )
        self._seconds = seconds
        ready = known if known == self._num_phrases else self._first_open(piece, known)
        phrases = self._phrases(piece, ready)
        self._num_cut = max(self._num_cut, ready)
        is_done = known == self._num_phrases
        self.wanted = 0 if is_done else min(2 * known, self._num_phrases)
        return phrases

    def _first_open(self, piece: NoteSequence, known: int) -> int:
        """The first phrase in which a note begins that lasts to the end, else `known`."""
        end = piece.total_time - _TOLERANCE * self._seconds
        lasting = [self._place(note) for note in piece.notes if note.end_time >= end]
        return min(lasting, default=known)

    def _place(self, note: NoteSequence.Note) -> int:
        """The number, from 0, of the phrase that a note begins in."""
        return int(note.start_time / self._seconds + _TOLERANCE)

    def _phrases(self, piece: NoteSequence, ready: int) -> list[NoteSequence]:
        numbers = range(self._num_cut, ready)
        found: dict[int, list[NoteSequence.Note]] = {number: [] for number in numbers}
        for note in piece.notes:
            found.get(self._place(note), []).append(note)
        header = NoteSequence()
        header.CopyFrom(piece)
        del header.notes[:]
        phrases = []
        for number, notes in found.items():
            phrase = NoteSequence()
            phrase.CopyFrom(header)
            phrase.notes.extend(notes)
            ends = [note.end_time for note in notes]
            phrase.total_time = max([(number + 1) * self._seconds, *ends])
            phrases.append(phrase)
        return phrases


class PhraseStream:
    """The requests of a piece that comes phrase by phrase, and their answers.

    Args:
      seed: The piece's seed.
      num_phrases: Its length, from 1.
      version: A version number; by default the one whose inputs the server stated, else the
        one that answers first, makes all phrases.
      label: A version label, for the first.
      controls: Further inputs of the signature.

    Raises:
      ConfigError: If the seed or the length is no such number.
    """

    def __init__(
        self,
        seed: int,
        num_phrases: int,
        version: int | None,
        label: str | None,
        controls: Mapping[str, object],
    ):
        if not isinstance(num_phrases, int | np.integer) or num_phrases < 1:
            raise ConfigError(f"Expected num_phrases from 1. Received: {num_phrases!r}.")
        self.version = version
        self.label = label
        self._seeds = seed_rows([seed])
        self._controls = controls
        self._cutter = PhraseCutter(int(num_phrases))

    @property
    def is_done(self) -> bool:
        """Whether all phrases have been handed on."""
        return not self._cutter.wanted

    def begin(self, known: Described) -> None:
        """Takes what the model takes, and the version that has to make all phrases."""
        if known.version:
            self.version, self.label = known.version, None

    def next_call(self, model: str, known: Metadata) -> Call[tuple[int, NoteSequence]]:
        """The next request.

        Args:
          model: The model's name.
          known: What its signatures are.

        Raises:
          ConfigError: If the model does not make phrases, or a control does not fit.
        """
        entry = known.get(SIGNATURE, {"inputs": {}})
        if _CONTROL not in entry["inputs"]:
            raise ConfigError(
                f"Expected a model of phrases, whose signature {SIGNATURE!r} takes {_CONTROL}. Its "
                f"inputs: {', '.join(entry['inputs']) or 'there is no such signature'}. Other "
                "models make long pieces by generate and continue_piece."
            )
        controls = {**self._controls, _CONTROL: self._cutter.wanted}
        rows = control_rows(entry["inputs"], controls, 1, entry["defaults"])
        rows["seed"] = self._seeds
        outputs = ("note_sequence",)
        call = requests.predict(model, rows, SIGNATURE, self.version, self.label, outputs)
        return call.then(_first_piece)

    def phrases(self, answer: tuple[int, NoteSequence]) -> list[NoteSequence]:
        """What can be handed on of an answer.

        Args:
          answer: The version that made it, and the piece.

        Raises:
          MusicGanError: If the piece is not as long as was asked.
        """
        # All of a piece is made by one version, also where a new one comes in between.
        self.version, self.label = answer[0], None
        return self._cutter.cut(answer[1])


def _first_piece(prediction: Prediction) -> tuple[int, NoteSequence]:
    (content,) = prediction.outputs["note_sequence"]
    return prediction.version, NoteSequence.FromString(content)
