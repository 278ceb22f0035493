import json
import subprocess
import sys

import pytest

from tfmusicgan import representations
from tfmusicgan.errors import ConfigError, RecordsError
from tfmusicgan.representations.chord_melody_words import ChordMelodyWords
from tfmusicgan.representations.melody_tokens import MelodyTokens
from tfmusicgan.representations.multitrack_piano_roll import MultitrackPianoRoll
from tfmusicgan.representations.tracks import TRACK_SETS


def test_names_and_get():
    assert representations.names() == (
        "chord_melody_words",
        "jazz_phrases",
        "melody_bars",
        "melody_tokens",
        "multitrack_piano_roll",
        "note_audio",
        "note_events",
        "token_sequence",
    )
    assert representations.get("chord_melody_words") is ChordMelodyWords
    assert representations.get("melody_tokens") is MelodyTokens
    assert representations.get("multitrack_piano_roll") is MultitrackPianoRoll


def test_get_unknown_name_lists_the_known():
    with pytest.raises(
        ConfigError, match=r"representation 'piano'. Known: .*multitrack_piano_roll"
    ):
        representations.get("piano")


def test_manifest_entry_survives_json():
    rep = MultitrackPianoRoll(tracks=TRACK_SETS["voices"], bars=2, lowest_pitch=36, num_pitches=48)
    entry = json.loads(json.dumps(representations.to_manifest(rep)))
    assert entry["name"] == "multitrack_piano_roll"
    assert entry["parameters"]["bars"] == 2
    assert entry["parameters"]["tracks"][3]["name"] == "bass"
    assert representations.from_manifest(entry) == rep


def test_from_manifest_refuses_other_versions_and_incomplete_entries():
    entry = representations.to_manifest(MultitrackPianoRoll())
    with pytest.raises(RecordsError, match=r"Expected version 1 .* Received: version 7\."):
        representations.from_manifest({**entry, "version": 7})
    with pytest.raises(RecordsError, match="Missing: parameters, version"):
        representations.from_manifest({"name": entry["name"]})


def test_import_is_light():
    code = (
        "import sys, tfmusicgan.representations as r; [r.get(n) for n in r.names()];"
        "import tfmusicgan.metrics;"
        "sys.exit(any(m in sys.modules for m in ('tensorflow', 'note_seq', 'apache_beam')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
