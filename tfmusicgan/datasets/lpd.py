"""The Lakh Pianoroll Dataset: the Lakh MIDI Dataset as pypianoroll's .npz files.

Source: Dong, Hsiao, Yang, Yang (2018), https://salu133445.github.io/lakh-pianoroll-dataset/.
"""

from collections.abc import Sequence
from pathlib import Path

from tfmusicgan.datasets import match_scores, midi
from tfmusicgan.datasets.base import Dataset
from tfmusicgan.errors import ConfigError, MusicGanError


def _find_files(paths: Sequence[str]) -> tuple[list[Path], Path]:
    if not paths:
        raise ConfigError(
            "Dataset lpd needs --input=FOLDER, an unpacked archive of the Lakh Pianoroll Dataset."
        )
    files, root = midi.DATASET.files(paths)
    files = [file for file in files if file.suffix.lower() == ".npz" or file.is_dir()]
    if not files:
        raise MusicGanError(
            f"Expected piano-rolls (.npz) in {paths[0]}. Received: none. Unpack the archive there: "
            "tar xzf lpd_5_cleansed.tar.gz."
        )
    return files, root


_SOURCE = "https://salu133445.github.io/lakh-pianoroll-dataset/dataset"

DATASET = Dataset(
    name="lpd",
    title="Lakh Pianoroll Dataset, LPD-5 and the others (.npz files of pypianoroll)",
    description=(
        "Piano-rolls of velocities at 24 steps to a beat. LPD-5 has the tracks drums, piano, "
        "guitar, bass and strings (--tracks=lpd5), LPD-17 those of General MIDI's families "
        "(--tracks=lpd17). The cleansed part of LPD-5, which MuseGAN's later data come from, has "
        "21,425 pieces in 4/4. Where Lakh's match_scores.json lies beside, --best_match keeps one "
        "file of each recording (the cleansed part has one anyway). Files of one recording stay in "
        "one split. Piano-rolls do not tell keys, nor meters after a piece's last change. "
        "--preset=paper, whose grid is theirs, therefore takes pieces in any key, and since the "
        "files have a step of rest between repeated notes already, it makes no other one "
        "(separate_notes=repeats in place of always). Notes of one step are left out there, as in "
        "MuseGAN's first release; --set=min_note_steps=0 keeps them."
    ),
    source_url=_SOURCE,
    licence=(
        "derived from the Lakh MIDI Dataset (CC BY 4.0 for the collection); the songs and most "
        "sequences of them are the work of others, who keep their rights"
    ),
    attribution=(
        "Dong, Hsiao, Yang, Yang: MuseGAN, AAAI 2018 (the Lakh Pianoroll Dataset); Colin Raffel: "
        "Learning-Based Methods for Comparing Sequences, PhD thesis, 2016 (the Lakh MIDI Dataset)"
    ),
    command=(
        "tfmusicgan-convert --recipe=musegan_hybrid --dataset=lpd --input=lpd_5/lpd_5_cleansed "
        "--output=tfrecords/lpd"
    ),
    by_hand=f"lpd_5_cleansed.tar.gz from {_SOURCE}, to be unpacked",
    find_files=_find_files,
    groups_of=match_scores.group_by_song,
    left_out_by_best_match=match_scores.leave_out_lower_scores,
    names_keys=False,
    separates_notes=True,  # docs/representation.md in its repository
)
