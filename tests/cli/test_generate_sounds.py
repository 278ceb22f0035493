"""tfmusicgan-generate with a model of notes: single sounds, and a MIDI file that it plays."""

import numpy as np
import pytest

from tests.serving import toy_notes
from tfmusicgan.cli import generate
from tfmusicgan.note_sequences.midi import write_midi
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.serving.sounds import Sound


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    from tfmusicgan.serving.server import app
    from tfmusicgan.serving.server.storage import ModelSource

    root = tmp_path_factory.mktemp("models")
    toy_notes.write_model(root / "notes" / "1")
    with app.running(app.ServerOptions(ModelSource(root=str(root)), port=0)) as server:
        yield server.address


@pytest.fixture
def run(capsys, address):
    def run(*arguments):
        with pytest.raises(SystemExit) as end:
            generate.main([f"--server={address}", "--model=notes", *arguments])
        output = capsys.readouterr()
        return end.value.code, output.out.splitlines(), output.err

    return run


@pytest.fixture(scope="module")
def midi(tmp_path_factory):
    """A file of three notes, one of them too low for the model, and a drum."""
    piece = NoteSequence(ticks_per_quarter=220, total_time=14.0)
    for start, pitch in ((0.0, 60), (6.0, 30), (12.0, 72)):
        piece.notes.add(start_time=start, end_time=start + 2, pitch=pitch, velocity=100)
    piece.notes.add(start_time=1, end_time=2, pitch=45, velocity=100, is_drum=True, instrument=9)
    path = tmp_path_factory.mktemp("midi") / "piece.mid"
    write_midi(piece, path)
    return path


def _sound(path) -> np.ndarray:
    sound = Sound.from_wav(path.read_bytes())
    assert sound.sample_rate == 1000
    return sound.samples


def test_single_sounds(run, tmp_path):
    code, paths, error = run(f"--output={tmp_path}", "--num=2", "--seed=3", "--control=pitch=70")
    assert (code, error) == (0, "")
    assert paths == [f"{tmp_path}/notes_seed3_00{i}.wav" for i in (0, 1)]
    assert sorted(str(path) for path in tmp_path.iterdir()) == paths
    code, _, error = run(f"--output={tmp_path}/swung", "--control=pitch=70", "--swing=2")
    assert code == 1 and "Expected no --swing of a model of sounds, where it has no" in error
    # Row seed (3 << 32) + i.
    timbre = toy_notes.timbre((3 << 32) + 1)
    found = _sound(tmp_path / "notes_seed3_001.wav")
    np.testing.assert_allclose(found, toy_notes.note(timbre, 70), atol=1e-4)
    code, _, error = run(f"--output={tmp_path}", "--formats=midi,wav", "--seed=9")
    assert code == 1 and "Expected --formats=wav of notes, a model of sounds." in error
    code, paths, _ = run(f"--output={tmp_path}", "--formats=wav", "--seed=9")
    assert (code, len(paths)) == (0, 1)


def test_a_midi_file_is_played(run, midi, tmp_path):
    path = tmp_path / "new" / "piece.wav"
    code, paths, error = run(f"--midi={midi}", f"--output={path}", "--seed=2")
    assert (code, paths) == (0, [str(path)])
    assert error == (
        "tfmusicgan-generate: 2 of 4 notes are heard. Left out: outside MIDI 40-80 1, drums 1,"
        " silent 0.\n"
    )
    samples = _sound(path)
    assert samples.shape == (17_000,)
    np.testing.assert_allclose(samples.max(), 0.5, atol=1e-4)
    assert samples[1000] and samples[13_000] and not samples[2400:12_000].any()
    code, _, error = run(f"--midi={midi}", f"--output={path}", "--seed=2")
    assert code == 1 and "piece.wav, which is there." in error
    assert run(f"--midi={midi}", f"--output={path}", "--timbre_seed=2", "--overwrite")[0] == 0
    # The same beginning, as both begin with the timbre of seed 2.
    np.testing.assert_allclose(_sound(path)[:2000], samples[:2000], atol=0.02)


def test_timbres_from_one_seed_to_another(run, midi, tmp_path):
    sounds = []
    for seeds in ("1", "6", "1,6"):
        path = tmp_path / f"{seeds}.wav"
        code, _, _ = run(f"--midi={midi}", f"--output={path}", f"--timbre_seed={seeds}")
        assert code == 0
        sounds.append(_sound(path))
    timbres = [[0.5 * s[n + 1] / s[n] for n in (1000, 13_000)] for s in sounds]
    one, other = (toy_notes.timbre(seed << 32) for seed in (1, 6))
    blended = one + (other - one) * 12 / 14
    np.testing.assert_allclose(timbres, [[one] * 2, [other] * 2, [one, blended]], atol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output=x.mp3"], "Expected --output=FILE.wav with --midi. Received: 'x.mp3'."),
        (["--timbre_seed=1,two"], "--timbre_seed of whole numbers from 0 to 2147483647. Received"),
        (["--timbre_seed=2147483648"], "--timbre_seed of whole numbers from 0 to 2147483647."),
        (["--timbre_seed=1", "--seed=4"], "no --seed with --timbre_seed, where it has no effect"),
        (["--num=2"], "Expected no --num with --midi, where it has no effect."),
        (["--control=pitch=3"], "Expected no --control with --midi, where it has no effect."),
        (["--continue=x.mid"], "Expected --accompany, --continue, --midi or --signature. Received"),
        (["--midi=nothing.mid"], "Expected a file of music. Nothing is at 'nothing.mid'."),
    ],
)
def test_what_does_not_fit(run, midi, tmp_path, arguments, message):
    code, paths, error = run(f"--midi={midi}", f"--output={tmp_path}/x.wav", *arguments)
    assert (code, paths) == (1, [])
    assert message in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_flags_of_playing_alone(run, tmp_path):
    code, _, error = run(f"--output={tmp_path}", "--timbre_seed=3")
    assert code == 1 and "Expected no --timbre_seed without --midi, where it has no" in error


def test_no_server(run, midi, tmp_path):
    code, _, error = run("--server=127.0.0.1:1", f"--midi={midi}", f"--output={tmp_path}/x.wav")
    assert code == 1 and "No server answers at 127.0.0.1:1" in error and error.count("\n") == 1
