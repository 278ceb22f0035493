"""The bars of a lead sheet, what is wrong with them, and the windows that have nothing wrong."""

from __future__ import annotations

import typing

import numpy as np

from tfmusicgan.errors import ConversionError
from tfmusicgan.note_sequences.lead_sheet import LeadSheet, read_lead_sheet
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.melody_bars_steps import SILENCE, draw_steps, fill, find_triads
from tfmusicgan.representations.melody_track import melody_notes
from tfmusicgan.representations.note_arrays import note_arrays
from tfmusicgan.representations.octaves import fold

if typing.TYPE_CHECKING:
    from tfmusicgan.representations.melody_bars import MelodyBars

# Over two hours of 4/4 at 120; what is longer is a damaged file.
MAX_BARS = 4096


def cut_windows(
    sequence: NoteSequence, representation: MelodyBars
) -> tuple[list[np.ndarray], dict[str, int]]:
    """Cuts a lead sheet into windows.

    Args:
      sequence: The piece; it stays as it is.
      representation: Says what the columns are, how long a window is and where the next begins.

    Returns:
      Windows in order, int32 [bars, columns], and reason to how many are left out for it, each by
      the first that it has; `"short_last_window"` for what is left at the end.

    Raises:
      PieceError: As `MelodyBars.encode`.
    """
    rep = representation
    bars, faults = bars_and_faults(sequence, rep)
    name = _name_of(sequence)
    # A pick-up has no chord as a rule: no window could begin with it.
    whole = ~(faults["empty_bar"] | faults["no_triad"])
    first = int(whole.argmax())  # 0 where no bar has both
    bars, faults = bars[first:], {reason: has[first:] for reason, has in faults.items()}
    hop = rep.bars if rep.hop_bars is None else rep.hop_bars
    starts = range(0, len(bars) - rep.bars + 1, hop)
    if not starts:
        raise ConversionError(
            f"Expected {rep.bars} bars from the first with {_beginning(rep)} on. Received: "
            f"{len(bars)} in {name!r}.",
            reason="too_short",
        )
    kept, left_out = [], dict.fromkeys((*faults, "short_last_window"), 0)
    for start in starts:
        window = slice(start, start + rep.bars)
        reason = next((reason for reason, has in faults.items() if has[window].any()), None)
        if reason is None:
            kept.append(bars[window])
        else:
            left_out[reason] += 1
    if not kept:
        reason = max(left_out, key=left_out.get)
        raise ConversionError(
            f"Expected a window of {rep.bars} bars that all sound, with a triad for each and "
            f"pitches in range. Received: none in {name!r}, most often for {reason}.",
            reason=reason,
        )
    reached = max(starts[-1] + rep.bars, starts[-1] + hop)
    left_out["short_last_window"] += int(reached < len(bars))
    return kept, left_out


def bars_and_faults(
    sequence: NoteSequence, representation: MelodyBars
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """All bars from the first note on, and reason to which of them no window may have.

    Args:
      sequence: The piece; it stays as it is.
      representation: Says what the columns are.

    Returns:
      int32 [bars, columns], and bool [bars] for each reason.

    Raises:
      PieceError: As `MelodyBars.find_bars`.
    """
    rep, steps = representation, representation.steps_per_bar
    with_chords = rep.chords != "none"
    sheet = read_melody_sheet(sequence, rep.melody_name, rep.beats_per_bar, with_chords)
    parts = draw_steps(sheet, rep.steps_per_beat, sheet.bars * steps)
    sounds = (parts[0].reshape(-1, steps) != SILENCE).any(axis=1)
    if not sounds.any():
        raise ConversionError(
            f"Expected notes of half a step and more ({0.5 / rep.steps_per_beat:g} quarter "
            f"notes). Received: none in {_name_of(sequence)!r}.",
            reason="no_notes",
        )
    chord = find_triads(sheet) if with_chords else np.zeros(sheet.bars, np.int64)
    has_triad = (chord > 0) | (not with_chords)
    first = int(sounds.argmax())
    pitch, onset, velocity = fill([part[first * steps :] for part in parts], steps)
    in_range = (pitch >= rep.lowest_pitch) & (pitch < rep.lowest_pitch + rep.num_pitches)
    faults = {"empty_bar": ~sounds[first:], "no_triad": ~has_triad[first:]}
    if rep.out_of_range == "drop":
        faults["pitch_out_of_range"] = ~in_range.reshape(-1, steps).all(axis=1)
    columns = [fold(pitch, rep.lowest_pitch, rep.num_pitches).reshape(-1, steps)]
    columns.append(chord[first:, np.newaxis])
    columns += [onset.reshape(-1, steps)] * rep.onsets
    columns += [velocity.reshape(-1, steps)] * rep.velocities
    return np.concatenate(columns, axis=1).astype(np.int32), faults


def read_melody_sheet(
    sequence: NoteSequence, melody_name: str, beats_per_bar: int, read_chords: bool = True
) -> LeadSheet:
    """Reads a piece as a lead sheet of the melody that `melody_track` finds.

    Args:
      sequence: The piece; it stays as it is.
      melody_name: In the name of the instrument that plays the melody, in lower case.
      beats_per_bar: Quarter notes of a bar.
      read_chords: As of `read_lead_sheet`.

    Raises:
      PieceError: With a reason of `read_lead_sheet`, or `"no_melody"`, `"no_bars_in_meter"` or
        `"too_long"`.
    """
    name, notes = _name_of(sequence), note_arrays(sequence)
    melody = melody_notes(notes, sequence, melody_name)
    if not melody.any():
        raise ConversionError(
            f"Expected a melody. Received: {len(notes)} notes in {name!r}, none of them of an "
            "instrument that is no drum.",
            reason="no_melody",
        )
    instrument = int(notes.instrument[melody.argmax()])
    sheet = read_lead_sheet(sequence, instrument, read_chords=read_chords)
    if sheet.denominator > 4 or sheet.quarters_per_bar != beats_per_bar:
        raise ConversionError(
            f"Expected bars of {beats_per_bar}/4. Received: "
            f"{sheet.numerator}/{sheet.denominator} in {name!r}.",
            reason="no_bars_in_meter",
        )
    if sheet.bars > MAX_BARS:
        raise ConversionError(
            f"Expected at most {MAX_BARS} bars. Received: {sheet.bars} in {name!r}.",
            reason="too_long",
        )
    return sheet


def _beginning(rep: MelodyBars) -> str:
    return "a note" if rep.chords == "none" else "a note and a triad"


def _name_of(sequence: NoteSequence) -> str:
    return sequence.id or sequence.filename or "the sequence"
