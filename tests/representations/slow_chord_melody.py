"""Chord-and-melody words done slowly and exactly, from notes in whole ticks: no floats, no arrays.
The tests compare the package with it."""

import collections
import dataclasses
from fractions import Fraction

import hypothesis.strategies as st

from tfmusicgan.note_sequences.proto import NoteSequence

TICKS = 48  # In a quarter note.
QPM = 97.3
LEAST_PITCH = 12


@dataclasses.dataclass(frozen=True)
class SlowPiece:
    """Notes as (start, length, pitch, instrument, is_drum) in ticks, and instruments' names."""

    notes: tuple[tuple[int, int, int, int, bool], ...]
    names: tuple[tuple[int, str], ...] = ()

    def to_sequence(self, qpm: float = QPM) -> NoteSequence:
        sequence = NoteSequence(id="piece", ticks_per_quarter=TICKS)
        sequence.tempos.add(qpm=qpm)
        for start, length, pitch, instrument, is_drum in self.notes:
            sequence.notes.add(
                pitch=pitch,
                velocity=70,
                start_time=start * 60 / TICKS / qpm,
                end_time=(start + length) * 60 / TICKS / qpm,
                instrument=instrument,
                is_drum=is_drum,
            )
        for instrument, name in self.names:
            sequence.instrument_infos.add(instrument=instrument, name=name)
        return sequence


def slow_parts(piece, rep):
    """(notes of the melody, notes of the chords), or None where there are none."""
    pitched = [note for note in piece.notes if not note[4]]
    melody = _instrument(piece, {note[3] for note in pitched}, rep.melody_name)
    chords = _instrument(piece, {note[3] for note in pitched} - {melody}, rep.chords_name)
    parts = []
    for instrument in (melody, chords):
        parts.append([n[:3] for n in pitched if n[3] == instrument and n[2] >= LEAST_PITCH])
    return parts


def _instrument(piece, instruments, wanted):
    named = [
        instrument
        for instrument in sorted(instruments)
        if wanted and any(n == instrument and wanted in name.lower() for n, name in piece.names)
    ]
    return min(named or instruments, default=None)


def slow_events(notes, rep):
    """Step -> (steps, pitches that begin there) of one part; no pitches for a rest."""
    beginning = collections.defaultdict(list)
    for start, length, pitch in notes:
        first, last = (_step(tick, rep) for tick in (start, start + length))
        beginning[first].append((pitch, max(last, first + 1)))
    found, onsets = {}, sorted(beginning)
    for place, onset in enumerate(onsets):
        found[onset] = beginning[onset], onsets[place + 1] if place + 1 < len(onsets) else None
    return found


def _step(tick, rep):
    exact = Fraction(tick * rep.steps_per_quarter, TICKS) + Fraction(1, 2)
    return exact.numerator // exact.denominator


def slow_melody(notes, rep):
    """Step -> (steps, octave, pitch class + 1)."""
    events = {}
    for onset, (begun, following) in slow_events(notes, rep).items():
        pitch, end = max(begun)
        _put(events, onset, end, following, (pitch // 12 - 1, pitch % 12 + 1))
    return events


def slow_chords(notes, rep):
    """Step -> (steps, octaves, pitch classes)."""
    events = {}
    for onset, (begun, following) in slow_events(notes, rep).items():
        lowest = {}
        for pitch, _ in sorted(begun):
            lowest.setdefault(pitch % 12, pitch // 12 - 1)
        octaves = "".join(str(lowest[pc]) for pc in sorted(lowest))
        end = max(end for _, end in begun)
        _put(events, onset, end, following, (int(octaves), sum(2**pc for pc in lowest)))
    return events


def _put(events, onset, end, following, content):
    """A note, cut where the next begins, and the rest before that."""
    stop = end if following is None else min(end, following)
    events[onset] = (stop - onset, *content)
    if following is not None and stop < following:
        events[stop] = (following - stop, 0, 0)


def slow_words(piece, rep):
    """The words of the whole piece as tuples; None where a part is missing."""
    melody, chords = slow_parts(piece, rep)
    if not melody or not chords:
        return None
    melody, chords = slow_melody(melody, rep), slow_chords(chords, rep)
    nothing = (0, 0, 0)
    return [
        melody.get(step, nothing) + chords.get(step, nothing) for step in sorted({*melody, *chords})
    ]


def slow_nearest(word, words):
    """The nearest of some words: the first of those whose differences are the least, in order."""
    return min(words, key=lambda other: slow_differences(word, other))


def slow_differences(word, other):
    """What differs between two words, what counts most first."""
    (steps, octave, pitch), (chord_steps, *_) = word[:3], word[3:]
    other_steps, other_octave, other_pitch = other[:3]
    note = 12 * octave + pitch if pitch else None
    other_note = 12 * other_octave + other_pitch if other_pitch else None
    chord, other_chord = (set(slow_chord_pitches(w)) for w in (word, other))
    classes, other_classes = ({p % 12 for p in pitches} for pitches in (chord, other_chord))
    return (
        (pitch > 0) != (other_pitch > 0),
        (steps > 0) != (other_steps > 0),
        *_slow_interval(note, other_note),
        abs(min(steps, 4095) - other_steps),
        abs(min(chord_steps, 4095) - other[3]),
        len(classes - other_classes) + len(other_classes - classes),
        *_slow_interval(min(chord, default=None), min(other_chord, default=None)),
    )


def _slow_interval(pitch, other):
    if pitch is None or other is None:
        return False, 0
    return pitch % 12 != other % 12, abs(pitch - other)


def slow_chord_pitches(word):
    """MIDI pitches of a word's chord."""
    present = [k for k in range(12) if word[5] & 2**k]
    digits = str(word[4]).zfill(len(present)) if present else ""
    return [12 * int(digit) + 12 + k for k, digit in zip(present, digits, strict=True)]


def slow_notes(words):
    """Notes of some words as (first step, instrument, pitch, step after the last), sorted.

    As the released code lays them: each part end to end, the first word of both beginning both.
    """
    clocks, both = [0, 0], None
    for word in words:
        if both is None and word[0] and word[3]:
            both = list(clocks)
        clocks[0] += word[0]
        clocks[1] += word[3]
    both = both or [0, 0]
    clocks = [max(both) - own for own in both]
    notes = []
    for word in words:
        steps, octave, pitch, chord_steps, *_ = word
        if pitch:
            notes.append((clocks[0], 0, 12 * octave + 11 + pitch, clocks[0] + steps))
        for chord_pitch in slow_chord_pitches(word):
            notes.append((clocks[1], 1, chord_pitch, clocks[1] + chord_steps))
        clocks[0] += steps
        clocks[1] += chord_steps
    return sorted(notes), max(clocks)


_NAMES = ("Melody", "the MELODY (flute)", "chords", "Chord melody", "drums", "", "chördé")


@st.composite
def pieces(draw):
    """Pieces of two parts and more: overlaps, drums, names, pick-ups, noise of ticks."""
    step = st.sampled_from((48, 24, 16, 12, 2, 1))
    place = st.builds(lambda n, unit: n * unit, st.integers(0, 12), step)
    length = st.one_of(place, st.sampled_from((48, 24, 96)))
    note = st.tuples(
        place,
        length,
        st.one_of(st.integers(40, 75), st.sampled_from((11, 12, 119, 127))),
        st.sampled_from((0, 1, 0, 1, 0, 1, 3, 300)),
        st.sampled_from((False,) * 7 + (True,)),
    )
    notes = tuple(draw(st.lists(note, max_size=24)))
    name = st.tuples(st.sampled_from((0, 1, 3, 300, 7)), st.sampled_from(_NAMES))
    return SlowPiece(notes, tuple(draw(st.lists(name, max_size=3))))


@st.composite
def tunes(draw):
    """Tunes as they are: a melody without overlaps, chords of three or four notes."""
    notes, now = [], draw(st.sampled_from((0, 24)))
    for _ in range(draw(st.integers(1, 14))):
        length = draw(st.sampled_from((24, 48, 16, 12, 72)))
        if draw(st.integers(0, 9)):
            notes.append((now, length, draw(st.integers(60, 70)), 0, False))
        now += length
    now = draw(st.sampled_from((0, 24, 48, 36)))
    for _ in range(draw(st.integers(1, 5))):
        length = draw(st.sampled_from((96, 192, 48, 12)))
        for above in draw(st.sampled_from(((0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 5), ()))):
            notes.append((now, length, draw(st.sampled_from((48, 43, 50))) + above, 1, False))
        now += length
    return SlowPiece(tuple(notes))
