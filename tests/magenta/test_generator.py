"""Magenta's options to a model's inputs, and its answers to a section, with models made up here."""

import numpy as np
import pytest

from tfmusicgan.errors import ConfigError, SequenceGeneratorError
from tfmusicgan.magenta.generator import SequenceGenerator
from tfmusicgan.note_sequences.proto import NoteSequence, message_module

generator_pb2 = message_module("generator_pb2")
STEP = 0.5  # seconds of a token at the tempo that the given music has here
ROWS = (-1,)


def _sequence(*notes, qpm=None):
    """(start, end, pitch) of instrument 3, program 7."""
    sequence = NoteSequence(ticks_per_quarter=480)
    if qpm:
        sequence.tempos.add(qpm=qpm)
    for start, end, pitch in notes:
        sequence.notes.add(
            pitch=pitch, velocity=70, start_time=start, end_time=end, instrument=3, program=7
        )
    sequence.total_time = max((note.end_time for note in sequence.notes), default=0.0)
    return sequence


def _options(start, end, given=None, **args):
    options = generator_pb2.GeneratorOptions()
    options.generate_sections.add(start_time=start, end_time=end)
    if given:
        options.input_sections.add(start_time=given[0], end_time=given[1])
    kinds = {int: "int_value", float: "float_value", str: "string_value", bool: "bool_value"}
    for name, value in args.items():
        setattr(options.args[name], kinds[type(value)], value)
    return options


class Phrases:
    """Phrases of 8 quarter notes, 6 at most, with one note in each quarter; may accompany."""

    name = "phrases"

    def __init__(self, accompanies=False):
        inputs = {
            "seed": ("int64", ROWS),
            "temperature": ("float", ROWS),
            "qpm": ("float", ROWS),
            "num_phrases": ("int32", ROWS),
        }
        outputs = {"note_sequence": ("string", ROWS)}
        self.known = {"generate": {"inputs": inputs, "outputs": outputs, "defaults": {}}}
        if accompanies:
            given = {"seed": ("int64", ROWS), "note_sequence": ("string", ROWS)}
            self.known["accompany"] = {"inputs": given, "outputs": outputs, "defaults": {}}
        self.asked = []

    def signatures(self):
        return self.known

    def ask(self, signature, seed, controls, outputs):
        self.asked.append((signature, seed, dict(controls)))
        if signature == "accompany":
            piece = NoteSequence.FromString(controls["note_sequence"])
            for note in list(piece.notes):
                piece.notes.add(
                    pitch=note.pitch - 12,
                    velocity=60,
                    start_time=note.start_time,
                    end_time=note.end_time,
                    instrument=1,
                )
            return {"note_sequence": piece.SerializeToString()}
        qpm = min(controls.get("qpm", 120.0), 300.0)
        piece = NoteSequence()
        piece.tempos.add(qpm=qpm)
        piece.instrument_infos.add(instrument=1, name="lead")
        count = 8 * min(controls["num_phrases"], 6)
        for number in range(count):
            start = number * 60 / qpm
            piece.notes.add(
                pitch=40 + number, start_time=start, end_time=start + 60 / qpm, instrument=1
            )
        piece.total_time = count * 60 / qpm
        return {"note_sequence": piece.SerializeToString()}


class Tokens:
    """Goes on with pitches as tokens of half a second, 12 at most: 80, 81 ... after the given."""

    name = "tokens"
    stretch = 1.0

    def __init__(self):
        inputs = {"seed": ("int64", ROWS), "length": ("int32", ROWS)}
        outputs = {"note_sequence": ("string", ROWS), "tokens": ("string", ROWS)}
        inputs_of_music = {**inputs, "note_sequence": ("string", ROWS)}
        self.known = {
            "generate": {"inputs": inputs, "outputs": outputs, "defaults": {}},
            "continue": {"inputs": inputs_of_music, "outputs": outputs, "defaults": {}},
        }

    def signatures(self):
        return self.known

    def ask(self, signature, seed, controls, outputs):
        tokens = []
        if signature == "continue":
            for note in NoteSequence.FromString(controls["note_sequence"]).notes:
                tokens += [0] * (round(note.start_time / STEP) - len(tokens)) + [note.pitch]
        length = min(max(controls["length"], len(tokens) + 1), 12)
        tokens += range(80, 80 + length - len(tokens))
        piece = NoteSequence(total_time=STEP * length * (self.stretch if length > 6 else 1))
        for place, pitch in enumerate(tokens):
            if pitch:
                end = STEP * (place + 1)
                piece.notes.add(pitch=pitch, start_time=STEP * place, end_time=end)
        numbers = np.array(tokens, "<i4").tobytes()
        return {"note_sequence": piece.SerializeToString(), "tokens": numbers}


def _generator(model, ignore_input=False):
    return SequenceGenerator(model, "made up", ignore_input)


def _notes(sequence):
    return [(note.start_time, note.end_time, note.pitch) for note in sequence.notes]


def test_a_section_is_as_many_phrases_as_it_takes_at_the_musics_tempo():
    model = Phrases()
    options = _options(3.0, 9.5, seed=11, temperature=0.5)
    piece = _generator(model).generate(_sequence(qpm=240.0), options)
    # A phrase of 8 quarter notes lasts 2 s at 240 a minute: 6.5 s take four of them.
    asked = {"temperature": 0.5, "qpm": 240.0}
    assert model.asked == [
        ("generate", 11, {**asked, "num_phrases": 1}),
        ("generate", 11, {**asked, "num_phrases": 4}),
    ]
    assert _notes(piece) == [(3.0 + i / 4, 3.25 + i / 4, 40 + i) for i in range(26)]
    assert (piece.total_time, piece.tempos[0].qpm) == (9.5, 240.0)


def test_the_last_note_is_cut_at_the_sections_end_and_no_music_is_needed():
    piece = _generator(Phrases()).generate(None, _options(1.0, 2.25, seed=2**31 - 1))
    assert _notes(piece) == [(1.0, 1.5, 40), (1.5, 2.0, 41), (2.0, 2.25, 42)]
    assert (piece.tempos[0].qpm, piece.total_time) == (120.0, 2.25)


def test_the_tempo_is_the_one_in_force():
    music = _sequence(qpm=60.0)
    music.tempos.add(time=5.0, qpm=150.0)
    model = Phrases()
    _generator(model).generate(music, _options(5.0, 6.0))
    _generator(model).generate(music, _options(1.0, 2.0))
    assert [asked["qpm"] for _, _, asked in model.asked] == [150.0, 60.0]
    _generator(model).generate(music, _options(5.0, 6.0, qpm=100.0))
    assert model.asked[-1][2]["qpm"] == 100.0


def test_seeds():
    model = Phrases()
    for _ in range(2):
        _generator(model).generate(None, _options(0.0, 1.0))
    _generator(model).generate(None, _options(0.0, 1.0, seed=str(-(2**63))))
    first, second, last = (seed for _, seed, _ in model.asked)
    assert first != second and min(first, second) >= 0 and last == -(2**63)


def test_music_is_not_ignored_unasked():
    music = _sequence((0.0, 1.0, 64))
    message = r"no notes for 'phrases' to start from, whose signatures are generate. .* 0 to 1 s"
    with pytest.raises(SequenceGeneratorError, match=message):
        _generator(Phrases()).generate(music, _options(1.0, 2.0))
    before = music.SerializeToString(deterministic=True)
    piece = _generator(Phrases(), ignore_input=True).generate(music, _options(1.0, 2.0))
    assert _notes(piece) == [(0.0, 1.0, 64), (1.0, 1.5, 40), (1.5, 2.0, 41)]
    # Instruments of their own, with their names.
    assert [note.instrument for note in piece.notes] == [3, 5, 5]
    assert [(info.instrument, info.name) for info in piece.instrument_infos] == [(5, "lead")]
    assert music.SerializeToString(deterministic=True) == before
    # A section of the music without notes is no music to start from.
    _generator(Phrases()).generate(music, _options(4.0, 5.0, given=(2.0, 3.0)))


def test_a_primer_is_gone_on_with_after_a_pause_too():
    music = _sequence((0.0, 0.5, 60), (1.0, 1.5, 62))
    piece = _generator(Tokens()).generate(music, _options(2.0, 3.25))
    generated = [(2.0, 2.5, 80), (2.5, 3.0, 81), (3.0, 3.25, 82)]
    assert _notes(piece) == [(0.0, 0.5, 60), (1.0, 1.5, 62), *generated]
    assert {(note.instrument, note.program) for note in piece.notes} == {(3, 7)}
    assert piece.total_time == 3.25


def test_the_input_section_names_the_primer():
    music = _sequence((0.0, 0.5, 60), (1.0, 1.5, 62), (4.0, 4.5, 64))
    piece = _generator(Tokens()).generate(music, _options(1.5, 2.5, given=(0.75, 1.5)))
    generated = [(1.5, 2.0, 80), (2.0, 2.5, 81)]
    assert _notes(piece) == [*_notes(music)[:2], *generated, (4.0, 4.5, 64)]
    with pytest.raises(SequenceGeneratorError, match=r"from 1.5 s, and a note that ends at 4.5 s"):
        _generator(Tokens()).generate(music, _options(1.5, 2.5))


def test_no_primer_is_music_from_nothing():
    piece = _generator(Tokens()).generate(_sequence(), _options(0.0, 1.0))
    assert _notes(piece) == [(0.0, 0.5, 80), (0.5, 1.0, 81)]


def test_given_music_is_accompanied_in_its_section():
    model = Phrases(accompanies=True)
    music = _sequence((0.0, 1.0, 60), (1.0, 3.0, 62), (3.0, 5.0, 64), qpm=100.0)
    piece = _generator(model).generate(music, _options(2.0, 4.0, seed=5))
    ((signature, seed, asked),) = model.asked
    given = NoteSequence.FromString(asked["note_sequence"])
    assert (signature, seed, given.tempos[0].qpm) == ("accompany", 5, 100.0)
    assert _notes(given) == [(0.0, 1.0, 62), (1.0, 2.0, 64)]
    assert _notes(piece) == [
        (0.0, 1.0, 60),
        (1.0, 2.0, 62),
        (2.0, 3.0, 50),
        (2.0, 3.0, 62),
        (3.0, 4.0, 52),
        (3.0, 4.0, 64),
        (4.0, 5.0, 64),
    ]
    # Where nothing is given it plays alone.
    _generator(model, ignore_input=True).generate(music, _options(6.0, 7.0))
    assert model.asked[-1][0] == "generate"


def test_the_interface_of_magentas_generators():
    generator = _generator(Phrases())
    assert (generator.details.id, generator.details.description) == ("phrases", "made up")
    assert generator.bundle_details is None
    with generator as entered:
        assert entered is generator
    options = _options(0.0, 1.0, beam_size=1, branch_factor=1, steps_per_iteration=1)
    assert generator.generate(NoteSequence(), options).notes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (generator_pb2.GeneratorOptions(), r"one generate_sections message. Received: 0"),
        (_options(2.0, 2.0), r"generate_sections with 0 <= start_time < end_time, .* 2 to 2\."),
        (_options(-1.0, 2.0), r"Received: -1 to 2\."),
        (_options(0.0, float("inf")), r"Received: 0 to inf\."),
        (_options(0.0, 1.0, given=(3.0, 2.0)), r"input_sections with .* Received: 3 to 2\."),
        (_options(0.0, 1.0, beam_size=4), r"beam_size of 1: .* Received: 4\."),
        (_options(0.0, 1.0, beam_size=3.0), r"beam_size of 1: .* Received: 3\.0\."),
        (_options(0.0, 1.0, seed=1.5), r"args\['seed'\] .* Received: 1.5\."),
        (_options(0.0, 1.0, seed="x"), r"args\['seed'\] .* Received: 'x'\."),
        (_options(0.0, 1.0, swing=1.0), r"argument 'swing'. Known: qpm, seed, temperature\."),
        (_options(0.0, 1.0, num_phrases=2), r"argument 'num_phrases'. Known: qpm, seed, temp"),
        (_options(0.0, 24.5), r"a section of 24 s at most, .*'phrases' .* Received: one of 24.5 s"),
        (_options(0.0, 1.0, qpm=900.0), r"Received: 900 quarter notes a minute, .* plays 300\."),
    ],
)
def test_options_that_cannot_be_followed(options, message):
    with pytest.raises(SequenceGeneratorError, match=message):
        _generator(Phrases()).generate(None, options)


def test_more_than_one_section_and_arguments_without_a_value():
    twice = _options(0.0, 1.0)
    twice.generate_sections.add(start_time=1.0, end_time=2.0)
    with pytest.raises(SequenceGeneratorError, match=r"one generate_sections .* Received: 2\."):
        _generator(Phrases()).generate(None, twice)
    given = _options(0.0, 1.0, given=(0.0, 1.0))
    given.input_sections.add(start_time=1.0, end_time=2.0)
    with pytest.raises(SequenceGeneratorError, match=r"one input_sections .* Received: 2\."):
        _generator(Phrases()).generate(None, given)
    empty = _options(0.0, 1.0)
    empty.args["temperature"].SetInParent()
    with pytest.raises(SequenceGeneratorError, match=r"a value of args\['temperature'\]"):
        _generator(Phrases()).generate(None, empty)


def test_tokens_that_last_no_time_are_counted_on():
    class Late(Tokens):
        """Its first three tokens last no time, and the others half a second."""

        def ask(self, signature, seed, controls, outputs):
            lengths.append(controls["length"])
            answer = super().ask(signature, seed, controls, outputs)
            piece = NoteSequence.FromString(answer["note_sequence"])
            piece.total_time = max(piece.total_time - 3 * STEP, 0.0)
            return {**answer, "note_sequence": piece.SerializeToString()}

    lengths = []
    assert _generator(Late()).generate(None, _options(0.0, 3.0)).notes
    assert lengths == [1, 3, 7, 11]  # 7 tokens last 2 s
    with pytest.raises(SequenceGeneratorError, match=r"of 4.5 s at most, .* Received: one of 5 s"):
        _generator(Late()).generate(None, _options(0.0, 5.0))
    with pytest.raises(SequenceGeneratorError, match=r"all last equally long"):
        _generator(Late()).generate(_sequence((0.0, 0.5, 60)), _options(1.0, 2.0))


def test_models_that_cannot():
    with pytest.raises(SequenceGeneratorError, match=r"of 4.5 s at most, .*'tokens' .* of 5 s"):
        _generator(Tokens()).generate(_sequence((1.0, 1.5, 60)), _options(1.5, 6.5))
    uneven = Tokens()
    uneven.stretch = 1.25
    with pytest.raises(SequenceGeneratorError, match=r"all last equally long. Received: 'tokens'"):
        _generator(uneven).generate(_sequence((0.0, 0.5, 60)), _options(1.5, 5.5))
    sounds = Phrases()
    sounds.known = {"synthesize": {"inputs": {}, "outputs": {"wav": ()}, "defaults": {}}}
    with pytest.raises(SequenceGeneratorError, match=r"none of whose signatures synthesize answe"):
        _generator(sounds).initialize()

    def refuse(*_):
        raise ConfigError("127.0.0.1:1: UNAVAILABLE: not there")

    absent = Phrases()
    absent.ask = refuse
    with pytest.raises(SequenceGeneratorError, match=r"127.0.0.1:1: UNAVAILABLE: not there"):
        _generator(absent).generate(None, _options(0.0, 1.0))
    absent.signatures = refuse
    with pytest.raises(SequenceGeneratorError, match=r"127.0.0.1:1: UNAVAILABLE: not there"):
        _generator(absent).initialize()
