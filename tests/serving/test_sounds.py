"""Sounds of a model of notes, and pieces that it plays."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tests.serving import toy_models, toy_notes
from tfmusicgan.client import MusicClient, ServingError, midi_synthesis, requests
from tfmusicgan.errors import ConfigError, MusicGanError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.wav_file import wav_bytes
from tfmusicgan.serving.sounds import Sound

STEP = 1 / 32768  # of 16 bits


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    toy_notes.write_model(root / "notes" / "1")
    toy_models.write_model(root / "toy" / "3")
    return root


@pytest.fixture(scope="module")
def client(root):
    from tfmusicgan.serving.server import app
    from tfmusicgan.serving.server.storage import ModelSource

    options = app.ServerOptions(ModelSource(root=str(root)), port=0)
    with app.running(options) as server, MusicClient(server.address) as client:
        yield client


@pytest.fixture
def sizes(monkeypatch):
    """Rows of each request."""
    sizes, predict = [], requests.predict

    def count(model, inputs, *rest, **more):
        sizes.append(len(next(iter(inputs.values()))))
        return predict(model, inputs, *rest, **more)

    monkeypatch.setattr(requests, "predict", count)
    return sizes


def test_one_sound_per_seed(client, sizes):
    seeds = list(range(20))
    sounds = client.generate_audio("notes", seeds)
    assert sorted(sizes) == [4, 8, 8]
    assert {sound.sample_rate for sound in sounds} == {1000}
    for seed, sound in zip(seeds, sounds, strict=True):
        assert sound.samples.dtype == np.float32
        np.testing.assert_allclose(sound.samples, toy_notes.note(seed % 7 / 8, 60), atol=STEP)
        assert Sound.from_wav(sound.wav) == sound
    assert client.generate_audio("notes", []) == []


def test_the_pages_example(client):
    """The Python of serving/README.md, with this server's address."""
    page = pathlib.Path(__file__).parents[2] / "serving" / "README.md"
    blocks = page.read_text().split("```python\n")[1:]
    (code,) = (block.split("```")[0] for block in blocks if "generate_audio" in block)
    found = {"latents": np.zeros((2, 3))}
    exec(code.replace("127.0.0.1:8500", client.target), found)
    assert [len(found[name]) for name in ("notes", "between", "given")] == [3, 5, 2]
    blended = [sound.samples[1] for sound in found["between"]]
    np.testing.assert_allclose(blended, np.linspace(1 / 8, 2 / 8, 5), atol=STEP)


def test_controls_as_arrays(client):
    sounds = client.generate_audio("notes", [1, 2, 3], pitch=np.array([40, 50, 200]))
    for seed, pitch, sound in zip([1, 2, 3], [40, 50, 80], sounds, strict=True):
        np.testing.assert_allclose(sound.samples, toy_notes.note(seed / 8, pitch), atol=STEP)
    # A signature without seeds: as many sounds as latents, or as pitches.
    latents = np.array([[0.25, 9, 9], [0.75, 9, 9]])
    first, second = client.generate_audio("notes", None, "from_latent", latent=latents, pitch=70)
    np.testing.assert_allclose(first.samples, toy_notes.note(0.25, 70), atol=STEP)
    np.testing.assert_allclose(second.samples, toy_notes.note(0.75, 70), atol=STEP)
    sounds = client.generate_audio("notes", None, "from_latent", latent=latents[0], pitch=[41, 42])
    np.testing.assert_allclose(sounds[1].samples, toy_notes.note(0.25, 42), atol=STEP)


@pytest.mark.parametrize(
    ("arguments", "controls", "message"),
    [
        (([1],), {"speed": 3}, r"Unknown control 'speed'\. Known: pitch\."),
        (([1], "sing"), {}, r"Unknown signature 'sing'\. Known: from_latent, interpolate, "),
        (([1],), {"pitch": 60.5}, r"int32 for control 'pitch'\. Received: 60\.5"),
        (([1, 2],), {"pitch": [60] * 3}, r"or 2 as there are seeds, for control 'pitch'\. Rec"),
        (([1],), {"pitch": [[60]]}, r"shape \[\] for control 'pitch', .*shape \[1, 1\]"),
        ((None, "synthesize"), {"pitch": 60}, "Expected seeds, which the signature takes"),
        ((None, "from_latent"), {"pitch": 60}, r"a row of values .*: latent, pitch\. Rec.*: pitch"),
        (([1], "from_latent"), {"pitch": 60}, "no seeds, which signature 'from_latent' does not"),
        ((None, "from_latent"), {"pitch": [60], "latent": [[1, 2]]}, r"of shape \[3\] for contr"),
    ],
)
def test_arguments_that_do_not_fit(client, arguments, controls, message):
    with pytest.raises(ConfigError, match=message):
        client.generate_audio("notes", *arguments, **controls)


def test_a_model_of_something_else(client):
    with pytest.raises(ServingError, match=r"INVALID_ARGUMENT.* wav"):
        client.generate_audio("toy", [1])
    with pytest.raises(ConfigError, match=r"the signature 'interpolate'\. Received: 'toy', which"):
        midi_synthesis.play(client, "toy", _piece((0, 1, 60)), [1])


@pytest.mark.slow
def test_the_stock_client(client, tmp_path):
    script = pathlib.Path(__file__).parents[2] / "serving" / "clients" / "stock_client.py"
    command = [sys.executable, str(script), client.target, "notes", "2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["piece_0.wav", "piece_1.wav"]
    found = Sound.from_wav((tmp_path / "piece_1.wav").read_bytes())
    np.testing.assert_allclose(found.samples, toy_notes.note(1 / 8, 60), atol=STEP)


def test_bytes_that_are_no_sound():
    stereo = wav_bytes(np.zeros((4, 2), np.int16), 1000)
    with pytest.raises(MusicGanError, match=r"WAV of 16 bits\. Received: 2 channels of 16 bits\."):
        Sound.from_wav(bytes(stereo))
    for other in (b"", b"RIFF", b"no sound at all, but text of some length" * 3):
        with pytest.raises(MusicGanError, match=r"Received: other bytes\."):
            Sound.from_wav(other)


def test_samples_to_bytes():
    sound = Sound.from_samples(np.array([0.5, -1.0, 1.0, 7.0, 0.4 / 32768]), 8000)
    assert (np.round(sound.samples * 32768)).tolist() == [16384, -32768, 32767, 32767, 0]
    assert sound.sample_rate == 8000 and "samples" not in repr(sound)


def _piece(*notes, velocity=127, is_drum=False):
    """(start, end, pitch) of each note."""
    sequence = NoteSequence(id="a piece")
    for start, end, pitch in notes:
        sequence.notes.add(
            start_time=start, end_time=end, pitch=pitch, velocity=velocity, is_drum=is_drum
        )
    return sequence


def _timbres(played, seconds):
    """The timbre that is heard at some seconds, and the pitch."""
    samples, firsts = played.sound.samples, np.array(seconds) * 1000 // 4 * 4
    levels = [samples[int(first) : int(first) + 4] for first in firsts]
    return [(0.5 * level[1] / level[0], 64 * level[3] / level[0]) for level in levels]


def test_notes_have_the_timbre_of_their_start(client, sizes):
    piece = _piece((0, 1, 60), (5, 6, 50), (10, 11, 60), (10, 11, 39), (16, 20, 80), (2, 3, 81))
    piece.notes.add(start_time=3, end_time=4, pitch=60, velocity=90, is_drum=True)
    # Of what is not heard nothing follows.
    piece.notes.add(start_time=50, end_time=90, pitch=60, velocity=90, is_drum=True)
    piece.notes.add(start_time=50, end_time=70, pitch=90, velocity=90)
    given = []

    def timbres(end):
        given.append(end)
        return midi_synthesis.moving_timbres(end, 1, seconds_per_timbre=9.0)

    played = midi_synthesis.play(client, "notes", piece, timbres)
    assert given == [20.0]
    seeds = timbres(20.0)
    assert seeds.tolist() == [1 << 32, (1 << 32) + 1]  # int(20 / 9)
    assert (played.num_notes, played.num_out_of_range, played.num_drums) == (4, 3, 2)
    assert played.pitches == (40, 80)
    # The model's range costs a request of its own.
    assert sorted(sizes) == [2, 4]
    assert played.sound.samples.shape == (23_000,)
    np.testing.assert_allclose(np.abs(played.sound.samples).max(), 0.5, atol=STEP)
    first, second = (toy_notes.timbre(seed) for seed in seeds)
    heard = _timbres(played, [0.5, 5.5, 10.5, 18.0])
    expected = [first + (second - first) * start / 20 for start in (0, 5, 10, 16)]
    np.testing.assert_allclose([timbre for timbre, _ in heard], expected, atol=1e-3)
    np.testing.assert_allclose([pitch for _, pitch in heard], [60, 50, 60, 80], atol=0.1)
    # The last is held for three of its four seconds, and released.
    assert np.abs(played.sound.samples[18_900:19_000]).min() > 0.1
    assert not played.sound.samples[19_300:].any()


def test_one_timbre_asks_for_each_pitch_once(client, sizes):
    piece = _piece(*((second, second + 0.5, 60 + second % 3) for second in range(30)))
    played = midi_synthesis.play(client, "notes", piece, midi_synthesis.timbre_seeds(5))
    assert sorted(sizes) == [2, 3]
    assert {round(timbre, 2) for timbre, _ in _timbres(played, np.arange(30) + 0.25)} == {
        round(toy_notes.timbre(5 << 32), 2)
    }


def test_silent_notes_are_counted(client):
    piece = _piece((0, 1, 60), (2, 3, toy_notes.SILENT), (4, 5, 61))
    played = midi_synthesis.play(client, "notes", piece, [1])
    assert (played.num_notes, played.num_silent, played.num_out_of_range) == (2, 1, 0)
    piece = _piece((0, 1, toy_notes.SILENT), (1, 2, toy_notes.SILENT))
    with pytest.raises(MusicGanError, match="silence for each of the 2 notes of 'a piece' from "):
        midi_synthesis.play(client, "notes", piece, [1])


def test_velocity_is_loudness(client):
    piece = _piece((0, 0.5, 60), velocity=127)
    piece.notes.add(start_time=1, end_time=1.5, pitch=60, velocity=32)
    played = midi_synthesis.play(client, "notes", piece, [3])
    levels = played.sound.samples[[200, 1200]]
    np.testing.assert_allclose(levels[1] / levels[0], 32 / 127, rtol=1e-3)


@pytest.mark.parametrize(
    ("piece", "seeds", "error", "message"),
    [
        (_piece(), [1], MusicGanError, "within MIDI 40-80, .* none among the 0 notes of 'a piece'"),
        (_piece((0, 1, 60), is_drum=True), [1], MusicGanError, "none among the 1 notes of"),
        (_piece((0, 1, 20)), [1], MusicGanError, "Transpose the piece first"),
        (_piece((0, 1e9, 60)), [1], MusicGanError, r"from 0 to 1e\+09 s in 'a piece'\. Cut"),
        (_piece((0, 1, 60)), [], ConfigError, r"one seed of a timbre, or more\. Received: none"),
    ],
)
def test_pieces_that_cannot_be_played(client, piece, seeds, error, message):
    with pytest.raises(error, match=message):
        midi_synthesis.play(client, "notes", piece, seeds)


def test_seeds_of_timbres():
    assert midi_synthesis.moving_timbres(31, 2).tolist() == [(2 << 32) + i for i in range(5)]
    assert len(midi_synthesis.moving_timbres(5, 0)) == 2
    assert len(midi_synthesis.moving_timbres(1e300, 0)) == 600
    with pytest.raises(ConfigError, match=r"more than 0 seconds .* Received: 0\.0\."):
        midi_synthesis.moving_timbres(31, 2, 0.0)
