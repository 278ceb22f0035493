"""Which versions are wanted, and in which order they come and go."""

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import file_system_storage_path_source_pb2

from tfmusicgan.serving.server.version_policy import Step, VersionPolicy, next_step

ON_DISK = {3: "/m/3", 12: "/m/12", 7: "/m/007", 40: "/m/40"}


def policy(text):
    """Through the stock message, not ours."""
    config = file_system_storage_path_source_pb2.FileSystemStoragePathSourceConfig
    return VersionPolicy.from_message(text_format.Parse(text, config.ServableVersionPolicy()))


@pytest.mark.parametrize(
    ("text", "versions"),
    [
        ("", [40]),
        ("latest {}", [40]),
        ("latest { num_versions: 0 }", [40]),
        ("latest { num_versions: 3 }", [7, 12, 40]),
        ("latest { num_versions: 9 }", [3, 7, 12, 40]),
        ("all {}", [3, 7, 12, 40]),
        ("specific { versions: 7 versions: 3 versions: 8 }", [3, 7]),
        ("specific {}", []),
    ],
)
def test_wanted(text, versions):
    wanted = policy(text).wanted(ON_DISK)
    assert sorted(wanted) == versions
    assert all(wanted[number] == ON_DISK[number] for number in versions)


def test_missing():
    assert policy("specific { versions: 7 versions: 9 versions: 8 }").missing(ON_DISK) == [8, 9]
    assert policy("latest { num_versions: 9 }").missing(ON_DISK) == []


@pytest.mark.parametrize(
    ("available", "wanted", "loadable", "step"),
    [
        ({}, {5}, {5}, (Step.LOAD, 5)),
        ({}, {2, 5}, {2, 5}, (Step.LOAD, 5)),  # the highest first
        ({1}, {2}, {2}, (Step.LOAD, 2)),  # the old one answers until the new one does
        ({1, 2}, {2}, (), (Step.UNLOAD, 1)),
        ({1}, {2}, (), None),  # the new one failed
        ({1, 3}, {4}, {4}, (Step.UNLOAD, 1)),  # one old version is enough
        ({1, 2, 3}, {3, 4}, {4}, (Step.UNLOAD, 1)),  # unloads come before loads
        ({4, 9}, (), (), (Step.UNLOAD, 4)),
        ({9}, (), (), (Step.UNLOAD, 9)),
        ({9}, {9}, (), None),
    ],
)
def test_next_step(available, wanted, loadable, step):
    assert next_step(set(available), set(wanted), set(loadable)) == step
