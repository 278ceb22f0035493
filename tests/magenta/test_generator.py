"""Magenta's options to a model's inputs, and its answers to a section, with models made up here."""

import pytest

from tests.magenta.made_up_models import (
    Bars,
    Phrases,
    Tokens,
    generator_of,
    notes_of,
    section,
    sequence_of,
)
from tfmusicgan.errors import SequenceGeneratorError
from tfmusicgan.magenta import sections
from tfmusicgan.magenta.options import Section
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.bar_stretches import missing_quarters


def test_a_section_is_as_many_phrases_as_it_takes_at_the_musics_tempo():
    model = Phrases()
    options = section(3.0, 9.5, seed=11, temperature=0.5)
    piece = generator_of(model).generate(sequence_of(qpm=240.0), options)
    # A phrase of 8 quarter notes lasts 2 s at 240 a minute: 6.5 s take four of them.
    asked = {"temperature": 0.5, "qpm": 240.0}
    assert model.asked == [
        ("generate", 11, {**asked, "num_phrases": 1}),
        ("generate", 11, {**asked, "num_phrases": 4}),
    ]
    assert notes_of(piece) == [(3.0 + i / 4, 3.25 + i / 4, 40 + i) for i in range(26)]
    assert (piece.total_time, piece.tempos[0].qpm) == (9.5, 240.0)


def test_the_last_note_is_cut_at_the_sections_end_and_no_music_is_needed():
    piece = generator_of(Phrases()).generate(None, section(1.0, 2.25, seed=2**31 - 1))
    assert notes_of(piece) == [(1.0, 1.5, 40), (1.5, 2.0, 41), (2.0, 2.25, 42)]
    assert (piece.tempos[0].qpm, piece.total_time) == (120.0, 2.25)


def test_the_tempo_is_the_one_in_force():
    music = sequence_of(qpm=60.0)
    music.tempos.add(time=5.0, qpm=150.0)
    model = Phrases()
    generator_of(model).generate(music, section(5.0, 6.0))
    generator_of(model).generate(music, section(1.0, 2.0))
    assert [asked["qpm"] for _, _, asked in model.asked] == [150.0, 60.0]
    generator_of(model).generate(music, section(5.0, 6.0, qpm=100.0))
    assert model.asked[-1][2]["qpm"] == 100.0


def test_seeds():
    model = Phrases()
    for _ in range(2):
        generator_of(model).generate(None, section(0.0, 1.0))
    generator_of(model).generate(None, section(0.0, 1.0, seed=str(-(2**63))))
    first, second, last = (seed for _, seed, _ in model.asked)
    assert first != second and min(first, second) >= 0 and last == -(2**63)


def test_music_is_not_ignored_unasked():
    music = sequence_of((0.0, 1.0, 64))
    message = r"no notes for 'phrases' to start from, whose signatures are generate. .* 0 to 1 s"
    with pytest.raises(SequenceGeneratorError, match=message):
        generator_of(Phrases()).generate(music, section(1.0, 2.0))
    before = music.SerializeToString(deterministic=True)
    piece = generator_of(Phrases(), ignore_input=True).generate(music, section(1.0, 2.0))
    assert notes_of(piece) == [(0.0, 1.0, 64), (1.0, 1.5, 40), (1.5, 2.0, 41)]
    # Instruments of their own, with their names.
    assert [note.instrument for note in piece.notes] == [3, 5, 5]
    assert [(info.instrument, info.name) for info in piece.instrument_infos] == [(5, "lead")]
    assert music.SerializeToString(deterministic=True) == before
    # A section of the music without notes is no music to start from.
    generator_of(Phrases()).generate(music, section(4.0, 5.0, given=(2.0, 3.0)))


def test_a_primer_is_gone_on_with_after_a_pause_too():
    music = sequence_of((0.0, 0.5, 60), (1.0, 1.5, 62))
    piece = generator_of(Tokens()).generate(music, section(2.0, 3.25))
    generated = [(2.0, 2.5, 80), (2.5, 3.0, 81), (3.0, 3.25, 82)]
    assert notes_of(piece) == [(0.0, 0.5, 60), (1.0, 1.5, 62), *generated]
    assert {(note.instrument, note.program) for note in piece.notes} == {(3, 7)}
    assert piece.total_time == 3.25


def test_the_input_section_names_the_primer():
    music = sequence_of((0.0, 0.5, 60), (1.0, 1.5, 62), (4.0, 4.5, 64))
    piece = generator_of(Tokens()).generate(music, section(1.5, 2.5, given=(0.75, 1.5)))
    generated = [(1.5, 2.0, 80), (2.0, 2.5, 81)]
    assert notes_of(piece) == [*notes_of(music)[:2], *generated, (4.0, 4.5, 64)]
    with pytest.raises(SequenceGeneratorError, match=r"from 1.5 s, and a note that ends at 4.5 s"):
        generator_of(Tokens()).generate(music, section(1.5, 2.5))


def test_a_section_is_as_many_bars_as_it_takes():
    model = Bars()
    piece = generator_of(model).generate(None, section(1.0, 6.5))
    assert notes_of(piece)[-1] == (6.0, 6.5, 85)
    assert model.asked == [("generate", 1), ("generate", 3)]


def test_no_primer_is_music_from_nothing():
    piece = generator_of(Tokens()).generate(sequence_of(), section(0.0, 1.0))
    assert notes_of(piece) == [(0.0, 0.5, 80), (0.5, 1.0, 81)]


def test_given_music_is_accompanied_in_its_section():
    model = Phrases(accompanies=True)
    music = sequence_of((0.0, 1.0, 60), (1.0, 3.0, 62), (3.0, 5.0, 64), qpm=100.0)
    piece = generator_of(model).generate(music, section(2.0, 4.0, seed=5))
    ((signature, seed, asked),) = model.asked
    given = NoteSequence.FromString(asked["note_sequence"])
    assert (signature, seed, given.tempos[0].qpm) == ("accompany", 5, 100.0)
    assert notes_of(given) == [(0.0, 1.0, 62), (1.0, 2.0, 64)]
    assert notes_of(piece) == [
        (0.0, 1.0, 60),
        (1.0, 2.0, 62),
        (2.0, 3.0, 50),
        (2.0, 3.0, 62),
        (3.0, 4.0, 52),
        (3.0, 4.0, 64),
        (4.0, 5.0, 64),
    ]
    # Where nothing is given it plays alone.
    generator_of(model, ignore_input=True).generate(music, section(6.0, 7.0))
    assert model.asked[-1][0] == "generate"


def test_a_section_keeps_its_place_in_the_bar():
    music = sequence_of((0.0, 1.0, 60), (1.0, 21.0, 62), qpm=60.0)
    for time, numerator in ((1.0, 4), (0.0, 1), (13.0, 3)):  # bars from 1, 5, 9, 13, 16 and 19 s
        music.time_signatures.add(time=time, numerator=numerator, denominator=4)
    # From here on a bar lasts 1.5 s, but not in a section that begins before.
    music.tempos.add(time=17.0, qpm=120.0)
    for start, end, expected in (
        (0.0, 8.0, [(0.0, 1), (1.0, 4)]),
        (1.0, 8.0, [(0.0, 4)]),
        (3.0, 12.0, [(0.0, 4), (2.0, 4)]),
        (4.0, float("inf"), [(0.0, 4), (1.0, 4), (9.0, 3)]),
        (11.0, 14.0, [(0.0, 4), (2.0, 3)]),
        (16.5, 21.0, [(0.0, 3), (2.5, 3)]),
        (3.0, 4.0, [(0.0, 4)]),
    ):
        found = sections.cut(music, Section(start, end)).time_signatures
        assert [(meter.time, meter.numerator) for meter in found] == expected, (start, end)
        assert {meter.denominator for meter in found} == {4}


def test_a_section_keeps_its_chords():
    music = sequence_of((0.0, 9.0, 60))
    kind = music.text_annotations.add(time=1.0, text="a word").CHORD_SYMBOL
    for time, text in ((6.0, "F"), (0.0, "C"), (2.0, "Am"), (8.0, "G")):
        music.text_annotations.add(time=time, text=text, annotation_type=kind)
    for start, end, expected in (
        (3.0, 8.0, [(0.0, "Am"), (3.0, "F")]),
        (2.0, 6.0, [(0.0, "Am")]),
        (0.0, float("inf"), [(0.0, "C"), (2.0, "Am"), (6.0, "F"), (8.0, "G")]),
    ):
        found = sections.cut(music, Section(start, end)).text_annotations
        assert [(symbol.time, symbol.text) for symbol in found] == expected
        assert {symbol.annotation_type for symbol in found} == {kind}


def test_a_change_of_tempo_does_not_move_the_next_bar_line():
    music = sequence_of((0.0, 20.0, 60), qpm=120.0)
    music.time_signatures.add(numerator=4, denominator=4)
    music.tempos.add(time=1.25, qpm=30.0)
    piece = sections.cut(music, Section(1.0, 20.0))
    assert [meter.time for meter in piece.time_signatures] == [0.0, 1.0]
    assert missing_quarters(piece, 4) == 2.0


@pytest.mark.parametrize(
    ("beats_per_bar", "start", "signatures", "begin"),
    [
        (4, 1.0, [(0.0, 4), (1.0, 4)], 1.0),
        (4, 1.5, [(0.0, 4), (0.5, 4)], 1.5),
        (4, 2.0, [], 0.0),
        (3, 1.0, [(0.0, 3), (0.5, 3)], 1.0),
        (3, 1.5, [], 0.0),
    ],
)
def test_music_without_time_signatures_is_in_the_models_meter_from_its_beginning(
    beats_per_bar, start, signatures, begin
):
    class Metered(Phrases):
        """Answers in bars of its own meter, with one note that lasts."""

        def ask(self, signature, seed, controls, outputs):
            given = NoteSequence.FromString(controls["note_sequence"])
            asked.append(given)
            answer = sequence_of((begin, 40.0, 50), qpm=given.tempos[0].qpm)
            answer.time_signatures.add(numerator=beats_per_bar, denominator=4)
            return {"note_sequence": answer.SerializeToString()}

    asked = []
    music = sequence_of((0.0, 12.0, 60), qpm=120.0)
    piece = generator_of(Metered(accompanies=True)).generate(music, section(start, 8.0))
    found = [(meter.time, meter.numerator) for meter in asked[-1].time_signatures]
    assert found == signatures
    assert len(asked) == (2 if signatures else 1) and not asked[0].time_signatures
    assert (start, 8.0, 50) in notes_of(piece)


def test_the_tempo_is_120_before_the_first_and_the_last_of_several_at_one_time():
    music = sequence_of()
    assert sections.tempo_at(music, 1.0) is None
    music.tempos.add(time=5.0, qpm=60.0)
    music.tempos.add(time=5.0, qpm=90.0)
    assert [sections.tempo_at(music, seconds) for seconds in (0.0, 5.0)] == [120.0, 90.0]


def test_the_bar_of_a_pick_up_is_not_in_the_section():
    class Whole(Phrases):
        """Answers from the beginning of the pick-up's bar of 4/4, with a note there."""

        def ask(self, signature, seed, controls, outputs):
            piece = NoteSequence.FromString(controls["note_sequence"])
            for note in piece.notes:
                note.start_time += 3.0
                note.end_time += 3.0
            piece.notes.add(pitch=50, start_time=0.0, end_time=4.0, instrument=1)
            del piece.time_signatures[:]
            piece.time_signatures.add(numerator=4, denominator=4)
            return {"note_sequence": piece.SerializeToString()}

    music = sequence_of((0.0, 1.0, 60), (1.0, 5.0, 62), (5.0, 9.0, 64), qpm=60.0)
    for time, numerator in ((0.0, 1), (1.0, 4)):
        music.time_signatures.add(time=time, numerator=numerator, denominator=4)
    piece = generator_of(Whole(accompanies=True)).generate(music, section(0.0, 5.0))
    assert notes_of(piece) == [(0.0, 1.0, 50), *notes_of(music)[:2], (5.0, 9.0, 64)]
    # A section that begins within a bar is music with a pick-up.
    piece = generator_of(Whole(accompanies=True)).generate(music, section(4.0, 8.0))
    begun = [(4.0, 5.0, 50), (4.0, 5.0, 62), (5.0, 8.0, 64)]
    assert notes_of(piece) == [*notes_of(music)[:1], (1.0, 4.0, 62), *begun, (8.0, 9.0, 64)]


def test_the_interface_of_magentas_generators():
    generator = generator_of(Phrases())
    assert (generator.details.id, generator.details.description) == ("phrases", "made up")
    assert generator.bundle_details is None
    with generator as entered:
        assert entered is generator
    options = section(0.0, 1.0, beam_size=1, branch_factor=1, steps_per_iteration=1)
    assert generator.generate(NoteSequence(), options).notes
