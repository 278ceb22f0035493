"""Words worked out by hand, the decoded messages' contract, and every error."""

import dataclasses
import json
import math

import numpy as np
import pytest

from tests.validity import assert_valid
from tfmusicgan import representations
from tfmusicgan.errors import ConfigError, ConversionError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import chord_melody_vocabulary as vocabulary
from tfmusicgan.representations.chord_melody_messages import chord_symbol
from tfmusicgan.representations.chord_melody_words import ChordMelodyWords

REP = ChordMelodyWords(length=4)
C, E, G = 1, 16, 128  # Pitch classes as bits.


def tune(*notes, names=(), qpm=120, **fields):
    """A sequence of (first quarter note, quarter notes, pitch[, instrument[, is_drum]])."""
    sequence = NoteSequence(id="tune", **fields)
    sequence.tempos.add(qpm=qpm)
    for start, length, pitch, *rest in notes:
        instrument, is_drum = (*rest, *(0, False)[len(rest) :])
        sequence.notes.add(
            pitch=pitch,
            velocity=9,
            start_time=start * 60 / qpm,
            end_time=(start + length) * 60 / qpm,
            instrument=instrument,
            is_drum=is_drum,
        )
    for instrument, name in names:
        sequence.instrument_infos.add(instrument=instrument, name=name)
    return sequence


def chord(start, length, *pitches, instrument=1):
    return [(start, length, pitch, instrument) for pitch in pitches]


# A pick-up, a chord with the first beat, a rest, a chord in the middle of a note.
MELODY = [(0, 1, 67), (1, 1.5, 72), (2.5, 0.5, 71), (4, 1, 60), (5, 3, 64)]
TUNE = tune(*MELODY, *chord(1, 5, 48, 52, 55), *chord(6, 2, 43, 59, 50, 53))
WORDS = [
    (24, 4, 8, 0, 0, 0),
    (36, 5, 1, 120, 333, C | E | G),
    (12, 4, 12, 0, 0, 0),
    (24, 0, 0, 0, 0, 0),
    (24, 4, 1, 0, 0, 0),
    (72, 4, 5, 0, 0, 0),
    # D3, F3, G2, B3: the octaves by pitch class, not by pitch.
    (0, 0, 0, 48, 3323, 1 << 2 | 1 << 5 | G | 1 << 11),
]


def test_words_by_hand():
    assert list(map(tuple, REP.find_words(TUNE).tolist())) == WORDS


def test_tokens_by_hand():
    rep = dataclasses.replace(REP, words=tuple(WORDS[:1] + WORDS[2:]))
    assert (rep.num_tokens, rep.start_token, rep.default_qpm) == (8, 0, 120.0)
    assert rep.drawable.tolist() == [False, False] + [True] * 6
    examples, left_out, _ = rep.encode_counted(TUNE)
    assert [example["tokens"].tolist() for example in examples] == [[2, 1, 3, 4]]
    assert examples[0]["tokens"].dtype == np.int32
    assert left_out == {"short_last_window": 1}
    found = {}
    for hop in (3, 2, 1, 9):
        examples, left_out, _ = dataclasses.replace(rep, hop=hop).encode_counted(TUNE)
        found[hop] = [e["tokens"].tolist() for e in examples], left_out["short_last_window"]
    assert found == {
        3: ([[2, 1, 3, 4], [4, 5, 6, 7]], 0),
        2: ([[2, 1, 3, 4], [3, 4, 5, 6]], 1),
        1: ([[2, 1, 3, 4], [1, 3, 4, 5], [3, 4, 5, 6], [4, 5, 6, 7]], 0),
        9: ([[2, 1, 3, 4]], 0),  # What lies between windows is left out by the hop.
    }


def test_the_published_numbers():
    rep = ChordMelodyWords()
    assert (rep.length, rep.num_tokens, rep.start_token) == (100, 2, 0)
    assert rep.spec["tokens"].shape == (100,)
    assert rep.needs_vocabulary and not rep.drawable.any()
    assert not dataclasses.replace(rep, words=tuple(WORDS)).needs_vocabulary


def test_the_vocabulary_is_of_the_windows_most_frequent_first():
    rep = dataclasses.replace(REP, length=2)
    low = tune((0, 1, 60), (1, 1, 61), (2, 1, 60), (3, 9, 65), *chord(0, 1, 48), *chord(1, 99, 48))
    short = tune((0, 3, 62), *chord(0, 3, 48))
    without = tune((0, 1, 60), (1, 1, 60))
    # Four windows' words; the last piece is one word short of any, the one before has no chords.
    words = rep.with_vocabulary([TUNE, low, low, without, short]).words
    assert (
        words
        == (
            (24, 4, 1, 0, 0, 0),  # Three times, once in TUNE.
            # Twice each, in the order of their numbers.
            (24, 4, 1, 24, 3, C),
            (24, 4, 2, 2376, 3, C),
            (216, 4, 6, 0, 0, 0),
            # TUNE's first six words; the seventh has no window.
            *sorted({*WORDS[:6]} - {(24, 4, 1, 0, 0, 0)}),
        )
    )
    three = dataclasses.replace(rep, max_words=3).with_vocabulary([TUNE, low, low])
    assert three.words == words[:3]
    assert three.find_tokens(rep.find_words(TUNE)).tolist() == [1, 1, 1, 1, 2, 1, 1]
    assert rep.with_vocabulary([short]) == rep.with_vocabulary([]) == rep


def test_words_that_the_vocabulary_lacks_are_counted():
    # Unknown are the words 2, 5 and 6 of seven, whichever of them windows have.
    rep = dataclasses.replace(REP, words=(*WORDS[:2], *WORDS[3:5]))
    for length, hop in [(4, None), (2, 3), (7, 1)]:
        encoded = dataclasses.replace(rep, length=length, hop=hop).encode_counted(TUNE)
        assert encoded.lost == {"unknown_words": 3}
    complete = dataclasses.replace(REP, words=tuple(WORDS))
    assert complete.encode_counted(TUNE).lost == {"unknown_words": 0}


def test_noise_of_floats_and_of_ticks_does_not_matter():
    exact = tune((0, 1 / 3, 60), (1 / 3, 2 / 3, 61), (1, 1, 62), *chord(0, 2, 48))
    noisy = tune(
        (0.01, 0.33, 60), (341 / 1024, 0.66, 61), (1 + 1e-9, 1.003, 62), *chord(-0.01, 2, 48)
    )
    words = REP.find_words(exact).tolist()
    assert [word[0] for word in words] == [8, 16, 24]
    assert REP.find_words(noisy).tolist() == words


def test_no_event_takes_no_time():
    """Notes shorter than half a step, and of negative length, have one step."""
    sequence = tune((0, 0.001, 60), (0.1, -5, 61), (2, 1, 62), *chord(0, 0, 48))
    assert REP.find_words(sequence).tolist() == [
        [1, 4, 1, 1, 3, C],
        [1, 0, 0, 0, 0, 0],
        [1, 4, 2, 0, 0, 0],
        [45, 0, 0, 0, 0, 0],
        [24, 4, 3, 0, 0, 0],
    ]


def test_what_begins_together_and_what_sounds_on():
    """The highest of a melody, the lowest of a class, the longest of a chord; cut by the next."""
    sequence = tune(
        (0, 4, 60), (0, 1, 64), (0, 9, 62), (2, 1, 65),
        *chord(0, 1, 60, 48), *chord(0, 3, 55), *chord(4, 2, 52, 40), (5, 1, 41, 1),
    )  # fmt: skip
    assert REP.find_words(sequence).tolist() == [
        [24, 4, 5, 72, 33, C | G],
        [24, 0, 0, 0, 0, 0],
        [24, 4, 6, 0, 0, 0],
        [0, 0, 0, 24, 0, 0],
        [0, 0, 0, 24, 2, E],
        [0, 0, 0, 24, 2, 1 << 5],
    ]


def test_times_are_in_quarter_notes_whatever_the_tempo():
    fast = tune(*MELODY, *chord(1, 5, 48, 52, 55), qpm=231)
    assert (
        REP.find_words(fast).tolist()
        == REP.find_words(tune(*MELODY, *chord(1, 5, 48, 52, 55))).tolist()
    )
    sequence = tune((0, 1, 60), (1, 1, 61), *chord(0, 2, 48))  # Seconds: 0.5 each.
    sequence.tempos.add(time=0.5, qpm=60)
    assert REP.find_words(sequence).tolist()[1][:3] == [12, 4, 2]


@pytest.mark.parametrize(
    ("names", "changes", "expected"),
    [
        ((), {}, (3, 5)),  # The lowest instruments that are no drums.
        (((7, "Melody"),), {}, (7, 3)),
        (((5, "MELODY (chords)"),), {}, (5, 3)),  # The melody's instrument plays no chords.
        (((5, "melody"), (7, "Chords")), {}, (5, 7)),
        (((5, "melody"), (1, "chords")), {}, (5, 3)),  # Nor do drums.
        (((3, "chords"),), {}, (3, 5)),
        (((7, "chords"),), {}, (3, 7)),
        (((7, "harp"), (5, "lead")), {"melody_name": "lead", "chords_name": "harp"}, (5, 7)),
        (((7, "melody"), (7, "chords")), {"melody_name": "", "chords_name": ""}, (3, 5)),
    ],
)
def test_which_instruments_play(names, changes, expected):
    notes = [(0, 1, 60 + instrument, instrument, instrument == 1) for instrument in (7, 5, 3, 1)]
    words = dataclasses.replace(REP, **changes).find_words(tune(*notes, names=names))
    melody, chords = expected
    assert words.tolist() == [[24, 4, melody + 1, 24, 4, 1 << chords]]


DRUM = (0, 4, 62, 9, True)


@pytest.mark.parametrize(
    ("sequence", "reason", "message"),
    [
        (tune(), "no_melody", "from 12 on. Received: 0 notes in 'tune', none of them of"),
        (tune(DRUM), "no_melody", "Received: 1 notes in 'tune', none of them of the melody"),
        (tune((0, 4, 11), *chord(0, 4, 60)), "no_melody", "none of them of the melody"),
        (tune((0, 4, 60), DRUM), "no_chords", "none of them of the chords"),
        (tune((0, 4, 60), *chord(0, 4, 11)), "no_chords", "none of them of the chords"),
        (tune((0, math.nan, 60)), "bad_times", "Expected finite times in 'tune'"),
        (tune((-math.inf, 1, 60)), "bad_times", "Expected finite times in 'tune'"),
        (tune((0, 1e9, 60), *chord(0, 1, 60)), "too_long", "less than 1073741824 steps. Received"),
        (tune((0, 1, 60), *chord(2, 1, 50)), "too_short", "4 words. Received: 2 in 'tune'"),
        (TUNE, "no_vocabulary", "takes from the training pieces. Received: none for 'tune'"),
    ],
)  # fmt: skip
def test_encode_errors(sequence, reason, message):
    with pytest.raises(ConversionError, match=message) as raised:
        REP.encode(sequence)
    assert raised.value.reason == reason


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"length": 0}, "length: expected a whole number within 1-4096. Received: 0"),
        ({"hop": 0}, "hop: expected a whole number within 1-4096. Received: 0"),
        ({"steps_per_quarter": 481}, "steps_per_quarter: .* within 1-480. Received: 481"),
        ({"max_words": 70_000}, "max_words: .* within 1-65536. Received: 70000"),
        ({"melody_name": "Melody"}, "melody_name: expected lower-case ASCII text, or none. .*'Mel"),
        ({"chords_name": None}, "chords_name: expected lower-case ASCII text, or none. .*: None"),
        ({"words": ["1 2 3"]}, r"expected six numbers of a melody and a chord. .*: \(1, 2, 3\)"),
        ({"words": ["24 4 x 0 0 0"]}, "expected texts of six whole numbers. Received: "),
        ({"words": 5}, "expected texts of six whole numbers. Received: 5"),
        ({"words": [[24, 4, 1.0, 0, 0, 0]]}, "expected six numbers"),
        ({"words": ["24 4 1 0 0 0", [24, 4, 1, 0, 0, 0]]}, r"each word once. Received: \(24, 4"),
        ({"words": [str(n) for n in range(65_537)]}, "expected at most 65536. Received: 65537"),
        ({"tracks": "voices"}, "parameter of chord_melody_words 'tracks'. Known: chords_name, "),
    ],
)
def test_parameters_are_checked(fields, message):
    with pytest.raises(ConfigError, match=message):
        ChordMelodyWords.from_parameters(fields)


@pytest.mark.parametrize(
    "word",
    [
        (0, 0, 0, 0, 0, 0),  # Nothing begins.
        (-1, 0, 0, 0, 0, 0),
        (4096, 0, 0, 0, 0, 0),
        (24, 4, 0, 0, 0, 0),  # A rest has no octave,
        (0, 4, 1, 24, 0, 0),  # nor has what does not begin,
        (24, 4, 1, 0, 3, C),
        (24, 0, 0, 24, 3, 0),  # nor a rest of the chords.
        (24, 10, 1, 0, 0, 0),
        (24, 4, 13, 0, 0, 0),
        (24, 9, 9, 0, 0, 0),  # MIDI 128.
        (24, 0, 0, 24, 9, 1 << 8),
        (24, 0, 0, 24, 333, C | E),
        (24, 0, 0, 24, 333333, 0b111_1111),
        (24, 0, 0, 24, 33, 1 << 12 | C),
        (True, 4, 1, 0, 0, 0),
    ],
)
def test_what_is_no_word(word):
    with pytest.raises(ConfigError, match="expected six numbers of a melody and a chord"):
        ChordMelodyWords(words=(word,))


def test_words_at_the_limits():
    wide = tune((0, 10, 127), *chord(0, 9, *range(114, 120)), *chord(9, 1, 12, 13))
    large = tune((0, 10, 12), *chord(0, 10, *range(60, 67)))
    long = tune((0, 4096 / 24, 60), (4096 / 24, 4095 / 24, 61), *chord(0, 1, 48))
    rep = dataclasses.replace(REP, length=1).with_vocabulary([wide, large, long])
    # Seven pitch classes and 4,096 steps have no word.
    assert rep.words == (
        (0, 0, 0, 24, 0, 3),
        (240, 9, 8, 216, 888888, 0b111111 << 6),
        (4095, 4, 2, 0, 0, 0),
    )
    for sequence, expected in ((wide, [3, 2]), (large, [1]), (long, [1, 4])):
        assert rep.find_tokens(rep.find_words(sequence)).tolist() == expected
    pitches = [n.pitch for n in rep.decode({"tokens": np.array([3])}).notes]
    assert pitches == [127, *range(114, 120)]
    # Keys tell even the most alike apart.
    words = np.array([(4095, 9, 12, 4095, 999_999, 4032), (4095, 9, 12, 4095, 999_999, 4000)])
    keys = vocabulary.word_keys(words)
    assert keys[0] > keys[1] > 0


def test_manifest_entry_survives_json():
    for rep in (ChordMelodyWords(), dataclasses.replace(REP, hop=3, words=tuple(WORDS))):
        entry = json.loads(json.dumps(representations.to_manifest(rep)))
        assert entry["name"] == "chord_melody_words"
        assert ChordMelodyWords.from_parameters(entry["parameters"]) == rep
        assert "24 4 8" not in repr(rep)
    assert entry["parameters"]["words"][1] == "36 5 1 120 333 145"


def test_decode_by_hand():
    rep = dataclasses.replace(REP, words=tuple(WORDS))
    sequence = rep.decode({"tokens": np.array([0, *range(2, 9)], np.uint8)})
    found = [
        (n.start_time, n.instrument, n.pitch, n.end_time, n.program, n.is_drum, n.velocity)
        for n in sequence.notes
    ]
    expected = [
        (0.0, 0, 67, 0.5),
        (0.5, 0, 72, 1.25),
        (0.5, 1, 48, 3.0),
        (0.5, 1, 52, 3.0),
        (0.5, 1, 55, 3.0),
        (1.25, 0, 71, 1.5),
        (2.0, 0, 60, 2.5),
        (2.5, 0, 64, 4.0),
        (3.0, 1, 43, 4.0),
        (3.0, 1, 50, 4.0),
        (3.0, 1, 53, 4.0),
        (3.0, 1, 59, 4.0),
    ]
    assert found == [(*note, 0, False, 80) for note in expected]
    assert sequence.total_time == 4.0
    assert sequence.ticks_per_quarter == 240
    assert [(t.time, t.qpm) for t in sequence.tempos] == [(0.0, 120.0)]
    assert [(s.numerator, s.denominator) for s in sequence.time_signatures] == [(4, 4)]
    named = [(i.instrument, i.name) for i in sequence.instrument_infos]
    assert named == [(0, "melody"), (1, "chords")]
    symbols = [(a.time, a.text, a.annotation_type) for a in sequence.text_annotations]
    assert symbols == [(0.5, "C", 1), (3.0, "G7", 1)]
    assert_valid(sequence, steps_per_quarter=24)
    assert rep.find_words(sequence).tolist() == rep.find_words(TUNE).tolist()


def note_starts(rep, *tokens):
    """Starts of melody and of chords in quarter notes, and the end."""
    sequence = rep.decode({"tokens": np.array(tokens)}, qpm=60)
    parts = [
        sorted({n.start_time for n in sequence.notes if n.instrument == part}) for part in (0, 1)
    ]
    return *parts, sequence.total_time


def test_how_the_parts_are_laid_beside_each_other():
    note, both, only = (24, 4, 1, 0, 0, 0), (24, 4, 1, 48, 33, C | G), (0, 0, 0, 24, 3, C)
    rest, no_chord = (48, 0, 0, 0, 0, 0), (48, 4, 1, 24, 0, 0)
    rep = dataclasses.replace(REP, words=(note, both, only, rest, no_chord))
    assert note_starts(rep, 2, 2, 3, 2, 3) == ([0, 1, 2, 3, 4], [2, 4], 6)
    # Chords that come before the word of both are before it in time as well.
    assert note_starts(rep, 2, 2, 4, 3) == ([0, 1, 2], [1, 2], 4)
    assert note_starts(rep, 4, 4, 3, 2) == ([2, 3], [0, 1, 2], 4)
    # Rests take time, at the end too, and the first word of both may be one.
    assert note_starts(rep, 5, 2, 6, 4, 5) == ([2, 3], [4], 7)
    # Without a word of both the parts begin together.
    assert note_starts(rep, 2, 2, 4) == ([0, 1], [0], 2)
    # Start symbols take no time, unknown words a quarter note here.
    assert note_starts(rep, 0, 2, 0, 1, 3, 0) == ([0, 2], [2], 4)
    silence = rep.decode({"tokens": np.array([0])})
    assert (silence.total_time, len(silence.notes)) == (0.0, 0)


def test_chord_symbols():
    def symbol(*pitches):
        word = REP.find_words(tune((0, 1, 60), *chord(0, 1, *pitches)))[0]
        return chord_symbol(tuple(word.tolist()))

    assert symbol(48, 52, 55) == "C"
    assert symbol(52, 55, 60) == "C/E"
    assert symbol(50, 53, 57) == "Dm"
    assert symbol(43, 47, 50, 53) == "G7"
    assert symbol(48, 49, 50, 51, 52, 53) == ""  # note_seq has no name for it.
    assert chord_symbol((24, 4, 1, 0, 0, 0)) == ""
    assert chord_symbol((24, 4, 1, 24, 0, 0)) == "N.C."


@pytest.mark.parametrize(
    ("tokens", "qpm", "error", "message"),
    [
        (np.zeros((2, 8), np.int32), None, ConversionError, r"\[tokens\], .*: int32 \[2, 8\]"),
        (np.zeros(0, np.int32), None, ConversionError, r"Received: int32 \[0\]"),
        (np.zeros(8), None, ConversionError, r"Received: float64 \[8\]"),
        (np.zeros(8, bool), None, ConversionError, r"Received: bool \[8\]"),
        (np.array([0, 9]), None, ConversionError, "tokens within 0-8. Received: 0 to 9"),
        (np.array([-1, 2]), None, ConversionError, "Received: -1 to 2"),
        (np.array([1]), 3.9, ConfigError, "qpm: expected 4-1000 .* Received: 3.9"),
        (np.array([1]), math.nan, ConfigError, "Received: nan"),
    ],
)
def test_decode_errors(tokens, qpm, error, message):
    with pytest.raises(error, match=message):
        dataclasses.replace(REP, words=tuple(WORDS)).decode({"tokens": tokens}, qpm)
