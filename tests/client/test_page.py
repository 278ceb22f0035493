"""What serving/clients/README.md shows."""

import json
import pathlib
import re

import grpc
import pytest
from google.protobuf import json_format

from tests.client.certificates import write_certificates
from tfmusicgan.serving import messages

PAGE = pathlib.Path(__file__).parents[2] / "serving" / "clients" / "README.md"


@pytest.fixture(scope="module")
def blocks():
    """The indented or fenced blocks of the page, by their first word."""
    found = re.findall(r"```\w*\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return {block.split()[0]: block for block in found}


def test_the_settings_of_a_client(blocks, tmp_path, monkeypatch):
    write_certificates(tmp_path)
    monkeypatch.chdir(tmp_path)
    found = {}
    exec(blocks["from"], found)
    client, hasty = found["client"], found["hasty"]
    assert client.settings.retry.attempts == 3
    assert dict(client.settings.channel_arguments())["grpc.max_receive_message_length"] == 64 << 20
    assert hasty.settings.call_metadata() == (
        "jam-17",
        [("authorization", "Bearer ..."), ("x-request-id", "jam-17")],
    )
    assert (client.settings.timeout_seconds, hasty.settings.timeout_seconds) == (20, 0.5)
    client.close()


def test_what_grpcurl_sends(blocks, toy_server):
    (text,) = re.findall(r"-d '(.*)'", blocks["grpcurl"], re.DOTALL)
    address, method = blocks["grpcurl"].split()[-2:]
    assert address == "127.0.0.1:8500"
    request = json_format.Parse(text.replace("chorales", "toy"), messages.PredictRequest())
    with grpc.insecure_channel(toy_server.address) as channel:
        answer = channel.unary_unary(f"/{method}")(request.SerializeToString())
    response = messages.PredictResponse.FromString(answer)
    printed = json.loads(json_format.MessageToJson(response, preserving_proto_field_name=True))
    assert len(printed["outputs"]["note_sequence"]["string_val"]) == 2
    assert printed["model_spec"]["version"] == "3"
