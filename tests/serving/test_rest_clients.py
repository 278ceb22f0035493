"""serving/clients over REST and from Node, run against the embedded server."""

import pathlib
import re
import shutil
import subprocess

import pytest
from google.protobuf import descriptor_pb2

from tests.serving import toy_models
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.serving import messages

CLIENTS = pathlib.Path(__file__).parents[2] / "serving" / "clients"


def run(folder, *command):
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=60)


def test_curl(rest_server, tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    script, server = str(CLIENTS / "curl.sh"), f"http://{rest_server.server.rest.address}"
    done = run(tmp_path, script, "toy", "200", server)
    assert (done.returncode, done.stdout) == (0, "piece_200.notes\n"), done.stderr
    assert (tmp_path / "piece_200.notes").read_bytes() == toy_models.note_sequence_bytes(200)
    done = run(tmp_path, script, "nix", "1", server)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Servable not found for request: Latest(nix)\n"
    done = run(tmp_path, script, "toy", "1", "http://127.0.0.1:1")
    assert done.returncode == 7  # curl's: could not connect
    assert run(tmp_path, script).returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["piece_200.notes"]


def test_node(rest_server, tmp_path):
    if shutil.which("node") is None or not (CLIENTS / "node" / "node_modules").is_dir():
        pytest.skip("Node's packages are not installed (npm ci --prefix serving/clients/node)")
    script = str(CLIENTS / "node" / "client.js")
    done = run(tmp_path, "node", script, rest_server.address, "toy", "3")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"piece_{seed}.notes 1 notes, 1.0 s" for seed in range(3)]
    for seed in range(3):
        written = (tmp_path / f"piece_{seed}.notes").read_bytes()
        assert written == toy_models.note_sequence_bytes(seed)
    done = run(tmp_path, "node", script, rest_server.address, "nix", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Servable not found for request: Latest(nix)\n"


# Comments, then the parts of a .proto file that matter here.
_PARTS = re.compile(
    r"(?P<opened>message|enum|oneof|service) (?P<name>\w+) \{|(?P<closed>\})|"
    r"(?:repeated )?(?P<type>map<.*?>|[\w.]+) (?P<field>\w+) = (?P<number>\d+);|"
    r"(?P<value>[A-Z_0-9]+) = (?P<value_number>\d+);"
)


def declared(file):
    """(message or enum, name) -> number, and the type's last word, of a .proto file."""
    text = re.sub(r"//.*", "", (CLIENTS / "protos" / file).read_text())
    scopes, found = [], {}
    for part in _PARTS.finditer(text):
        if part["opened"]:
            scopes.append(part["name"] if part["opened"] != "oneof" else scopes[-1])
        elif part["closed"]:
            scopes.pop()
        elif part["value"]:
            found[scopes[-1], part["value"]] = (int(part["value_number"]), "")
        elif part["type"]:
            found[scopes[-1], part["field"]] = (int(part["number"]), part["type"].split(".")[-1])
    assert not scopes
    return found


@pytest.mark.parametrize(
    ("file", "descriptors"),
    [
        ("tensor.proto", [messages.TensorProto.DESCRIPTOR, messages.TensorShapeProto.DESCRIPTOR]),
        (
            "prediction_service.proto",
            [
                messages.ModelSpec.DESCRIPTOR,
                messages.PredictRequest.DESCRIPTOR,
                messages.PredictResponse.DESCRIPTOR,
                messages.GetModelStatusRequest.DESCRIPTOR,
                messages.GetModelStatusResponse.DESCRIPTOR,
                messages.ModelVersionStatus.DESCRIPTOR,
            ],
        ),
        ("note_sequence.proto", [NoteSequence.DESCRIPTOR]),
    ],
)
def test_protos_have_the_names_numbers_and_types_of_the_real_ones(file, descriptors):
    known, enums = {}, {"DataType": messages.DataType, "State": messages.VersionState}
    for message in descriptors:
        for nested in (message, *message.nested_types):
            known |= {(nested.name, field.name): field for field in nested.fields}
    seen = declared(file)
    assert len(seen) > 5
    assert f"package {descriptors[0].file.package};" in (CLIENTS / "protos" / file).read_text()
    for (scope, name), (number, kind) in seen.items():
        if scope in enums:
            assert enums[scope].values_by_name[name].number == number
            continue
        field = known[scope, name]
        assert (field.number, field.full_name.split(".")[-2]) == (number, scope)
        if kind.startswith("map<"):
            assert field.message_type.GetOptions().map_entry
        elif field.message_type or field.enum_type:
            assert (field.message_type or field.enum_type).name == kind
        else:
            types = descriptor_pb2.FieldDescriptorProto.Type
            assert types.Name(field.type) == f"TYPE_{kind.upper()}"
