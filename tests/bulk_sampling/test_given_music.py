"""Bulk sampling to given music, against a toy model whose music is a known function of both."""

import json
import pathlib
import shutil

import pytest

from tfmusicgan import bulk_sampling
from tfmusicgan.bulk_sampling import run as run_module
from tfmusicgan.cli.sample import main
from tfmusicgan.errors import ConfigError, ReadError
from tfmusicgan.note_sequences.midi import write_midi
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.tfrecord import RecordWriter, read_note_sequences
from tfmusicgan.serving.given_music import list_pieces, read_piece


def _tune(pitch: int) -> NoteSequence:
    sequence = NoteSequence(ticks_per_quarter=220, total_time=1.0)
    sequence.tempos.add(qpm=120)
    sequence.notes.add(pitch=pitch, velocity=80, end_time=1.0)
    return sequence


@pytest.fixture(scope="module")
def export(tmp_path_factory) -> pathlib.Path:
    """`accompany` answers the given piece with a line of lyrics more: its seed and its swing."""
    import tensorflow as tf

    def spec(dtype, name):
        return tf.TensorSpec([None], dtype, name)

    class Toy(tf.Module):
        @tf.function(
            input_signature=[
                spec(tf.int64, "seed"),
                spec(tf.string, "note_sequence"),
                spec(tf.int32, "swing"),
            ]
        )
        def accompany(self, seed, note_sequence, swing):
            text = tf.strings.as_string(seed) + "," + tf.strings.as_string(swing)
            length = tf.gather([chr(n) for n in range(128)], tf.strings.length(text))
            # Field 1 is `id`: a later one replaces the given piece's.
            return {"note_sequence": note_sequence + "\n" + length + text}

        @tf.function(input_signature=[spec(tf.int64, "seed")])
        def serve(self, seed):
            return {"note_sequence": tf.fill(tf.shape(seed), "")}

    toy = Toy()
    folder = tmp_path_factory.mktemp("models") / "toy" / "2"
    signatures = {"serving_default": toy.serve, "accompany": toy.accompany}
    tf.saved_model.save(toy, str(folder), signatures=signatures)
    (folder / "assets.extra").mkdir()
    inputs = {"seed": {}, "note_sequence": {}, "swing": {"default": 7, "range": [0, 9]}}
    manifest = {"signatures": {"accompany": {"inputs": inputs}}}
    (folder / "assets.extra" / "tfmusicgan.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def music(tmp_path) -> pathlib.Path:
    """Three pieces: one MIDI file, and two in a TFRecord in a folder within."""
    folder = tmp_path / "music"
    (folder / "more").mkdir(parents=True)
    write_midi(_tune(60), folder / "a.mid")
    with RecordWriter(folder / "more" / "b.tfrecord") as writer:
        writer.write(_tune(61))
        writer.write(_tune(62))
    return folder


def _plan(export, pieces, **changes):
    numbers = {"seed": 1, "num": 12, "batch_size": 4, "shard_size": 5} | changes
    return bulk_sampling.make_plan(
        export, "accompany", changes.pop("controls", ()), pieces, **numbers
    )


def _read(folder, manifest):
    return [
        piece for file in manifest["files"] for piece in read_note_sequences(folder / file["name"])
    ]


def test_each_piece_gets_its_samples_one_after_the_other(export, music, tmp_path):
    plan = _plan(export, list_pieces(str(music)))
    manifest = bulk_sampling.sample_to_folder(plan, export, tmp_path / "out")
    samples = _read(tmp_path / "out", manifest)
    # Batches of 4 and shards of 5 go across the pieces' 4 samples each.
    assert [sample.notes[0].pitch for sample in samples] == [60] * 4 + [61] * 4 + [62] * 4
    assert [sample.id for sample in samples] == [f"{2**32 + i},7" for i in range(12)]
    assert [piece["name"] for piece in manifest["accompany"]] == [
        "a.mid",
        "more/b.tfrecord#0",
        "more/b.tfrecord#1",
    ]
    assert manifest["controls"] == {"swing": 7}
    assert manifest == json.loads((tmp_path / "out" / "manifest.json").read_text())


def test_an_interrupted_run_goes_on(export, music, tmp_path, monkeypatch):
    plan = _plan(export, list_pieces(str(music)))
    finish = run_module.replace_folder
    monkeypatch.setattr(run_module, "replace_folder", lambda *_: (_ for _ in ()).throw(OSError()))
    with pytest.raises(OSError):
        bulk_sampling.sample_to_folder(plan, export, tmp_path / "out")
    monkeypatch.setattr(run_module, "replace_folder", finish)
    manifest = bulk_sampling.sample_to_folder(plan, export, tmp_path / "out")
    assert len(_read(tmp_path / "out", manifest)) == 12


def test_the_command(export, music, tmp_path, capsys):
    arguments = [f"--model={export.parent}", "--num=2", f"--output={tmp_path / 'out'}"]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, f"--accompany={music}/**/*.tfrecord", "--control=swing=3"])
    assert ended.value.code in (0, None)
    assert (
        "Sampling 4 NoteSequences from toy version 2, signature accompany"
        in capsys.readouterr().out
    )
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    samples = _read(tmp_path / "out", manifest)
    assert [(s.notes[0].pitch, s.id) for s in samples] == [
        (61, "0,3"),
        (61, "1,3"),
        (62, "2,3"),
        (62, "3,3"),
    ]


def test_what_does_not_fit(export, music, tmp_path):
    pieces = list_pieces(str(music))
    with pytest.raises(
        ConfigError, match=r"num to be a multiple of the 3 given pieces. Received: 13"
    ):
        _plan(export, pieces, num=13)
    with pytest.raises(ConfigError, match=r"'accompany' needs --accompany=PATH\."):
        _plan(export, [])
    numbers = {"seed": 1, "num": 3, "batch_size": 4, "shard_size": 5}
    with pytest.raises(
        ConfigError, match=r"'serving_default' takes no music: leave --accompany and --continue out"
    ):
        bulk_sampling.make_plan(export, "serving_default", (), pieces, **numbers)
    (music / "broken.mid").write_bytes(b"MThd nothing")
    with pytest.raises(ReadError, match=r"broken\.mid"):
        list_pieces(str(music))
    (music / "broken.mid").write_bytes(b"")
    with pytest.raises(
        ReadError, match=r"broken\.mid\. The music that is given has to be readable\."
    ):
        list_pieces(str(music))
    plan = _plan(export, pieces)
    shutil.rmtree(music)
    with pytest.raises(ReadError):
        bulk_sampling.sample_rows(plan, str(export), range(11, 12))


def test_one_piece_by_its_number(music):
    assert read_piece(f"{music}/a.mid").notes[0].pitch == 60
    assert read_piece(f"{music}/more/b.tfrecord#1").notes[0].pitch == 62
    shutil.copy(music / "a.mid", music / "odd#3")
    shutil.move(music / "odd#3", music / "odd#3.mid")
    assert read_piece(f"{music}/odd#3.mid").notes[0].pitch == 60
