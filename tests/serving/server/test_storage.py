import pytest

from tfmusicgan.errors import ExportError
from tfmusicgan.serving.server.storage import ModelSource


def make(root, *folders):
    for folder in folders:
        (root / folder).mkdir(parents=True)
    return root


def test_versions_are_whole_numbers_and_all_else_is_ignored(tmp_path):
    make(tmp_path, "a/1", "a/00000123", "a/.2.partial", "a/v3", "a/-4", "b/7", "empty", "c/x")
    (tmp_path / "a/9").write_text("a file")
    (tmp_path / "file").write_text("")
    found = ModelSource(root=str(tmp_path)).scan()
    assert {name: sorted(versions) for name, versions in found.items()} == {"a": [1, 123], "b": [7]}
    assert found["a"][123] == str(tmp_path / "a/00000123")


def test_versions_are_of_64_bits(tmp_path, caplog):
    make(tmp_path, "m/1764000000123456789", "m/9223372036854775807", "m/" + "0" * 30 + "7")
    make(tmp_path, "m/9223372036854775808", "m/10000000000000000000", "m/0")
    source = ModelSource(root=str(tmp_path))
    assert sorted(source.scan()["m"]) == [0, 7, 1764000000123456789, 2**63 - 1]
    source.scan()
    warnings = [record.getMessage() for record in caplog.records]
    assert sorted(warnings) == [
        f"{tmp_path}/m/{name} is no version: the highest possible one is 9223372036854775807"
        for name in ("10000000000000000000", "9223372036854775808")
    ]


def test_single_model(tmp_path):
    make(tmp_path, "4", "5")
    source = ModelSource(name="m", base_path=str(tmp_path))
    assert source.scan() == {"m": {4: str(tmp_path / "4"), 5: str(tmp_path / "5")}}
    source.require_models()


def test_missing_root(tmp_path):
    for source in (
        ModelSource(root=str(tmp_path / "no")),
        ModelSource(name="m", base_path=str(tmp_path / "no")),
    ):
        with pytest.raises(ExportError, match=r"no', which does not exist.*tfmusicgan-export"):
            source.require_models()


def test_nothing_to_serve(tmp_path):
    with pytest.raises(ExportError, match=r"one folder per model.*an empty folder.*-export"):
        ModelSource(root=str(tmp_path)).require_models()
    make(tmp_path, "a", "b", "c", "d", "e", "f")
    with pytest.raises(ExportError, match="holds a, b, c, d, e and 1 more"):
        ModelSource(root=str(tmp_path)).require_models()
    with pytest.raises(ExportError, match=r"version folders .*/1/saved_model.pb"):
        ModelSource(name="m", base_path=str(tmp_path)).require_models()


def test_a_model_given_as_root_names_the_right_one(tmp_path):
    make(tmp_path, "models/chorales/1")
    with pytest.raises(ExportError, match=rf"use --model_root={tmp_path}/models\."):
        ModelSource(root=str(tmp_path / "models/chorales")).require_models()
