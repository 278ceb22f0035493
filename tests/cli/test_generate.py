import grpc
import pytest

from tests.serving import toy_models
from tfmusicgan.cli import generate
from tfmusicgan.client import MusicClient, ServingError
from tfmusicgan.note_sequences.midi import read_midi
from tfmusicgan.serving.server import statuses


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    from tfmusicgan.serving.server import app
    from tfmusicgan.serving.server.storage import ModelSource

    root = tmp_path_factory.mktemp("models")
    toy_models.write_model(root / "toy" / "3")
    with app.running(app.ServerOptions(ModelSource(root=str(root)), port=0)) as server:
        yield server.address


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        generate.main(list(arguments))
    output = capsys.readouterr()
    return end.value.code, output.out.splitlines(), output.err


def test_pieces_land_as_files_whose_paths_are_printed(capsys, address, tmp_path):
    base = [f"--server={address}", "--model=toy", f"--output={tmp_path}/new"]
    code, paths, error = run(capsys, *base, "--num=2", "--seed=3")
    assert (code, error) == (0, "")
    names = [f"{tmp_path}/new/toy_seed3_00{i}.{s}" for i in (0, 1) for s in ("mid", "wav", "png")]
    assert paths == names
    assert sorted(str(path) for path in (tmp_path / "new").iterdir()) == sorted(names)
    # Row seed (3 << 32) + i, of which the toy plays the remainder by 128.
    pitches = [read_midi(path).notes[0].pitch for path in paths if path.endswith(".mid")]
    assert pitches == [0, 1]
    code, paths, error = run(capsys, *base, "--num=3", "--seed=3")
    assert (code, paths) == (1, [])
    assert "toy_seed3_000.mid, which is there" in error
    assert error.count("\n") == 1
    code, paths, error = run(capsys, *base, "--num=3", "--seed=3", "--overwrite", "--formats=midi")
    assert (code, len(paths), error) == (0, 3, "")


def test_controls(capsys, address, tmp_path):
    base = [f"--server={address}", "--model=toy", f"--output={tmp_path}", "--formats=midi"]
    code, paths, _ = run(capsys, *base, "--control=qpm=90", "--control=threshold=0.5")
    assert (code, paths) == (0, [f"{tmp_path}/toy_seed0_000.mid"])
    base.append("--seed=1")
    for arguments, message in (
        (["--control=qpm=90"], "Missing: threshold."),
        (["--control=tempo=90"], "Unknown control 'tempo'. Known: qpm, threshold."),
        (["--control=qpm"], "Expected --control=name=value. Received: 'qpm'."),
        # What are arguments of the client's methods, or inputs that flags name.
        (["--control=seed=5"], "Expected a control of the model. Received: 'seed'."),
        (["--control=label=x"], "Received: 'label'. Seeds are named by --seed, music by --accomp"),
        (["--control=version=2"], "Expected a control of the model. Received: 'version'."),
        (["--control=note_sequence=x"], "Received: 'note_sequence'."),
        (["--chords=C Hx"], "such as Am7, Bb7#5 or D/F#, or N.C. for no chord. Received: 'Hx'."),
        (["--chords=|"], "Expected chord symbols such as 'C Am F G'. Received: '|'."),
        (["--chords=C"], "'harmonize'"),
        (["--formats=mp3"], "Unknown format 'mp3'. Known: midi, png, wav."),
        (["--model=nix"], "NOT_FOUND: Servable not found for request: Latest(nix)"),
        (["--model="], "--model is required."),
    ):
        code, paths, error = run(capsys, *base, *arguments)
        assert (code, paths) == (1, [])
        assert message in error
        assert error.count("\n") == 1


def test_chords_are_asked_of_harmonize_or_go_with_the_beginning(
    capsys, address, tmp_path, monkeypatch
):
    from tfmusicgan.note_sequences.midi import write_midi
    from tfmusicgan.note_sequences.proto import NoteSequence

    one, asked = NoteSequence.FromString(toy_models.note_sequence_bytes(5)), []

    def ask(self, model, seeds, *arguments, **controls):
        asked.append((*arguments[:1], controls))
        return [one]

    monkeypatch.setattr(MusicClient, "generate", ask)
    monkeypatch.setattr(MusicClient, "continue_piece", ask)
    write_midi(one, tmp_path / "begin.mid")
    base = [f"--server={address}", "--model=toy", f"--output={tmp_path}", "--formats=midi"]
    base += ["--chords=C Am7/G | Bb7(#5)", "--overwrite"]
    for more in ([], ["--signature=generate"], [f"--continue={tmp_path}/begin.mid"]):
        assert run(capsys, *base, *more)[0] == 0
    assert [controls for _, controls in asked] == [{"chords": "C Am7/G Bb7(#5)"}] * 3
    assert [first for first, _ in asked][:2] == ["harmonize", "generate"]


@pytest.mark.parametrize(
    ("flag", "method", "asked"),
    [
        ("accompany", "accompany", "accompaniment.describe_changes"),
        ("continue", "continue_piece", "continuation.describe_changes"),
    ],
)
def test_what_cannot_be_told_of_the_music_does_not_lose_the_pieces(
    capsys, address, tmp_path, monkeypatch, flag, method, asked
):
    from tfmusicgan.note_sequences.midi import write_midi
    from tfmusicgan.note_sequences.proto import NoteSequence

    def refuse(*_):
        raise ServingError(grpc.StatusCode.UNAVAILABLE, "gone away", address)

    one = NoteSequence.FromString(toy_models.note_sequence_bytes(5))
    monkeypatch.setattr(MusicClient, method, lambda *_, **__: [one])
    monkeypatch.setattr(f"tfmusicgan.client.{asked}", refuse)
    write_midi(one, tmp_path / "given.mid")
    base = [f"--server={address}", "--model=toy", f"--output={tmp_path}", "--formats=midi"]
    code, paths, error = run(capsys, *base, f"--{flag}={tmp_path}/given.mid")
    assert (code, paths) == (0, [f"{tmp_path}/toy_seed0_000.mid"])
    assert "gone away" in error and error.count("\n") == 1


def test_a_server_with_tls(capsys, tmp_path):
    from tests.client.certificates import write_certificates
    from tests.client.fake_server import FakeServer, answer

    write_certificates(tmp_path)
    pair = ((tmp_path / "server.key").read_bytes(), (tmp_path / "server.pem").read_bytes())
    authority = (tmp_path / "ca.pem").read_bytes()
    server = FakeServer(
        lambda *_: answer(note_sequence=[toy_models.note_sequence_bytes(5)]),
        signatures={"serving_default": {"seed": "DT_INT64"}},
        credentials=grpc.ssl_server_credentials([pair], authority, True),
    )
    with server:
        base = [f"--server={server.address}", "--model=toy", f"--output={tmp_path}/out"]
        base += ["--formats=midi", f"--tls_root={tmp_path}/ca.pem"]
        base += ["--tls_server_name=music.example.org"]
        mutual = [f"--tls_key={tmp_path}/client.key", f"--tls_certificate={tmp_path}/client.pem"]
        code, (path,), _ = run(capsys, *base, *mutual)
        assert code == 0 and read_midi(path).notes[0].pitch == 5
        base += ["--overwrite", "--timeout_seconds=1"]
        code, _, error = run(capsys, *base)
        assert code == 1 and "No server answers at " in error
    code, _, error = run(capsys, *base, mutual[0])
    assert code == 1 and "Expected private_key and certificate_chain, or neither." in error


def test_a_piece_without_notes_keeps_no_other_one_back(capsys, address, tmp_path, monkeypatch):
    from tfmusicgan.client import MusicClient
    from tfmusicgan.note_sequences.proto import NoteSequence

    one = NoteSequence.FromString(toy_models.note_sequence_bytes(5))
    monkeypatch.setattr(MusicClient, "generate", lambda *_, **__: [NoteSequence(), one])
    code, paths, error = run(
        capsys,
        f"--server={address}",
        "--model=toy",
        "--num=2",
        f"--output={tmp_path}",
        "--formats=midi,wav",
    )
    assert code == 1
    names = ["000.mid", "001.mid", "001.wav"]
    assert paths == [f"{tmp_path}/toy_seed0_{name}" for name in names]
    assert "toy_seed0_000, wav: " in error
    assert "1 of 2 pieces could not be written in full." in error


def test_swing(capsys, address, tmp_path, monkeypatch):
    from tfmusicgan.note_sequences.proto import NoteSequence

    one = NoteSequence(ticks_per_quarter=240)
    one.tempos.add(qpm=120)
    for eighth in range(3):
        start = eighth / 4
        one.notes.add(pitch=60, velocity=80, start_time=start, end_time=start + 0.25)
    monkeypatch.setattr(MusicClient, "generate", lambda *_, **__: [one])
    base = [f"--server={address}", "--model=toy", f"--output={tmp_path}", "--formats=midi"]
    for arguments, second in (([], 0.25), (["--swing=2"], 1 / 3), (["--swing=3"], 0.375)):
        code, (path,), _ = run(capsys, *base, "--overwrite", *arguments)
        starts = [note.start_time for note in read_midi(path).notes]
        assert code == 0 and starts == pytest.approx([0, second, 0.5], abs=2e-3)
    code, _, error = run(capsys, *base, "--swing=3.5")
    assert code == 2 and "swing" in error and error.count("\n") == 1
    code, _, error = run(capsys, *base[:-1], "--midi=a.mid", "--swing=2")
    assert code == 1 and "Expected no --swing with --midi" in error


def test_no_server(capsys, tmp_path):
    code, paths, error = run(
        capsys, "--server=127.0.0.1:1", "--model=toy", f"--output={tmp_path}/x"
    )
    assert (code, paths) == (1, [])
    assert "No server answers at 127.0.0.1:1" in error
    assert "Start one with tfmusicgan-serve --model_root=FOLDER" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("model", ["toy", "nix"])
@pytest.mark.parametrize(
    "refusal", [statuses.queue_full(10, 10), statuses.too_many_waiting(1000, 1000)]
)
def test_an_overloaded_server_is_not_called_absent(
    capsys, address, tmp_path, monkeypatch, refusal, model
):
    def refuse(self, *arguments, **options):
        raise ServingError(refusal.code, refusal.text, self.target)

    monkeypatch.setattr(MusicClient, "metadata", refuse)
    base = [f"--model={model}", f"--output={tmp_path}/x"]
    code, _, error = run(capsys, f"--server={address}", *base)
    assert (code, error) == (1, f"tfmusicgan-generate: {address}: UNAVAILABLE: {refusal.text}\n")
    # Whatever the text is, where nothing answers nothing does.
    code, _, error = run(capsys, "--server=127.0.0.1:1", *base)
    assert code == 1 and f"No server answers at 127.0.0.1:1 ({refusal.text})." in error


def test_a_version_that_cannot_be(capsys, address, tmp_path):
    base = [f"--server={address}", "--model=toy", f"--output={tmp_path}/x"]
    code, _, error = run(capsys, *base, f"--model_version={2**63}")
    assert code == 2 and "in the range [0, 9223372036854775807]" in error
    code, _, error = run(capsys, *base, f"--model_version={2**63 - 1}")
    assert code == 1 and "NOT_FOUND" in error and error.count("\n") == 1
