"""The Nottingham Music Database: British and American folk tunes, each a melody with chords.

A piece is a MIDI file of the edition that Jukedeck cleaned: the melody on its first track, block
chords on its second, which 13 of the 1,034 tunes leave empty. Chord symbols come from the ABC of
the same book and number, under the rules of `nottingham_chords.py`. Of the 1,034 tunes

* 400 have symbols, 15,896 in all, from a book and at a place where melody and chords of ABC and
  MIDI agree, and 54 more are left out: the second of two alternatives, of which MIDI plays the
  first (in 9 tunes). One symbol is empty, the only one of these tunes that note_seq cannot read.
* 599 have none since note_seq refuses their ABC (parts, tuplets, variant endings and others);
* 31 since MIDI goes further back at the repeats and has more notes;
* 3 since MIDI has the chords at other places in the second half (jigs182, reelsh-l89, waltzes44);
* 1, reelsd-g53, has chords in neither.

`count_chord_symbols` counts them for any copy, and a conversion those that its tunes lack. Upstream
names no split; the one that others use belongs to another edition.

Source: Eric Foxley's database as cleaned in https://github.com/jukedeck/nottingham-dataset.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from tfmusicgan.datasets import nottingham_chords, nottingham_files
from tfmusicgan.datasets.base import CountedPiece, Dataset
from tfmusicgan.datasets.download import Download
from tfmusicgan.datasets.listed_files import read_listed
from tfmusicgan.datasets.nottingham_chords import (
    CHORDS,
    MELODY,
    NONE_WRITTEN,
    ChordCounts,
    ChordSymbols,
)
from tfmusicgan.datasets.nottingham_files import NAME
from tfmusicgan.datasets.nottingham_near_copies import group_of
from tfmusicgan.datasets.zip_folders import read_bytes
from tfmusicgan.errors import ConversionError, PieceError, ReadError
from tfmusicgan.note_sequences import abc, midi_chunks
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.sources import Source, source_name

_COMMIT = "0992bb6cd864f6d4b90d6663e08c0ef53ffaa08f"
_ARCHIVE = Download(
    f"https://github.com/jukedeck/nottingham-dataset/archive/{_COMMIT}.zip",
    f"nottingham-dataset-{_COMMIT}.zip",
    size_bytes=1_828_800,
    sha256="9c9c87d745779af617ad4cd0d715210bfc17ff89bc427928593462872542f9a8",
)


NO_SYMBOLS = "tunes_without_chord_symbols"
"""What tunes are counted under that got no chord symbols though their ABC may have some."""


def count_chord_symbols(path: str) -> ChordCounts:
    """Reads all tunes and counts what became of their chord symbols.

    Args:
      path: As for `DATASET.files`.

    Returns:
      The counts. A tune that cannot be read is counted by that reason.

    Raises:
      MusicGanError: See `DATASET.files`.
    """
    counts = ChordCounts()
    for source in list_sources(*DATASET.files(path))[0]:
        try:
            counts.add(read_tune(source)[1])
        except ReadError as error:
            counts.add(error)
    return counts


def list_sources(
    files: Sequence[Path], root: Path
) -> tuple[list[Source], list[tuple[str, ReadError]]]:
    """Lists the tunes with their digests, without parsing them.

    Args:
      files: From `DATASET.files`.
      root: The folder they lie in.

    Returns:
      The tunes, each with its ABC as companion; and for every file that cannot be read its name and
      the error.
    """
    tunes = nottingham_files.tunes_beside(str(root))
    found: list[Source] = []
    errors: list[tuple[str, ReadError]] = []
    for file in files:
        name = source_name(file, root)
        try:
            data = read_bytes(file, name, midi_chunks.MAX_FILE_BYTES)
            if not data:
                raise ReadError(f"Expected music. Received an empty file: {name}.", "empty_file")
        except ReadError as error:
            errors.append((name, error))
            continue
        text = "\n".join(tunes.get(name, ()))
        companion = hashlib.sha256(text.encode()).hexdigest() if text else ""
        digest = hashlib.sha256(data).hexdigest()
        found.append(Source(name, str(file), "midi", None, digest, companion=companion))
    return found, errors


def read_source(source: Source) -> NoteSequence:
    """Reads a tune with its chord symbols, if it has some that are sure.

    Args:
      source: From `list_sources`.

    Returns:
      A NoteSequence, see `read_tune`.

    Raises:
      ReadError: See `read_tune`.
    """
    return read_tune(source)[0]


def read_counted(source: Source) -> CountedPiece:
    """Reads a tune, and counts the chord symbols that it could not be given.

    Args:
      source: From `list_sources`.

    Returns:
      The tune as `read_source` gives it. Lost are `NO_SYMBOLS`, 1 for a tune that got none though
      its ABC may have some, and of a tune that got some `"unread_chord_symbols"`, which note_seq
      cannot read, and `"unplayed_chord_symbols"`, which are not what sounds, every time they come.

    Raises:
      ReadError: See `read_tune`.
    """
    piece, found = read_tune(source)
    if isinstance(found, PieceError):
        return CountedPiece(piece, {NO_SYMBOLS: int(found.reason != NONE_WRITTEN)})
    unread, unplayed = len(found.unread), len(found.unplayed)
    return CountedPiece(piece, {"unread_chord_symbols": unread, "unplayed_chord_symbols": unplayed})


def read_tune(source: Source) -> tuple[NoteSequence, ChordSymbols | PieceError]:
    """Reads a tune and says what became of its chord symbols.

    Args:
      source: From `list_sources`.

    Returns:
      A NoteSequence with the instruments `MELODY` and, if there are any, `CHORDS`, and chord
      symbols as text annotations; and the symbols, or why there are none: an error with reason
      `"no_abc"`, or one of `abc.read_tune`'s and `find_chord_symbols`'s.

    Raises:
      ReadError: See `midi.read_midi`; with reason `"no_melody"` if nothing is on the first track,
        `"other_tracks"` if there is more than a melody and chords.
    """
    piece = _read_tracks(source)
    tunes = nottingham_files.tunes_beside(str(Path(source.path).parent))
    if source.name not in tunes:
        message = f"Expected a tune in ABC. Received none: {source.name}."
        return piece, ConversionError(message, "no_abc")
    try:
        tune = abc.read_tune(*tunes[source.name], source.name)
        symbols = nottingham_chords.find_chord_symbols(tune, piece)
    except PieceError as error:
        return piece, error
    nottingham_chords.add_chord_symbols(piece, symbols.placed)
    return piece, symbols


def _read_tracks(source: Source) -> NoteSequence:
    """A tune without chord symbols: instrument `MELODY`, and `CHORDS` if there are any."""
    # Imported when needed, as in sources.py: symusic takes time to load.
    from tfmusicgan.note_sequences import midi, midi_tracks

    data = read_listed(source, midi_chunks.MAX_FILE_BYTES)
    piece = midi.read_midi(data, source.name)
    chunks = midi_chunks.split_chunks(data, source.name)
    # Instruments are numbered over all tracks that have notes: which is on the first, only it says.
    first = midi_tracks.read_track(chunks.tracks[0], chunks.ticks_per_quarter, source.name)
    if not first.instruments:
        raise ReadError(
            f"Expected a melody on the first track. Received none: {source.name}.", "no_melody"
        )
    instruments = {note.instrument for note in piece.notes}
    if len(first.instruments) > 1 or not instruments <= {MELODY, CHORDS}:
        raise ReadError(
            "Expected a melody on the first track and chords on one more. Received "
            f"{len(instruments)} instruments, {len(first.instruments)} of them on the first track: "
            f"{source.name}.",
            "other_tracks",
        )
    piece.id = piece.filename = source.name
    piece.collection_name = NAME
    del piece.instrument_infos[:]
    for number, name in ((MELODY, "melody"), (CHORDS, "chords")):
        if number in instruments:
            piece.instrument_infos.add(instrument=number, name=name)
    return piece


DATASET = Dataset(
    name=NAME,
    title="Nottingham Music Database, folk tunes with chords (MIDI and ABC, cleaned by Jukedeck)",
    description=(
        "1,034 British and American tunes, 19 hours: jigs, reels, hornpipes, waltzes and others. "
        "Instrument 0 is the melody (196,967 notes), instrument 1 block chords (159,302 notes; 13 "
        "tunes have none). Five tunes come twice. Meters are 4/4 (533), 6/8 (364), 3/4 (59), 2/4 "
        "(40), 9/8 (13), 2/2 (7) and others; all tempos are 120. 400 tunes have chord symbols as "
        "text annotations: where note-seq reads the tune's ABC (435) and the ABC's melody and "
        "chords are the MIDI file's. The folder given may hold the files, unpacked or as "
        "nottingham*.zip, or be the archive itself. Versions of one tune stay in one split."
    ),
    source_url="https://github.com/jukedeck/nottingham-dataset",
    licence=(
        "GNU GPL version 3, as the repository states; Eric Foxley's original database carries no "
        "licence statement"
    ),
    attribution=(
        "Eric Foxley (Nottingham Music Database); Jukedeck (the cleaned edition, "
        "github.com/jukedeck/nottingham-dataset)"
    ),
    # No recipe's tracks: two, by the order of the instruments.
    command=(
        "tfmusicgan-convert --dataset=nottingham --download --input=FOLDER "
        """--set='tracks=[{"name":"melody","part":0},{"name":"chords","part":1}]' """
        "--output=tfrecords/nottingham"
    ),
    find_files=nottingham_files.find_files,
    num_pieces=1_034,
    downloads=(_ARCHIVE,),
    group_of=group_of,
    list_sources=list_sources,
    read_source=read_source,
    read_counted=read_counted,
)
