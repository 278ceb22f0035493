"""PredictionService and ModelService, by their names on the wire.

The generated service modules of tensorflow-serving-api cannot be imported beside protobuf 4, so the
methods are registered by name; stock stubs call them all the same.
"""

import asyncio
from collections.abc import Awaitable, Callable

import grpc
from google.protobuf.message import DecodeError

from tfmusicgan.serving import messages
from tfmusicgan.serving.server import examples, predict, recording, reload, request_log, statuses
from tfmusicgan.serving.server.manager import ModelManager
from tfmusicgan.serving.server.recording import Call, Recorder
from tfmusicgan.serving.server.statuses import RequestError
from tfmusicgan.serving.server.version import Version
from tfmusicgan.serving.tensors import TensorError

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"

_Refusal = tuple[grpc.StatusCode, str]


def handlers(manager: ModelManager, recorder: Recorder) -> list[grpc.GenericRpcHandler]:
    """The services over a manager's models, for `grpc.aio.Server.add_generic_rpc_handlers`."""
    # As the stock server does, only requests for inference are counted.
    prediction = {
        "Predict": (_predict, messages.PredictRequest, True),
        "GetModelMetadata": (_metadata, messages.GetModelMetadataRequest, False),
        "Classify": (_classify, messages.ClassificationRequest, True),
        "Regress": (_regress, messages.RegressionRequest, True),
        "MultiInference": (_multi_inference, messages.MultiInferenceRequest, False),
    }
    model = {
        "GetModelStatus": (_status, messages.GetModelStatusRequest, False),
        "HandleReloadConfigRequest": (_reload, messages.ReloadConfigRequest, False),
    }
    return [
        grpc.method_handlers_generic_handler(
            service, {name: _method(manager, recorder, name, *methods[name]) for name in methods}
        )
        for service, methods in ((PREDICTION_SERVICE, prediction), (MODEL_SERVICE, model))
    ]


def _method(
    manager: ModelManager,
    recorder: Recorder,
    name: str,
    answer: Callable[..., Awaitable[bytes]],
    request_class: type,
    counted: bool,
) -> grpc.RpcMethodHandler:
    names_model = "model_spec" in request_class.DESCRIPTOR.fields_by_name

    async def handle(serialized: bytes, context) -> bytes:
        reply, refusal = await reply_or_refusal(serialized, context)
        if refusal is None:
            return reply
        # gRPC's context keeps the error that `abort` raises, whose traceback keeps this frame, and
        # with it any error being handled: a large request would stay until a garbage collection.
        del serialized
        await _refuse(context, *refusal)

    async def reply_or_refusal(serialized: bytes, context) -> tuple[bytes, _Refusal | None]:
        try:
            request = request_class.FromString(serialized)
        except DecodeError:
            # As gRPC's C++ library answers before the service is asked; its Python library would
            # answer UNKNOWN, and log a trace.
            return b"", (grpc.StatusCode.INTERNAL, "")
        call = _begin(recorder, name, request, names_model, context)
        call.served = manager.has(call.model)
        code = grpc.StatusCode.OK
        try:
            return await answer(manager, request, call), None
        except RequestError as error:
            code = error.code
            return b"", (code, error.text)
        except TensorError as error:
            # An output of a type that has no place in a typed field.
            code = grpc.StatusCode.UNIMPLEMENTED
            return b"", (code, str(error))
        except asyncio.CancelledError:
            code = call.abandoned()
            raise
        except Exception:
            code = grpc.StatusCode.UNKNOWN
            raise
        finally:
            call.end(code, counted)

    return grpc.unary_unary_rpc_method_handler(handle)


async def _refuse(context, code: grpc.StatusCode, text: str) -> None:
    try:
        await context.abort(code, text)
    except grpc.aio.InternalError as error:
        # The client has just gone: where its time ran out, both sides notice at once. gRPC would
        # log a trace for each.
        raise asyncio.CancelledError from error


def _begin(recorder: Recorder, method: str, request, names_model: bool, context) -> Call:
    sent_id = None
    if recorder.log is not None:
        sent_id = dict(context.invocation_metadata() or ()).get(request_log.REQUEST_ID)
    call = recorder.begin(method, recording.GRPC, sent_id, context.time_remaining)
    if call.request_id:
        context.set_trailing_metadata(((request_log.REQUEST_ID, call.request_id),))
    if names_model:
        call.model = request.model_spec.name
    return call


def _version(manager: ModelManager, request) -> Version:
    if not request.HasField("model_spec"):
        raise statuses.missing_model_spec()
    return manager.find(request.model_spec)


async def _predict(manager: ModelManager, request, call: Call) -> bytes:
    version = _version(manager, request)
    with version.in_use() as servable:
        run = await predict.prepare_beside(request, servable.signatures)
        arrays = await call.run(version, run)
        return await predict.reply_beside(request.model_spec, version.number, run, arrays)


async def _metadata(manager: ModelManager, request, call: Call) -> bytes:
    if not request.HasField("model_spec"):
        raise statuses.missing_model_spec()
    if not request.metadata_field:
        raise statuses.invalid_argument(
            "GetModelMetadataRequest must specify at least one metadata_field"
        )
    for field in request.metadata_field:
        if field != "signature_def":
            raise statuses.invalid_argument(f"Metadata field {field} is not supported")
    version = manager.find(request.model_spec)
    response = messages.GetModelMetadataResponse(model_spec=answered_by(version))
    packed = response.metadata["signature_def"]
    packed.type_url = messages.SIGNATURE_DEF_MAP_URL
    packed.value = signature_map(version).SerializeToString()
    return response.SerializeToString()


def answered_by(version: Version) -> messages.ModelSpec:
    """The `messages.ModelSpec` of a version."""
    spec = messages.ModelSpec(name=version.name)
    spec.version.value = version.number
    return spec


def signature_map(version: Version) -> messages.SignatureDefMap:
    """A version's signatures as a `messages.SignatureDefMap`."""
    signatures = messages.SignatureDefMap()
    for name, signature in version.servable.signatures.items():
        signatures.signature_def[name].CopyFrom(signature.proto)
    return signatures


async def _status(manager: ModelManager, request, call: Call) -> bytes:
    if not request.HasField("model_spec"):
        raise statuses.missing_model_spec()
    return status_response(manager, request.model_spec).SerializeToString()


def status_response(
    manager: ModelManager, spec: messages.ModelSpec
) -> messages.GetModelStatusResponse:
    """The `messages.GetModelStatusResponse` to a `messages.ModelSpec`.

    Raises:
      RequestError: If there is no such version.
    """
    response = messages.GetModelStatusResponse()
    for version in manager.versions(spec):
        entry = response.model_version_status.add(version=version.number, state=version.state)
        entry.status.SetInParent()
        if version.error is not None:
            entry.status.error_code = version.error.code.value[0]
            entry.status.error_message = version.error.text
    return response


async def _reload(manager: ModelManager, request, call: Call) -> bytes:
    return (await reload.reload(manager, call.metrics, request)).SerializeToString()


async def _classify(manager: ModelManager, request, call: Call) -> bytes:
    version, num_examples = _version(manager, request), examples.count(request.input)
    examples.refuse(version, request.model_spec, examples.CLASSIFY_METHOD, num_examples)


async def _regress(manager: ModelManager, request, call: Call) -> bytes:
    version, num_examples = _version(manager, request), examples.count(request.input)
    examples.refuse(version, request.model_spec, examples.REGRESS_METHOD, num_examples)


async def _multi_inference(manager: ModelManager, request, call: Call) -> bytes:
    tasks = request.tasks or [messages.InferenceTask()]
    version = manager.find(tasks[0].model_spec)
    examples.refuse_tasks(version, tasks, examples.count(request.input))
