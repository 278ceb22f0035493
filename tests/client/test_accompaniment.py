"""What an accompaniment does not have of its music, told by a client that is made up here."""

import numpy as np
import pytest

from tfmusicgan.client.accompaniment import describe_changes
from tfmusicgan.note_sequences.proto import NoteSequence

COUNTS = ("notes_moved", "notes_left_out", "bars_left_out")


class Client:
    """Of a server whose accompaniments have all notes as they were."""

    def metadata(self, model, version):
        return {"accompany": {"outputs": dict.fromkeys(COUNTS)}}

    def predict(self, *_, **__):
        return {name: np.zeros(1, np.int32) for name in COUNTS}


@pytest.mark.parametrize(
    ("tempos", "changes"),
    [
        ([], 0),
        ([(0, 60)], 0),
        ([(0, 60), (3, 60)], 0),
        ([(0, 60), (3, 90), (5, 60)], 2),
        ([(5, 60), (0, 60), (3, 90)], 2),
        ([(5, 60)], 1),  # 120 before it
        ([(5, 120)], 0),
        ([(0, 60), (3, 90), (3, 60)], 0),  # replaced at the same time
        ([(0, 90), (-1, 60)], 0),
        ([(0, 60), (3, 0)], 0),  # none
        ([(0, 60), (8, 90)], 0),  # where the last note ends
        ([(0, 60), (7.5, 90)], 1),
    ],
)
def test_changes_of_tempo_that_are_heard_are_counted(tempos, changes):
    music = NoteSequence(total_time=20.0)
    music.notes.add(pitch=60, velocity=70, start_time=0.0, end_time=8.0)
    for time, qpm in tempos:
        music.tempos.add(time=time, qpm=qpm)
    said = f"Not as in the given music: changes of tempo left out {changes}." if changes else ""
    assert describe_changes(Client(), "made up", music) == said
