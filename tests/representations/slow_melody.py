"""Melody tokens done slowly and exactly, from notes in whole ticks: no floats, no arrays. The tests
compare the package with it."""

import dataclasses
import math
from fractions import Fraction

import hypothesis.strategies as st

from tfmusicgan.note_sequences.proto import NoteSequence

TICKS = 40  # In a second.


@dataclasses.dataclass(frozen=True)
class SlowTune:
    """Notes as (start, length, pitch, instrument, is_drum) in ticks, and instruments' names."""

    notes: tuple[tuple[int, int, int, int, bool], ...]
    names: tuple[tuple[int, str], ...]
    total: int

    def to_sequence(self) -> NoteSequence:
        sequence = NoteSequence(id="tune", total_time=self.total / TICKS)
        sequence.tempos.add(qpm=97.3)
        for start, length, pitch, instrument, is_drum in self.notes:
            sequence.notes.add(
                pitch=pitch,
                velocity=70,
                start_time=start / TICKS,
                end_time=(start + length) / TICKS,
                instrument=instrument,
                is_drum=is_drum,
            )
        for instrument, name in self.names:
            sequence.instrument_infos.add(instrument=instrument, name=name)
        return sequence


def slow_instrument(tune, rep):
    """The instrument that plays the melody; None for a piece of drums alone."""
    pitched = sorted({instrument for _, _, _, instrument, is_drum in tune.notes if not is_drum})
    for instrument in pitched:
        names = [name.lower() for number, name in tune.names if number == instrument]
        if rep.melody_name and any(rep.melody_name in name for name in names):
            return instrument
    return pitched[0] if pitched else None


def slow_tokens(tune, rep, any_octave=False):
    """The tokens of the whole piece as a list; None where there is no melody in range."""
    melody = slow_instrument(tune, rep)
    keys = range(rep.lowest_pitch, rep.lowest_pitch + rep.num_pitches)
    notes = []
    for start, length, pitch, instrument, is_drum in tune.notes:
        if any_octave:
            same = [key for key in keys if key % 12 == pitch % 12]
            pitch = min(same, key=lambda key: abs(key - pitch), default=pitch)
        if instrument == melody and not is_drum and pitch in keys:
            notes.append((start, start + length, pitch))
    if not notes:
        return None
    end = max(tune.total, *(start + length for start, length, *_ in tune.notes))
    step = Fraction(str(rep.seconds_per_token)) * TICKS
    tokens = []
    for index in range(math.ceil(end / step)):
        sounding = [pitch for start, stop, pitch in notes if start <= index * step < stop]
        tokens.append(max(sounding) - rep.lowest_pitch + 1 if sounding else 0)
    return tokens


def slow_notes(tokens):
    """(first token, token after the last, token) of every run that sounds."""
    notes = []
    for index, token in enumerate(tokens):
        if not token:
            continue
        if notes and notes[-1][1:] == (index, token):
            notes[-1] = (notes[-1][0], index + 1, token)
        else:
            notes.append((index, index + 1, token))
    return notes


def slow_windows(tokens, rep):
    """(windows, windows of too few notes, whether something is left at the end)."""
    hop = rep.hop or rep.length
    kept, few, start = [], 0, 0
    while start + rep.length <= len(tokens):
        window = tokens[start : start + rep.length]
        if len(slow_notes(window)) >= rep.min_notes:
            kept.append(window)
        else:
            few += 1
        start += hop
    return kept, few, start < len(tokens) and start - hop + rep.length < len(tokens)


_NAMES = ("Melody", "the MELODY (flute)", "counter", "mel", "drums", "", "m\u00e9lody \u2126")


@st.composite
def tunes(draw):
    """Tunes of up to 30 s with several instruments, overlaps, drums and names."""
    note = st.tuples(
        st.one_of(st.integers(0, 900), st.integers(0, 60).map(lambda n: 16 * n)),
        st.one_of(st.integers(0, 40), st.sampled_from((16, 32, 160, 600))),
        st.integers(34, 46),
        st.sampled_from((0, 1, 3, 300)),
        st.sampled_from((False, False, True)),
    )
    notes = tuple(draw(st.lists(note, max_size=30)))
    name = st.tuples(st.sampled_from((0, 1, 3, 300, 7)), st.sampled_from(_NAMES))
    names = tuple(draw(st.lists(name, max_size=4)))
    return SlowTune(notes, names, draw(st.integers(0, 1200)))


@st.composite
def representations(draw, cls):
    """Small representations."""
    return cls(
        seconds_per_token=draw(st.sampled_from((0.4, 0.25, 0.3, 1, 0.07))),
        length=draw(st.integers(1, 12)),
        lowest_pitch=draw(st.integers(33, 37)),
        num_pitches=draw(st.integers(6, 9)),
        hop=draw(st.one_of(st.none(), st.integers(1, 20))),
        melody_name=draw(st.sampled_from(("melody", "", "counter", "melody (fl"))),
        min_notes=draw(st.integers(0, 3)),
    )
