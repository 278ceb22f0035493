"""Bulk sampling: what is in the folder, whatever batches, shards and workers made it."""

import json
import os

import numpy as np
import pytest

from tests.bulk_sampling.toy_pieces import PIECES, contents, piece, plan_of
from tfmusicgan import bulk_sampling
from tfmusicgan.errors import ReadError
from tfmusicgan.note_sequences.midi import read_midi
from tfmusicgan.note_sequences.tfrecord import read_note_sequences


def test_sample_i_depends_on_the_seed_and_i_alone(export, tmp_path, capsys):
    # 53 is a multiple of neither the batch (8) nor the shard (20), nor is 20 of 8.
    manifest = bulk_sampling.sample_to_folder(plan_of(export), export, tmp_path / "out")
    files = ["samples-00000-of-00003", "samples-00001-of-00003", "samples-00002-of-00003"]
    assert sorted(os.listdir(tmp_path / "out")) == [
        "manifest.json",
        *(f"{name}.tfrecord" for name in files),
    ]
    assert sorted(os.listdir(tmp_path)) == ["out"]
    expected = [piece((7 * 2**32 + i) % PIECES) for i in range(53)]
    found = [list(read_note_sequences(tmp_path / "out" / f"{name}.tfrecord")) for name in files]
    assert [len(shard) for shard in found] == [20, 20, 13]
    assert [sequence for shard in found for sequence in shard] == expected
    assert manifest["counts"] == {
        "samples": 53,
        "notes": sum(len(piece.notes) for piece in expected),
        "without_notes": sum(not piece.notes for piece in expected),
    }
    assert manifest == json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (manifest["model"], manifest["version"], manifest["seed"]) == ("toy", 3, 7)
    assert "53/53 samples" in capsys.readouterr().err


def test_batch_and_shard_size_change_no_sample(export, tmp_path):
    whole = []
    for name, batch_size, shard_size in (("a", 8, 20), ("b", 5, 7), ("c", 64, 100)):
        plan = plan_of(export, batch_size=batch_size, shard_size=shard_size)
        bulk_sampling.sample_to_folder(plan, export, tmp_path / name)
        shards = sorted((tmp_path / name).glob("*.tfrecord"))
        whole.append([sequence for shard in shards for sequence in read_note_sequences(shard)])
    assert whole[0] == whole[1] == whole[2]
    assert len(whole[0]) == 53


def test_row_seeds_use_all_of_64_bits():
    seeds = bulk_sampling.row_seeds(2**31 - 1, [0, 1, 2**32 - 1])
    assert seeds.dtype == np.int64
    assert seeds.tolist() == [0x7FFFFFFF00000000, 0x7FFFFFFF00000001, 0x7FFFFFFFFFFFFFFF]


def test_controls_reach_the_signature(export, tmp_path):
    controls = ["shift=4", "qpm=100.5", "swing=true", "chord=Am"]
    plan = plan_of(export, controls, "generate", num=3)
    assert plan.controls == {"chord": "Am", "qpm": 100.5, "shift": 4, "swing": True}
    bulk_sampling.sample_to_folder(plan, export, tmp_path / "out")
    found = list(read_note_sequences(tmp_path / "out" / "samples-00000-of-00001.tfrecord"))
    assert found == [piece((7 * 2**32 + i + 4 + 3) % PIECES) for i in range(3)]


def test_midi_files_lie_in_folders_of_a_thousand(export, tmp_path):
    plan = plan_of(export, num=5, extra_files="midi")
    manifest = bulk_sampling.sample_to_folder(plan, export, tmp_path / "out")
    names = [f"midi/0000000/{i:010d}.mid" for i in range(5)]
    assert sorted(name for name in contents(tmp_path / "out") if "midi/" in name) == names
    num_notes = []
    for name in names:
        try:
            num_notes.append(len(read_midi(tmp_path / "out" / name).notes))
        except ReadError:
            num_notes.append(0)  # a silent piece is a MIDI file without notes
    assert num_notes == [11, 12, 0, 1, 2]  # 7 * 2**32 is 11 modulo 13
    assert manifest["extra_files"] == {"files": 5, "folder": "midi"}
    assert plan.file_name(12_345) == "midi/0000012/0000012345.mid"


@pytest.mark.slow
def test_two_workers_write_the_bytes_of_one(export, tmp_path):
    bulk_sampling.sample_to_folder(plan_of(export), export, tmp_path / "one")
    bulk_sampling.sample_to_folder(plan_of(export), export, tmp_path / "two", workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.slow
def test_a_job_server_and_a_worker_pool_write_the_same(export, tmp_path):
    """What a Flink cluster's job server and its worker pools speak, with Beam's Python ones."""
    from apache_beam.runners.portability.local_job_service import LocalJobServicer
    from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer

    workers, pool = BeamFnExternalWorkerPoolServicer.start()
    jobs = LocalJobServicer()
    options = f"--job_endpoint=localhost:{jobs.start_grpc_server(0)} --environment_type=EXTERNAL"
    portable = {
        "runner": "PortableRunner",
        "beam_options": f"{options} --environment_config={workers}",
    }
    try:
        bulk_sampling.sample_to_folder(plan_of(export), export, tmp_path / "there", **portable)
    finally:
        jobs.stop()
        pool.stop(0)
    bulk_sampling.sample_to_folder(plan_of(export), export, tmp_path / "here")
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
