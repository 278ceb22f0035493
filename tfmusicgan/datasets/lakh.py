"""The Lakh MIDI Dataset and its subsets: one archive each, one dataset each.

An archive is downloaded and checked, or lies in the user's folder already, packed or not. Sizes and
checksums are those of published data loaders and inventories.

Source: Raffel (2016), https://colinraffel.com/projects/lmd/.
"""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from tfmusicgan.datasets import match_scores, midi
from tfmusicgan.datasets.base import Dataset
from tfmusicgan.datasets.download import Download
from tfmusicgan.errors import ConfigError, MusicGanError
from tfmusicgan.note_sequences.find import FORMATS

_ADDRESS = "http://hog.ee.columbia.edu/craffel/lmd"
_SCORES = Download(
    match_scores.URL,
    match_scores.FILE_NAME,
    size_bytes=7_237_036,
    sha256="267bc606dfa21f0ad0601a4a080972cd4ae8088fe4003b9bb2811b5be060a102",
)
_LICENCE = (
    "CC BY 4.0 for the collection, as its author states; the songs and most sequences of them are "
    "the work of others, who keep their rights"
)
_ATTRIBUTION = (
    'Colin Raffel: "Learning-Based Methods for Comparing Sequences, with Applications to '
    'Audio-to-MIDI Alignment and Matching", PhD thesis, 2016; the Lakh MIDI Dataset v0.1'
)
_FOLDERS = {
    "lakh": "lmd_full",
    "lakh_matched": "lmd_matched",
    "lakh_aligned": "lmd_aligned",
    "lakh_clean": "clean_midi",
}
_RULES = (
    "The Lakh Pianoroll Dataset's rules are {}--single_time_signature --time_signatures=4/4 "
    "--whole_first_bar, but that it leaves out files that write no time signature, which here are "
    "in 4/4, as MIDI says. MuseGAN cut songs into sections by their structure and left out the "
    "first and the last; here phrases are windows of a piece's bars from its first to its last."
)


def _finder(name: str) -> Callable[[Sequence[str]], tuple[list[Path], Path]]:
    def find(paths: Sequence[str]) -> tuple[list[Path], Path]:
        if not paths:
            raise ConfigError(
                f"Dataset {name} needs --input=FOLDER, where its files are or, with --download, "
                "are to be."
            )
        if len(paths) == 1 and os.path.isdir(paths[0]):
            paths = [str(_root_in(Path(os.path.abspath(paths[0])), name))]
        files, root = midi.DATASET.files(paths)
        files = [file for file in files if FORMATS.get(file.suffix.lower(), "midi") == "midi"]
        if not files:
            raise MusicGanError(f"Expected MIDI files in {paths[0]}. Received: none.")
        return files, root

    return find


def _root_in(folder: Path, name: str) -> Path:
    """The innermost folder with the subset's name in a folder, or the folder itself.

    So names of pieces, and with them splits, are the same wherever the archive was unpacked.
    """
    own = _FOLDERS[name]
    root = folder
    while (root / own).is_dir():
        root = root / own
    if root != folder or folder.name == own:
        return root
    if (folder / f"{own}.tar.gz").is_file():
        raise MusicGanError(
            f"Expected {own} unpacked in {folder}. Received: its archive. --download checks and "
            "unpacks what is there."
        )
    for other, other_folder in _FOLDERS.items():
        if folder.name == other_folder or (folder / other_folder).is_dir():
            raise MusicGanError(
                f"Expected {own} in {folder}. Received: {other_folder}, which is --dataset={other}."
            )
    return folder


def _archive(name: str, size_bytes: int, sha256: str) -> Download:
    file = f"{_FOLDERS[name]}.tar.gz"
    return Download(f"{_ADDRESS}/{file}", file, size_bytes=size_bytes, sha256=sha256, unpack=True)


def _song_by_name(name: str) -> str:
    """Artist and title, without the number of the version: `ABBA/Waterloo.2.mid`."""
    return re.sub(r"(\.\d+)?\.midi?$", "", name.lower())


def _subset(name: str, title: str, description: str, archive: Download, **fields) -> Dataset:
    has_scores = "left_out_by_best_match" in fields
    return Dataset(
        name=name,
        title=f"Lakh MIDI Dataset, {title}",
        description=f"{description} {_RULES.format('--best_match ' if has_scores else '')}",
        source_url="https://colinraffel.com/projects/lmd/",
        licence=_LICENCE,
        attribution=_ATTRIBUTION,
        command=(
            f"tfmusicgan-convert --recipe=musegan_hybrid --dataset={name} --download "
            f"--input=FOLDER --output=tfrecords/{name}"
        ),
        find_files=_finder(name),
        downloads=(archive, _SCORES) if has_scores else (archive,),
        **fields,
    )


DATASETS = (
    _subset(
        "lakh",
        "all files",
        "MIDI files of all kinds of music, found on the web, each once and named by its MD5; a few "
        "thousand are damaged. With match_scores.json, which --download fetches as well, files of "
        "one song stay in one split.",
        _archive(
            "lakh",
            1_768_163_879,
            "6fcfe2ac49ca08f3f214cec86ab138d4fc4dabcd7f27f491a838dae6db45a12b",
        ),
        num_pieces=176_581,
        groups_of=match_scores.group_by_song,
        left_out_by_best_match=match_scores.leave_out_lower_scores,
    ),
    _subset(
        "lakh_matched",
        "files that match a recording of the Million Song Dataset",
        "45,129 different files, in a folder for every recording that they match, many in several. "
        "Contents that come again are left out; recordings that share a file, and all their files, "
        "stay in one split (in train, should that connect over 1,000 files). --best_match keeps "
        "one file of each recording.",
        _archive(
            "lakh_matched",
            1_407_072_670,
            "621ff830aed771f469e5bfa13dc12a33c6ed69090adeda63d0b5c47783af0191",
        ),
        num_pieces=45_129,
        groups_of=match_scores.group_by_song,
        left_out_by_best_match=match_scores.leave_out_lower_scores,
    ),
    _subset(
        "lakh_aligned",
        "matched files, aligned to previews of their recordings",
        "The matched files with times changed to those of a recording's 30-second preview: for "
        "models of performance. Its beats are no longer those of the tempo, so bars and grids mean "
        "little.",
        _archive(
            "lakh_aligned",
            272_169_548,
            "2bf5400e82eba73204644946515489b68811e1e656b0cfd854efc14377f6e53b",
        ),
        groups_of=match_scores.group_by_song,
        left_out_by_best_match=match_scores.leave_out_lower_scores,
    ),
    _subset(
        "lakh_clean",
        "files named by artist and title",
        "Over 17,000 files, artist/title.mid, further versions of a song as title.1.mid and so on; "
        "these stay in one split. Some names are wrong.",
        _archive(
            "lakh_clean",
            234_283_029,
            "de1bb64cbc0cf35545a05b5c3e786aa6890cfa144edffc4b827ff41bf8c33dc5",
        ),
        group_of=_song_by_name,
    ),
)
