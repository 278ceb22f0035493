"""Songs of the Lakh MIDI Dataset: which files are of one song, and which of them matches it best.

Lakh compared its files with the recordings of the Million Song Dataset (MSD). A file is named by
its MD5; those that matched lie in folders named by the recording, `A/B/C/TRABCXY128F4225EBF/`, once
in the folder of each recording that they match. `match_scores.json` holds, by recording and MD5,
how surely they do (0.5 to 1). The Lakh Pianoroll Dataset keeps these names.

Source: Raffel (2016), https://colinraffel.com/projects/lmd/; for the rule "one file per song",
src/cleanser.py in github.com/salu133445/lakh-pianoroll-dataset.
"""

import json
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence

from tfmusicgan.errors import ConfigError, MusicGanError

FILE_NAME = "match_scores.json"
URL = f"http://hog.ee.columbia.edu/craffel/lmd/{FILE_NAME}"
LOWER_SCORE, NO_SCORE = "lower_match_score", "no_match_score"

_SONG = re.compile(r"TR[A-Z]{5}[0-9A-F]{11}")  # MSD's track ids.
_LARGEST_BYTES = 2**28
# The Lakh Pianoroll Dataset is fetched by hand, and this file with it.
_FETCH = f"Fetch {URL}; --download does for the datasets of Lakh's MIDI files."
_LEVELS = 3

Scores = Mapping[str, Mapping[str, float]]


def find_scores(root: pathlib.Path) -> pathlib.Path | None:
    """The score file in a folder of music or in the two folders above it."""
    folders = (root, *root.parents)[:_LEVELS]
    return next((path for folder in folders if (path := folder / FILE_NAME).is_file()), None)


def read_scores(path: pathlib.Path) -> Scores:
    """Reads a score file: recording -> MD5 -> score.

    Raises:
      MusicGanError: If it is too large, or something else.
    """
    if path.stat().st_size > _LARGEST_BYTES:
        raise MusicGanError(f"Expected at most {_LARGEST_BYTES} bytes. Received more: {path}.")
    try:
        scores = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        scores = None
    valid = isinstance(scores, dict) and all(
        isinstance(of_song, dict) and all(type(score) in (int, float) for score in of_song.values())
        for of_song in scores.values()
    )
    if not valid:
        raise MusicGanError(
            f"Expected Lakh's match scores (recording, MD5, score) in {path}. Received something "
            f"else. Remove the file. {_FETCH}"
        )
    return scores


def song_in_path(name: str) -> str | None:
    """The recording whose folder a piece lies in."""
    return next((part for part in name.split("/") if _SONG.fullmatch(part)), None)


def digest_in_path(name: str) -> str:
    """A piece's file name without its suffix, which in Lakh is the MD5 of the MIDI file."""
    return pathlib.PurePosixPath(name).stem


def group_by_song(names: Sequence[str], root: pathlib.Path) -> dict[str, str]:
    """Groups pieces that are of one song, or that one song connects.

    Files of one recording belong together, and so do the recordings that one file matches.

    Args:
      names: Of all pieces there are, duplicates included.
      root: Where they count from; a score file in it or above it tells the songs of files that lie
        in no song's folder.

    Returns:
      Name -> group: the first recording of the group in order of names, or the file's MD5.
    """
    path = find_scores(root)
    by_digest = _songs_by_digest(read_scores(path)) if path else {}
    parents: dict[str, str] = {}
    for name in names:
        digest = digest_in_path(name)
        for song in _songs(name, by_digest):
            _join(parents, digest, song)
    return {name: _root(parents, digest_in_path(name)) for name in names}


def leave_out_lower_scores(names: Sequence[str], root: pathlib.Path) -> dict[str, str]:
    """LPD's rule: one file per song, the one with the highest match score.

    A file that lies in several songs' folders stays if it is the best of one of them. Of equal
    scores the first MD5 stays. Files of a song without a score come last.

    Args:
      names: Of all pieces there are, duplicates included.
      root: Where they count from; the score file lies in it or above it.

    Returns:
      Name -> why it is left out, `"lower_match_score"` or `"no_match_score"`; the others stay.

    Raises:
      ConfigError: If there is no score file.
      MusicGanError: If it is none.
    """
    path = find_scores(root)
    if path is None:
        raise ConfigError(
            f"--best_match needs {FILE_NAME} in {root} or above it. Received: none there. {_FETCH}"
        )
    scores = read_scores(path)
    by_digest = _songs_by_digest(scores)
    best: dict[str, tuple[float, str]] = {}
    for name in names:
        digest = digest_in_path(name)
        for song in _songs(name, by_digest):
            rank = (-scores.get(song, {}).get(digest, 0.0), digest)
            best[song] = min(best.get(song, rank), rank)
    kept = {digest for _, digest in best.values()}
    left_out = [name for name in names if digest_in_path(name) not in kept]
    return {name: LOWER_SCORE if _songs(name, by_digest) else NO_SCORE for name in left_out}


def _songs_by_digest(scores: Scores) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for song, of_song in scores.items():
        for digest in of_song:
            found.setdefault(digest, []).append(song)
    return found


def _songs(name: str, by_digest: Mapping[str, Iterable[str]]) -> list[str]:
    """The songs of a piece: the one it lies with, and without such a folder all that it matches."""
    song = song_in_path(name)
    return [song] if song else sorted(by_digest.get(digest_in_path(name), ()))


def _root(parents: dict[str, str], member: str) -> str:
    while (parent := parents.get(member, member)) != member:
        parents[member] = parents.get(parent, parent)  # Halves the way for the next one.
        member = parents[member]
    return member


def _join(parents: dict[str, str], *members: str) -> None:
    """Joins two groups; the first recording is a group's root, or else the first MD5."""
    roots = [_root(parents, member) for member in members]
    low, high = sorted(roots, key=lambda member: (not _SONG.fullmatch(member), member))
    parents[high] = low
