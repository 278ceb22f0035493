"""The client: light, exact, patient within its deadline."""

import json
import pickle
import subprocess
import sys
import time

import grpc
import numpy as np
import pytest

from tests.client.fake_server import fickle
from tests.serving import toy_models
from tfmusicgan.client import MusicClient, ServingError, requests
from tfmusicgan.errors import ConfigError

LIGHT = """
import json, sys, time
start = time.process_time()  # not the clock's: other processes share the machine
from tfmusicgan.client import AsyncMusicClient, MusicClient
seconds = time.process_time() - start
with MusicClient(sys.argv[1]) as client:
    pieces = client.generate("toy", [5, 9], qpm=90, threshold=0.5)
    phrases = client.stream_phrases("toy", 1, 2)
forbidden = ("tensorflow", "tensorflow_serving", "note_seq", "pretty_midi", "librosa")
print(json.dumps({
    "seconds": seconds,
    # Not getrusage: that peak is inherited from the process that started this one.
    "megabytes": int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) / 1024,
    "forbidden": [name for name in forbidden if name in sys.modules],
    "pitches": [piece.notes[0].pitch for piece in pieces],
}))
"""


def test_a_fresh_process_is_light(toy_server):
    runs = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", LIGHT, toy_server.address], capture_output=True, check=True
        )
        runs.append(json.loads(done.stdout))
    assert [run["pitches"] for run in runs] == [[5, 9]] * 2
    assert runs[0]["forbidden"] == []
    assert runs[0]["megabytes"] < 100
    assert min(run["seconds"] for run in runs) < 0.5


@pytest.fixture
def client(toy_server):
    with MusicClient(toy_server.address, max_rows=5, max_concurrency=3) as client:
        yield client


def test_predict(client):
    inputs = {
        "seed": np.array([3, 300]),
        "qpm": np.array([1.5, 2.0], np.float32),
        "threshold": np.array([0.25, 0.5], np.float32),
    }
    outputs = client.predict("toy", inputs, "generate")
    assert sorted(outputs) == ["note_sequence", "piano_roll", "value"]
    assert outputs["value"].dtype == np.float32
    assert outputs["value"].tolist() == [[6.0, 0.25], [304.0, 0.5]]
    assert outputs["piano_roll"].dtype == np.uint8
    assert outputs["piano_roll"].tolist() == [[3, 4, 5], [44, 45, 46]]
    assert outputs["note_sequence"][1] == toy_models.note_sequence_bytes(44)
    only = client.predict("toy", inputs, "generate", version=3, output_filter=["value"])
    assert list(only) == ["value"]


def test_generate_splits_and_keeps_the_order(client, toy_server, monkeypatch):
    seeds = [int(seed) for seed in np.random.default_rng(3).integers(0, 2**40, 23)]
    pieces = client.generate("toy", seeds)
    assert [piece.notes[0].pitch for piece in pieces] == [seed % 128 for seed in seeds]
    sizes = []
    predict = requests.predict
    monkeypatch.setattr(
        requests,
        "predict",
        lambda m, i, *rest: (sizes.append(len(i["seed"])), predict(m, i, *rest))[1],
    )
    client.generate("toy", seeds, qpm=1.0, threshold=[0.5] * 23)
    assert sorted(sizes) == [3, 5, 5, 5, 5]
    assert client.generate("toy", []) == []


def test_generate_errors(client):
    with pytest.raises(ConfigError, match=r"Unknown control 'tempo'. Known: qpm, threshold."):
        client.generate("toy", [1], tempo=3)
    with pytest.raises(ConfigError, match=r"no default: qpm, threshold. Missing: threshold."):
        client.generate("toy", [1], qpm=3)
    with pytest.raises(ConfigError, match=r"Unknown signature 'sing'. Known: bfloat16, "):
        client.generate("toy", [1], signature="sing", qpm=3)
    with pytest.raises(ConfigError, match=r"Unknown signature 'accompany'. Known: bfloat16, "):
        client.accompany("toy", [1], b"")
    with pytest.raises(ServingError, match="NOT_FOUND: Servable not found for request: Latest"):
        client.generate("nix", range(30))


def test_metadata(client):
    metadata = client.metadata("toy")
    assert "__saved_model_init_op" not in metadata
    assert metadata["generate"] == {
        "inputs": {
            "qpm": ("float", (-1,)),
            "seed": ("int64", (-1,)),
            "threshold": ("float", (-1,)),
        },
        "outputs": {
            "note_sequence": ("string", (-1,)),
            "piano_roll": ("uint8", (-1, 3)),
            "value": ("float", (-1, 2)),
        },
        "defaults": {},
    }


def test_status_and_readiness(client):
    assert client.status("toy") == {3: ("AVAILABLE", "")}
    assert client.status("toy", version=3) == {3: ("AVAILABLE", "")}
    assert client.wait_until_ready("toy", 5) == 3
    start = time.monotonic()
    with pytest.raises(ServingError, match="Could not find any versions of model nix"):
        client.wait_until_ready("nix", 0.3)
    assert 0.25 < time.monotonic() - start < 5


def test_refusals_carry_code_and_text(client, toy_server):
    with pytest.raises(ServingError) as refusal:
        client.predict("toy", {"seed": np.array([1])}, label="stable")
    error = pickle.loads(pickle.dumps(refusal.value))
    assert error.code == grpc.StatusCode.INVALID_ARGUMENT
    assert error.details == "Unrecognized servable version label: stable"
    assert str(error) == f"{toy_server.address}: INVALID_ARGUMENT: {error.details}"
    with pytest.raises(ConfigError, match=r"a version or a label. Received: 3 and 'stable'"):
        client.predict("toy", {}, version=3, label="stable")


def test_runtime_errors_are_one_line(client):
    with pytest.raises(ServingError) as refusal:
        client.predict("toy", {"x": np.ones((1, 9), np.float32)}, "matmul")
    assert "\n" in refusal.value.details
    assert "\n" not in str(refusal.value)


def test_bad_settings():
    for seconds in (0, -1, float("inf"), float("nan"), "5", None):
        with pytest.raises(ConfigError, match="timeout_seconds above 0 and finite"):
            MusicClient("localhost:1", timeout_seconds=seconds)
    with pytest.raises(ConfigError, match="max_concurrency and max_rows of 1 or more"):
        MusicClient("localhost:1", max_rows=0)
    with pytest.raises(ConfigError, match=r"1 or more. Received: '4' and 32\."):
        MusicClient("localhost:1", max_concurrency="4")
    with MusicClient("localhost:1") as client, pytest.raises(ConfigError, match=r"above 0 .*'5'"):
        client.wait_until_ready("m", "5")
    with pytest.raises(ConfigError, match=r"host:port. Received: an empty"):
        MusicClient("")


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED])
def test_overload_is_tried_again_with_growing_pauses(code):
    with fickle(3, code) as server, MusicClient(server.address) as client:
        assert client.predict("m", {})["y"].shape == (2**21,)
    pauses = np.diff(server.times)
    assert len(pauses) == 3
    for pause, middle in zip(pauses, (0.1, 0.2, 0.4), strict=True):
        assert 0.5 * middle <= pause < 1.5 * middle + 0.2


@pytest.mark.parametrize("code", [grpc.StatusCode.NOT_FOUND, grpc.StatusCode.DEADLINE_EXCEEDED])
def test_other_refusals_are_final(code):
    with fickle(1, code) as server, MusicClient(server.address) as client:
        with pytest.raises(ServingError, match=f"{code.name}: busy"):
            client.predict("m", {})
        assert len(server.times) == 1


def test_tries_end_after_five_or_at_the_deadline():
    with fickle(99) as server:
        with MusicClient(server.address) as client, pytest.raises(ServingError, match="busy"):
            client.predict("m", {})
        assert len(server.times) == 5
        server.times.clear()
        start = time.monotonic()
        with (
            MusicClient(server.address, timeout_seconds=0.3) as client,
            pytest.raises(ServingError, match="busy"),
        ):
            client.predict("m", {})
        assert time.monotonic() - start < 0.5
        assert len(server.times) < 5


def test_a_server_that_is_not_there():
    start = time.monotonic()
    with (
        MusicClient("127.0.0.1:1", timeout_seconds=0.5) as client,
        pytest.raises(ServingError, match=r"127.0.0.1:1: UNAVAILABLE: .*onnect"),
    ):
        client.status("m")
    assert time.monotonic() - start < 2


def test_waiting_for_a_version_that_never_comes():
    with (
        fickle(state=20) as server,
        MusicClient(server.address) as client,
        pytest.raises(ServingError, match=r"DEADLINE_EXCEEDED: m is not available after 0.2 s"),
    ):
        client.wait_until_ready("m", 0.2)
