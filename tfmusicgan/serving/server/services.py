"""PredictionService and ModelService, by their names on the wire.

The generated service modules of tensorflow-serving-api cannot be imported beside protobuf 4, so the
methods are registered by name; stock stubs call them all the same.
"""

from collections.abc import Awaitable, Callable

import grpc

from tfmusicgan.serving import messages
from tfmusicgan.serving.server import predict, statuses
from tfmusicgan.serving.server.manager import ModelManager
from tfmusicgan.serving.server.servable import Signature
from tfmusicgan.serving.server.statuses import RequestError
from tfmusicgan.serving.server.version import Version
from tfmusicgan.serving.tensors import TensorError

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"
CLASSIFY_METHOD = "tensorflow/serving/classify"
REGRESS_METHOD = "tensorflow/serving/regress"


def handlers(manager: ModelManager) -> list[grpc.GenericRpcHandler]:
    """The services over a manager's models, for `grpc.aio.Server.add_generic_rpc_handlers`."""
    prediction = {
        "Predict": _method(_predict, manager, messages.PredictRequest),
        "GetModelMetadata": _method(_metadata, manager, messages.GetModelMetadataRequest),
        "Classify": _method(_classify, manager, messages.ClassificationRequest),
        "Regress": _method(_regress, manager, messages.RegressionRequest),
        "MultiInference": _method(_multi_inference, manager, messages.MultiInferenceRequest),
    }
    model = {"GetModelStatus": _method(_status, manager, messages.GetModelStatusRequest)}
    return [
        grpc.method_handlers_generic_handler(PREDICTION_SERVICE, prediction),
        grpc.method_handlers_generic_handler(MODEL_SERVICE, model),
    ]


def _method(
    answer: Callable[..., Awaitable[bytes]], manager: ModelManager, request_class: type
) -> grpc.RpcMethodHandler:
    async def handle(request, context) -> bytes:
        try:
            return await answer(manager, request, context)
        except RequestError as error:
            await context.abort(error.code, error.text)
        except TensorError as error:
            # An output of a type that has no place in a typed field.
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))

    return grpc.unary_unary_rpc_method_handler(
        handle, request_deserializer=request_class.FromString
    )


def _version(manager: ModelManager, request) -> Version:
    if not request.HasField("model_spec"):
        raise statuses.missing_model_spec()
    return manager.find(request.model_spec)


async def _predict(manager: ModelManager, request, context) -> bytes:
    version = _version(manager, request)
    async with version.in_use() as servable:
        job = predict.prepare(request, servable.signatures)
        arrays = await version.run(job.signature, job.arrays, job.outputs, context.time_remaining())
        return predict.reply(request.model_spec, version.number, job.signature, job.outputs, arrays)


async def _metadata(manager: ModelManager, request, context) -> bytes:
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
    signatures = messages.SignatureDefMap()
    for name, signature in version.servable.signatures.items():
        signatures.signature_def[name].CopyFrom(signature.proto)
    response = messages.GetModelMetadataResponse()
    response.model_spec.name = version.name
    response.model_spec.version.value = version.number
    packed = response.metadata["signature_def"]
    packed.type_url = messages.SIGNATURE_DEF_MAP_URL
    packed.value = signatures.SerializeToString()
    return response.SerializeToString()


async def _status(manager: ModelManager, request, context) -> bytes:
    if not request.HasField("model_spec"):
        raise statuses.missing_model_spec()
    response = messages.GetModelStatusResponse()
    for version in manager.versions(request.model_spec):
        entry = response.model_version_status.add(version=version.number, state=version.state)
        entry.status.SetInParent()
        if version.error is not None:
            entry.status.error_code = version.error.code.value[0]
            entry.status.error_message = version.error.text
    return response.SerializeToString()


async def _classify(manager: ModelManager, request, context) -> bytes:
    _refuse_examples(_signature(_version(manager, request), request.model_spec), CLASSIFY_METHOD)


async def _regress(manager: ModelManager, request, context) -> bytes:
    _refuse_examples(_signature(_version(manager, request), request.model_spec), REGRESS_METHOD)


def _signature(version: Version, spec) -> Signature:
    name = spec.signature_name or messages.DEFAULT_SIGNATURE
    if name not in version.servable.signatures:
        raise statuses.invalid_argument(f"No signature was found with the name: {name}")
    return version.servable.signatures[name]


async def _multi_inference(manager: ModelManager, request, context) -> bytes:
    # The first task decides: none passes the checks of the signatures that the suite exports.
    task = request.tasks[0] if request.tasks else messages.InferenceTask()
    version = manager.find(task.model_spec)
    name = task.model_spec.signature_name or messages.DEFAULT_SIGNATURE
    if name not in version.servable.signatures:
        raise statuses.invalid_argument(f"Requested signature not found in model graph: {name}")
    if task.method_name not in (CLASSIFY_METHOD, REGRESS_METHOD):
        raise RequestError(
            grpc.StatusCode.UNIMPLEMENTED,
            f"Unsupported signature method_name: {task.method_name}",
        )
    _refuse_examples(version.servable.signatures[name], task.method_name)


def _refuse_examples(signature: Signature, method: str) -> None:
    """Says what a signature lacks for tf.Example input; the suite exports none that has it all.

    Raises:
      RequestError: Always: with the stock server's text where the signature does not fit, else
        UNIMPLEMENTED.
    """
    inputs, outputs = signature.inputs, signature.outputs
    if len(inputs) != 1:
        raise statuses.invalid_argument("Expected one input Tensor.")
    if method == CLASSIFY_METHOD and len(outputs) not in (1, 2):
        raise statuses.invalid_argument(f"Expected one or two output Tensors, found {len(outputs)}")
    if method == REGRESS_METHOD and len(outputs) != 1:
        raise statuses.invalid_argument("Expected one output Tensor.")
    kind = "classification" if method == CLASSIFY_METHOD else "regression"
    if "inputs" not in inputs:
        raise statuses.invalid_argument(
            f"No {kind} inputs found in SignatureDef: {signature.proto}"
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
    raise RequestError(
        grpc.StatusCode.UNIMPLEMENTED,
        f"The embedded server does not run {kind} of tf.Example; ask with Predict",
    )
