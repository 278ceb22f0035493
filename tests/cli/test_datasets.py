"""tfmusicgan-datasets, in process."""

import pytest

from tfmusicgan.cli import datasets


def _run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        datasets.main(list(arguments))
    captured = capsys.readouterr()
    return ended.value.code or 0, captured.out, captured.err


def test_the_list(capsys):
    status, out, _ = _run(capsys)
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["bach_chorales", "midi"]
    assert "2.1 MB" in out


def test_a_description_has_source_licence_size_and_command(capsys):
    status, out, _ = _run(capsys, "--describe=bach_chorales")
    assert status == 0
    rows = {line.split()[0]: line for line in out.splitlines() if line}
    assert "github.com/cuthbertLab/music21" in rows["Source"]
    assert "public domain" in rows["Licence"]
    assert rows["Size"].endswith("2.1 MB")
    assert "tfmusicgan-convert --recipe=musegan_hybrid_chorales" in rows["Command"]


def test_an_unknown_dataset_is_one_line(capsys):
    status, out, err = _run(capsys, "--describe=lakh")
    assert (status, out) == (1, "")
    assert err == "tfmusicgan-datasets: Unknown dataset 'lakh'. Known: bach_chorales, midi.\n"


def test_cards_are_written(capsys, tmp_path):
    status, out, _ = _run(capsys, f"--write_cards={tmp_path}")
    assert status == 0
    assert {path.name for path in tmp_path.iterdir()} == {"bach_chorales.md", "midi.md"}
    assert out.splitlines() == [str(tmp_path / "bach_chorales.md"), str(tmp_path / "midi.md")]
    status, _, err = _run(capsys, f"--write_cards={tmp_path / 'none'}")
    assert status == 1 and "No such file or directory" in err
