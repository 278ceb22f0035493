"""Whether an accompaniment listens: its harmony with the given track, and with another piece's.

The control of Dong et al. (2018), https://arxiv.org/abs/1709.06298, table 3: the tonal distance
between tracks of one phrase is lower than between tracks of different phrases, here of different
pieces. Two phrases of different pieces exchange their given tracks:

    nearer = d(a, B) + d(b, A) - d(a, A) - d(b, B)

summed over the bars, of a track a generated to A and a track b generated to B. If neither depends
on what it was given, the mean is 0 whatever the music: a given track that is near to everything, or
silent in places, counts on both sides.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tfmusicgan.metrics.estimates import PhraseMeans
from tfmusicgan.metrics.movement import intervals
from tfmusicgan.metrics.tonal_distance import tonal_distance
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll

OWN, OTHER, NEARER = "tonal_distance_to_given", "tonal_distance_to_other", "nearer_to_given"
SHARE = 0.99
"""Of the intervals: 2.6 standard errors either way. A model that ignores what it is given has its
interval above 0 by chance in one of 200 evaluations; with 0.95 it would be one of 40."""
MARGIN = 0.02
"""Of the tonal distance, 0-2.83, that an interval has to be above. Random weights let through a
trace of what is given: 16 untrained networks of five recipes came to -0.012 to 0.008, in intervals
of 0.001 to 0.006 either way; Bach's voices come to 0.22."""

# Of fewer, a percentile interval is too narrow: of 16, one above 0 by chance in 80.
_FEWEST_PAIRS = 32


@dataclasses.dataclass(frozen=True)
class Exchanged:
    """Tonal distances of pairs of phrases, over the bars in which both given tracks sound.

    Attributes:
      own: [pairs], of the generated tracks to the track that they were given.
      other: [pairs], to the one that the other phrase of the pair was given; the same bars count.
    """

    own: PhraseMeans
    other: PhraseMeans

    @property
    def nearer(self) -> PhraseMeans:
        """[pairs], how much nearer the own one is than the other."""
        return PhraseMeans(self.other.totals - self.own.totals, self.own.counts)


def pairs_of_pieces(given: np.ndarray, pieces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Phrases to exchange given tracks, each in one pair at most.

    Phrases are sorted by piece and paired with those half of them away, so that few meet their own
    piece: none does unless it has more than half of the phrases. Left out are those that do, those
    whose given track is silent, pairs of equal given tracks, and one phrase of an odd number.

    Args:
      given: bool [phrases, bars, steps, pitches].
      pieces: int [phrases], equal for phrases of one piece.

    Returns:
      Two times int64 [pairs], places among the phrases.
    """
    sounding = np.flatnonzero(given.any(axis=(1, 2, 3)))
    order = sounding[np.argsort(pieces[sounding], kind="stable")]
    half = len(order) // 2
    first, second = order[:half], order[len(order) - half :]
    apart = pieces[first] != pieces[second]
    apart &= (given[first] != given[second]).any(axis=(1, 2, 3))
    return first[apart], second[apart]


def exchanged_distances(
    piano_rolls: np.ndarray,
    pieces: np.ndarray,
    condition_track: int,
    representation: MultitrackPianoRoll,
) -> dict[str, Exchanged]:
    """Tonal distances of each other pitched track to its given track, and to another piece's.

    Args:
      piano_rolls: bool [phrases, bars, steps, pitches, tracks], the given track among them.
      pieces: int [phrases], equal for phrases whose given tracks are of one piece.
      condition_track: The given track's index.
      representation: The multi-track piano-roll that says what the axes mean.

    Returns:
      Track name to distances, within 0-2.83; empty if the given track is drums, which have no
      harmony, or the only pitched one.
    """
    rep = representation
    pitched = [index for index, track in enumerate(rep.tracks) if not track.is_drum]
    others = [index for index in pitched if index != condition_track]
    if condition_track not in pitched or not others:
        return {}
    first, second = pairs_of_pieces(piano_rolls[..., condition_track], pieces)
    rolls = _exchanged(piano_rolls, first, second, [condition_track, *others])
    num_bars = rolls.shape[1]
    # Each bar by itself, so that a bar that one of the two distances lacks counts for neither.
    bars = rolls.reshape(len(rolls) * num_bars, 1, *rolls.shape[2:])
    means = tonal_distance(bars, rep.steps_per_beat, rep.lowest_pitch)
    found = {}
    for column, index in enumerate(others, start=1):
        own, other = means.column(0, column), means.column(-1, column)
        counted = (own.counts * other.counts).reshape(2, len(first), num_bars)
        found[rep.tracks[index].name] = Exchanged(
            *(_by_pair(one.totals, counted) for one in (own, other))
        )
    return found


def harmony_with_given(distances: Mapping[str, Exchanged]) -> dict[str, float]:
    """The means of `exchanged_distances`.

    Returns:
      `"tonal_distance_to_given/<track>"`, `"tonal_distance_to_other/<track>"`, and how much nearer
      the first is, `"nearer_to_given/<track>"` and, over the bars of all tracks,
      `"nearer_to_given"`; NaN where no bar counts.
    """
    found = {f"{OWN}/{track}": one.own for track, one in distances.items()}
    found |= {f"{OTHER}/{track}": one.other for track, one in distances.items()}
    return {key: float(mean.value()) for key, mean in {**found, **_nearer(distances)}.items()}


def nearer_intervals(distances: Mapping[str, Exchanged]) -> dict[str, tuple[float, float]]:
    """Bootstrap intervals over pairs of how much nearer the given track is.

    Args:
      distances: From `exchanged_distances`, of samples: windows of one piece overlap, so those of
        data are not independent.

    Returns:
      `"nearer_to_given/<track>"` and `"nearer_to_given"` to (low, high) at `SHARE`; NaN where fewer
      than 32 pairs count.
    """
    means = _nearer(distances)
    known = {
        key: mean for key, mean in means.items() if np.count_nonzero(mean.counts) >= _FEWEST_PAIRS
    }
    found = dict.fromkeys(means, (np.nan, np.nan))
    if known:
        found |= intervals(known, len(means[NEARER].counts), share=SHARE)
    return found


def listens(interval: tuple[float, float]) -> bool | None:
    """Whether what a model plays depends on what it is given, beyond chance and to be heard.

    Args:
      interval: That of `"nearer_to_given"`.

    Returns:
      Whether the whole interval is above `MARGIN`; None where it is undefined.
    """
    return None if np.isnan(interval[0]) else bool(interval[0] > MARGIN)


def _exchanged(
    piano_rolls: np.ndarray, first: np.ndarray, second: np.ndarray, columns: list[int]
) -> np.ndarray:
    """Some tracks of the first and then of the second phrases, the partner's given track last.

    Args:
      piano_rolls: bool [phrases, bars, steps, pitches, tracks].
      first: int64 [pairs], places among the phrases.
      second: Their partners.
      columns: Tracks to keep, the given one first.

    Returns:
      bool [2 * pairs, bars, steps, pitches, columns + 1].
    """
    rows, partners = np.concatenate([first, second]), np.concatenate([second, first])
    given = piano_rolls[partners][..., columns[:1]]
    return np.concatenate([piano_rolls[rows][..., columns], given], axis=-1)


def _by_pair(totals: np.ndarray, counted: np.ndarray) -> PhraseMeans:
    """Sums of bars, [2 * pairs * bars], over the two phrases of a pair: means [pairs]."""
    kept = totals.reshape(counted.shape) * counted
    return PhraseMeans(kept.sum(axis=(0, 2)), counted.sum(axis=(0, 2)))


def _nearer(distances: Mapping[str, Exchanged]) -> dict[str, PhraseMeans]:
    """By track, and over the bars of all: a mean of tracks would hang on one that hardly plays."""
    found = {f"{NEARER}/{track}": one.nearer for track, one in distances.items()}
    if found:
        totals = sum(mean.totals for mean in found.values())
        counts = sum(mean.counts for mean in found.values())
        found[NEARER] = PhraseMeans(totals, counts)
    return found
