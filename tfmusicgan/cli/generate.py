"""Asks a running server for pieces and writes them as MIDI, WAV and piano-roll PNG.

tfmusicgan-generate --model=chorales --num=4 --seed=1 --output=out/chorales
"""

import pathlib
import sys

from tfmusicgan.cli.app import Command
from tfmusicgan.errors import MusicGanError, OutputExistsError

COMMAND = Command(
    "tfmusicgan-generate",
    "asks a running server for pieces and writes them as MIDI, WAV and piano-roll PNG.\nPiece i"
    " depends only on the model, --seed and i; tfmusicgan-sample makes the same pieces.",
    [
        "tfmusicgan-generate --model=chorales --num=4 --seed=1 --output=out/chorales",
        "tfmusicgan-generate --server=music.example.org:8500 --model=chorales --output=out/slow"
        " --formats=midi --control=qpm=60",
        "tfmusicgan-generate --model=chorales_accompaniment --accompany=melody.mid --num=4"
        " --output=out/melody",
        "tfmusicgan-generate --model=tunes --continue=beginning.mid --control=length=96"
        " --output=out/tune",
    ],
)
_SERVER = COMMAND.string("server", "127.0.0.1:8500", "The server's host:port.")
_MODEL = COMMAND.string("model", None, "The model's name.")
_VERSION = COMMAND.integer(
    "model_version", None, "The model's version; by default the highest available.", 0
)
_NUM = COMMAND.integer("num", 1, "Number of pieces; for very many: tfmusicgan-sample.", 1, 10_000)
_SEED = COMMAND.integer("seed", 0, "Seed of all pieces.", 0, 2**31 - 1)
_OUTPUT = COMMAND.string("output", None, "Folder for the files; made when missing.")
_FORMATS = COMMAND.list("formats", ["midi", "wav", "png"], "What to write: midi, wav, png.")
_CONTROL = COMMAND.repeated(
    "control",
    "name=value: a control of the signature, as the model's card lists them; may be given several"
    " times.",
)
_ACCOMPANY = COMMAND.string(
    "accompany",
    None,
    "Music to accompany: a MIDI, MusicXML or ABC file or a NoteSequence TFRecord; FILE#3 is the"
    " fourth piece of a file of several.",
)
_CONTINUE = COMMAND.string("continue", None, "Music to go on with; a file as for --accompany.")
_SIGNATURE = COMMAND.string(
    "signature",
    None,
    "Signature to ask; by default accompany or continue with music, generate with controls, else"
    " serving_default.",
)
_SOUNDFONT = COMMAND.string("soundfont", None, "SF2 file for WAV; by default pretty_midi's.")
_TIMEOUT = COMMAND.float("timeout_seconds", 60.0, "Most seconds that one request may take.", 0.001)
_OVERWRITE = COMMAND.boolean("overwrite", False, "Replace files that are there.")

# Names that flags of their own, or none, give a value to; to the client they are no controls.
_NO_CONTROLS = ("seed", "note_sequence", "self", "model", "seeds", "note_sequences")
_NO_CONTROLS += ("signature", "version", "label")


def _execute() -> int:
    COMMAND.require(_MODEL, _OUTPUT)
    from tfmusicgan import rendering
    from tfmusicgan.errors import unknown_name

    chosen = [flag for flag in (_ACCOMPANY, _CONTINUE, _SIGNATURE) if flag.value]
    if len(chosen) > 1:
        raise MusicGanError(
            "Expected --accompany, --continue or --signature. Received: "
            f"{' and '.join(f'--{flag.name}={flag.value}' for flag in chosen)}."
        )
    for name in _FORMATS.value:
        if name not in rendering.FORMATS:
            raise unknown_name("format", name, rendering.FORMATS)
    digits = max(3, len(str(_NUM.value - 1)))
    folder = pathlib.Path(_OUTPUT.value)
    stems = [folder / f"{_MODEL.value}_seed{_SEED.value}_{i:0{digits}d}" for i in range(_NUM.value)]
    if not _OVERWRITE.value:
        _check_new(folder, {stem.name for stem in stems})
    num_failed = sum(not _write(piece, stem) for stem, piece in zip(stems, _pieces(), strict=True))
    if num_failed:
        raise MusicGanError(f"{num_failed} of {_NUM.value} pieces could not be written in full.")
    return 0


def _write(piece, stem: pathlib.Path) -> bool:
    """Writes one piece and prints the paths; says so, and goes on, where a format is impossible."""
    from tfmusicgan import rendering

    is_whole = True
    for name in _FORMATS.value:
        try:
            (path,) = rendering.render_all(piece, stem, [name], _SOUNDFONT.value)
        except MusicGanError as error:
            # A piece without a note, say, has no sound; the others, and its MIDI file, are wanted.
            print(f"{COMMAND.name}: {stem.name}, {name}: {error}", file=sys.stderr)
            is_whole = False
        else:
            print(path, flush=True)
    return is_whole


def _pieces() -> list:
    import grpc

    from tfmusicgan.serving.client import Client, ServingError
    from tfmusicgan.serving.given_music import read_piece

    controls = dict(_parse_control(text) for text in _CONTROL.value)
    # Row seeds as in tfmusicgan-sample.
    seeds = [(_SEED.value << 32) + i for i in range(_NUM.value)]
    file = _ACCOMPANY.value or _CONTINUE.value
    music = read_piece(file) if file else None
    with Client(_SERVER.value, _TIMEOUT.value) as client:
        try:
            if music is not None:
                ask = client.accompany if _ACCOMPANY.value else client.continue_piece
                return ask(_MODEL.value, seeds, music, _VERSION.value, None, **controls)
            return client.generate(
                _MODEL.value, seeds, _SIGNATURE.value, _VERSION.value, **controls
            )
        except ServingError as error:
            # Overload has the same code; its text says what is the matter.
            is_overload = "queue" in error.details
            if error.code == grpc.StatusCode.UNAVAILABLE and not is_overload:
                raise MusicGanError(
                    f"No server answers at {_SERVER.value} ({error.details}). Start one with "
                    "tfmusicgan-serve --model_root=FOLDER, or name another with --server."
                ) from error
            raise


def _parse_control(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise MusicGanError(f"Expected --control=name=value. Received: {text!r}.")
    if name in _NO_CONTROLS:
        raise MusicGanError(
            f"Expected a control of the model. Received: {name!r}. Seeds are named by --seed, "
            "music by --accompany or --continue, signature and version by flags of their own."
        )
    return name, value


def _check_new(folder: pathlib.Path, stems: set[str]) -> None:
    there = sorted(p for p in folder.glob("*") if p.stem in stems) if folder.is_dir() else []
    if there:
        raise OutputExistsError(
            f"Expected new files. Received: {there[0]}, which is there. Name another --output or "
            "--seed, or pass --overwrite."
        )


main = COMMAND.entry_point(_execute)
