"""Made-up music for tests: small, lopsided, and different for every number."""

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
    rng = np.random.default_rng(number)
    sequence = NoteSequence(ticks_per_quarter=220, id=f"band {number}")
    sequence.tempos.add(qpm=qpm)
    sequence.time_signatures.add(numerator=4, denominator=4)
    seconds = 60.0 / qpm
    parts = ((33, 40, 2), (0, 36, 1), (25, 60, 1), (48, 64, 4), (0, 52, 2))
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
