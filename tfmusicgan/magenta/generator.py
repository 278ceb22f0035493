"""Generators with the interface of Magenta's SequenceGenerators.

with LocalSequenceGenerator("serving/models/tunes") as generator:
options = generator_pb2.GeneratorOptions()
options.generate_sections.add(start_time=4.0, end_time=12.0)
options.args["temperature"].float_value = 0.9
options.args["seed"].int_value = 7
piece = generator.generate(primer, options)
"""

import math
import pathlib
from typing import Self

from google.protobuf.message import Message

from tfmusicgan.client import MusicClient
from tfmusicgan.errors import MusicGanError, SequenceGeneratorError
from tfmusicgan.magenta import sections
from tfmusicgan.magenta.asking import Asker, CannotGoOnError
from tfmusicgan.magenta.models import LocalModel, Model, ServedModel
from tfmusicgan.magenta.options import Options, Section, read_options
from tfmusicgan.note_sequences.proto import NoteSequence, message_module


class SequenceGenerator:
    """Generates a section of a NoteSequence, as Magenta's programs ask for it.

    What the model is asked for follows from its signatures and from the music:

    - `accompany`, where the input section (by default the section to generate) has notes: the
      answer, in which they are a track, takes the place of all notes in the section.
    - `continue`, where the input section (by default all of the music, which then has to end
      before the section) has notes: what follows them. It begins where the section begins, also
      after a pause; a model of bars goes on with a whole one.
    - `generate`, where there are no notes, or they are to be ignored.

    `args` are the seed and the signature's controls by name; the tempo is the music's where the
    model takes one.

    Args:
      model: The model.
      description: For `details`.
      ignore_input: Whether a model that cannot be given the music, or not go on with it here, is
        asked for music without regard to it; by default that is an error.
    """

    def __init__(self, model: Model, description: str, ignore_input: bool):
        generator_pb2 = message_module("generator_pb2")
        self._model = model
        self._details = generator_pb2.GeneratorDetails(id=model.name, description=description)
        self._ignore_input = ignore_input
        self._signatures: dict = {}

    @property
    def details(self) -> Message:
        """A `GeneratorDetails`: the model's name, and what it is."""
        return self._details

    @property
    def bundle_details(self) -> None:
        """None, as Magenta has it where a model is from no bundle file."""
        return None

    def initialize(self) -> None:
        """Finds out what the model takes and, of a local one, loads it; once.

        Raises:
          SequenceGeneratorError: If it is not there, or makes no NoteSequences.
        """
        if self._signatures:
            return
        try:
            signatures = self._model.signatures()
        except MusicGanError as error:
            raise SequenceGeneratorError(str(error)) from error
        if not any("note_sequence" in entry["outputs"] for entry in signatures.values()):
            raise SequenceGeneratorError(
                f"Expected a model of NoteSequences. Received: {self._model.name!r}, none of whose "
                f"signatures {', '.join(sorted(signatures))} answers one."
            )
        self._signatures = signatures

    def close(self) -> None:
        """Forgets the model; a client stays connected."""
        self._signatures = {}

    def __enter__(self) -> Self:
        self.initialize()
        return self

    def __exit__(self, *exc_info) -> None:
        self.close()

    def generate(
        self, input_sequence: NoteSequence | None, generator_options: Message
    ) -> NoteSequence:
        """Generates a section.

        Args:
          input_sequence: The music around it; None is none. It is not changed.
          generator_options: A `generator_pb2.GeneratorOptions`, see `options.py`.

        Returns:
          A NoteSequence: the music, and within the section what was generated.

        Raises:
          SequenceGeneratorError: If the options cannot be followed, the model refuses, or the
            server is not there.
        """
        self.initialize()
        options = read_options(generator_options)
        music = input_sequence or NoteSequence()
        try:
            return self._generate(music, options)
        except SequenceGeneratorError:
            raise
        except MusicGanError as error:
            raise SequenceGeneratorError(str(error)) from error

    def _generate(self, music: NoteSequence, options: Options) -> NoteSequence:
        section, given = options.section, options.given or options.section
        asker = Asker(self._model, self._signatures, options)
        if "accompany" in self._signatures and sections.has_notes(music, given):
            piece, begin = asker.accompany(music, given)
            return _join(music, sections.outside(music.notes, section), piece, section, begin)
        primer = options.given or Section(0.0, math.inf)
        is_primed = sections.has_notes(music, primer)
        goes_on = "continue" in self._signatures and not self._ignore_input
        if is_primed and (goes_on or asker.can_go_on):
            try:
                return _go_on(asker, music, primer, section)
            except CannotGoOnError:
                if not self._ignore_input:
                    raise
        elif is_primed and not self._ignore_input:
            raise SequenceGeneratorError(
                f"Expected no notes for {self._model.name!r} to start from, whose signatures are "
                f"{', '.join(sorted(self._signatures))}. Received: some from {primer.start:g} to "
                f"{min(primer.end, music.total_time):g} s. Pass ignore_input=True for music "
                "without regard to them."
            )
        piece = asker.generate(sections.tempo_at(music, section.start))
        return _join(music, list(music.notes), piece, section)


class ServedSequenceGenerator(SequenceGenerator):
    """A generator that asks a server.

    Args:
      client: Of the server; it stays the caller's to close.
      model: The model's name.
      version: A version number.
      label: A version label.
      ignore_input: See `SequenceGenerator`.
    """

    def __init__(
        self,
        client: MusicClient,
        model: str,
        version: int | None = None,
        label: str | None = None,
        ignore_input: bool = False,
    ):
        description = f"{model}, served at {client.target}"
        super().__init__(ServedModel(client, model, version, label), description, ignore_input)


class LocalSequenceGenerator(SequenceGenerator):
    """A generator that runs an exported SavedModel in this process.

    Args:
      path: A version's folder, or a model's, whose highest version is taken.
      ignore_input: See `SequenceGenerator`.

    Raises:
      ExportError: If there is none that the suite exported.
    """

    def __init__(self, path: str | pathlib.Path, ignore_input: bool = False):
        super().__init__(LocalModel(path), f"the SavedModel in {path}", ignore_input)


def _join(
    music: NoteSequence,
    kept: list[NoteSequence.Note],
    piece: NoteSequence,
    section: Section,
    begin: float = 0.0,
) -> NoteSequence:
    """Puts a piece from some second on into the section, as instruments of their own."""
    notes = sections.moved(piece.notes, section.start - begin, section)
    infos = sections.renumber(piece, notes, kept)
    result = sections.join(music, kept, notes, piece, section.end)
    result.instrument_infos.extend(infos)
    return result


def _go_on(asker: Asker, music: NoteSequence, primer: Section, section: Section) -> NoteSequence:
    """Puts what follows a primer into the section, as the instrument of the primer's last note.

    Chords that sound beneath it are instruments of their own.

    Raises:
      CannotGoOnError: If the primer ends after the section's start, or the model cannot go on.
    """
    given = sections.cut(music, primer)
    last = max(given.notes, key=lambda note: note.end_time)
    end = primer.start + last.end_time
    if end > section.start + sections.TOLERANCE_SECONDS:
        raise CannotGoOnError(
            "Expected a section after the music that the model goes on with. Received: one from "
            f"{section.start:g} s, and a note that ends at {end:g} s. Name the notes to go on with "
            "by input_sections."
        )
    piece, begin = asker.go_on(given)
    following = [n for n in piece.notes if n.start_time >= begin - sections.TOLERANCE_SECONDS]
    notes = sections.moved(following, section.start - begin, section)
    # Of the whole answer: the lead may rest through the section while chords sound beneath.
    lead = min((one.instrument for one in [*piece.notes, *piece.instrument_infos]), default=0)
    beneath = [note for note in notes if note.instrument != lead]
    for note in notes:
        if note.instrument == lead:
            note.instrument, note.program = last.instrument, last.program
            note.is_drum = last.is_drum
    infos = sections.renumber(piece, beneath, list(music.notes))
    result = sections.join(music, music.notes, notes, piece, section.end)
    named = {note.instrument for note in beneath}
    result.instrument_infos.extend(info for info in infos if info.instrument in named)
    return result
