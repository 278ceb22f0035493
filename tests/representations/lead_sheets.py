"""Lead sheets for tests: pieces from a few numbers, and a slow, obviously right reading of them."""

import numpy as np

from tfmusicgan.note_sequences.proto import NoteSequence


def lead_sheet(notes, chords=(), qpm=120.0, bars=None, numerator=4, instrument=0):
    """A piece of (pitch, quarter, quarters[, velocity]) and of (quarter, symbol)."""
    sequence = NoteSequence(ticks_per_quarter=480, id="sheet")
    sequence.tempos.add(qpm=qpm)
    sequence.time_signatures.add(numerator=numerator, denominator=4)
    seconds = 60.0 / qpm
    for pitch, quarter, quarters, *velocity in notes:
        sequence.notes.add(
            pitch=pitch,
            velocity=velocity[0] if velocity else 64,
            start_time=quarter * seconds,
            end_time=(quarter + quarters) * seconds,
            instrument=instrument,
        )
    kind = NoteSequence.TextAnnotation.CHORD_SYMBOL
    for quarter, symbol in chords:
        sequence.text_annotations.add(time=quarter * seconds, text=symbol, annotation_type=kind)
    ends = [quarter + quarters for _, quarter, quarters, *_ in notes]
    length = max(ends) if bars is None else bars * numerator
    sequence.total_time = length * seconds
    return sequence


def random_sheet(seed, bars=5, qpm=100.0):
    """A melody with rests, short notes and ties over bar lines, on no grid, and chords."""
    rng = np.random.default_rng(seed)
    notes, quarter = [], float(rng.uniform(0, 3))
    while quarter < 4 * bars - 0.3:
        quarters = float(rng.choice([0.1, 0.25, 0.5, 1.0, 1.7, 3.0])) + float(rng.uniform(0, 0.05))
        quarters = min(quarters, 4 * bars - quarter)
        notes.append((int(rng.integers(40, 100)), quarter, quarters, int(rng.integers(1, 128))))
        quarter += quarters + float(rng.choice([0.0, 0.0, 0.0, 0.6, 5.0]))
    symbols = ["C", "Am7", "F#m7b5", "Bb7", "Dsus4", "N.C.", "Eb/G"]
    chords = [(bar * 2.0, str(rng.choice(symbols))) for bar in range(2 * bars)]
    return lead_sheet(notes, chords, qpm=qpm, bars=bars)


def slow_steps(notes, num_steps, steps_per_beat=4, steps_per_bar=16):
    """(pitch, onset) of each step, from the first bar with a note on, one step after another.

    Args:
      notes: (pitch, start, end) in quarter notes.
      num_steps: Of the whole sheet.
      steps_per_beat: Steps in a quarter note.
      steps_per_bar: Steps in a bar.
    """
    pitch, begins = [None] * num_steps, [False] * num_steps
    for number, start, end in notes:
        first, last = (int(np.floor(q * steps_per_beat + 0.5 + 1e-4)) for q in (start, end))
        if last > first:
            begins[first] = True
            for step in range(first, min(last, num_steps)):
                pitch[step] = number
    first_bar = next(step for step in range(num_steps) if pitch[step] is not None) // steps_per_bar
    pitch, begins = pitch[first_bar * steps_per_bar :], begins[first_bar * steps_per_bar :]
    heard = None
    for bar in range(0, len(pitch), steps_per_bar):
        own = pitch[bar : bar + steps_per_bar]
        sounding = [step for step in range(steps_per_bar) if own[step] is not None]
        if sounding and sounding[0] > 0:  # the first note is moved to the bar's beginning
            for step in range(sounding[0] + 1):
                own[step], begins[bar + step] = own[sounding[0]], step == 0
        for step in range(steps_per_bar):
            heard = heard if own[step] is None else own[step]
            pitch[bar + step] = heard
    return pitch, begins
