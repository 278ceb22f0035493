"""The message classes are note_seq's, whoever is imported first."""

import subprocess
import sys

import pytest

FIRST_OURS = """
import sys
from tfmusicgan.note_sequences.proto import NoteSequence, note_seq_module
assert "note_seq" not in sys.modules and "librosa" not in sys.modules
import note_seq
assert note_seq.NoteSequence is NoteSequence
"""
FIRST_THEIRS = """
import note_seq
from tfmusicgan.note_sequences.proto import NoteSequence
assert note_seq.NoteSequence is NoteSequence
"""
QUIET = """
import warnings
warnings.simplefilter("error", RuntimeWarning)
from tfmusicgan.note_sequences.proto import note_seq_module
assert note_seq_module("abc_parser").__name__ == "note_seq.abc_parser"
"""


@pytest.mark.parametrize("code", [FIRST_OURS, FIRST_THEIRS, QUIET])
def test_in_a_fresh_process(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
