"""tfmusicgan-convert: music files to TFRecords.

tfmusicgan-convert --recipe=musegan_hybrid_chorales --preset=small --output=tfrecords/chorales
"""

import json
import sys
from typing import Any

from tfmusicgan.cli.app import Command
from tfmusicgan.errors import ConfigError

COMMAND = Command(
    "tfmusicgan-convert",
    "Converts music files (MIDI, MusicXML, ABC, NoteSequence TFRecords, pypianoroll .npz) and "
    "single notes as sound (WAV, FLAC, MP3, OGG, NSynth) to a folder of TFRecords with a manifest. "
    "An interrupted run goes on when started again.",
    examples=(
        "tfmusicgan-convert --recipe=musegan_hybrid_chorales --output=tfrecords/chorales",
        "tfmusicgan-convert --recipe=musegan_hybrid --input=MIDI_FOLDER --workers=4 --output=DIR",
        "tfmusicgan-convert --recipe=musegan_hybrid --input=MIDI_FOLDER --dry_run",
        "tfmusicgan-convert --input='songs/**/*.mid' --tracks=lpd5 --bars=8 --output=DIR",
        "tfmusicgan-convert --dataset=lakh_clean --download --input=FOLDER --output=DIR",
        "tfmusicgan-convert --describe=tfrecords/chorales",
    ),
)

_RECIPE = COMMAND.string("recipe", None, "Takes dataset and representation from this recipe.")
_PRESET = COMMAND.string("preset", None, "The recipe's preset: paper, small (default) or tiny.")
_DATASET = COMMAND.string(
    "dataset",
    None,
    "Dataset to convert; see tfmusicgan-datasets. The recipe's; if --input is given, midi, or "
    "audio_notes for recipes of sound.",
)
_INPUT = COMMAND.repeated("input", "Folder, file or glob of music; may be given several times.")
_OUTPUT = COMMAND.string("output", None, "Folder to write; it appears when everything is done.")
_OVERWRITE = COMMAND.boolean("overwrite", False, "Replace a record set that is there already.")
_DRY_RUN = COMMAND.boolean(
    "dry_run", False, "Write nothing; report how many pieces and phrases survive, and why not."
)
_DESCRIBE = COMMAND.string("describe", None, "Print the manifest of this record set and exit.")
_DOWNLOAD = COMMAND.boolean(
    "download",
    False,
    "First fetch what is missing of the dataset into the folder of --input.",
)
_NAME_PATTERN = COMMAND.string(
    "name_pattern",
    None,
    "How the files of --dataset=audio_notes are named, without their suffix: a regular expression "
    "with the groups pitch and, if there are such, velocity, instrument, family and source, e.g. "
    r"'(?P<instrument>\w+)_(?P<pitch>[A-G]#?\d)'. By default NSynth's names.",
)
_LICENCE = COMMAND.string("licence", "", "Licence of the music, recorded in the manifest.")
_ATTRIBUTION = COMMAND.string("attribution", "", "Whom to name, recorded in the manifest.")

_REPRESENTATION = COMMAND.string(
    "representation",
    None,
    "Representation, where no recipe names one: multitrack_piano_roll (default), melody_tokens, "
    "melody_bars, jazz_phrases, note_events, chord_melody_words or note_audio.",
)
_SET = COMMAND.repeated(
    "set", "One parameter of the representation, name=value; may be given several times."
)
_PROGRAMS = COMMAND.string(
    "programs", "", "Programs of tracks, e.g. piano:0-7,strings:40-55+88 (General MIDI, 0-127)."
)
_PARAMETERS = (
    COMMAND.string(
        "tracks", None, "Tracks: a set (voices, lpd5, lpd17, musegan, bmusegan) or names a,b,c."
    ),
    COMMAND.integer("steps_per_beat", None, "Time steps in a quarter note."),
    COMMAND.integer("beats_per_bar", None, "Quarter notes in a bar; other bars are left out."),
    COMMAND.integer("bars", None, "Bars in a phrase."),
    COMMAND.integer(
        "hop_bars",
        None,
        "Bars from the start of a phrase to that of the next; as many as --bars, if that is given.",
    ),
    COMMAND.integer("lowest_pitch", None, "MIDI number of the lowest pitch, 0-127."),
    COMMAND.integer("num_pitches", None, "Number of neighbouring pitches, 1-128."),
    COMMAND.integer("min_notes", None, "Fewest notes of a phrase."),
    COMMAND.integer("min_active_tracks", None, "Fewest tracks that sound in a phrase."),
    COMMAND.integer("min_piece_tracks", None, "Fewest tracks with notes in a piece."),
)

# Filters of whole pieces; the recipe's preset may have some, which these replace one by one.
_KEYS = COMMAND.list(
    "keys", None, "Keep pieces that begin in one of these keys, e.g. C,Am,F#m; --keys= keeps all."
)
_TIME_SIGNATURES = COMMAND.list(
    "time_signatures",
    None,
    "Keep pieces whose time signatures are all among these, e.g. 4/4,2/2; --time_signatures= keeps "
    "all.",
)
_SINGLE_TIME_SIGNATURE = COMMAND.boolean(
    "single_time_signature", None, "Keep pieces with one time signature in all."
)
_WHOLE_FIRST_BAR = COMMAND.boolean(
    "whole_first_bar",
    None,
    "Keep pieces whose bars count from time zero: no pickup, no time signature within a bar of the "
    "first.",
)
_TRANSPOSE = COMMAND.string(
    "transpose",
    None,
    "tonic: every piece to C major or A minor by its key signature. LOW:HIGH: training pieces once "
    "more for each other shift in that range, in semitones.",
)
_FILTERS = (_KEYS, _TIME_SIGNATURES, _SINGLE_TIME_SIGNATURE, _WHOLE_FIRST_BAR, _TRANSPOSE)
_BEST_MATCH = COMMAND.boolean(
    "best_match",
    False,
    "Keep one file of each song, the one with the best match score (lakh, lakh_matched, "
    "lakh_aligned, lpd).",
)
_ONLY = COMMAND.string(
    "only",
    "",
    "Keep the pieces that this text file lists, one a line: a piece's name, its file's name "
    "without suffix, a folder's (such as a recording's id), or several of them in columns.",
)
_MAX_PHRASES = COMMAND.integer(
    "max_phrases", 0, "Most phrases of a piece, spread evenly over it; 0 keeps all.", lower=0
)
_SPLIT = COMMAND.list("split", ["0.8", "0.1", "0.1"], "Fractions for train, validation and test.")
_SHARDS = COMMAND.integer(
    "shards", 0, "Shards of the training split; 0 is one for every 64 pieces.", lower=0
)
_WORKERS = COMMAND.integer("workers", 1, "Local worker processes.", lower=1)
_RUNNER = COMMAND.string("runner", "embedded", "Beam runner; embedded works on this machine.")
_BEAM_OPTIONS = COMMAND.string("beam_options", "", "Options for Beam, quoted as one text.")


def _execute() -> int:
    if _DESCRIBE.value:
        return _describe(_DESCRIBE.value)
    if not _DRY_RUN.value:
        COMMAND.require(_OUTPUT)
    from tfmusicgan.records import convert, summary

    dataset = _dataset()
    options = _options(dataset)
    run = {"num_workers": _WORKERS.value, "runner": _RUNNER.value}
    run |= {"beam_options": _BEAM_OPTIONS.value, "inputs": _inputs(dataset)}
    if _DRY_RUN.value:
        print(summary.counts_table(convert.dry_run(dataset, options, **run)))
        return 0
    manifest = convert.convert(
        dataset,
        options,
        _OUTPUT.value,
        overwrite=_OVERWRITE.value,
        licence=_LICENCE.value,
        attribution=_ATTRIBUTION.value,
        **run,
    )
    print(summary.counts_table(manifest))
    print(
        f"\nWritten to {_OUTPUT.value}. All sources and drops by name: {summary.REPORT_NAME} in it."
    )
    return 0


def _describe(directory: str) -> int:
    import pathlib

    from tfmusicgan.records import summary
    from tfmusicgan.records.manifest import Manifest

    print(summary.describe(Manifest.read(pathlib.Path(directory))))
    return 0


def _dataset() -> Any:
    from tfmusicgan import datasets, recipes, representations

    name = _DATASET.value
    recipe = recipes.get(_RECIPE.value) if _RECIPE.value else None
    # An input without a dataset's name is the user's own music, unless a download is to go there.
    if name is None and recipe and (_DOWNLOAD.value or not _INPUT.value):
        name = recipe.dataset
    if name is None and _INPUT.value:
        own = representations.get(recipe.representation if recipe else _representation())
        name = "audio_notes" if getattr(own, "reads_audio", False) else "midi"
    if name is None:
        raise ConfigError(
            "Expected --recipe, --dataset or --input. Known datasets: "
            f"{', '.join(datasets.names())}."
        )
    if _NAME_PATTERN.value is None:
        return datasets.get(name)
    from tfmusicgan.datasets import audio_notes

    return audio_notes.with_pattern(datasets.get(name), _NAME_PATTERN.value)


def _inputs(dataset: Any) -> list[str]:
    """What the dataset is to search, after the downloads that were asked for."""
    if not _DOWNLOAD.value:
        return _INPUT.value
    if not dataset.downloads:
        how = f"is fetched by hand: {dataset.by_hand}" if dataset.by_hand else "needs no download"
        print(f"Dataset {dataset.name} {how}.", file=sys.stderr)
        return _INPUT.value
    if len(_INPUT.value) != 1:
        raise ConfigError("--download needs one --input=FOLDER to put the files in.")
    from tfmusicgan.datasets.download import fetch_all

    fetch_all(dataset.downloads, _INPUT.value[0])
    return _INPUT.value


def _representation() -> str:
    """The representation where no recipe names one."""
    return _REPRESENTATION.value or "multitrack_piano_roll"


def _options(dataset: Any) -> Any:
    """The conversion's options from the recipe, as far as the dataset can have them, and flags."""
    from tfmusicgan import recipes, representations
    from tfmusicgan.records.filters import PieceFilters
    from tfmusicgan.records.fitting import fit_preset
    from tfmusicgan.records.options import ConvertOptions
    from tfmusicgan.records.selection import PieceList

    name, parameters, filters = _representation(), {}, {}
    given_filters = {flag.name: flag.value for flag in _FILTERS if flag.value is not None}
    given = {flag.name: flag.value for flag in _PARAMETERS if flag.value is not None}
    given |= dict(_assignment(text) for text in _SET.value)
    if _RECIPE.value:
        if _REPRESENTATION.value:
            raise ConfigError("Expected either --recipe or --representation. Received: both.")
        recipe = recipes.get(_RECIPE.value)
        preset = recipe.preset(_PRESET.value or "small")
        name = recipe.representation
        parameters, filters, changes = fit_preset(preset, dataset, {*given, *given_filters})
        for change in changes:
            print(change, file=sys.stderr)
    elif _PRESET.value:
        raise ConfigError("--preset is one of a recipe: give --recipe as well, or leave it out.")
    filters |= given_filters
    if "bars" in given:
        # The other default would skip bars of music, or have each in several phrases.
        given.setdefault("hop_bars", given["bars"])
    parameters |= given
    if _PROGRAMS.value:
        from tfmusicgan.representations.tracks import TRACK_SETS, parse_tracks

        tracks = parameters.get("tracks", TRACK_SETS["lpd5"])
        parameters["tracks"] = parse_tracks(tracks, _PROGRAMS.value)
    return ConvertOptions(
        representation=representations.get(name).from_parameters(parameters),
        filters=PieceFilters.from_options(filters),
        split=tuple(_fraction(text) for text in _SPLIT.value),
        num_shards=_SHARDS.value,
        max_phrases=_MAX_PHRASES.value,
        best_match=_BEST_MATCH.value,
        only=PieceList.read(_ONLY.value) if _ONLY.value else None,
    )


def _assignment(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise ConfigError(f"Expected --set=name=value. Received: {text!r}.")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _fraction(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"Expected --split=0.8,0.1,0.1. Received: {text!r} in it.") from None


main = COMMAND.entry_point(_execute)
