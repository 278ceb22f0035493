"""What generators over a server and over the same SavedModel answer is the same, and music."""

import pathlib

import pytest

from tfmusicgan.client import MusicClient
from tfmusicgan.errors import SequenceGeneratorError
from tfmusicgan.magenta import LocalSequenceGenerator, ServedSequenceGenerator
from tfmusicgan.note_sequences.midi import read_midi, to_midi_bytes
from tfmusicgan.note_sequences.proto import NoteSequence, message_module


def options(start: float, end: float, **numbers: float):
    """GeneratorOptions of one section, with seed 7."""
    found = message_module("generator_pb2").GeneratorOptions()
    found.generate_sections.add(start_time=start, end_time=end)
    for name, value in numbers.items():
        found.args[name].float_value = value
    found.args["seed"].int_value = 7
    return found


def same_answers(client: MusicClient, export: pathlib.Path, asked) -> list[NoteSequence]:
    """The answers of both to the same (input sequence, options), once they have been compared."""
    name = export.parent.name
    with ServedSequenceGenerator(client, name) as generator:
        served = [generator.generate(*what) for what in asked]
    with LocalSequenceGenerator(export) as generator:
        assert generator.details.id == name
        local = [generator.generate(*what) for what in asked]
        with pytest.raises(SequenceGeneratorError, match=r"'temperature': expected 0 to 10. "):
            generator.generate(None, options(0.0, 1.0, temperature=11.0))
        with pytest.raises(SequenceGeneratorError, match=r"Unknown argument 'swing'. Known: "):
            generator.generate(None, options(0.0, 1.0, swing=1.0))
    assert served == local
    for (music, wanted), answer in zip(asked, served, strict=True):
        (section,) = wanted.generate_sections
        within = [n for n in answer.notes if n.start_time >= section.start_time]
        assert within and all(n.end_time <= section.end_time for n in within)
        assert answer.total_time == pytest.approx(max(section.end_time, music.total_time))
        starts = [note.start_time for note in answer.notes]
        assert starts == sorted(starts)
        assert len(read_midi(to_midi_bytes(answer)).notes) == len(answer.notes)
    return served
