"""What a generator of Magenta's interface cannot do, with models made up here."""

import pytest

from tests.magenta.made_up_models import (
    STEP,
    Bars,
    Phrases,
    Tokens,
    generator_of,
    generator_pb2,
    notes_of,
    section,
    sequence_of,
    signature_of,
)
from tfmusicgan.errors import ConfigError, SequenceGeneratorError
from tfmusicgan.magenta.asking import CannotGoOnError
from tfmusicgan.note_sequences.proto import NoteSequence


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (generator_pb2.GeneratorOptions(), r"one generate_sections message. Received: 0"),
        (
            section(2.0, 2.0),
            r"generate_sections with 0 <= start_time < end_time, .* 2 to 2\.",
        ),
        (section(-1.0, 2.0), r"Received: -1 to 2\."),
        (section(0.0, float("inf")), r"Received: 0 to inf\."),
        (section(0.0, 1.0, given=(3.0, 2.0)), r"input_sections with .* Received: 3 to 2\."),
        (section(0.0, 1.0, beam_size=4), r"beam_size of 1: .* Received: 4\."),
        (section(0.0, 1.0, beam_size=3.0), r"beam_size of 1: .* Received: 3\.0\."),
        (section(0.0, 1.0, seed=1.5), r"args\['seed'\] .* Received: 1.5\."),
        (section(0.0, 1.0, seed="x"), r"args\['seed'\] .* Received: 'x'\."),
        (
            section(0.0, 1.0, swing=1.0),
            r"argument 'swing'. Known: qpm, seed, temperature\.",
        ),
        (
            section(0.0, 1.0, num_phrases=2),
            r"no argument 'num_phrases': the section decides .*: 2\. Set end_time of generate_sect",
        ),
        (
            section(0.0, 24.5),
            r"a section of 24 s at most, .*'phrases' .* Received: one of 24.5 s",
        ),
        (
            section(0.0, 1.0, qpm=900.0),
            r"Received: 900 quarter notes a minute, .* plays 300\.",
        ),
    ],
)
def test_options_that_cannot_be_followed(options, message):
    with pytest.raises(SequenceGeneratorError, match=message):
        generator_of(Phrases()).generate(None, options)


def test_more_than_one_section_and_arguments_without_a_value():
    twice = section(0.0, 1.0)
    twice.generate_sections.add(start_time=1.0, end_time=2.0)
    with pytest.raises(SequenceGeneratorError, match=r"one generate_sections .* Received: 2\."):
        generator_of(Phrases()).generate(None, twice)
    given = section(0.0, 1.0, given=(0.0, 1.0))
    given.input_sections.add(start_time=1.0, end_time=2.0)
    with pytest.raises(SequenceGeneratorError, match=r"one input_sections .* Received: 2\."):
        generator_of(Phrases()).generate(None, given)
    empty = section(0.0, 1.0)
    empty.args["temperature"].SetInParent()
    with pytest.raises(SequenceGeneratorError, match=r"a value of args\['temperature'\]"):
        generator_of(Phrases()).generate(None, empty)


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
    assert generator_of(Late()).generate(None, section(0.0, 3.0)).notes
    assert lengths == [1, 3, 7, 11]  # 7 tokens last 2 s
    with pytest.raises(SequenceGeneratorError, match=r"of 4.5 s at most, .* Received: one of 5 s"):
        generator_of(Late()).generate(None, section(0.0, 5.0))
    with pytest.raises(SequenceGeneratorError, match=r"all last equally long"):
        generator_of(Late()).generate(sequence_of((0.0, 0.5, 60)), section(1.0, 2.0))


def test_bars_that_cannot_be_gone_on_by():
    music = sequence_of((0.0, 2.0, 60))
    with pytest.raises(SequenceGeneratorError, match=r"of 12 s at most, .*'bars' .* of 12.5 s"):
        generator_of(Bars()).generate(music, section(2.0, 14.5))
    with pytest.raises(
        SequenceGeneratorError, match=r"no argument 'num_bars': the section decides"
    ):
        generator_of(Bars()).generate(music, section(2.0, 4.0, num_bars=2))

    class One(Bars):
        """Goes on for one bar alone."""

        def ask(self, signature, seed, controls, outputs):
            return super().ask(signature, seed, {**controls, "num_bars": 1}, outputs)

    with pytest.raises(SequenceGeneratorError, match=r"of 0 s at most, .* Received: one of 2 s"):
        generator_of(One()).generate(music, section(2.0, 4.0))


def test_events_are_not_gone_on_by():
    class Events(Tokens):
        """With the signatures of C-RNN-GAN."""

        name = "events"

        def __init__(self):
            drawing, outputs = ("seed", "length", "dropout"), ("note_sequence", "note_events")
            self.known = {
                "generate": signature_of((*drawing, "qpm"), outputs),
                "continue": signature_of((*drawing, "note_sequence"), outputs),
            }

        def ask(self, signature, seed, controls, outputs):
            assert signature == "generate"
            return super().ask(signature, seed, controls, outputs)

    music = sequence_of((0.0, 0.5, 60))
    message = (
        r"goes on by bars \(num_bars\) or answers its tokens. Received: 'events', which takes "
        r"seed, length, dropout, note_sequence and answers note_sequence, note_events, so .* Ask "
        r".*, or pass ignore_input=True for music without regard to what is given\.$"
    )
    with pytest.raises(SequenceGeneratorError, match=message):
        generator_of(Events()).generate(music, section(0.5, 1.0))
    piece = generator_of(Events(), ignore_input=True).generate(music, section(0.5, 1.0))
    assert notes_of(piece) == [(0.0, 0.5, 60), (0.5, 1.0, 80)]


def test_what_cannot_be_gone_on_with_is_ignored_where_it_may_be():
    music = sequence_of((0.0, 0.5, 60))
    uneven = Tokens()
    uneven.stretch = 1.25
    with pytest.raises(CannotGoOnError, match=r"all last equally long.* pass ignore_input=True"):
        generator_of(uneven).generate(music, section(1.5, 5.5))
    piece = generator_of(uneven, ignore_input=True).generate(music, section(1.5, 5.5))
    generated = [(1.5 + STEP * place, 2.0 + STEP * place, 80 + place) for place in range(8)]
    assert notes_of(piece) == [(0.0, 0.5, 60), *generated]
    # What can be gone on with is: 12 tokens are all there are.
    with pytest.raises(SequenceGeneratorError, match=r"of 5.5 s at most"):
        generator_of(Tokens(), ignore_input=True).generate(music, section(0.5, 6.5))
    # A section that begins within the music.
    with pytest.raises(CannotGoOnError, match=r"a section after the music"):
        generator_of(uneven).generate(music, section(0.25, 0.75))
    piece = generator_of(uneven, ignore_input=True).generate(music, section(0.25, 0.75))
    assert notes_of(piece) == [(0.0, 0.5, 60), (0.25, 0.75, 80)]


def test_models_that_cannot():
    with pytest.raises(SequenceGeneratorError, match=r"of 4.5 s at most, .*'tokens' .* of 5 s"):
        generator_of(Tokens()).generate(sequence_of((1.0, 1.5, 60)), section(1.5, 6.5))
    uneven = Tokens()
    uneven.stretch = 1.25
    with pytest.raises(SequenceGeneratorError, match=r"all last equally long. Received: 'tokens'"):
        generator_of(uneven).generate(sequence_of((0.0, 0.5, 60)), section(1.5, 5.5))
    sounds = Phrases()
    sounds.known = {"synthesize": {"inputs": {}, "outputs": {"wav": ()}, "defaults": {}}}
    with pytest.raises(SequenceGeneratorError, match=r"none of whose signatures synthesize answe"):
        generator_of(sounds).initialize()

    def refuse(*_):
        raise ConfigError("127.0.0.1:1: UNAVAILABLE: not there")

    absent = Phrases()
    absent.ask = refuse
    with pytest.raises(SequenceGeneratorError, match=r"127.0.0.1:1: UNAVAILABLE: not there"):
        generator_of(absent).generate(None, section(0.0, 1.0))
    absent.signatures = refuse
    with pytest.raises(SequenceGeneratorError, match=r"127.0.0.1:1: UNAVAILABLE: not there"):
        generator_of(absent).initialize()
