"""Single notes of a soundfont's General MIDI programs, with NSynth's labels. No download.

The synthesiser is ours (`tfmusicgan.rendering`), the soundfont the one inside pretty_midi's wheel
or any SF2 file. A clip is as long as the representation asks for, and the key is held for three
quarters of it: 3 of 4 seconds, as in NSynth. Rendering is left to the workers, and to notes that
are within the representation's range.

Programs whose notes have no pitch, or another than the written one, are left out (`UNPITCHED`).
Which of the others do was measured with pretty_midi's soundfont: the pitch that the YIN estimator
finds in five notes within 49-71, against the key's.
"""

import functools
import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfmusicgan.datasets.base import Dataset
from tfmusicgan.errors import ConfigError, MusicGanError, ReadError
from tfmusicgan.note_sequences.recorded_note import (
    FAMILIES,
    HELD_SHARE,
    SOURCES,
    Audio,
    RecordedNote,
    one_note,
)
from tfmusicgan.note_sequences.sources import Source
from tfmusicgan.rendering.names import PROGRAMS
from tfmusicgan.rendering.single_note import render_note
from tfmusicgan.rendering.soundfont import SoundFont, default_soundfont

PITCHES = range(21, 109)  # a piano's keys
VELOCITIES = (25, 50, 75, 100, 127)
UNPITCHED = (
    # Bells and drums whose strongest partials are not the written pitch's: glockenspiel, tubular
    # bells, timpani, crystal, tinkle bell, agogo.
    *(9, 14, 47, 98, 112, 113),
    # Two pitches or more: orchestra hit, fifths lead, soundtrack. Two octaves above: guitar
    # harmonics. Eight semitones below in pretty_midi's soundfont: whistle.
    *(55, 86, 97, 31, 78),
    # Woodblock, taiko, tom, synth drum, reverse cymbal, and the sound effects.
    *range(115, 128),
)
"""Programs that are left out."""

# A clip is rendered at a multiple of its rate, at least this, and comes down by a filter: reading a
# sound of 44.1 kHz at 8 kHz would fold most of it back.
_RENDER_RATE_HZ = 32_000
# Programs that have half of their sounds in common are one instrument in several settings.
_SHARED = 0.5
_LISTENED_PITCHES = range(36, 85, 6)
_LISTENED_VELOCITY = 100
_FAMILY_OF_EIGHT = (
    *("keyboard", "mallet", "organ", "guitar", "bass", "string", "string", "brass"),
    *("reed", "flute", "synth_lead", "synth_lead", "synth_lead", "guitar", "mallet", "mallet"),
)
_OTHER_FAMILIES = {
    21: "reed",  # accordion, harmonica, tango accordion: free reeds
    22: "reed",
    23: "reed",
    47: "mallet",  # timpani
    52: "vocal",
    53: "vocal",
    54: "vocal",
    104: "string",  # sitar
    107: "string",  # koto
    108: "mallet",  # kalimba
    109: "reed",  # bagpipe
    110: "string",  # fiddle
    111: "reed",  # shanai
}
# Electric piano and grand, clavinet; drawbar, percussive and rock organ; electric guitars, basses.
_ELECTRONIC = {2, 4, 5, 7, 16, 17, 18, *range(26, 32), *range(33, 38)}
_SYNTHETIC = {38, 39, 50, 51, 54, 62, 63, *range(80, 104), 118}


def family_of(program: int) -> int:
    """Place in `FAMILIES` of a General MIDI program."""
    return FAMILIES.index(_OTHER_FAMILIES.get(program, _FAMILY_OF_EIGHT[program // 8]))


def source_of(program: int) -> int:
    """Place in `SOURCES` of a General MIDI program: how the instrument makes its sound."""
    name = "synthetic" if program in _SYNTHETIC else "acoustic"
    return SOURCES.index("electronic" if program in _ELECTRONIC else name)


def program_name(program: int) -> str:
    """The folder of a program's notes, e.g. `"024_nylon_guitar"`."""
    return f"{program:03d}_{PROGRAMS[program].lower().replace(' ', '_').replace('-', '_')}"


def list_sources(
    files: Sequence[Path], root: Path
) -> tuple[list[Source], list[tuple[str, ReadError]]]:
    """Lists the notes of a soundfont, without rendering them.

    Args:
      files: The soundfont.
      root: The same file.

    Returns:
      A source for each program, pitch and velocity; and the name of each program that is left out
      or missing, with an error of reason `"unpitched_program"` or `"missing_program"`; or the
      soundfont's name, if it cannot be read.
    """
    (file,) = files
    try:
        font, font_digest = SoundFont(file), _digest(file)
    except MusicGanError as error:
        return [], [(file.name, ReadError(str(error), "unreadable_soundfont"))]
    found: list[Source] = []
    errors: list[tuple[str, ReadError]] = []
    for program in range(128):
        folder = program_name(program)
        if program in UNPITCHED:
            message = f"Program {program}, {PROGRAMS[program]}, has no pitch that a key would name."
            errors.append((folder, ReadError(message, "unpitched_program")))
        elif not font.has_program(program):
            message = f"Soundfont {file.name} has no program {program}, {PROGRAMS[program]}."
            errors.append((folder, ReadError(message, "missing_program")))
        else:
            for pitch in PITCHES:
                for velocity in VELOCITIES:
                    name = f"{folder}/{pitch:03d}-{velocity:03d}"
                    own = hashlib.sha256(f"{font_digest} {name}".encode()).hexdigest()
                    found.append(Source(name, str(file), "soundfont", None, own))
    return found, errors


def read_source(source: Source) -> RecordedNote:
    """A note, which is rendered when its audio is asked for.

    Args:
      source: From `list_sources`.

    Raises:
      ReadError: With reason `"unreadable_soundfont"`, `"missing_program"` or `"no_sound_for_key"`;
        the last two when the audio is asked for.
    """
    folder, _, key = source.name.partition("/")
    program = int(folder[:3])
    pitch, velocity = map(int, key.split("-"))
    return RecordedNote(
        one_note(source.name, pitch, velocity, family_of(program)),
        functools.partial(_render, source.path, program, pitch, velocity),
        instrument=program,
        instrument_family=family_of(program),
        instrument_source=source_of(program),
    )


def group_by_sounds(names: Sequence[str], root: Path) -> Mapping[str, str]:
    """Name -> group: all notes of a program, and of programs that share half of their sounds.

    So whoever is tested on held-out notes has not met their instrument under another name.

    Args:
      names: Of the notes.
      root: The soundfont.
    """
    folders = sorted({name.partition("/")[0] for name in names})
    font = _open(str(root), root.stat().st_mtime_ns)
    sounds = {folder: _sounds(font, int(folder[:3])) for folder in folders}
    group_of: dict[str, str] = {}
    for folder in folders:
        own = sounds[folder]
        alike = {group_of[one] for one in group_of if _alike(own, sounds[one]) >= _SHARED}
        first = min({folder, *alike})
        group_of[folder] = first
        group_of = {one: first if group in alike else group for one, group in group_of.items()}
    return {name: group_of[name.partition("/")[0]] for name in names}


def _sounds(font: SoundFont, program: int) -> frozenset[int]:
    """Where the sounds of some of a program's keys begin."""
    preset = font.preset(program, is_drum=False)
    keys = ((pitch, _LISTENED_VELOCITY) for pitch in _LISTENED_PITCHES)
    return frozenset(region.start for key in keys for region in font.regions(preset, *key))


def _alike(one: frozenset[int], other: frozenset[int]) -> float:
    """Share of sounds in common."""
    return len(one & other) / max(len(one | other), 1)


def _render(
    path: str, program: int, pitch: int, velocity: int, sample_rate: int, num_samples: int
) -> Audio:
    try:
        font = _open(path, Path(path).stat().st_mtime_ns)
    except (OSError, MusicGanError) as error:
        raise ReadError(
            f"Expected a soundfont. Received: {error}.", "unreadable_soundfont"
        ) from None
    factor = math.ceil(_RENDER_RATE_HZ / sample_rate)
    held = HELD_SHARE * num_samples / sample_rate
    rendered = (font, program, pitch, velocity, held, num_samples * factor, sample_rate * factor)
    return Audio(render_note(*rendered), sample_rate * factor)


@functools.lru_cache(maxsize=2)
def _open(path: str, modified: int) -> SoundFont:
    """A soundfont, open for the next note; `modified` tells apart what has changed."""
    return SoundFont(path)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _find_files(paths: Sequence[str]) -> tuple[list[Path], Path]:
    if len(paths) > 1 or not all(Path(path).is_file() for path in paths):
        raise ConfigError(
            "Dataset soundfont_notes takes one --input=FILE.sf2, or none for the soundfont that "
            f"comes with pretty_midi. Received: {', '.join(paths)}."
        )
    file = Path(paths[0]).absolute() if paths else default_soundfont()
    return [file], file


def _credits_of(paths: Sequence[str]) -> Mapping[str, str]:
    """A soundfont of the user's is its maker's, and nothing in it says on what terms."""
    if not paths:
        return {}
    return {
        "source_url": f"{Path(paths[0]).name}, a soundfont of the user's",
        "licence": "not stated; --licence records it",
        "attribution": "not stated; --attribution records it",
    }


DATASET = Dataset(
    name="soundfont_notes",
    title="Single notes of General MIDI programs, rendered from a soundfont",
    description=(
        "Notes of 104 programs at pitches 21-108 and velocities 25, 50, 75, 100 and 127, rendered "
        "as mono clips of the representation's length (its key held for three quarters of it: 3 of "
        "4 seconds) from the soundfont that comes with pretty_midi, or from the SF2 file that "
        "--input names. The instrument is the program's number; family and source are NSynth's; no "
        "qualities. Left out by name: 24 programs without a pitch of their own (bells, drums, "
        "sound effects and a few others), programs that the soundfont lacks, keys without a sound. "
        "All notes of a program are in one split, with those of programs that share half of its "
        "sounds, so that held-out notes are of instruments that were never heard. Softer notes are "
        "the same sounds at a lower level, for most programs: --set=min_velocity=100 leaves them "
        "out."
    ),
    source_url="https://github.com/craffel/pretty-midi",
    licence=(
        "the soundfont that comes with pretty_midi, TimGM6mb, says nothing itself; Debian "
        "distributes it, as part of MuseScore 1.3, under the GNU GPL version 2; another soundfont "
        "has its own, which --licence records in the manifest"
    ),
    attribution="Tim Brechbill (TimGM6mb.sf2)",
    command=(
        "tfmusicgan-convert --dataset=soundfont_notes --representation=note_audio --workers=2 "
        "--output=tfrecords/soundfont_notes"
    ),
    find_files=_find_files,
    num_pieces=45_760,
    size_bytes=5_994_284,
    groups_of=group_by_sounds,
    list_sources=list_sources,
    read_source=read_source,
    credits_of=_credits_of,
)
