"""Refusals with TensorFlow Serving's status codes and texts.

Clients of the stock server match on these texts, so they are kept to the letter (read in
tensorflow/serving at its head of July 2026: predict_util.cc, server_core.cc, batching_session.cc,
classifier.cc, regressor.cc, get_model_status_impl.cc), missing separators included.
"""

from collections.abc import Iterable, Sequence

import grpc

from tfmusicgan.errors import MusicGanError

_MAX_TEXT = 1024
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class RequestError(MusicGanError):
    """One request, or one load, that fails.

    Attributes:
      code: The gRPC status code the client sees.
    """

    def __init__(self, code: grpc.StatusCode, text: str):
        super().__init__(text)
        self.code = code

    @property
    def text(self) -> str:
        """The message on the wire: the stock server cuts long ones."""
        text = str(self)
        return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "...TRUNCATED"

    @classmethod
    def from_tensorflow(cls, error: Exception) -> "RequestError":
        """Keeps the runtime's own code and text (`error` is a `tf.errors.OpError`)."""
        return cls(_CODES.get(error.error_code, grpc.StatusCode.UNKNOWN), error.message)


def invalid_argument(text: str) -> RequestError:
    """The request itself is wrong."""
    return RequestError(grpc.StatusCode.INVALID_ARGUMENT, text)


def failed_precondition(text: str) -> RequestError:
    """The request does not fit the model."""
    return RequestError(grpc.StatusCode.FAILED_PRECONDITION, text)


def missing_model_spec() -> RequestError:
    """No model_spec in the request."""
    return invalid_argument("Missing ModelSpec")


def no_model_name() -> RequestError:
    """An empty model name."""
    return invalid_argument("ModelSpec has no name specified.")


def no_servable(name: str, version: int | None) -> RequestError:
    """No such model, or no such version, is AVAILABLE."""
    asked = f"Latest({name})" if version is None else f"Specific({name}, {version})"
    return RequestError(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {asked}")


def unknown_label(label: str) -> RequestError:
    """A label nothing was given; also for an unknown model."""
    return invalid_argument(f"Unrecognized servable version label: {label}")


def no_status(name: str, version: int | None) -> RequestError:
    """GetModelStatus of a model or version the server never had."""
    text = (
        f"Could not find any versions of model {name}"
        if version is None
        else f"Could not find version {version} of model {name}"
    )
    return RequestError(grpc.StatusCode.NOT_FOUND, text)


def models_not_available(versions: Iterable[object]) -> RequestError:
    """New models of a list that could not be loaded.

    Args:
      versions: Of each the `Version` that failed.
    """
    versions = list(versions)
    failed = "".join(
        f"{{{{name: {v.name} version: {v.number}}} due to error: {v.error.code.name}: {v.error}}}, "
        for v in versions
    )
    return RequestError(
        grpc.StatusCode.UNKNOWN,
        f"{len(versions)} model(s) did not become available: {{{failed}}}",
    )


def unknown_signature(name: str) -> RequestError:
    """Predict with a signature the model lacks."""
    return failed_precondition(f'Serving signature key "{name}" not found.')


def wrong_input_count(sent: Iterable[str], expected: Iterable[str]) -> RequestError:
    """More or fewer inputs than the signature has."""
    sent, expected = set(sent), set(expected)
    return invalid_argument(
        f"input size does not match signature: {len(sent)}!={len(expected)} "
        f"len({{{_joined(sent)}}}) != len({{{_joined(expected)}}}). "
        f"Sent extra: {{{_joined(sent - expected)}}}. "
        f"Missing but required: {{{_joined(expected - sent)}}}."
    )


def missing_input(
    alias: str, feed: str, sent: Iterable[str], defaults: Iterable[str]
) -> RequestError:
    """The right number of inputs, one under a wrong name."""
    return invalid_argument(
        f"Signature input alias: {alias}(feed name: {feed}) not found in request and no default "
        f"value provided. Inputs expected to be in the request {{{_joined(sent)}}}, or default "
        f"input alias set: {_joined(defaults)}"
    )


def unused_input(used: Iterable[str], sent: Iterable[str]) -> RequestError:
    """An input that no alias took, possible only where a signature has defaults."""
    return invalid_argument(
        f"Inputs contains invalid name. Used request inputs: {_joined(used)}, "
        f"request input: {_joined(sent)}"
    )


def unparsable_tensor(alias: str) -> RequestError:
    """A TensorProto whose values do not fit its shape."""
    return invalid_argument(f"tensor parsing error: {alias}")


def wrong_dtype(position: int, expected: str, received: str) -> RequestError:
    """The runtime's own text, given before the rows meet those of other requests."""
    return invalid_argument(f"Expects arg[{position}] to be {expected} but {received} is provided")


def wrong_shape(alias: str, expected: Sequence[int], received: Sequence[int]) -> RequestError:
    """A value that is to be repeated over a large shape the signature lacks (-1: any size)."""
    return invalid_argument(
        f"Expected input {alias} of shape {list(expected)}. Received: {list(received)}"
    )


def too_much_filled(
    alias: str, shape: Sequence[int], num_bytes: int, max_bytes: int
) -> RequestError:
    """A few values that are to be repeated over large shapes; this server's own limit."""
    return invalid_argument(
        f"Expected at most {max_bytes} bytes of values that a request's tensors repeat. Received: "
        f"{num_bytes} with input {alias} of shape {list(shape)}; send its values"
    )


def unknown_output(alias: str, known: Iterable[str]) -> RequestError:
    """An output_filter entry the signature lacks."""
    return invalid_argument(
        f"output tensor alias not found in signature: {alias} Outputs expected to be in the set "
        f"{{{_joined(known)}}}."
    )


def duplicate_output(alias: str) -> RequestError:
    """The same output_filter entry twice."""
    return invalid_argument(f"duplicate output tensor alias: {alias}")


def queue_full(num_enqueued: int, max_enqueued: int) -> RequestError:
    """Overload: the client may try again."""
    return RequestError(
        grpc.StatusCode.UNAVAILABLE,
        "The batch scheduling queue to which this task was submitted is full; currently "
        f"{num_enqueued} batches enqueued and max_enqueued_batches is {max_enqueued}",
    )


def no_room_to_split(
    rows: int, room: int, num_enqueued: int, max_enqueued: int, begun: int, batch_rows: int
) -> RequestError:
    """Overload where requests may be split.

    Args:
      rows: What the request has.
      room: Rows that the queue would take.
      num_enqueued: Batches that wait.
      max_enqueued: How many may.
      begun: Rows of the last of them.
      batch_rows: Most rows of a batch.
    """
    return RequestError(
        grpc.StatusCode.UNAVAILABLE,
        "The batch scheduling queue to which this task was submitted is full; task size is "
        f"{rows} but scheduling capacity is only {room} (num_enqueued_batches={num_enqueued}, "
        f"max_enqueued_batches={max_enqueued}, open_batch_size={begun}, "
        f"max_execution_batch_size={batch_rows})",
    )


def too_much_padding(rows: int, size: int, num_bytes: int, max_bytes: int) -> RequestError:
    """A request that would be padded to a far larger batch; this server's own limit."""
    return RequestError(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        f"Expected at most {max_bytes} bytes of padding. Received: {rows} rows, padded to {size} "
        f"with {num_bytes} bytes; allow smaller sizes in allowed_batch_sizes",
    )


def too_many_waiting(num_waiting: int, most: int) -> RequestError:
    """Overload where requests are not batched; this server's own limit."""
    return RequestError(
        grpc.StatusCode.UNAVAILABLE,
        f"Too many requests wait for this model; currently {num_waiting}, and at most {most} may",
    )


def timed_out() -> RequestError:
    """The runtime's own text, for a request whose time ran out before its run began."""
    return RequestError(grpc.StatusCode.DEADLINE_EXCEEDED, "Timed out waiting for notification")


def expired_in_queue() -> RequestError:
    """Every request of a batch ran out of time before its turn."""
    return RequestError(
        grpc.StatusCode.RESOURCE_EXHAUSTED, "Run() timeout exceeded while waiting in batching queue"
    )


def _joined(names: Iterable[str]) -> str:
    return ",".join(sorted(names))
