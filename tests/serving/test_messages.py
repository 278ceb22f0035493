"""The private messages against tensorflow-serving-api's own classes, byte for byte."""

import importlib.util
import pathlib
import subprocess
import sys

import pytest
import tensorflow as tf
from google.protobuf import unknown_fields
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    predict_pb2,
    prediction_log_pb2,
)

from tfmusicgan.serving import messages

ROOT = pathlib.Path(__file__).parents[2]


def stock_request():
    request = predict_pb2.PredictRequest(output_filter=["note_sequence", "a"])
    request.model_spec.name = "möß"
    request.model_spec.version.value = 0  # present though zero
    request.model_spec.signature_name = "generate"
    for key, value in (
        ("seed", [3, -1, 2**62]),
        ("qpm", [[90.5], [0.25]]),
        ("text", [b"\0x", b""]),
    ):
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    return request


def stock_response():
    response = predict_pb2.PredictResponse()
    response.model_spec.name = "m"
    response.model_spec.version.value = 12
    response.outputs["roll"].CopyFrom(tf.make_tensor_proto([[1, 200]], tf.uint8))
    response.outputs["y"].dtype = 1
    response.outputs["y"].tensor_shape.dim.add(size=3, name="rows")
    response.outputs["y"].float_val.extend([1.5, -0.0, 7.0])
    return response


def stock_metadata():
    signatures = get_model_metadata_pb2.SignatureDefMap()
    signature = meta_graph_pb2.SignatureDef(method_name="tensorflow/serving/predict")
    signature.inputs["seed"].name = "serving_default_seed:0"
    signature.inputs["seed"].dtype = 9
    signature.inputs["seed"].tensor_shape.dim.add(size=-1)
    signature.outputs["y"].tensor_shape.unknown_rank = True
    signature.defaults["qpm"].CopyFrom(tf.make_tensor_proto([120.0]))
    signatures.signature_def["serving_default"].CopyFrom(signature)
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = "m"
    response.metadata["signature_def"].Pack(signatures)
    return response


def stock_status():
    response = get_model_status_pb2.GetModelStatusResponse()
    entry = response.model_version_status.add(version=5, state=50)
    entry.status.error_code = 9
    entry.status.error_message = "no"
    response.model_version_status.add(version=4, state=30)
    return response


def stock_multi_inference():
    request = inference_pb2.MultiInferenceRequest()
    request.tasks.add(method_name="tensorflow/serving/classify").model_spec.name = "m"
    example = request.input.example_list.examples.add()
    example.features.feature["x"].float_list.value.append(2.5)
    return request


def stock_log():
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.CopyFrom(stock_request())
    return log


CASES = {
    "PredictRequest": stock_request,
    "PredictResponse": stock_response,
    "GetModelMetadataResponse": stock_metadata,
    "GetModelStatusResponse": stock_status,
    "MultiInferenceRequest": stock_multi_inference,
    "PredictionLog": stock_log,
}


@pytest.mark.parametrize("name", CASES)
def test_bytes_equal_stock_both_ways(name):
    stock = CASES[name]()
    expected = stock.SerializeToString(deterministic=True)
    ours = getattr(messages, name).FromString(expected)
    assert ours.SerializeToString(deterministic=True) == expected
    assert type(stock).FromString(ours.SerializeToString()) == stock
    assert len(unknown_fields.UnknownFieldSet(ours)) == 0


def test_fields_set_one_by_one_give_the_stock_bytes():
    ours = messages.PredictRequest(output_filter=["note_sequence", "a"])
    ours.model_spec.name = "möß"
    ours.model_spec.version.value = 0
    ours.model_spec.signature_name = "generate"
    stock = stock_request()
    for key in stock.inputs:
        ours.inputs[key].MergeFromString(stock.inputs[key].SerializeToString())
    assert ours.SerializeToString(deterministic=True) == stock.SerializeToString(deterministic=True)


def test_same_fields_as_stock_and_warmup_logs_without_session_runs():
    ours = {field.name for field in messages.PredictRequest.DESCRIPTOR.fields}
    assert ours == {field.name for field in predict_pb2.PredictRequest.DESCRIPTOR.fields}
    logs = {field.name for field in messages.PredictionLog.DESCRIPTOR.fields}
    assert "predict_log" in logs
    assert "session_run_log" not in logs


def test_a_field_left_out_of_the_descriptors_keeps_its_bytes():
    log = prediction_log_pb2.PredictionLog()
    log.session_run_log.request.model_spec.name = "m"
    expected = log.SerializeToString()
    assert messages.PredictionLog.FromString(expected).SerializeToString() == expected


def test_metadata_map_url_is_the_packed_one():
    assert stock_metadata().metadata["signature_def"].type_url == messages.SIGNATURE_DEF_MAP_URL


def test_data_type_names():
    assert messages.data_type_name(1) == "FLOAT"
    assert messages.data_type_name(7) == "STRING"
    assert messages.data_type_name(12345) == "12345"


def test_stored_descriptors_are_those_of_the_installed_packages():
    path = ROOT / "scripts/make_serving_messages.py"
    spec = importlib.util.spec_from_file_location("make_serving_messages", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.module_text() == script.OUTPUT.read_text()


def test_building_the_messages_takes_under_50_milliseconds():
    code = (
        "import time, google.protobuf.message_factory, google.protobuf.descriptor_pb2\n"
        "start = time.process_time()\n"
        "import tfmusicgan.serving.messages\n"
        "print(time.process_time() - start)\n"
    )
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(3)
    ]
    assert min(times) < 0.05
