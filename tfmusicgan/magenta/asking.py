"""Which inputs a model needs for music of a given length in seconds.

Models measure music in phrases, bars or tokens, of as many seconds as the answers have: a first
request asks for one of them, the next for as many as the section takes.
"""

import math
from typing import NoReturn

from tfmusicgan.client.requests import Metadata
from tfmusicgan.errors import SequenceGeneratorError, unknown_name
from tfmusicgan.magenta.models import Model
from tfmusicgan.magenta.options import Options, Section
from tfmusicgan.magenta.sections import TOLERANCE_SECONDS, cut, has_meter
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.bar_stretches import missing_quarters

_COUNTS = ("num_phrases", "num_bars", "length")
# What `continue` counts: new bars; or tokens, those of the given music among them.
_BARS, _TOKENS = "num_bars", "length"
_TOKEN_BYTES = 4
_MAX_IDLE = 3  # requests for twice as much that don't give more
_EQUAL = 1e-4  # of a token's seconds, relatively
_OTHER_WAYS = (
    "Ask it by MusicClient.continue_piece, or pass ignore_input=True for music without regard to "
    "what is given."
)


class CannotGoOnError(SequenceGeneratorError):
    """The model cannot go on with the given music, or not where the section is."""


class Asker:
    """A model, asked for one section.

    Args:
      model: The model.
      signatures: What it takes and gives.
      options: What is wanted.
    """

    def __init__(self, model: Model, signatures: Metadata, options: Options):
        self._model = model
        self._signatures = signatures
        self._options = options

    def generate(self, qpm: float | None) -> NoteSequence:
        """A piece of the section's length or longer.

        Args:
          qpm: Its tempo; None is the model's own.

        Raises:
          SequenceGeneratorError: If the model makes no piece that long, or not at that tempo.
        """
        signature = "generate" if "generate" in self._signatures else "serving_default"
        inputs = self._inputs(signature)
        controls = dict(self._options.controls)
        count_name = next((name for name in _COUNTS if name in inputs), None)
        self._check_controls(signature, count_name)
        if "qpm" in inputs and qpm is not None:
            controls.setdefault("qpm", qpm)
        if count_name is None:
            piece = self._ask(signature, controls)
            self._check_length(piece.total_time)
        else:
            piece = self._long_enough(signature, controls, count_name)
        self._check_tempo(piece, controls.get("qpm"))
        return piece

    @property
    def can_go_on(self) -> bool:
        """Whether the model goes on with music, and it can be told where its own begins."""
        return "continue" in self._signatures and self._count_going_on() is not None

    def accompany(self, music: NoteSequence, section: Section) -> tuple[NoteSequence, float]:
        """A piece to a section of music.

        Args:
          music: The music.
          section: What of it is given.

        Returns:
          The piece, and where in it the given music begins, in seconds: it has a pick-up's whole
          bar.
        """
        self._check_controls("accompany", None)
        given = cut(music, section)
        piece = self._ask_accompaniment(given)
        if not piece.time_signatures or not piece.tempos:
            return piece, 0.0
        beats_per_bar = piece.time_signatures[0].numerator  # of piano-rolls: quarter notes
        missing = missing_quarters(given, beats_per_bar)
        if not has_meter(music):
            # Only the answer tells the meter that such music is taken to be in from its beginning.
            given = cut(music, section, beats_per_bar)
            missing = missing_quarters(given, beats_per_bar)
            if missing:
                piece = self._ask_accompaniment(given)
        return piece, missing * 60.0 / piece.tempos[0].qpm

    def _ask_accompaniment(self, given: NoteSequence) -> NoteSequence:
        controls = {**self._options.controls, "note_sequence": given.SerializeToString()}
        return self._ask("accompany", controls)

    def go_on(self, given: NoteSequence) -> tuple[NoteSequence, float]:
        """A piece that begins with given music.

        Args:
          given: The music, from 0.

        Returns:
          The whole piece, and where in it the new music begins, in seconds. Of a model that goes on
          by bars it is the first whole bar behind the given music; notes that sound on into it
          begin there.

        Raises:
          CannotGoOnError: If its tokens have no one length, or it counts neither tokens nor bars.
          SequenceGeneratorError: If the model makes no piece that long.
        """
        count_name = self._count_going_on()
        if count_name is None:
            self._refuse_events()
        self._check_controls("continue", count_name)
        controls = {**self._options.controls, "note_sequence": given.SerializeToString()}
        go_on = self._go_on_by_bars if count_name == _BARS else self._go_on_by_tokens
        return go_on(controls)

    def _count_going_on(self) -> str | None:
        """The input of `continue` that counts what a section takes; None where none does."""
        entry = self._signatures["continue"]
        if _BARS in entry["inputs"]:
            return _BARS
        return _TOKENS if _TOKENS in entry["inputs"] and "tokens" in entry["outputs"] else None

    def _go_on_by_tokens(self, controls: dict[str, object]) -> tuple[NoteSequence, float]:
        # The given tokens and one more.
        first, num_first = self._ask_tokens({**controls, _TOKENS: 1})
        step, num_given = first.total_time / num_first, num_first - 1
        if step <= 0.0:
            self._refuse_tokens()
        wanted = num_given + _at_least(self._options.section.seconds, step)
        piece, num_tokens = self._ask_tokens({**controls, _TOKENS: wanted})
        if not math.isclose(piece.total_time, num_tokens * step, rel_tol=_EQUAL):
            self._refuse_tokens()
        if num_tokens < wanted:
            self._refuse_length((num_tokens - num_given) * step)
        return piece, num_given * step

    def _go_on_by_bars(self, controls: dict[str, object]) -> tuple[NoteSequence, float]:
        # The given music and one bar more, and two: a bar is what differs.
        pieces = {count: self._ask("continue", {**controls, _BARS: count}) for count in (1, 2)}
        bar = pieces[2].total_time - pieces[1].total_time
        begin = pieces[1].total_time - bar
        if bar <= 0.0:
            self._refuse_length(0.0)
        wanted = _at_least(self._options.section.seconds, bar)
        if wanted not in pieces:
            pieces[wanted] = self._ask("continue", {**controls, _BARS: wanted})
        piece = pieces[wanted]
        if piece.total_time < begin + wanted * bar - TOLERANCE_SECONDS:
            self._refuse_length(piece.total_time - begin)
        for note in piece.notes:
            if note.end_time > begin + TOLERANCE_SECONDS:
                note.start_time = max(note.start_time, begin)
        return piece, begin

    def _long_enough(
        self, signature: str, controls: dict[str, object], count_name: str
    ) -> NoteSequence:
        seconds = self._options.section.seconds
        count, num_idle, longest = 1, 0, 0.0
        while True:
            piece = self._ask(signature, {**controls, count_name: count})
            if piece.total_time >= seconds - TOLERANCE_SECONDS:
                return piece
            if piece.total_time > longest:
                longest, num_idle = piece.total_time, 0
                count = max(_at_least(seconds, longest / count), count + 1)
                continue
            # Tokens that last no time; or a server took the nearer bound of what is too long.
            num_idle += 1
            if num_idle > _MAX_IDLE:
                self._refuse_length(longest)
            count = 2 * count + 1

    def _ask(self, signature: str, controls: dict[str, object]) -> NoteSequence:
        answer = self._model.ask(signature, self._options.seed, controls, ("note_sequence",))
        return NoteSequence.FromString(answer["note_sequence"])

    def _ask_tokens(self, controls: dict[str, object]) -> tuple[NoteSequence, int]:
        outputs = ("note_sequence", "tokens")
        answer = self._model.ask("continue", self._options.seed, controls, outputs)
        piece = NoteSequence.FromString(answer["note_sequence"])
        return piece, len(answer["tokens"]) // _TOKEN_BYTES

    def _inputs(self, signature: str) -> dict[str, object]:
        return self._signatures[signature]["inputs"]

    def _check_controls(self, signature: str, count_name: str | None) -> None:
        """Refuses arguments that are no controls, and those that the section decides."""
        taken = {"seed", "note_sequence", count_name}
        known = [name for name in self._inputs(signature) if name not in taken]
        for name, value in self._options.controls.items():
            if name == count_name:
                raise SequenceGeneratorError(
                    f"Expected no argument {name!r}: the section decides how many there are. "
                    f"Received: {value!r}. Set end_time of generate_sections instead."
                )
            if name not in known:
                raise unknown_name("argument", name, [*known, "seed"])

    def _check_length(self, seconds: float) -> None:
        if seconds < self._options.section.seconds - TOLERANCE_SECONDS:
            self._refuse_length(seconds)

    def _refuse_length(self, seconds: float) -> NoReturn:
        raise SequenceGeneratorError(
            f"Expected a section of {seconds:g} s at most, as long as {self._model.name!r} makes "
            f"music here. Received: one of {self._options.section.seconds:g} s."
        )

    def _refuse_events(self) -> NoReturn:
        entry = self._signatures["continue"]
        raise CannotGoOnError(
            "Expected a model that goes on by bars (num_bars) or answers its tokens. Received: "
            f"{self._model.name!r}, which takes {', '.join(entry['inputs'])} and answers "
            f"{', '.join(entry['outputs'])}, so that it cannot be told where the given music ends. "
            f"{_OTHER_WAYS}"
        )

    def _refuse_tokens(self) -> NoReturn:
        raise CannotGoOnError(
            f"Expected tokens that all last equally long. Received: {self._model.name!r}, whose "
            f"tokens do not, so that it cannot be told where the given music ends. {_OTHER_WAYS}"
        )

    def _check_tempo(self, piece: NoteSequence, qpm: object) -> None:
        """Compares the tempo: a server takes the nearer bound of what is out of range."""
        found = piece.tempos[0].qpm if piece.tempos else None
        if qpm is not None and found is not None and not math.isclose(found, qpm, rel_tol=1e-4):
            raise SequenceGeneratorError(
                f"Expected a tempo within the range of {self._model.name!r}. Received: {qpm:g} "
                f"quarter notes a minute, where it plays {found:g}."
            )


def _at_least(seconds: float, step: float) -> int:
    """How many steps last so long."""
    return max(math.ceil((seconds - TOLERANCE_SECONDS) / step), 1)
