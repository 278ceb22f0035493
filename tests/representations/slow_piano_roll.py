"""Multi-track piano-rolls done slowly and exactly, from a score in whole ticks: no seconds, no
arrays, no rounding of floats. The tests compare the package with it."""

import dataclasses
import math
from fractions import Fraction

import hypothesis.strategies as st

from tfmusicgan.note_sequences.proto import NoteSequence

TICKS = 48  # In a quarter note.


@dataclasses.dataclass(frozen=True)
class SlowNote:
    start: int  # Ticks.
    length: int
    pitch: int
    program: int
    is_drum: bool
    part: int


@dataclasses.dataclass(frozen=True)
class SlowScore:
    """Notes, meters as (bars, numerator, denominator), tempos as (quarter, qpm)."""

    notes: tuple[SlowNote, ...]
    meters: tuple[tuple[int, int, int], ...]
    tempos: tuple[tuple[int, float], ...]

    def seconds(self, quarter: Fraction) -> float:
        total = 0.0
        for index, (start, qpm) in enumerate(self.tempos):
            stop = self.tempos[index + 1][0] if index + 1 < len(self.tempos) else math.inf
            if quarter > start:
                total += float(min(quarter, stop) - start) * 60 / qpm
        return total

    def to_sequence(self) -> NoteSequence:
        sequence = NoteSequence(id="score", ticks_per_quarter=TICKS)
        for quarter, qpm in self.tempos:
            sequence.tempos.add(time=self.seconds(Fraction(quarter)), qpm=qpm)
        quarter = Fraction(0)
        for bars, numerator, denominator in self.meters:
            time = self.seconds(quarter)
            sequence.time_signatures.add(time=time, numerator=numerator, denominator=denominator)
            quarter += bars * Fraction(4 * numerator, denominator)
        for note in self.notes:
            sequence.notes.add(
                pitch=note.pitch,
                velocity=70,
                start_time=self.seconds(Fraction(note.start, TICKS)),
                end_time=self.seconds(Fraction(note.start + note.length, TICKS)),
                program=note.program,
                is_drum=note.is_drum,
                part=note.part,
                instrument=note.part,
            )
        sequence.total_time = max((note.end_time for note in sequence.notes), default=0.0)
        return sequence

    def end_quarter(self) -> Fraction:
        return max(Fraction(note.start + note.length, TICKS) for note in self.notes)


def slow_stretches(score, rep):
    """[(start quarter, number of bars)] of the representation's meter."""
    end = score.end_quarter()
    spans = []  # (start, stop) of neighbouring meters that are accepted.
    quarter = Fraction(0)
    for index, (bars, numerator, denominator) in enumerate(score.meters):
        bar = Fraction(4 * numerator, denominator)
        is_last = index + 1 == len(score.meters)
        stop = end if is_last else min(quarter + bars * bar, end)
        if quarter < end and bar == rep.beats_per_bar and denominator <= 4:
            if spans and spans[-1][1] == quarter:
                spans[-1] = (spans[-1][0], stop)
            else:
                spans.append((quarter, stop))
        quarter += bars * bar
    stretches = []
    for start, stop in spans:
        steps = slow_round((stop - start) * rep.steps_per_beat)
        if stop == end:
            steps += rep.steps_per_beat - 1
        if steps // rep.steps_per_bar:
            stretches.append((start, steps // rep.steps_per_bar))
    return stretches


def slow_round(value):
    return math.floor(value + Fraction(1, 2))


def slow_track(note, rep):
    for index, track in enumerate(rep.tracks):
        if track.part is not None:
            if not note.is_drum and note.part == track.part:
                return index
        elif note.is_drum:
            if track.is_drum:
                return index
        elif note.program in track.programs:
            return index
    return None


def slow_cell(note, rep):
    """(pitch index, track) of a note, None if it is in no track or out of range."""
    track = slow_track(note, rep)
    pitch = note.pitch - rep.lowest_pitch
    return None if track is None or not 0 <= pitch < rep.num_pitches else (pitch, track)


def slow_phrases(score, rep):
    """The phrases as sets of (step, pitch index, track), with filters applied."""
    phrases = []
    if not any(slow_cell(note, rep) for note in score.notes):
        return phrases
    for start, num_bars in slow_stretches(score, rep):
        notes = []
        for note in score.notes:
            if slow_cell(note, rep) is None:
                continue
            pitch, track = slow_cell(note, rep)
            begin = Fraction(note.start, TICKS) - start
            first = slow_round(begin * rep.steps_per_beat)
            stop = slow_round((begin + Fraction(note.length, TICKS)) * rep.steps_per_beat)
            if not note.is_drum and stop - first < rep.min_note_steps:
                continue
            notes.append([first, max(stop, first + 1), pitch, track, note.is_drum])
        onsets = {(first, pitch, track) for first, _, pitch, track, _ in notes}
        cells = set()
        for first, stop, pitch, track, is_drum in notes:
            if is_drum and rep.drum_onsets_only:
                stop = first + 1
            meets = (stop, pitch, track) in onsets
            rest = rep.separate_notes == "always" or (rep.separate_notes == "repeats" and meets)
            if rest and not is_drum and stop - first > 1:
                stop -= 1
            cells.update((step, pitch, track) for step in range(first, stop))
        for bar in range(0, num_bars - rep.bars + 1, rep.hop_bars):
            low = bar * rep.steps_per_bar
            phrase = {
                (step - low, pitch, track)
                for step, pitch, track in cells
                if low <= step < low + rep.phrase_steps
            }
            active = {track for _, _, track in phrase}
            enough = len(slow_notes(phrase, rep)) >= rep.min_notes
            if enough and len(active) >= rep.min_active_tracks:
                phrases.append(phrase)
    return phrases


def slow_notes(phrase, rep):
    """Sorted (start step, pitch index, track, end step) of a phrase's cells."""
    notes = []
    for step, pitch, track in phrase:
        hit = rep.tracks[track].is_drum and rep.drum_onsets_only
        if not hit and (step - 1, pitch, track) in phrase:
            continue
        end = step + 1
        while not hit and (end, pitch, track) in phrase:
            end += 1
        notes.append((step, pitch, track, end))
    return sorted(notes)


@st.composite
def scores(draw, num_parts=None, simple=False):
    """Scores of a few bars; `simple`: one tempo, 4/4 throughout."""
    meters = ((8, 4, 4),)
    tempos = ((0, draw(st.sampled_from((60.0, 97.3, 120.0, 181.7)))),)
    if not simple:
        meter = st.sampled_from(((4, 4), (2, 2), (4, 4), (3, 4), (12, 8), (5, 8)))
        lengths = st.lists(st.tuples(st.integers(1, 3), meter), min_size=1, max_size=4)
        meters = tuple((bars, *which) for bars, which in draw(lengths))
        changes = st.sets(st.integers(1, 20), max_size=3)
        tempos += tuple((q, draw(st.floats(40, 250))) for q in sorted(draw(changes)))
    lengths = st.one_of(st.integers(1, 8), st.sampled_from((12, 24, 48, 96, 400)))
    starts = st.one_of(st.integers(0, 600), st.integers(0, 50).map(lambda n: 12 * n))
    note = st.builds(
        SlowNote,
        start=starts,
        length=lengths,
        pitch=st.integers(34, 44),
        program=st.sampled_from((0, 5, 25, 33, 48, 97, 119)),
        is_drum=st.booleans() if num_parts is None else st.just(False),
        part=st.integers(0, 0 if num_parts is None else num_parts - 1),
    )
    notes = tuple(draw(st.lists(note, min_size=1, max_size=40)))
    if num_parts is not None:  # Every part has a note.
        notes += tuple(SlowNote(96 * p, 48, 36 + p, 0, False, p) for p in range(num_parts))
    return SlowScore(notes, meters, tempos)


@st.composite
def representations(draw, tracks, cls):
    """Small representations over the given tracks."""
    return cls(
        tracks=tracks,
        bars=draw(st.integers(1, 2)),
        steps_per_beat=draw(st.sampled_from((3, 4, 6, 24))),
        lowest_pitch=draw(st.integers(33, 36)),
        num_pitches=draw(st.integers(6, 9)),
        hop_bars=draw(st.integers(1, 3)),
        separate_notes=draw(st.sampled_from(("repeats", "always", "never"))),
        min_note_steps=draw(st.integers(0, 3)),
        drum_onsets_only=draw(st.booleans()),
        min_notes=draw(st.integers(0, 4)),
        min_active_tracks=draw(st.integers(0, 2)),
    )
