"""Classify, Regress and MultiInference of tf.Examples, which are refused.

Models without such signatures, all that the suite exports, are refused as by the stock server.
Where a signature fits and there are Examples, the answer is UNIMPLEMENTED.
"""

from collections.abc import Sequence

import grpc
from google.protobuf.message import Message

from tfmusicgan.serving import messages
from tfmusicgan.serving.server import statuses
from tfmusicgan.serving.server.servable import Signature
from tfmusicgan.serving.server.statuses import RequestError
from tfmusicgan.serving.server.version import Version

CLASSIFY_METHOD = "tensorflow/serving/classify"
REGRESS_METHOD = "tensorflow/serving/regress"


def count(examples: Message) -> int:
    """How many tf.Examples a request's `Input` has."""
    return len(examples.example_list.examples) + len(examples.example_list_with_context.examples)


def refuse(version: Version, spec: messages.ModelSpec, method: str, num_examples: int) -> None:
    """Says what a signature lacks for tf.Examples.

    Args:
      version: The model that is asked.
      spec: The request's `messages.ModelSpec`.
      method: `CLASSIFY_METHOD` or `REGRESS_METHOD`.
      num_examples: How many the request has.

    Raises:
      RequestError: Always: with the stock server's text where the signature does not fit or there
        is nothing to run it on, else UNIMPLEMENTED.
    """
    _require(_signature(version, spec), method)
    raise _not_run(method, num_examples)


def refuse_tasks(version: Version, tasks: Sequence[object], num_examples: int) -> None:
    """Says what the first task lacks that does not fit, each looked at once all before it have.

    Args:
      version: The model that the first one asks.
      tasks: `messages.InferenceTask`s.
      num_examples: How many the request has.

    Raises:
      RequestError: Always.
    """
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
        _require(version.servable.signatures[name], task.method_name)
    raise _not_run(tasks[0].method_name, num_examples)


def _signature(version: Version, spec) -> Signature:
    """The signature that a Classify or Regress request asks for.

    Raises:
      RequestError: If the version lacks it.
    """
    name = spec.signature_name or messages.DEFAULT_SIGNATURE
    if name not in version.servable.signatures:
        raise statuses.invalid_argument(f"No signature was found with the name: {name}")
    return version.servable.signatures[name]


def _not_run(method: str, num_examples: int) -> RequestError:
    if not num_examples:
        return statuses.invalid_argument("Input is empty.")
    return RequestError(
        grpc.StatusCode.UNIMPLEMENTED,
        f"The embedded server does not run {_kind(method)} of tf.Example; ask with Predict",
    )


def _kind(method: str) -> str:
    return "classification" if method == CLASSIFY_METHOD else "regression"


def _require(signature: Signature, method: str) -> None:
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
