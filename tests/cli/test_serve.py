import pytest

from tfmusicgan.cli import serve


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        serve.main(list(arguments))
    output = capsys.readouterr()
    assert end.value.code not in (0, None)
    assert output.out == ""
    assert output.err.count("\n") == 1
    return output.err


def test_help_lists_flags_and_exits_0(capsys):
    with pytest.raises(SystemExit) as end:
        serve.main(["--help"])
    assert end.value.code == 0
    assert "--model_root=TEXT" in capsys.readouterr().out


def test_nothing_to_serve(capsys, tmp_path):
    assert "Expected one of --model_root and --model_base_path" in refused(capsys)
    both = refused(capsys, f"--model_root={tmp_path}", f"--model_base_path={tmp_path}")
    assert "Expected one of --model_root and --model_base_path" in both
    error = refused(capsys, f"--model_root={tmp_path}")
    assert str(tmp_path) in error
    assert "an empty folder. Write one with tfmusicgan-export" in error
    assert "no', which does not exist" in refused(capsys, f"--model_base_path={tmp_path}/no")


def test_bad_batch_sizes(capsys, tmp_path):
    root = f"--model_root={tmp_path}"
    error = refused(capsys, root, "--allowed_batch_sizes=2,x")
    assert "whole numbers in --allowed_batch_sizes. Received: 2,x." in error
    error = refused(capsys, root, "--allowed_batch_sizes=2,4", "--max_batch_size=8")
    assert "last entry was 4; expected 8" in error
