"""Models made up here, and Magenta's options for them."""

import math

import numpy as np

from tfmusicgan.magenta.generator import SequenceGenerator
from tfmusicgan.note_sequences.proto import NoteSequence, message_module

generator_pb2 = message_module("generator_pb2")
STEP = 0.5  # seconds of a token at the tempo that the given music has here
ROWS = (-1,)


def sequence_of(*notes, qpm=None):
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


def section(start, end, given=None, **args):
    """Options for a section of so many seconds, and for the one that is given."""
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


def signature_of(inputs, outputs):
    """A signature as a client knows it; controls that are not named here are numbers."""
    types = {"seed": "int64", "note_sequence": "string", "length": "int32", "num_bars": "int32"}
    types |= {"sound_chords": "bool"}
    return {
        "inputs": {name: (types.get(name, "float"), ROWS) for name in inputs},
        "outputs": {name: ("string", ROWS) for name in outputs},
        "defaults": {},
    }


class Bars:
    """Melodies in bars of 2 s, 6 at most, with the signatures of MidiNet.

    Each second has a note, 80, 81 ... It goes on behind the last bar that is given, whose end it
    fills with a note that sounds on for a second. Chords may sound as well, one a bar.
    """

    name = "bars"
    bar = 2.0

    def __init__(self):
        drawing = ("seed", "temperature", "num_bars", "sound_chords")
        outputs = ("note_sequence", "melody_bars")
        self.known = {
            "generate": signature_of((*drawing, "qpm"), outputs),
            "continue": signature_of((*drawing, "note_sequence"), outputs),
        }
        self.asked = []

    def signatures(self):
        return self.known

    def ask(self, signature, seed, controls, outputs):
        assert set(controls) <= set(self.known[signature]["inputs"])
        assert set(outputs) <= set(self.known[signature]["outputs"])
        self.asked.append((signature, controls["num_bars"]))
        bars, begin = min(controls["num_bars"], 6), 0.0
        notes = []
        if signature == "continue":
            given = NoteSequence.FromString(controls["note_sequence"]).notes
            notes = [(note.start_time, note.end_time, note.pitch) for note in given]
            end = max(note.end_time for note in given)
            begin = self.bar * math.ceil(end / self.bar)
            notes.append((end, begin + 1.0, 70))
        first = round(notes[-1][1] - begin) if notes else 0
        for number in range(first, round(self.bar * bars)):
            notes.append((begin + number, begin + number + 1.0, 80 + number))
        piece = sequence_of(*notes)
        for note in piece.notes:
            note.instrument = 0
        if controls.get("sound_chords"):
            for number in range(bars):
                start = begin + self.bar * number
                piece.notes.add(pitch=48, start_time=start, end_time=start + self.bar, instrument=1)
        for instrument, name in enumerate(("melody", "chords")):
            piece.instrument_infos.add(instrument=instrument, name=name)
        piece.total_time = begin + bars * self.bar
        return {"note_sequence": piece.SerializeToString()}


def generator_of(model, ignore_input=False):
    """Magenta's interface to a model."""
    return SequenceGenerator(model, "made up", ignore_input)


def notes_of(sequence):
    """(start, end, pitch) of all notes."""
    return [(note.start_time, note.end_time, note.pitch) for note in sequence.notes]
