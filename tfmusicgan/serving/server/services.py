"""PredictionService and ModelService, by their names on the wire.

The generated service modules of tensorflow-serving-api cannot be imported beside protobuf 4, so the
methods are registered by name; stock stubs call them all the same.
"""

import asyncio
from collections.abc import Awaitable, Callable

import grpc
from google.protobuf.message import DecodeError

from tfmusicgan.serving import messages
from tfmusicgan.serving.server import predict, recording, reload, request_log, statuses
from tfmusicgan.serving.server.manager import ModelManager
from tfmusicgan.serving.server.recording import Call, Recorder
from tfmusicgan.serving.server.servable import Signature
from tfmusicgan.serving.server.statuses import RequestError
from tfmusicgan.serving.server.version import Version
from tfmusicgan.serving.tensors import TensorError

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"
CLASSIFY_METHOD = "tensorflow/serving/classify"
REGRESS_METHOD = "tensorflow/serving/regress"


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
        try:
            request = request_class.FromString(serialized)
        except DecodeError:
            # As gRPC's C++ library answers before the service is asked; its Python library would
            # answer UNKNOWN, and log a trace.
            await context.abort(grpc.StatusCode.INTERNAL, "")
        call = _begin(recorder, name, request, names_model, context)
        call.served = manager.has(call.model)
        code = grpc.StatusCode.OK
        try:
            return await answer(manager, request, call)
        except RequestError as error:
            code = error.code
            await _refuse(context, code, error.text)
        except TensorError as error:
            # An output of a type that has no place in a typed field.
            code = grpc.StatusCode.UNIMPLEMENTED
            await _refuse(context, code, str(error))
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
        job = await predict.prepare_beside(request, servable.signatures)
        arrays = await call.run(version, job)
        return await predict.reply_beside(request.model_spec, version.number, job, arrays)


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


def answered_by(version: Version):
    """The `messages.ModelSpec` of a version."""
    spec = messages.ModelSpec(name=version.name)
    spec.version.value = version.number
    return spec


def signature_map(version: Version):
    """A version's signatures as a `messages.SignatureDefMap`."""
    signatures = messages.SignatureDefMap()
    for name, signature in version.servable.signatures.items():
        signatures.signature_def[name].CopyFrom(signature.proto)
    return signatures


async def _status(manager: ModelManager, request, call: Call) -> bytes:
    if not request.HasField("model_spec"):
        raise statuses.missing_model_spec()
    return status_response(manager, request.model_spec).SerializeToString()


def status_response(manager: ModelManager, spec):
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
    refuse_examples(
        signature_for_examples(_version(manager, request), request.model_spec), CLASSIFY_METHOD
    )


async def _regress(manager: ModelManager, request, call: Call) -> bytes:
    refuse_examples(
        signature_for_examples(_version(manager, request), request.model_spec), REGRESS_METHOD
    )


def signature_for_examples(version: Version, spec) -> Signature:
    """The signature that a Classify or Regress request asks for.

    Raises:
      RequestError: If the version lacks it.
    """
    name = spec.signature_name or messages.DEFAULT_SIGNATURE
    if name not in version.servable.signatures:
        raise statuses.invalid_argument(f"No signature was found with the name: {name}")
    return version.servable.signatures[name]


async def _multi_inference(manager: ModelManager, request, call: Call) -> bytes:
    # In the stock server's order: a task is looked at once all before it have passed.
    tasks = request.tasks or [messages.InferenceTask()]
    version = manager.find(tasks[0].model_spec)
    evaluated: set[str] = set()
    for task in tasks:
        if task.model_spec.name != tasks[0].model_spec.name:
            raise statuses.invalid_argument(
                "All ModelSpecs in a MultiInferenceRequest must access the same model name."
            )
        name = task.model_spec.signature_name or messages.DEFAULT_SIGNATURE
        if name in evaluated:
            raise statuses.invalid_argument(f"Duplicate evaluation of signature: {name}")
        evaluated.add(name)
        if name not in version.servable.signatures:
            raise statuses.invalid_argument(f"Requested signature not found in model graph: {name}")
        if task.method_name not in (CLASSIFY_METHOD, REGRESS_METHOD):
            raise RequestError(
                grpc.StatusCode.UNIMPLEMENTED,
                f"Unsupported signature method_name: {task.method_name}",
            )
        require_examples(version.servable.signatures[name], task.method_name)
    raise _not_run(tasks[0].method_name)


def refuse_examples(signature: Signature, method: str) -> None:
    """Says what a signature lacks for tf.Example input; the suite exports none that has it all.

    Raises:
      RequestError: Always: with the stock server's text where the signature does not fit, else
        UNIMPLEMENTED.
    """
    require_examples(signature, method)
    raise _not_run(method)


def _not_run(method: str) -> RequestError:
    return RequestError(
        grpc.StatusCode.UNIMPLEMENTED,
        f"The embedded server does not run {_kind(method)} of tf.Example; ask with Predict",
    )


def _kind(method: str) -> str:
    return "classification" if method == CLASSIFY_METHOD else "regression"


def require_examples(signature: Signature, method: str) -> None:
    """Checks that a signature takes tf.Examples and answers classes or values.

    Raises:
      RequestError: With the stock server's text, if it does not.
    """
    inputs, outputs = signature.inputs, signature.outputs
    if len(inputs) != 1:
        raise statuses.invalid_argument("Expected one input Tensor.")
    if method == CLASSIFY_METHOD and len(outputs) not in (1, 2):
        raise statuses.invalid_argument(f"Expected one or two output Tensors, found {len(outputs)}")
    if method == REGRESS_METHOD and len(outputs) != 1:
        raise statuses.invalid_argument("Expected one output Tensor.")
    if "inputs" not in inputs:
        raise statuses.invalid_argument(
            f"No {_kind(method)} inputs found in SignatureDef: {signature.proto}"
        )
    if method == CLASSIFY_METHOD and not {"classes", "scores"} & set(outputs):
        raise statuses.invalid_argument(
            "Expected classification signature outputs to contain at least one of "
            f'"classes" or "scores". Signature was: {signature.proto}'
        )
    if method == REGRESS_METHOD and "outputs" not in outputs:
        raise statuses.invalid_argument(
            f"No regression outputs found in SignatureDef: {signature.proto}"
        )
