"""Music that is gone on with by whole bars, with models made up here."""

import pytest

from tests.magenta.made_up_models import Bars, generator_of, notes_of, section, sequence_of
from tfmusicgan.note_sequences.proto import NoteSequence


def test_a_primer_is_gone_on_with_by_whole_bars():
    music = sequence_of((0.0, 1.0, 60), (1.0, 2.5, 62))
    model = Bars()
    piece = generator_of(model).generate(music, section(4.0, 8.5, temperature=0.5))
    # The bars from 4 s on take three, and what sounds on from before is struck where they begin.
    generated = [(4.0, 5.0, 70), (5.0, 6.0, 81), (6.0, 7.0, 82), (7.0, 8.0, 83), (8.0, 8.5, 84)]
    assert notes_of(piece) == [*notes_of(music), *generated]
    assert {(note.instrument, note.program) for note in piece.notes} == {(3, 7)}
    assert model.asked == [("continue", 1), ("continue", 2), ("continue", 3)]
    # After a pause, and within what has been asked for.
    model.asked.clear()
    piece = generator_of(model).generate(music, section(7.0, 8.5))
    assert notes_of(piece)[2:] == [(7.0, 8.0, 70), (8.0, 8.5, 81)]
    assert model.asked == [("continue", 1), ("continue", 2)]


def test_chords_beneath_what_goes_on_are_an_instrument_of_their_own():
    music = sequence_of((0.0, 2.0, 60))
    piece = generator_of(Bars()).generate(music, section(2.0, 5.0, sound_chords=True))
    found = [(*note, n.instrument) for note, n in zip(notes_of(piece), piece.notes, strict=True)]
    assert found == [
        (0.0, 2.0, 60, 3),
        (2.0, 4.0, 48, 5),
        (2.0, 3.0, 70, 3),
        (3.0, 4.0, 81, 3),
        (4.0, 5.0, 48, 5),
        (4.0, 5.0, 82, 3),
    ]
    assert [(info.instrument, info.name) for info in piece.instrument_infos] == [(5, "chords")]


@pytest.mark.parametrize("names", [True, False])
def test_chords_are_no_lead_where_the_melody_rests(names):
    class Resting(Bars):
        """Writes no melody behind what is given."""

        def ask(self, signature, seed, controls, outputs):
            answer = super().ask(signature, seed, controls, outputs)
            piece = NoteSequence.FromString(answer["note_sequence"])
            for note in [n for n in piece.notes if n.pitch >= 70]:
                piece.notes.remove(note)
            if not names:
                del piece.instrument_infos[:]
            return {"note_sequence": piece.SerializeToString()}

    music = sequence_of((0.0, 2.0, 60))
    piece = generator_of(Resting()).generate(music, section(2.0, 5.0, sound_chords=True))
    assert notes_of(piece) == [(0.0, 2.0, 60), (2.0, 4.0, 48), (4.0, 5.0, 48)]
    assert [(note.instrument, note.program) for note in piece.notes] == [(3, 7), (5, 0), (5, 0)]
    assert [info.name for info in piece.instrument_infos] == ["chords"] * names
