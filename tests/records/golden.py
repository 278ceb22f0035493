"""Writes the golden record sets: `python -m tests.records.golden`.

One tiny set per representation, from a made-up piece. They are written once per format version and
then only read: they show that a later release still reads what this one wrote.
"""

import dataclasses
import pathlib
import tempfile

import numpy as np

from tfmusicgan import datasets
from tfmusicgan.datasets.base import Dataset
from tfmusicgan.note_sequences.midi import write_midi
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.recorded_note import Audio, RecordedNote, one_note
from tfmusicgan.note_sequences.sources import Source
from tfmusicgan.records.convert import convert
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.representations.base import Representation
from tfmusicgan.representations.chord_melody_words import ChordMelodyWords
from tfmusicgan.representations.jazz_phrases import JazzPhrases
from tfmusicgan.representations.melody_bars import MelodyBars
from tfmusicgan.representations.melody_tokens import MelodyTokens
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.note_audio import NoteAudio
from tfmusicgan.representations.note_events import NoteEvents
from tfmusicgan.representations.token_sequence import TokenSequence
from tfmusicgan.representations.tracks import parse_tracks

FOLDER = pathlib.Path(__file__).parents[2] / "tfrecords" / "golden"
REPRESENTATIONS: dict[str, Representation] = {
    "multitrack_piano_roll": MultitrackPianoRoll(
        tracks=parse_tracks("drums,piano,bass"),
        bars=2,
        steps_per_beat=4,
        lowest_pitch=36,
        num_pitches=25,
        hop_bars=2,
    ),
    "chord_melody_words": ChordMelodyWords(
        length=3,
        # C4 alone, C4 with C2, G3; without the rests and what comes after them.
        words=((24, 4, 1, 0, 0, 0), (24, 4, 1, 96, 2, 1), (48, 3, 8, 0, 0, 0)),
    ),
    # The first two bars but for their end; one note alone is left behind them.
    "jazz_phrases": JazzPhrases(max_notes=5, max_steps=72, primer_notes=2, min_rest_steps=24),
    # The first and the third bar.
    "melody_bars": MelodyBars(
        bars=1, hop_bars=2, steps_per_beat=2, onsets=True, velocities=True, num_pitches=12
    ),
    "melody_tokens": MelodyTokens(length=8, hop=5, min_notes=2),
    "token_sequence": TokenSequence(num_tokens=12, length=3),
    "note_events": NoteEvents(length=2, tones=2),
    "note_audio": NoteAudio(sample_rate=8000, num_samples=256, min_pitch=60, max_pitch=72),
}


def made_up_piece() -> NoteSequence:
    """Four bars of 4/4 at 120 quarters a minute: lopsided on purpose."""
    sequence = NoteSequence(ticks_per_quarter=480)
    sequence.tempos.add(qpm=120)
    sequence.time_signatures.add(numerator=4, denominator=4)

    def add(pitch: int, quarter: float, length: float, program: int, is_drum: bool = False):
        sequence.notes.add(
            pitch=pitch,
            velocity=80,
            start_time=quarter / 2,
            end_time=(quarter + length) / 2,
            program=program,
            is_drum=is_drum,
            instrument=9 if is_drum else program // 32,
        )

    add(60, 0, 1, 0)  # piano: two repeated notes and one over the bar line
    add(60, 1, 1, 0)
    add(55, 3, 2, 0)
    add(36, 0, 4, 33)  # bass
    add(43, 12, 4, 33)
    add(38, 2, 0.5, 0, is_drum=True)
    add(38, 2.5, 0.5, 0, is_drum=True)
    add(84, 8, 1, 0)  # above the range: left out
    sequence.total_time = 8.0
    return sequence


def read_with_chords(source: Source) -> NoteSequence:
    """The piece with chord symbols, which MIDI does not have."""
    sequence = datasets.get("midi").read_source(source)
    kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
    for seconds, symbol in ((0.0, "Am7"), (1.5, "F"), (3.0, "G7/B")):
        sequence.text_annotations.add(time=seconds, text=symbol, annotation_type=kind)
    return sequence


TOKENS = ((7, 0, 11), (2, 2, 5))


def list_tokens(files, root) -> tuple[list[Source], list]:
    """Two sequences that no file holds: nothing sounds in them, and readers refuse such files."""
    names = [f"made_up#{index}" for index in range(len(TOKENS))]
    return [Source(name, "", "tokens", i, str(i) * 64) for i, name in enumerate(names)], []


def read_tokens(source: Source) -> NoteSequence:
    """One of them, its annotations from the last to the first."""
    sequence = NoteSequence(id=source.name, total_time=3.0)
    for place, token in reversed(list(enumerate(TOKENS[source.index]))):
        sequence.text_annotations.add(time=place, text=str(token))
    return sequence


def list_notes(files, root) -> tuple[list[Source], list]:
    """Two notes with their audio, which no file holds, and one out of range."""
    names = [f"made_up#{index}" for index in range(3)]
    return [Source(name, "", "notes", i, str(i) * 64) for i, name in enumerate(names)], []


def read_note(source: Source) -> RecordedNote:
    """One of them: a saw-tooth of 100 steps, shorter than the clip, and its labels."""
    steps = np.arange(200 + 10 * source.index) % 100 - 30
    return RecordedNote(
        one_note(source.name, pitch=63 + 5 * source.index, velocity=90 + source.index),
        lambda rate, count: Audio(steps / 32768.0, 8000),
        instrument=12 + source.index,
        instrument_family=10 - source.index,
        instrument_source=2 - source.index,
        qualities=(True,) + (False,) * 8 + (source.index == 1,),
    )


def dataset_for(name: str) -> Dataset:
    """Where a representation's set comes from."""
    midi = datasets.get("midi")
    if name == "note_audio":
        return dataclasses.replace(midi, list_sources=list_notes, read_source=read_note)
    if name in ("jazz_phrases", "melody_bars"):
        return dataclasses.replace(midi, read_source=read_with_chords)
    if name != "token_sequence":
        return midi
    return dataclasses.replace(midi, list_sources=list_tokens, read_source=read_tokens)


def main() -> None:
    """Writes every set that is not there yet."""
    for name, representation in REPRESENTATIONS.items():
        if (FOLDER / name).exists():
            print(f"{FOLDER / name} is there already: golden records are written once.")
            continue
        with tempfile.TemporaryDirectory() as music:
            write_midi(made_up_piece(), pathlib.Path(music, "made_up.mid"))
            convert(
                dataset_for(name),
                ConvertOptions(representation, split=(1.0, 0.0, 0.0)),
                FOLDER / name,
                [music],
                licence="Apache-2.0",
                attribution="the authors of tfmusicgan",
            )


if __name__ == "__main__":
    main()
