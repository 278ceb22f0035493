"""Made-up music for tests: small, lopsided, and different for every number."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tfmusicgan.note_sequences.proto import NoteSequence

# Lowest pitch of soprano, alto, tenor, bass.
_RANGES = (60, 55, 48, 40)


def chorale(number: int, bars: int = 6, qpm: float = 96.0) -> NoteSequence:
    """Four voices in 4/4: quarter notes in the soprano, longer ones below."""
    rng = np.random.default_rng(number)
    sequence = NoteSequence(ticks_per_quarter=220, id=f"chorale {number}")
    sequence.tempos.add(qpm=qpm)
    sequence.time_signatures.add(numerator=4, denominator=4)
    seconds = 60.0 / qpm
    for part, lowest in enumerate(_RANGES):
        sequence.part_infos.add(part=part, name=f"voice {part}")
        length = 1 if part == 0 else 2
        for beat in range(0, bars * 4, length):
            sequence.notes.add(
                pitch=lowest + int(rng.integers(0, 12)),
                velocity=70 + part,
                start_time=beat * seconds,
                end_time=(beat + length) * seconds,
                part=part,
                instrument=part,
                program=19,
            )
    sequence.total_time = bars * 4 * seconds
    return sequence


def band(number: int, bars: int = 6, qpm: float = 120.0) -> NoteSequence:
    """Bass, drums, guitar, strings and piano in 4/4, each with a rhythm of its own."""
    parts = ((33, 40, 2), (0, 36, 1), (25, 60, 1), (48, 64, 4), (0, 52, 2))
    return _instruments(f"band {number}", number, parts, bars, qpm)


def orchestra(number: int, bars: int = 6, qpm: float = 100.0) -> NoteSequence:
    """BinaryMuseGAN's eight tracks: piano, drums, guitar, bass, ensemble, reed, lead and pad."""
    parts = ((0, 52, 2), (0, 36, 1), (25, 60, 1), (33, 40, 2))
    parts += ((48, 64, 4), (65, 58, 1), (81, 66, 2), (89, 48, 4))
    return _instruments(f"orchestra {number}", number, parts, bars, qpm)


def _instruments(
    name: str, number: int, parts: tuple[tuple[int, int, int], ...], bars: int, qpm: float
) -> NoteSequence:
    """(program, lowest pitch, beats of a note) of each instrument; the second are the drums."""
    rng = np.random.default_rng(number)
    sequence = NoteSequence(ticks_per_quarter=220, id=name)
    sequence.tempos.add(qpm=qpm)
    sequence.time_signatures.add(numerator=4, denominator=4)
    seconds = 60.0 / qpm
    for instrument, (program, lowest, length) in enumerate(parts):
        for beat in range(0, bars * 4, length):
            sequence.notes.add(
                pitch=lowest + int(rng.integers(0, 10)),
                velocity=60 + instrument,
                start_time=beat * seconds,
                end_time=(beat + length) * seconds,
                instrument=instrument,
                program=program,
                is_drum=instrument == 1,
            )
    sequence.total_time = bars * 4 * seconds
    return sequence


def lead_sheet(number: int, bars: int = 6, qpm: float = 96.0) -> NoteSequence:
    """A melody in 4/4 with rests, and a chord for each bar."""
    rng = np.random.default_rng(number)
    sequence = NoteSequence(ticks_per_quarter=220, id=f"lead sheet {number}")
    sequence.tempos.add(qpm=qpm)
    sequence.time_signatures.add(numerator=4, denominator=4)
    seconds = 60.0 / qpm
    for bar in range(bars):
        symbol = rng.choice(["C", "Am7", "F", "G7", "Dm", "Eb/G"])
        kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
        sequence.text_annotations.add(time=4 * bar * seconds, text=symbol, annotation_type=kind)
        quarter = 0.0
        while quarter < 4:
            length = min(float(rng.choice([0.5, 0.5, 1.0, 1.5])), 4 - quarter)
            if rng.random() < 0.8 or quarter == 3:
                sequence.notes.add(
                    pitch=55 + int(rng.integers(0, 26)),
                    velocity=60 + int(rng.integers(0, 40)),
                    start_time=(4 * bar + quarter) * seconds,
                    end_time=(4 * bar + quarter + length) * seconds,
                )
            quarter += length
    if not sequence.notes:
        return lead_sheet(number + 1_000, bars, qpm)
    sequence.total_time = bars * 4 * seconds
    return sequence


def jazz_line(number: int, bars: int = 6, qpm: float = 96.0) -> NoteSequence:
    """A melody in 4/4 of sixteenths, triplets and longer notes, and two chords for each bar."""
    rng = np.random.default_rng(number)
    sequence = NoteSequence(ticks_per_quarter=240, id=f"jazz line {number}")
    sequence.tempos.add(qpm=qpm)
    sequence.time_signatures.add(numerator=4, denominator=4)
    seconds = 60.0 / qpm / 12  # of a twelfth of a quarter note
    for chord in range(2 * bars):
        symbol = rng.choice(["Cmaj7", "Am7", "D7b9", "G13", "F/G", "Bm7b5", "N.C."])
        kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
        sequence.text_annotations.add(time=24 * chord * seconds, text=symbol, annotation_type=kind)
    step, end = int(rng.integers(0, 12)), 48 * bars
    while step < end:
        length = min(int(rng.choice([3, 3, 3, 4, 6, 6, 12])), end - step)
        if rng.random() < 0.9 or not sequence.notes:
            sequence.notes.add(
                pitch=55 + int(rng.integers(0, 30)),
                velocity=60 + int(rng.integers(0, 40)),
                start_time=step * seconds,
                end_time=(step + length) * seconds,
            )
        step += length
    sequence.total_time = end * seconds
    return sequence


def performance(number: int, bars: int = 6, qpm: float = 96.0) -> NoteSequence:
    """A piano that is played freely: chords and runs, loud and soft, notes that overlap."""
    rng = np.random.default_rng(number)
    sequence = NoteSequence(ticks_per_quarter=480, id=f"performance {number}")
    sequence.tempos.add(qpm=qpm)
    sequence.time_signatures.add(numerator=4, denominator=4)
    quarter, end = 0.0, 4.0 * bars
    while quarter < end:
        for pitch in rng.choice(np.arange(30, 90), int(rng.integers(1, 5)), replace=False):
            length = float(rng.uniform(0.05, 2.0))
            sequence.notes.add(
                pitch=int(pitch),
                velocity=int(rng.integers(1, 128)),
                start_time=quarter * 60.0 / qpm,
                end_time=(quarter + length) * 60.0 / qpm,
            )
        quarter += float(rng.uniform(0.02, 1.5))
    sequence.total_time = max(note.end_time for note in sequence.notes)
    return sequence


# The maker of pieces for the tracks that a preset's representation names.
MAKERS = {"voices": chorale, "musegan": band, "bmusegan": orchestra}


def maker(parameters: Mapping[str, Any], name: str = "") -> Callable[..., NoteSequence]:
    """The maker for a representation's parameters; one without tracks reads a chorale's soprano.

    Args:
      parameters: The representation's.
      name: Its name; `melody_bars` reads lead sheets, `jazz_phrases` jazz, `note_events`
        performances.
    """
    if name == "jazz_phrases":
        return jazz_line
    if name == "note_events":
        return performance
    if name == "melody_bars":
        return lead_sheet
    return MAKERS[parameters.get("tracks", "voices")]
