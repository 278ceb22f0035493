"""One line for each request, whichever way it comes."""

import datetime
import json
import time

import grpc
import pytest
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tests.serving.server import http_calls
from tfmusicgan.errors import ConfigError
from tfmusicgan.serving.server.request_log import RequestLog, usable_id

HEADER = "x-request-id"


@pytest.fixture
def line(request_log):
    """The line of a request, waited for."""

    def find(request_id):
        for _ in range(100):
            for text in request_log.read_text().splitlines():
                entry = json.loads(text)
                if entry["request_id"] == request_id:
                    return entry
            time.sleep(0.02)
        raise AssertionError(f"no line of {request_id}")

    return find


def test_grpc(rest_server, line):
    stub = prediction_service_pb2_grpc.PredictionServiceStub(rest_server.channel)
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "toy"
    request.inputs["seed"].dtype = 9
    request.inputs["seed"].int64_val.extend([4, 5])
    request.inputs["seed"].tensor_shape.dim.add(size=2)
    _, call = stub.Predict.with_call(request, timeout=20, metadata=[(HEADER, "mine-1")])
    assert (HEADER, "mine-1") in call.trailing_metadata()
    entry = line("mine-1")
    moment = datetime.datetime.fromisoformat(entry.pop("time"))
    assert abs(datetime.datetime.now(datetime.UTC) - moment) < datetime.timedelta(minutes=5)
    assert 0 < entry.pop("ms") < 20_000
    assert entry == {
        "request_id": "mine-1",
        "entrypoint": "GRPC",
        "method": "Predict",
        "model": "toy",
        "version": 3,
        "signature": "serving_default",
        "rows": 2,
        "code": "OK",
    }
    request.model_spec.signature_name = "sing"
    with pytest.raises(grpc.RpcError) as refusal:
        stub.Predict(request, timeout=20)
    ((_, made),) = [item for item in refusal.value.trailing_metadata() if item[0] == HEADER]
    assert len(made) == 16
    entry = line(made)
    assert (entry["code"], entry["version"], entry["rows"]) == ("FAILED_PRECONDITION", None, None)


def test_rest(rest_server, line):
    def ask(body, sent):
        address = rest_server.server.rest.address
        answer = http_calls.call(
            address, "POST", "/v1/models/toy/versions/3:predict", body, {HEADER: sent}
        )
        return answer.headers[HEADER]

    assert ask({"instances": [1, 2, 3]}, "mine-2") == "mine-2"
    entry = line("mine-2")
    assert (entry["entrypoint"], entry["method"], entry["rows"]) == ("REST", "predict", 3)
    assert (entry["version"], entry["signature"], entry["code"]) == (3, "serving_default", "OK")
    made = ask(b"", "two words")
    assert len(made) == 16
    assert line(made)["code"] == "INVALID_ARGUMENT"


def test_abandoned_requests(rest_server, line):
    stub = rest_server.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "toy"
    request.model_spec.signature_name = "slow"
    request.inputs["steps"].dtype = 9
    request.inputs["steps"].int64_val.append(10**9)
    request.inputs["steps"].tensor_shape.dim.add(size=1)
    message = request.SerializeToString()
    with pytest.raises(grpc.RpcError):
        stub(message, timeout=0.3, metadata=[(HEADER, "late")])
    assert line("late")["code"] == "DEADLINE_EXCEEDED"
    future = stub.future(message, timeout=20, metadata=[(HEADER, "gone")])
    time.sleep(0.2)
    future.cancel()
    assert line("gone")["code"] == "CANCELLED"


def test_without_a_log_answers_carry_no_id(toy_server):
    send = toy_server.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    with pytest.raises(grpc.RpcError) as refusal:
        send(b"", timeout=20, metadata=[(HEADER, "mine")])
    assert HEADER not in dict(refusal.value.trailing_metadata())


@pytest.mark.parametrize("sent", [None, b"bytes", "", "two words", "line\nbreak", "x" * 129, "ö"])
def test_ids_that_are_replaced(sent):
    first, second = usable_id(sent), usable_id(sent)
    assert first != second
    assert len(first) == 16


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(ConfigError, match=r"Could not write the request log .*--request_log"):
        RequestLog(str(tmp_path / "missing" / "log"))


def test_lines_are_appended_and_rotation_by_copying_works(tmp_path):
    path = tmp_path / "log"
    path.write_text("earlier\n")
    log = RequestLog(str(path))
    log.add(0.0, code="OK")
    for _ in range(100):
        if "OK" in path.read_text():
            break
        time.sleep(0.02)
    assert path.read_text() == 'earlier\n{"time": "1970-01-01T00:00:00.000Z", "code": "OK"}\n'
    path.write_text("")
    log.add(1.5, code="OK")
    log.close()
    assert path.read_text() == '{"time": "1970-01-01T00:00:01.500Z", "code": "OK"}\n'


def test_standard_output(capsys):
    log = RequestLog("-")
    log.add(0.0, code="OK", model="ä")
    log.close()
    line = '{"time": "1970-01-01T00:00:00.000Z", "code": "OK", "model": "\\u00e4"}\n'
    assert capsys.readouterr().out == line
    print("still open")
