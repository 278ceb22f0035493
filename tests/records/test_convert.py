"""The conversion: the same bytes whatever runs it, resumable, and whole or not at all."""

import dataclasses
import json

import pytest

from tests.records.pieces import GRID, OPTIONS, assert_same, write_pieces
from tfmusicgan import datasets
from tfmusicgan.errors import ConfigError, MusicGanError, RecordsError
from tfmusicgan.records import convert as convert_module
from tfmusicgan.records import convert_shard
from tfmusicgan.records.convert import convert, dry_run
from tfmusicgan.records.filters import PieceFilters
from tfmusicgan.records.manifest import Manifest
from tfmusicgan.records.schema import bytes_to_example
from tfmusicgan.records.shard_file import file_digest, read_shard

MIDI = datasets.get("midi")


def _examples(records, split="train"):
    for path in sorted(records.glob(f"{split}-*")):
        for record in read_shard(path):
            yield bytes_to_example(record, GRID.spec)


def test_every_phrase_is_there_once(records):
    manifest = Manifest.read(records)
    origins = []
    for split in ("train", "validation", "test"):
        found = [origin for _, origin in _examples(records, split)]
        assert len(found) == manifest.num_examples(split) > 0
        assert len({origin.piece for origin in found}) == manifest.num_pieces(split)
        origins += found
    expected = {(f"album/song_{i:03d}.mid", i, k) for i in range(20) for k in range(4)}
    assert {dataclasses.astuple(origin) for origin in origins} == expected
    assert len(origins) == 80


def test_examples_are_those_of_the_representation(records, music):
    from tfmusicgan.note_sequences.midi import read_midi

    for example, origin in _examples(records, "validation"):
        phrases = GRID.encode(read_midi(music / origin.piece))
        assert (example["piano_roll"] == phrases[origin.phrase_index]["piano_roll"]).all()


def test_the_manifest_says_what_is_on_disk(records):
    manifest = Manifest.read(records)
    listed = {shard.file for shards in manifest.shards.values() for shard in shards}
    assert listed | {"manifest.json", "report.json"} == {p.name for p in records.iterdir()}
    for shard in manifest.shards["train"]:
        assert shard.num_bytes == (records / shard.file).stat().st_size
        assert shard.sha256 == file_digest(records / shard.file)
        assert shard.num_notes == shard.num_pieces * 3 * 64
        assert shard.num_unpacked_bytes == sum(
            len(record) + 16 for record in read_shard(records / shard.file)
        )
    assert manifest.sources["num_read"] == 20
    assert manifest.representation["name"] == "multitrack_piano_roll"
    assert manifest.fields["piano_roll"]["stored_bytes"] == 72
    report = json.loads((records / "report.json").read_text())
    assert len(report["sources"]) == 20 and report["dropped"] == []


def test_two_runs_and_two_workers_give_the_same_bytes(records, music, tmp_path):
    convert(MIDI, OPTIONS, tmp_path / "again", [str(music)])
    assert_same(records, tmp_path / "again")
    convert(MIDI, OPTIONS, tmp_path / "workers", [str(music)], num_workers=2)
    assert_same(records, tmp_path / "workers")


def test_another_runner_gives_the_same_bytes(records, music, tmp_path):
    runner = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
    options = "--direct_num_workers=2 --direct_running_mode=multi_threading"
    output = tmp_path / "threads"
    convert(MIDI, OPTIONS, output, [str(music)], runner=runner, beam_options=options)
    assert_same(records, output)


@pytest.mark.parametrize("num_workers", [1, 2])
def test_bad_files_are_named_and_the_run_goes_on(tmp_path, num_workers):
    music = write_pieces(tmp_path / "m", 4)
    good = (music / "album/song_000.mid").read_bytes()
    (music / "truncated.mid").write_bytes(good[: len(good) // 2])
    (music / "noise.mid").write_bytes(bytes(range(256)) * 4)
    (music / "empty.mid").write_bytes(b"")
    (music / "picture.mid").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    manifest = convert(MIDI, OPTIONS, tmp_path / "out", [str(music)], num_workers=num_workers)
    assert sum(manifest.num_pieces(split) for split in manifest.shards) == 4
    named = [name for drop in manifest.drops.values() for name in drop.names]
    assert sorted(named) == ["empty.mid", "noise.mid", "picture.mid", "truncated.mid"]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [drop["name"] for drop in report["dropped"]] == sorted(named)
    assert all(drop["message"] for drop in report["dropped"])


def test_when_nothing_can_be_read_nothing_is_written(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "noise.mid").write_bytes(bytes(range(256)))
    with pytest.raises(
        MusicGanError, match=r"No example came out of 1 pieces: 1 \w+ \(noise.mid\)"
    ):
        convert(MIDI, OPTIONS, tmp_path / "out", [str(tmp_path / "m")])
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize(
    ("filters", "flags"),
    [
        (PieceFilters(keys=("C",)), "--keys="),
        (PieceFilters(transpose="tonic"), "--transpose="),
        (PieceFilters(keys=("C",), transpose="tonic"), "--keys= --transpose="),
    ],
)
def test_pieces_without_a_key_and_the_way_out(music, tmp_path, filters, flags):
    options = dataclasses.replace(OPTIONS, filters=filters)
    with pytest.raises(MusicGanError) as error:
        convert(MIDI, options, tmp_path / "out", [str(music)])
    message = str(error.value)
    assert message.startswith("No example came out of 20 pieces: 20 no_key (album/song_000.mid). ")
    assert f" Pieces that name no key pass with {flags}. Try --dry_run" in message


def test_augmentation_is_in_the_training_split_alone(music, tmp_path):
    filters = PieceFilters(transpose="-1:1")
    options = dataclasses.replace(OPTIONS, filters=filters)
    manifest = convert(MIDI, options, tmp_path / "out", [str(music)])
    plain = {origin.piece for _, origin in _examples(tmp_path / "out", "validation")}
    assert not any("+" in name or name.endswith("-1") for name in plain)
    names = {origin.piece for _, origin in _examples(tmp_path / "out")}
    originals = {name for name in names if name.endswith(".mid")}
    assert names == originals | {f"{n}-1" for n in originals} | {f"{n}+1" for n in originals}
    assert manifest.num_pieces("train") == 3 * len(originals)


def test_a_copy_that_does_not_fit_loses_no_other(tmp_path):
    from tests.records.pieces import piece
    from tfmusicgan.note_sequences.midi import to_midi_bytes

    high = piece(0)
    high.notes.add(pitch=127, velocity=80, start_time=0, end_time=1, program=0)
    (tmp_path / "m").mkdir()
    (tmp_path / "m/high.mid").write_bytes(to_midi_bytes(high))
    options = dataclasses.replace(OPTIONS, split=(1, 0, 0), filters=PieceFilters(transpose="-1:2"))
    manifest = convert(MIDI, options, tmp_path / "out", [str(tmp_path / "m")])
    assert manifest.num_pieces("train") == 2
    assert manifest.drops["pitch_out_of_range"].names == ("high.mid+1", "high.mid+2")


def test_dry_run_counts_what_a_run_keeps_and_writes_nothing(music, records, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    counted, written = dry_run(MIDI, OPTIONS, [str(music)]), Manifest.read(records)
    for split in ("train", "validation", "test"):
        assert counted.num_examples(split) == written.num_examples(split)
        assert counted.num_pieces(split) == written.num_pieces(split)
    assert list(tmp_path.iterdir()) == []
    strict = dataclasses.replace(OPTIONS, filters=PieceFilters(keys=("C",)))
    assert dry_run(MIDI, strict, [str(music)]).drops["no_key"].num_pieces == 20


def test_arguments_out_of_range(music, tmp_path):
    with pytest.raises(ConfigError, match=r"Expected at least 1 worker. Received: 0"):
        convert(MIDI, OPTIONS, tmp_path / "a", [str(music)], num_workers=0)
    with pytest.raises(ConfigError, match=r"Beam has no runner 'Nowhere' here"):
        convert(MIDI, OPTIONS, tmp_path / "b", [str(music)], runner="Nowhere")
    with pytest.raises(ConfigError, match=r"--workers is for the embedded runner. Received: 2"):
        convert(MIDI, OPTIONS, tmp_path / "c", [str(music)], runner="DirectRunner", num_workers=2)


def test_bad_beam_options(music, tmp_path):
    for options, message in (
        ("--a='b", r"--beam_options: No closing quotation. Received: "),
        (
            "--direct_num_workers=few",
            r"--beam_options: argument --direct_num_workers.* invalid",
        ),
    ):
        for runner in ("embedded", "DirectRunner"):
            with pytest.raises(ConfigError, match=message):
                convert(
                    MIDI,
                    OPTIONS,
                    tmp_path / "out",
                    [str(music)],
                    runner=runner,
                    beam_options=options,
                )


def test_a_runner_that_leaves_a_shard_out_is_noticed(music, tmp_path, monkeypatch):
    monkeypatch.setattr(convert_module, "run_all", lambda *_, **__: None)
    with pytest.raises(RecordsError, match=r"Expected .*stats.json after the run"):
        convert(MIDI, OPTIONS, tmp_path / "out", [str(music)])


def test_max_phrases_are_spread_over_the_piece():
    assert convert_shard._spread(list(range(10)), 4) == [0, 2, 5, 7]
    assert convert_shard._spread(list(range(3)), 4) == [0, 1, 2]
    assert convert_shard._spread(list(range(3)), 0) == [0, 1, 2]


def test_phrases_left_out_of_a_kept_piece_are_counted(tmp_path):
    from tests.records.pieces import piece
    from tfmusicgan.note_sequences.midi import to_midi_bytes

    gap = piece(0, bars=8)
    kept = [note for note in gap.notes if note.start_time < 4 or note.start_time >= 14]
    del gap.notes[:]
    gap.notes.extend(kept)
    (tmp_path / "m").mkdir()
    (tmp_path / "m/gap.mid").write_bytes(to_midi_bytes(gap))
    options = dataclasses.replace(OPTIONS, split=(1, 0, 0))
    manifest = dry_run(MIDI, options, [str(tmp_path / "m")])
    # Of the phrases at bars 0, 2, 4 and 6 the second and the third are silent.
    assert manifest.num_examples("train") == 2
    drop = manifest.drops["too_few_notes"]
    assert (drop.num_pieces, drop.num_phrases, drop.names) == (0, 2, ())


def test_the_manifest_names_a_few_drops_and_the_report_all(tmp_path):
    music = write_pieces(tmp_path / "m", 1)
    for index in range(12):
        (music / f"noise_{index:02d}.mid").write_bytes(bytes([index, 1, 2]))
    manifest = convert(MIDI, OPTIONS, tmp_path / "out", [str(music)])
    (drop,) = manifest.drops.values()
    names = [f"noise_{index:02d}.mid" for index in range(12)]
    assert drop.num_pieces == 12 and list(drop.names) == names[:10]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [dropped["name"] for dropped in report["dropped"]] == names
