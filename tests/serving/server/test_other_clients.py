"""Clients that others wrote for TensorFlow Serving, unchanged, each in a process of its own.

ovmsclient is OpenVINO Model Server's, min-tfs-client sends and reads the typed fields of tensors
alone. Both bring messages of their own along, which are older than the server's.
"""

import json
import os
import subprocess
import sys
import sysconfig

import pytest

from tests.serving import toy_models

_OVMS = """
import json, sys
import numpy as np
from ovmsclient import make_grpc_client
from ovmsclient.tfs_compat.base import errors

client = make_grpc_client(sys.argv[1])
found = {"status": client.get_model_status("toy", 3)}
described = client.get_model_metadata("toy", 3)
found["metadata"] = [described["model_version"], described["inputs"], described["outputs"]]
texts = client.predict({"seed": np.array([5, 300])}, "toy", 3, timeout=60)
found["texts"] = [text.hex() for text in texts.tolist()]
found["refusals"] = []
for name, version, inputs in (
    ("nix", 3, {"seed": np.array([5])}),
    ("toy", 4, {"seed": np.array([5])}),
    ("toy", 0, {"seed": np.array([5])}),  # it sends 0 where others send no version
    ("toy", 3, {"sed": np.array([5])}),
    ("toy", 3, {"seed": np.array([5.5])}),
):
    try:
        client.predict(inputs, name, version, timeout=60)
    except errors.ModelServerError as error:
        text = str(error).removeprefix("Error occurred during handling the request: ")
        found["refusals"].append([type(error).__name__, text])
print(json.dumps(found))
"""

_MIN_TFS_CLIENT = """
import json, sys
import grpc
import numpy as np
from min_tfs_client.requests import TensorServingClient

host, port = sys.argv[1].split(":")
client = TensorServingClient(host, int(port))
found = {}
for version in (None, 3):
    answer = client.predict_request("toy", {"seed": np.array([5, 300])}, 60, version)
    found[str(version)] = [
        answer.model_spec.version.value,
        # Not by its tensor_proto_to_ndarray, which takes all strings for ASCII.
        [text.hex() for text in answer.outputs["note_sequence"].string_val],
    ]
for name, array in (("nix", np.array([5])), ("toy", np.array([5], np.int32))):
    try:
        client.predict_request(name, {"seed": array}, 60)
    except grpc.RpcError as error:
        found[name] = [error.code().name, error.details()]
print(json.dumps(found))
"""
# A folder of its own, since it brings a package `tensorflow` along; scripts/test.sh fills it.
_FOLDER = os.path.join(sys.prefix, "min_tfs_client")
_COMMAND = f"pip install --no-deps --target={_FOLDER} min-tfs-client==1.0.2 protobuf==3.20.3"


def _run(code, address, *arguments, **variables):
    done = subprocess.run(
        [sys.executable, *arguments, "-c", code, address],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _music(*seeds):
    return [toy_models.note_sequence_bytes(seed % 128).hex() for seed in seeds]


def test_ovmsclient(toy_server):
    found = _run(_OVMS, toy_server.address)
    assert found["status"] == {"3": {"error_code": 0, "error_message": "", "state": "AVAILABLE"}}
    assert found["metadata"] == [
        3,
        {"seed": {"dtype": "DT_INT64", "shape": [-1]}},
        {"note_sequence": {"dtype": "DT_STRING", "shape": [-1]}},
    ]
    assert found["texts"] == _music(5, 300)
    assert found["refusals"] == [
        ["ModelNotFoundError", "Servable not found for request: Specific(nix, 3)"],
        ["ModelNotFoundError", "Servable not found for request: Specific(toy, 4)"],
        ["ModelNotFoundError", "Servable not found for request: Specific(toy, 0)"],
        ["InvalidInputError", found["refusals"][3][1]],
        ["InvalidInputError", "Expects arg[0] to be int64 but double is provided"],
    ]
    assert found["refusals"][3][1].startswith("Signature input alias: seed(feed name: serving_def")


@pytest.mark.skipif(not os.path.isdir(_FOLDER), reason=f"min-tfs-client is missing: {_COMMAND}")
def test_min_tfs_client(toy_server):
    # Its generated code is from before protobuf 3.20, and wants protobuf's Python half.
    variables = {
        # Behind its own packages, gRPC and NumPy.
        "PYTHONPATH": os.pathsep.join([_FOLDER, sysconfig.get_path("purelib")]),
        "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python",
    }
    found = _run(_MIN_TFS_CLIENT, toy_server.address, "-S", **variables)
    assert found == {
        "None": [3, _music(5, 300)],
        "3": [3, _music(5, 300)],
        "nix": ["NOT_FOUND", "Servable not found for request: Latest(nix)"],
        "toy": ["INVALID_ARGUMENT", "Expects arg[0] to be int64 but int32 is provided"],
    }
