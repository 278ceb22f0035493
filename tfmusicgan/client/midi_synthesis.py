"""Pieces of music played by a model of notes, whose timbre moves from one latent to the next.

A latent belongs to each seed, the same as where the model makes a note of that seed. The latents
stand evenly from the beginning to the end of the notes that the model can play, and a note has the
timbre on the arc between the two around its start. Every different note is asked for once, at the
model's signature `interpolate`.

Source: Engel et al. (2019), "GANSynth", https://arxiv.org/abs/1902.08710; magenta 526d3eb1,
`models/gansynth/gansynth_generate.py`. Differs from it: there are two latents at least, drums are
left out, and so is what the model's own range does not hold (there, all outside 36 to 84).
"""

import dataclasses
from collections.abc import Callable, Sequence

import grpc
import numpy as np

from tfmusicgan.client import MusicClient, ServingError
from tfmusicgan.client.note_model import NoteModel
from tfmusicgan.errors import ConfigError, MusicGanError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.rendering.note_mixing import NoteMix
from tfmusicgan.rendering.wav import MAX_SECONDS
from tfmusicgan.serving.sounds import Sound

SECONDS_PER_TIMBRE = 6.0  # the released program's
_FIRST_SECONDS = -1e-4  # before a note at 0
_NOTES_AT_ONCE = 64  # 64 notes of 4 s are 16 MB of samples
_MOST_CHOSEN = 5  # versions that a piece settles on in turn, as `runs.py` has it


@dataclasses.dataclass(frozen=True)
class Performance:
    """A piece that was played.

    Attributes:
      sound: The sum of its notes, its peak 0.5.
      num_notes: Notes that are heard.
      num_silent: Notes that the model answered with silence.
      num_out_of_range: Notes that were left out since the model has no such pitch.
      num_drums: Drum notes, which were left out.
      pitches: The lowest and the highest MIDI pitch of the model.
    """

    sound: Sound
    num_notes: int
    num_silent: int
    num_out_of_range: int
    num_drums: int
    pitches: tuple[int, int]


def play(
    client: MusicClient,
    model: str,
    sequence: NoteSequence,
    seeds: Sequence[int] | Callable[[float], Sequence[int]],
    version: int | None = None,
) -> Performance:
    """Plays a piece.

    Args:
      client: Of the server.
      model: The name of a model with the signature `interpolate`.
      sequence: The piece; it is not changed.
      seeds: Of the timbres in turn, one being that of all notes; or a function that gives them
        for the second in which the last of the notes within the model's range ends, such as
        `moving_timbres` with its other arguments bound.
      version: A version number; by default the one that answers. One version plays all notes: where
        several answered, the one that did so last plays the piece anew.

    Returns:
      The sound, and what was left out.

    Raises:
      ServingError: With the server's code and text.
      ConfigError: If the model has no such signature, or there is no seed.
      MusicGanError: If the piece has no note that the model can play, or one after an hour, or the
        model answers all of them with silence.
    """
    notes = NoteModel(client, model, version)
    chosen, num_chosen = version, 0
    while True:
        try:
            return _play(notes, sequence, seeds, chosen)
        except _OtherVersionError as other:
            chosen, num_chosen = other.version, num_chosen + 1
        except ServingError as error:
            is_gone = chosen != version and error.code == grpc.StatusCode.NOT_FOUND
            if not is_gone or num_chosen == _MOST_CHOSEN:
                raise
            chosen = version


class _OtherVersionError(Exception):
    """Another version answered than before.

    Attributes:
      version: The one that answered last.
    """

    def __init__(self, version: int):
        super().__init__(version)
        self.version = version


def _play(
    model: NoteModel,
    sequence: NoteSequence,
    seeds: Sequence[int] | Callable[[float], Sequence[int]],
    version: int | None,
) -> Performance:
    """Plays a piece by one version; one that is not named has to be the same for all notes.

    Raises:
      _OtherVersionError: If it is not, or may have another range than the one that was taken.
    """
    low, high = model.pitch_range(version)
    pitched = [note for note in sequence.notes if not note.is_drum]
    notes = [note for note in pitched if low <= note.pitch <= high]
    name = sequence.id or sequence.filename
    _check(notes, low, high, len(sequence.notes), name)
    starts = np.array([note.start_time for note in notes])
    ends = np.array([note.end_time for note in notes])
    if callable(seeds):
        seeds = seeds(float(ends.max()))
    asked = _requests(starts, ends.max(), [note.pitch for note in notes], seeds)
    different, places = np.unique(asked, return_inverse=True)
    mix, num_heard, heard = None, 0, None
    for first in range(0, len(different), _NOTES_AT_ONCE):
        part = different[first : first + _NOTES_AT_ONCE]
        answered, sounds = model.sounds(part, version)
        if version is None and answered:  # 0: the server does not say
            is_same = heard in (None, answered)
            if not is_same or (low, high) != model.range_of_answered(answered):
                raise _OtherVersionError(answered)
            heard = answered
        mix = mix or NoteMix(ends.max(), sounds[0].sample_rate)
        for index in np.flatnonzero((places >= first) & (places < first + len(part))):
            sound = sounds[places[index] - first].samples
            seconds = ends[index] - starts[index]
            num_heard += mix.add(sound, starts[index], seconds, notes[index].velocity)
    if not num_heard:
        raise MusicGanError(
            f"Expected notes that sound. Received: silence for each of the {len(notes)} notes of "
            f"{name!r} from {model.name!r}. Export a model that was trained for longer."
        )
    return Performance(
        Sound.from_samples(mix.finish(), mix.sample_rate),
        num_notes=num_heard,
        num_silent=len(notes) - num_heard,
        num_out_of_range=len(pitched) - len(notes),
        num_drums=len(sequence.notes) - len(pitched),
        pitches=(low, high),
    )


def moving_timbres(
    end: float, seed: int, seconds_per_timbre: float = SECONDS_PER_TIMBRE
) -> np.ndarray:
    """Seeds of timbres for a piece: int64 [timbres], two at least, `(seed << 32) + i`.

    Args:
      end: Where its last note ends, in seconds.
      seed: 0 to 2**31 - 1; its first timbre is that of the model's first note of that seed.
      seconds_per_timbre: From one timbre to the next.

    Raises:
      ConfigError: If the time is not above 0.
    """
    if not seconds_per_timbre > 0:
        raise ConfigError(
            f"Expected more than 0 seconds from one timbre to the next. Received: "
            f"{seconds_per_timbre}."
        )
    count = max(int(min(end, MAX_SECONDS) / seconds_per_timbre), 2)
    return timbre_seeds(seed) + np.arange(count)


def timbre_seeds(*seeds: int) -> np.ndarray:
    """Seeds of the timbres of the first notes that a model makes of given seeds: int64 [seeds]."""
    return np.array(seeds, np.int64) << np.int64(32)


def _check(notes: Sequence, low: int, high: int, num_all: int, name: str) -> None:
    """Checks that there is something to play, within an hour."""
    if not notes:
        raise MusicGanError(
            f"Expected pitched notes within MIDI {low}-{high}, the model's range. Received: none "
            f"among the {num_all} notes of {name!r}. Transpose the piece first."
        )
    for note in notes:
        if not 0.0 <= note.start_time <= note.end_time <= MAX_SECONDS:
            raise MusicGanError(
                f"Expected notes within 0 and {MAX_SECONDS:.0f} s. Received: a note from "
                f"{note.start_time:g} to {note.end_time:g} s in {name!r}. Cut the piece first."
            )


def _requests(
    starts: np.ndarray, end: float, pitches: Sequence[int], seeds: Sequence[int]
) -> np.ndarray:
    """What to ask for each note: `seed`, `other_seed`, `fraction` and `pitch`, [notes]."""
    seeds = np.asarray(seeds, np.int64)
    if not len(seeds):
        raise ConfigError("Expected one seed of a timbre, or more. Received: none.")
    names = ["seed", "other_seed", "fraction", "pitch"]
    asked = np.zeros(len(starts), list(zip(names, ["i8", "i8", "f4", "i4"], strict=True)))
    asked["pitch"] = pitches
    if len(seeds) == 1:
        asked["seed"] = asked["other_seed"] = seeds[0]
        return asked
    times = np.linspace(_FIRST_SECONDS, end, len(seeds))
    before = np.clip(np.searchsorted(times, starts, side="right") - 1, 0, len(seeds) - 2)
    asked["seed"], asked["other_seed"] = seeds[before], seeds[before + 1]
    asked["fraction"] = (starts - times[before]) / (times[before + 1] - times[before])
    return asked
