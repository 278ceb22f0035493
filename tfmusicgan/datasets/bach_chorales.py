"""Bach's chorales as MusicXML, from the corpus inside music21's wheel. No download.

Only the files are used; music21 itself is never imported.
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from tfmusicgan.datasets.base import Dataset
from tfmusicgan.errors import ConfigError, MusicGanError

# Pieces that share at least 30 % of their four-quarter runs of chords, transposed alike: the same
# setting in another key or another edition. Found by comparing all pairs of the 408 scores. They go
# to one split, so that no held-out phrase has been trained on in another key.
NEAR_COPIES = (
    ("bwv10.7", "bwv323", "bwv324"),
    ("bwv112.5", "bwv112.5-sc"),
    ("bwv117.4", "bwv177.4"),
    ("bwv120.8-a", "bwv137.5"),
    ("bwv154.3", "bwv359"),
    ("bwv158.4", "bwv279"),
    ("bwv16.6", "bwv419"),
    ("bwv166.6", "bwv84.5"),
    ("bwv171.6", "bwv41.6"),
    ("bwv176.6", "bwv280"),
    ("bwv18.5-lz", "bwv18.5-w"),
    ("bwv197.10", "bwv93.7"),
    ("bwv197.7-a", "bwv398"),
    ("bwv20.11", "bwv20.7"),
    ("bwv227.1", "bwv227.11"),
    ("bwv244.15", "bwv244.17", "bwv244.44", "bwv271"),
    ("bwv245.11", "bwv395"),
    ("bwv245.15", "bwv245.37"),
    ("bwv245.5", "bwv416"),
    ("bwv248.35-3", "bwv248.35-3c"),
    ("bwv248.9-1", "bwv248.9-s"),
    ("bwv253", "bwv414"),
    ("bwv274", "bwv62.6"),
)
_GROUPS = {f"{name}.mxl": f"{group[0]}.mxl" for group in NEAR_COPIES for name in group}


def corpus_folder() -> Path:
    """The folder of Bach's scores in the installed music21.

    Raises:
      MusicGanError: If music21 is not installed, or came without its corpus.
    """
    package = importlib.util.find_spec("music21")
    if package is None or not package.submodule_search_locations:
        raise MusicGanError("bach_chorales needs music21's scores: pip install music21.")
    folder = Path(package.submodule_search_locations[0], "corpus", "bach")
    if not folder.is_dir():
        raise MusicGanError(
            f"Expected music21's scores in {folder}. Received: no such folder; this music21 came "
            "without its corpus. Reinstall it: pip install --force-reinstall music21."
        )
    return folder


def _find_files(paths: Sequence[str]) -> tuple[list[Path], Path]:
    if paths:
        raise ConfigError(
            f"Dataset bach_chorales takes no --input: its scores come with music21. Received: "
            f"{paths[0]!r}. Use --dataset=midi for a folder of your own."
        )
    folder = corpus_folder()
    files = sorted(folder.glob("*.mxl"))
    if not files:
        raise MusicGanError(
            f"Expected .mxl scores in {folder}. Received: none. Reinstall music21: "
            "pip install --force-reinstall music21."
        )
    return files, folder


def _group_of(name: str) -> str:
    return _GROUPS.get(name, name)


DATASET = Dataset(
    name="bach_chorales",
    title="Chorales by J. S. Bach (MusicXML inside music21's wheel)",
    description=(
        "408 scores, about 110,000 notes; 364 have exactly the four voices soprano, alto, tenor "
        "and bass, the others have instruments besides. Mostly 4/4 with a pick-up bar, some "
        "3/4. Settings that come twice, in another key or edition, stay in one split."
    ),
    source_url="https://github.com/cuthbertLab/music21/tree/master/music21/corpus/bach",
    licence=(
        "Music in the public domain; encodings distributed with the BSD 3-clause music21 by "
        "permission of their encoders (corpus/license.txt: terms may differ for single files)"
    ),
    attribution="music21 corpus, Michael Scott Asato Cuthbert and contributors",
    command="tfmusicgan-convert --recipe=musegan_hybrid_chorales --output=tfrecords/bach_chorales",
    find_files=_find_files,
    num_pieces=408,
    size_bytes=2_054_872,
    group_of=_group_of,
)
