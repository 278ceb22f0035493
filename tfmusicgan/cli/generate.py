"""Asks a running server for pieces and writes them as MIDI, WAV and piano-roll PNG.

tfmusicgan-generate --model=chorales --num=4 --seed=1 --output=out/chorales

Of a model of notes, such as GANSynth, it writes the notes' sounds, or a whole piece that they play:

tfmusicgan-generate --model=gansynth --midi=prelude.mid --output=prelude.wav
"""

import contextlib
import functools
import pathlib
import sys

from tfmusicgan.cli.app import Command
from tfmusicgan.errors import MusicGanError, OutputExistsError
from tfmusicgan.serving.versions import MAX_VERSION

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
        'tfmusicgan-generate --model=melodies --chords="C Am F G" --num=4 --output=out/over_chords',
        'tfmusicgan-generate --model=jazz --chords="Dm7 G7 Cmaj7" --swing=2 --output=out/swing',
        "tfmusicgan-generate --model=gansynth --control=pitch=60 --num=8 --output=out/notes",
        "tfmusicgan-generate --model=gansynth --midi=prelude.mid --timbre_seed=3,8"
        " --output=out/prelude.wav",
    ],
)
_SERVER = COMMAND.string("server", "127.0.0.1:8500", "The server's host:port.")
_TLS = COMMAND.boolean("tls", False, "Talk to the server by TLS; any other tls_ flag does so too.")
_TLS_ROOT = COMMAND.string(
    "tls_root", None, "PEM file with the certificates to believe; by default gRPC's own."
)
_TLS_KEY = COMMAND.string("tls_key", None, "PEM file with this side's key, for mutual TLS.")
_TLS_CERTIFICATE = COMMAND.string("tls_certificate", None, "PEM file with that key's certificate.")
_TLS_SERVER_NAME = COMMAND.string(
    "tls_server_name", None, "The name in the server's certificate, where it is not --server's."
)
_MODEL = COMMAND.string("model", None, "The model's name.")
_VERSION = COMMAND.integer(
    "model_version", None, "The model's version; by default the highest available.", 0, MAX_VERSION
)
_NUM = COMMAND.integer("num", 1, "Number of pieces; for very many: tfmusicgan-sample.", 1, 10_000)
_SEED = COMMAND.integer("seed", 0, "Seed of all pieces.", 0, 2**31 - 1)
_OUTPUT = COMMAND.string(
    "output", None, "Folder for the files; with --midi the WAV file. Folders are made when missing."
)
_FORMATS = COMMAND.list(
    "formats", ["midi", "wav", "png"], "What to write: midi, wav, png; of a model of notes wav."
)
_CONTROL = COMMAND.repeated(
    "control",
    "name=value: a control of the signature, as the model's card lists them with their ranges; what"
    " is beyond a range counts as its end. May be given several times.",
)
_ACCOMPANY = COMMAND.string(
    "accompany",
    None,
    "Music to accompany: a MIDI, MusicXML or ABC file or a NoteSequence TFRecord; FILE#3 is the"
    " fourth piece of a file of several.",
)
_CONTINUE = COMMAND.string("continue", None, "Music to go on with; a file as for --accompany.")
_CHORDS = COMMAND.string(
    "chords",
    None,
    'Chord symbols, one a bar, that a melody is made over, as in "C Am F G"; with --continue those'
    " of the bars that are made, of a model of jazz phrases from the given music's first bar on.",
)
_MIDI = COMMAND.string(
    "midi",
    None,
    "Music that a model of notes plays; a file as for --accompany. Drums and notes outside the"
    " model's pitches are left out, and counted.",
)
_TIMBRE_SEED = COMMAND.list(
    "timbre_seed",
    None,
    "With --midi: seed of the timbre of all notes; or several, from the first at the beginning to"
    " the last at the end. By default new ones after --seed.",
)
_SECONDS_PER_TIMBRE = COMMAND.float(
    "seconds_per_timbre", 6.0, "With --midi: seconds from one timbre to the next.", 0.01
)
_SIGNATURE = COMMAND.string(
    "signature",
    None,
    "Signature to ask; by default accompany or continue with music, harmonize with chords, generate"
    " (of a model of notes synthesize) with controls, else serving_default.",
)
_SOUNDFONT = COMMAND.string("soundfont", None, "SF2 file for WAV; by default pretty_midi's.")
_SWING = COMMAND.float(
    "swing",
    1.0,
    "How many times as long the first eighth of a quarter note is as the second: 2 makes triplets"
    " of even pairs; quarter notes with other notes in them stay. Not of models of sounds.",
    1.0,
    3.0,
)
_TIMEOUT = COMMAND.float("timeout_seconds", 60.0, "Most seconds that one request may take.", 0.001)
_OVERWRITE = COMMAND.boolean("overwrite", False, "Replace files that are there.")

# Names that flags of their own, or none, give a value to; to the client they are no controls.
_NO_CONTROLS = ("seed", "note_sequence", "self", "model", "seeds", "note_sequences")
_NO_CONTROLS += ("signature", "version", "label")


def _execute() -> int:
    COMMAND.require(_MODEL, _OUTPUT)
    from tfmusicgan import rendering
    from tfmusicgan.client import written_files
    from tfmusicgan.errors import unknown_name

    chosen = [flag for flag in (_ACCOMPANY, _CONTINUE, _MIDI, _SIGNATURE) if flag.value]
    if len(chosen) > 1:
        raise MusicGanError(
            "Expected --accompany, --continue, --midi or --signature. Received: "
            f"{' and '.join(f'--{flag.name}={flag.value}' for flag in chosen)}."
        )
    if _MIDI.value:
        _check_not_given("with --midi", _NUM, _CONTROL, _CHORDS, _FORMATS, _SOUNDFONT, _SWING)
        if _TIMBRE_SEED.value:
            _check_not_given("with --timbre_seed", _SEED, _SECONDS_PER_TIMBRE)
        return _play()
    _check_not_given("without --midi", _TIMBRE_SEED, _SECONDS_PER_TIMBRE)
    for name in _FORMATS.value:
        if name not in rendering.FORMATS:
            raise unknown_name("format", name, rendering.FORMATS)
    digits = max(3, len(str(_NUM.value - 1)))
    folder = pathlib.Path(_OUTPUT.value)
    stems = [folder / f"{_MODEL.value}_seed{_SEED.value}_{i:0{digits}d}" for i in range(_NUM.value)]
    if not _OVERWRITE.value:
        written_files.check_new(folder, {stem.name for stem in stems})
    how = (_FORMATS.value, _SOUNDFONT.value, COMMAND.name, _SWING.value)
    num_failed = sum(
        not written_files.write_piece(piece, stem, *how)
        for stem, piece in zip(stems, _pieces(), strict=True)
    )
    if num_failed:
        raise MusicGanError(f"{num_failed} of {_NUM.value} pieces could not be written in full.")
    return 0


def _play() -> int:
    """Plays a piece with a model of notes."""
    from tfmusicgan.client import midi_synthesis, written_files
    from tfmusicgan.serving.given_music import read_piece

    path = pathlib.Path(_OUTPUT.value)
    if path.suffix.lower() != ".wav":
        raise MusicGanError(f"Expected --output=FILE.wav with --midi. Received: {str(path)!r}.")
    if path.exists() and not _OVERWRITE.value:
        raise OutputExistsError(
            f"Expected a new file. Received: {path}, which is there. Name another --output, or pass"
            " --overwrite."
        )
    timbres = [_parse_seed(text) for text in _TIMBRE_SEED.value or ()]
    piece = read_piece(_MIDI.value)
    if timbres:
        seeds = midi_synthesis.timbre_seeds(*timbres)
    else:
        how = {"seed": _SEED.value, "seconds_per_timbre": _SECONDS_PER_TIMBRE.value}
        seeds = functools.partial(midi_synthesis.moving_timbres, **how)
    with _connected() as client:
        played = midi_synthesis.play(client, _MODEL.value, piece, seeds, _VERSION.value)
    if played.num_notes < len(piece.notes):
        low, high = played.pitches
        print(
            f"{COMMAND.name}: {played.num_notes} of {len(piece.notes)} notes are heard. Left out: "
            f"outside MIDI {low}-{high} {played.num_out_of_range}, drums {played.num_drums}, "
            f"silent {played.num_silent}.",
            file=sys.stderr,
        )
    written_files.write_sound(played.sound, path)
    return 0


def _check_not_given(where: str, *holders) -> None:
    """Refuses flags that would have no effect."""
    for holder in holders:
        if COMMAND.flags[holder.name].present:
            raise MusicGanError(f"Expected no --{holder.name} {where}, where it has no effect.")


def _parse_seed(text: str) -> int:
    if not text.strip().isdecimal() or int(text) >= 2**31:
        raise MusicGanError(
            f"Expected --timbre_seed of whole numbers from 0 to 2147483647. Received: {text!r}."
        )
    return int(text)


@contextlib.contextmanager
def _connected():
    """A client of the server; that there is none is said in one line."""
    import grpc

    from tfmusicgan.client import MusicClient, ServingError
    from tfmusicgan.client.model_client import answers

    with MusicClient(_SERVER.value, _TIMEOUT.value, tls=_tls_files()) as client:
        try:
            yield client
        except ServingError as error:
            # Overload has the same code.
            if error.code == grpc.StatusCode.UNAVAILABLE and not answers(client, _MODEL.value):
                raise MusicGanError(
                    f"No server answers at {_SERVER.value} ({error.details}). Start one with "
                    "tfmusicgan-serve --model_root=FOLDER, or name another with --server."
                ) from error
            raise


def _tls_files():
    from tfmusicgan.client import TLSFiles

    given = (_TLS_ROOT.value, _TLS_KEY.value, _TLS_CERTIFICATE.value, _TLS_SERVER_NAME.value)
    return TLSFiles(*given) if _TLS.value or any(given) else None


def _pieces() -> list:
    from tfmusicgan.note_sequences.chord_symbols import read_progression
    from tfmusicgan.serving.given_music import read_piece

    controls = dict(_parse_control(text) for text in _CONTROL.value)
    signature = _SIGNATURE.value
    if _CHORDS.value:
        controls["chords"] = " ".join(read_progression(_CHORDS.value))
        signature = signature or "harmonize"
    # Row seeds as in tfmusicgan-sample.
    seeds = [(_SEED.value << 32) + i for i in range(_NUM.value)]
    file = _ACCOMPANY.value or _CONTINUE.value
    music = read_piece(file) if file else None
    with _connected() as client:
        if music is not None:
            ask = client.accompany if _ACCOMPANY.value else client.continue_piece
            pieces = ask(_MODEL.value, seeds, music, _VERSION.value, None, **controls)
            _tell_of_changes(client, music)
            return pieces
        answers_sounds = _answers_sounds(client.metadata(_MODEL.value, _VERSION.value))
        ask = client.generate_audio if answers_sounds else client.generate
        return ask(_MODEL.value, seeds, signature, _VERSION.value, **controls)


def _tell_of_changes(client, music) -> None:
    """Says in a line what of the given music is not as it was.

    The pieces are there: what is only said about them must not lose them.
    """
    from tfmusicgan.client import ServingError, accompaniment, continuation

    describe = (continuation if _CONTINUE.value else accompaniment).describe_changes
    try:
        changes = describe(client, _MODEL.value, music, _VERSION.value)
    except ServingError as error:
        changes = f"What of the given music is not as it was is not known: {error}"
    if changes:
        print(f"{COMMAND.name}: {changes}", file=sys.stderr)


def _answers_sounds(signatures: dict) -> bool:
    """Whether it is a model of sounds; these have one format."""
    outputs = signatures.get(_SIGNATURE.value or "serving_default", {}).get("outputs", {})
    if "wav" not in outputs:
        return False
    _check_not_given("of a model of sounds", _SWING)
    if COMMAND.flags[_FORMATS.name].present and _FORMATS.value != ["wav"]:
        raise MusicGanError(
            f"Expected --formats=wav of {_MODEL.value}, a model of sounds. Received: "
            f"{','.join(_FORMATS.value)}."
        )
    return True


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


main = COMMAND.entry_point(_execute)
