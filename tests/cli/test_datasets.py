"""tfmusicgan-datasets, in process."""

import pytest

from tfmusicgan import datasets as datasets_module
from tfmusicgan.cli import datasets


def _run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        datasets.main(list(arguments))
    captured = capsys.readouterr()
    return ended.value.code or 0, captured.out, captured.err


def test_the_list(capsys):
    status, out, _ = _run(capsys)
    assert status == 0
    rows = {line.split()[0]: line for line in out.splitlines()}
    assert list(rows) == datasets_module.names()
    assert rows["bach_chorales"].endswith("2.1 MB")
    assert rows["lakh_clean"].endswith("234.3 MB to download")
    assert rows["nottingham"].endswith("1.8 MB to download")


def test_a_description_has_source_licence_size_and_command(capsys):
    status, out, _ = _run(capsys, "--describe=bach_chorales")
    assert status == 0
    rows = {line.split()[0]: line for line in out.splitlines() if line}
    assert "github.com/cuthbertLab/music21" in rows["Source"]
    assert "public domain" in rows["Licence"]
    assert rows["Size"].endswith("2.1 MB")
    assert "tfmusicgan-convert --recipe=musegan_hybrid_chorales" in rows["Command"]


def test_an_unknown_dataset_is_one_line(capsys):
    status, out, err = _run(capsys, "--describe=lark")
    assert (status, out) == (1, "")
    known = ", ".join(datasets_module.names())
    assert err == f"tfmusicgan-datasets: Unknown dataset 'lark'. Known: {known}.\n"


def test_cards_are_written(capsys, tmp_path):
    status, out, _ = _run(capsys, f"--write_cards={tmp_path}")
    assert status == 0
    paths = [tmp_path / f"{name}.md" for name in datasets_module.names()]
    assert sorted(tmp_path.iterdir()) == paths
    assert out.splitlines() == [str(path) for path in paths]
    status, _, err = _run(capsys, f"--write_cards={tmp_path / 'none'}")
    assert status == 1 and "No such file or directory" in err
