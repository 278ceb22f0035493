"""Single notes from a soundfont: their labels, their pitch, their split, and what is left out."""

import collections
import struct

import numpy as np
import pytest

from tfmusicgan import datasets
from tfmusicgan.datasets import soundfont_notes
from tfmusicgan.errors import ConfigError, MusicGanError
from tfmusicgan.note_sequences.recorded_note import FAMILIES, SOURCES
from tfmusicgan.records.convert import convert
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.records.plan import list_pieces, make_plan
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.rendering.names import PROGRAMS
from tfmusicgan.rendering.soundfont import default_soundfont
from tfmusicgan.representations.note_audio import NoteAudio, audio_of

DATASET = datasets.get("soundfont_notes")
REP = NoteAudio(sample_rate=8000, num_samples=4000, min_pitch=48, max_pitch=72)


@pytest.fixture(scope="module")
def listed():
    files, root = DATASET.files()
    return *list_pieces(files, root, list_sources=DATASET.list_sources), root


@pytest.fixture
def fewer(monkeypatch):
    """Four keys of a program."""
    monkeypatch.setattr(soundfont_notes, "PITCHES", (47, 48, 60))
    monkeypatch.setattr(soundfont_notes, "VELOCITIES", (100,))


def _source(listed, name):
    return next(source for source in listed[0] if source.name == name)


def test_every_note_is_listed_once(listed):
    pieces, dropped, _ = listed
    assert len(pieces) == DATASET.num_pieces == 104 * 88 * 5
    assert len({source.digest for source in pieces}) == len(pieces)
    assert {drop.reason for drop in dropped} == {"unpitched_program"}
    assert len(dropped) == len(set(soundfont_notes.UNPITCHED)) == 24
    assert "127_gunshot" in [drop.name for drop in dropped]


def test_labels(listed):
    note = DATASET.read_source(_source(listed, "038_synth_bass_1/030-075"))
    (played,) = note.sequence.notes
    assert (played.pitch, played.velocity) == (30, 75)
    assert (note.instrument, note.instrument_family, note.instrument_source) == (38, 0, 2)
    assert note.sequence.id == "038_synth_bass_1/030-075"
    assert not any(note.qualities)


def test_families_and_sources_of_some_programs():
    """As NSynth would name them, by ear and by name."""
    expected = {
        "Acoustic Grand Piano": ("keyboard", "acoustic"),
        "Electric Piano 1": ("keyboard", "electronic"),
        "Vibraphone": ("mallet", "acoustic"),
        "Rock Organ": ("organ", "electronic"),
        "Church Organ": ("organ", "acoustic"),
        "Accordion": ("reed", "acoustic"),
        "Nylon Guitar": ("guitar", "acoustic"),
        "Distortion Guitar": ("guitar", "electronic"),
        "Acoustic Bass": ("bass", "acoustic"),
        "Synth Bass 2": ("bass", "synthetic"),
        "Cello": ("string", "acoustic"),
        "Synth Strings 1": ("string", "synthetic"),
        "Choir Aahs": ("vocal", "acoustic"),
        "French Horn": ("brass", "acoustic"),
        "Clarinet": ("reed", "acoustic"),
        "Flute": ("flute", "acoustic"),
        "Square Lead": ("synth_lead", "synthetic"),
        "Sitar": ("string", "acoustic"),
        "Banjo": ("guitar", "acoustic"),
        "Steel Drums": ("mallet", "acoustic"),
    }
    for name, labels in expected.items():
        program = PROGRAMS.index(name)
        family = FAMILIES[soundfont_notes.family_of(program)]
        assert (family, SOURCES[soundfont_notes.source_of(program)]) == labels, name
    assert {soundfont_notes.family_of(p) for p in range(128)} == set(range(11))


@pytest.mark.parametrize("program", ["024_nylon_guitar", "071_clarinet", "081_sawtooth_lead"])
@pytest.mark.parametrize("pitch", [49, 70])
def test_notes_have_their_pitch(listed, program, pitch):
    """By the YIN estimator of librosa, over the held part."""
    import librosa

    source = _source(listed, f"{program}/{pitch:03d}-100")
    (example,) = REP.encode(DATASET.read_source(source))
    wave = audio_of(example)[400:2800]
    found = librosa.yin(wave, fmin=60, fmax=2000, sr=8000, frame_length=1024)
    assert abs(np.median(librosa.hz_to_midi(found)) - pitch) < 0.5
    assert int(example["pitch"]) == pitch


def test_a_clip_is_held_for_three_quarters(listed):
    (example,) = REP.encode(DATASET.read_source(_source(listed, "016_drawbar_organ/060-127")))
    loudness = np.abs(audio_of(example)).reshape(40, 100).max(axis=1)  # 12.5 ms each
    assert loudness[5:29].min() > 0.2 and loudness[34:].max() < 0.05


def test_a_low_rate_is_no_fold_of_a_high_one(listed):
    """At 8 kHz there is what 16 kHz has below 3.5 kHz, and nothing else."""
    note = DATASET.read_source(_source(listed, "080_square_lead/072-127"))
    half = audio_of(REP.encode(note)[0])
    whole = audio_of(NoteAudio(16000, 8000, 48, 72).encode(note)[0])
    low, high = (np.abs(np.fft.rfft(x))[:1750] / len(x) for x in (half, whole))  # 2 Hz a bin
    assert np.abs(low - high).max() < 0.02 * high.max()


def test_the_notes_of_a_program_are_in_one_split(listed):
    pieces, dropped, root = listed
    plan = make_plan(DATASET, pieces, dropped, ConvertOptions(REP), root)
    splits = collections.defaultdict(set)
    for task in plan.tasks:
        for _, source in task.sources:
            splits[source.name[:3]].add(task.split)
    assert len(splits) == 104 and all(len(split) == 1 for split in splits.values())
    by_split = collections.Counter(next(iter(split)) for split in splits.values())
    assert set(by_split) == {"train", "validation", "test"}
    assert by_split["train"] > 75


def test_programs_with_the_same_sounds_are_one_group(listed):
    pieces, _, root = listed
    group_of = DATASET.groups_of([source.name for source in pieces], root)
    groups = {name[:3]: group for name, group in group_of.items()}
    assert groups["000"] == groups["001"] == groups["003"] == "000_acoustic_grand_piano"
    assert groups["040"] == groups["110"] != groups["042"]  # violin and fiddle, cello
    assert len(set(groups.values())) == 78


def test_records(fewer, tmp_path, monkeypatch):
    monkeypatch.setattr(soundfont_notes, "UNPITCHED", (9, *range(24, 128)))
    options = ConvertOptions(REP, split=(0.5, 0.25, 0.25), num_shards=2)
    manifest = convert(DATASET, options, tmp_path / "set")
    assert manifest.drops["pitch_out_of_range"].num_pieces == 23
    assert manifest.drops["unpitched_program"].names[0] == "009_glockenspiel"
    (batch,) = RecordSet.open(tmp_path / "set", "train").examples()
    assert 10 < len(batch["pitch"]) < 46  # groups of programs with the same sounds
    assert set(batch["pitch"]) == {48, 60} and set(batch["velocity"]) == {100}
    assert np.abs(audio_of(batch)).max(axis=1).min() > 0.005


def test_a_users_soundfont_is_credited_to_nobody_else(fewer, tmp_path, monkeypatch):
    monkeypatch.setattr(soundfont_notes, "UNPITCHED", tuple(range(1, 128)))
    path, options = tmp_path / "My Own Font.sf2", ConvertOptions(REP)
    path.write_bytes(default_soundfont().read_bytes())
    said = convert(DATASET, options, tmp_path / "own", [str(path)]).dataset
    assert said["source_url"] == "My Own Font.sf2, a soundfont of the user's"
    assert said["licence"].startswith("not stated") and said["attribution"].startswith("not stated")
    named = {"licence": "CC0", "attribution": "A. Maker"}
    said = convert(DATASET, options, tmp_path / "named", [str(path)], **named).dataset
    assert (said["licence"], said["attribution"]) == ("CC0", "A. Maker")
    said = convert(DATASET, options, tmp_path / "default").dataset
    assert (said["licence"], said["attribution"]) == (DATASET.licence, DATASET.attribution)


def test_a_soundfont_without_a_program(fewer, tmp_path):
    data = default_soundfont().read_bytes()
    start = data.rindex(b"phdr") + 8
    rows = range(start, start + 38 * 128, 38)
    violin = next(at for at in rows if struct.unpack_from("<HH", data, at + 20) == (40, 0))
    path = tmp_path / "font.sf2"
    path.write_bytes(data[: violin + 22] + struct.pack("<H", 5) + data[violin + 24 :])
    files, root = DATASET.files(str(path))
    pieces, dropped = list_pieces(files, root, list_sources=DATASET.list_sources)
    assert [(drop.name, drop.reason) for drop in dropped if drop.reason != "unpitched_program"] == [
        ("040_violin", "missing_program")
    ]
    assert "Soundfont font.sf2 has no program 40, Violin." in [drop.message for drop in dropped]
    assert len(pieces) == 103 * 3
    # Another file, other notes.
    assert pieces[0].digest != DATASET.list_sources(*DATASET.files())[0][0].digest


def test_input_that_is_no_soundfont(fewer, tmp_path):
    with pytest.raises(ConfigError, match=r"takes one --input=FILE.sf2, .* Received: x.sf2"):
        DATASET.files("x.sf2")
    (tmp_path / "a.sf2").write_bytes(b"noise")
    with pytest.raises(ConfigError, match="takes one"):
        DATASET.files([str(tmp_path / "a.sf2")] * 2)
    with pytest.raises(MusicGanError, match=r"a.sf2 is no SoundFont 2 file"):
        convert(DATASET, ConvertOptions(REP), tmp_path / "set", [str(tmp_path / "a.sf2")])


def test_a_soundfont_that_goes_away(fewer, tmp_path):
    path = tmp_path / "font.sf2"
    path.write_bytes(default_soundfont().read_bytes())
    source = DATASET.list_sources(*DATASET.files(str(path)))[0][1]
    path.unlink()
    with pytest.raises(MusicGanError, match=r"soundfont. Received: .*No such file") as error:
        REP.encode(DATASET.read_source(source))
    assert error.value.reason == "unreadable_soundfont"
