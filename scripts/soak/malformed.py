"""Malformed Predict requests, each with the stock server's answer to it.

Codes and texts are written here from the reference of TensorFlow Serving's behaviour, apart from
the server's own table of them. Where only the runtime can object, or a request's bytes are damaged
at random, the codes that are possible are listed.
"""

import random
import re
from collections.abc import Mapping, Sequence

import grpc
from expected import Case
from google.protobuf.message import DecodeError

from tfmusicgan.serving import messages

Code = grpc.StatusCode
_STRING, _FLOAT, _INT32, _DOUBLE = 7, 1, 3, 2
_NUMBERS = {_FLOAT: "float_val", _DOUBLE: "double_val", _INT32: "int_val", 9: "int64_val"}
_NAMES = {_FLOAT: "float", _DOUBLE: "double", _INT32: "int32", 9: "int64", _STRING: "string"}
_NAMES |= {10: "bool"}
# What a run may end with, where only an op can object: other codes are of batching's checks.
_RUN_CODES = (Code.OK, Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION)
# What a request that can be parsed may be answered, whatever is in it.
_ANY = (*_RUN_CODES, Code.NOT_FOUND)


class Malformed:
    """Draws malformed requests to one model.

    Args:
      model: Its name.
      signatures: Its SignatureDefs, each with `seed` among its inputs and rows first in all.
      version: The version that is served.
      max_batch_size: The server's.
      rng: What is drawn from.

    Attributes:
      kinds: Names of what can be wrong.
    """

    def __init__(
        self,
        model: str,
        signatures: Mapping[str, messages.SignatureDef],
        version: int,
        max_batch_size: int,
        rng: random.Random,
    ):
        self._model, self._version, self._rng = model, version, rng
        self._signatures, self._most = signatures, max_batch_size
        self.kinds = [name[6:] for name in sorted(vars(type(self))) if name.startswith("_draw_")]

    def draw(self) -> Case:
        """One case, of a kind drawn evenly."""
        name = self._rng.choice(sorted(self._signatures))
        self._signature = self._signatures[name]
        self._rows = self._rng.randint(1, 3)
        self._message = messages.PredictRequest()
        self._message.model_spec.name = self._model
        self._message.model_spec.signature_name = name
        for alias in sorted(self._signature.inputs):
            self._fill(alias, self._rows)
        self._kind = self._rng.choice(self.kinds)
        return getattr(self, f"_draw_{self._kind}")()

    def _fill(self, alias: str, rows: int) -> None:
        """A tensor that fits: the default or zeros, by TensorProto's shorthand of one value."""
        info, tensor = self._signature.inputs[alias], self._message.inputs[alias]
        if alias in self._signature.defaults:
            tensor.CopyFrom(self._signature.defaults[alias])
            tensor.tensor_shape.dim[0].size = rows
            return
        tensor.Clear()
        tensor.dtype = info.dtype
        tensor.tensor_shape.dim.add(size=rows)
        for dim in info.tensor_shape.dim[1:]:
            tensor.tensor_shape.dim.add(size=max(1, dim.size))
        if alias == "seed":
            tensor.int64_val.append(self._rng.getrandbits(62))

    def _alias(self) -> str:
        return self._rng.choice(sorted(self._message.inputs))

    def _word(self) -> str:
        return "".join(self._rng.choices("abcxyz_\u00e4\u266b", k=self._rng.randint(1, 12))) + "?"

    def _case(self, code: grpc.StatusCode, text: str) -> Case:
        return Case(self._kind, self._bytes(), (code,), re.escape(text))

    def _bytes(self) -> bytes:
        return self._message.SerializeToString(deterministic=True)  # its maps have an order

    def _invalid(self, text: str) -> Case:
        return self._case(Code.INVALID_ARGUMENT, text)

    # What is asked.

    def _draw_no_model_spec(self) -> Case:
        self._message.ClearField("model_spec")
        return self._invalid("Missing ModelSpec")

    def _draw_no_model_name(self) -> Case:
        self._message.model_spec.name = ""
        return self._invalid("ModelSpec has no name specified.")

    def _draw_unknown_model(self) -> Case:
        name = self._message.model_spec.name = self._word()
        return self._case(Code.NOT_FOUND, f"Servable not found for request: Latest({name})")

    def _draw_very_long_name(self) -> Case:
        name = self._message.model_spec.name = "m" * self._rng.randint(2000, 100_000)
        text = f"Servable not found for request: Latest({name})"[:1024]
        return self._case(Code.NOT_FOUND, f"{text}...TRUNCATED")

    def _draw_unknown_version(self) -> Case:
        number = self._rng.choice([0, -1, self._version + 1, 2**62, -(2**63)])
        self._message.model_spec.version.value = number
        text = f"Servable not found for request: Specific({self._model}, {number})"
        return self._case(Code.NOT_FOUND, text)

    def _draw_unknown_label(self) -> Case:
        label = self._message.model_spec.version_label = self._word()
        return self._invalid(f"Unrecognized servable version label: {label}")

    def _draw_unknown_signature(self) -> Case:
        name = self._message.model_spec.signature_name = self._word()
        return self._case(Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')

    def _draw_unknown_output(self) -> Case:
        alias, known = self._word(), ",".join(sorted(self._signature.outputs))
        self._message.output_filter.append(alias)
        return self._invalid(
            f"output tensor alias not found in signature: {alias} Outputs expected to be in the "
            f"set {{{known}}}."
        )

    def _draw_output_asked_twice(self) -> Case:
        alias = self._rng.choice(sorted(self._signature.outputs))
        self._message.output_filter.extend([alias, alias])
        return self._invalid(f"duplicate output tensor alias: {alias}")

    # Which inputs.

    def _draw_input_too_many(self) -> Case:
        expected, extra = sorted(self._message.inputs), self._word()
        self._message.inputs[extra].CopyFrom(self._message.inputs["seed"])
        return self._wrong_count(sorted([*expected, extra]), expected)

    def _draw_input_missing(self) -> Case:
        expected = sorted(self._message.inputs)
        del self._message.inputs["seed"]
        if self._signature.defaults:
            return self._no_seed()
        return self._wrong_count(sorted(self._message.inputs), expected)

    def _draw_input_renamed(self) -> Case:
        self._message.inputs[self._word()].CopyFrom(self._message.inputs["seed"])
        del self._message.inputs["seed"]
        return self._no_seed()

    def _wrong_count(self, sent: Sequence[str], expected: Sequence[str]) -> Case:
        extra, missing = set(sent) - set(expected), set(expected) - set(sent)
        return self._invalid(
            f"input size does not match signature: {len(sent)}!={len(expected)} "
            f"len({{{','.join(sent)}}}) != len({{{','.join(expected)}}}). "
            f"Sent extra: {{{','.join(extra)}}}. Missing but required: {{{','.join(missing)}}}."
        )

    def _no_seed(self) -> Case:
        return self._invalid(
            f"Signature input alias: seed(feed name: {self._signature.inputs['seed'].name}) not "
            "found in request and no default value provided. Inputs expected to be in the request "
            f"{{{','.join(sorted(self._message.inputs))}}}, or default input alias set: "
            f"{','.join(sorted(self._signature.defaults))}"
        )

    # Tensors.

    def _draw_wrong_dtype(self) -> Case:
        alias = self._alias()
        position, expected = sorted(self._message.inputs).index(alias), self._dtype(alias)
        other = self._rng.choice([number for number in _NUMBERS if number != expected])
        tensor = self._message.inputs[alias]
        tensor.Clear()
        tensor.dtype = other
        tensor.tensor_shape.dim.add(size=self._rows)
        getattr(tensor, _NUMBERS[other]).append(1)
        return self._invalid(
            f"Expects arg[{position}] to be {_NAMES[expected]} but {_NAMES[other]} is provided"
        )

    def _dtype(self, alias: str) -> int:
        return self._signature.inputs[alias].dtype

    def _draw_bytes_that_do_not_fit(self) -> Case:
        tensor = self._message.inputs["seed"]
        del tensor.int64_val[:]
        size = self._rng.choice([1, 7, 8 * self._rows - 1, 8 * self._rows + 8, 100_003])
        tensor.tensor_content = self._rng.randbytes(size)
        return self._invalid("tensor parsing error: seed")

    def _draw_giant_tensor(self) -> Case:
        alias = self._alias()
        sizes = self._rng.choice(
            [[2**40], [2**31] * 3, [2**62, 2**62], [1] * 255, [-1], [2**33, 1, 2**20]]
        )
        shape = self._message.inputs[alias].tensor_shape
        shape.Clear()
        for size in sizes:
            shape.dim.add(size=size)
        return self._invalid(f"tensor parsing error: {alias}")

    def _draw_large_tensor(self) -> Case:
        """One value to be repeated to about what a request may have so, 64 MiB; rows too many."""
        alias = self._alias()
        shape = self._message.inputs[alias].tensor_shape
        shape.Clear()
        shape.dim.add(size=self._rng.choice([8_388_000, 8_388_609, 16_777_000, 16_777_217]))
        return Case(self._kind, self._bytes(), (Code.INVALID_ARGUMENT,))

    def _draw_unknown_rank(self) -> Case:
        alias = self._alias()
        self._message.inputs[alias].tensor_shape.unknown_rank = True
        return self._invalid(f"tensor parsing error: {alias}")

    def _draw_dtype_that_is_none(self) -> Case:
        alias = self._alias()
        self._message.inputs[alias].dtype = self._rng.choice([0, 20, 21, 99, 2**31 - 1])
        return self._invalid(f"tensor parsing error: {alias}")

    def _draw_too_many_rows(self) -> Case:
        rows = self._most + self._rng.choice([1, 5, 100_000])
        for alias in list(self._message.inputs):
            self._message.inputs[alias].tensor_shape.dim[0].size = rows
        return self._invalid(
            f"Task size {rows} is larger than maximum input batch size {self._most}"
        )

    def _draw_unequal_rows(self) -> Case:
        if len(self._message.inputs) == 1:
            return self._draw_too_many_rows()
        self._message.inputs[self._alias()].tensor_shape.dim[0].size = self._rows + 1
        return self._invalid("Batching Run() input tensors must have equal 0th-dimension size")

    def _draw_scalar(self) -> Case:
        del self._message.inputs[self._alias()].tensor_shape.dim[:]
        return self._invalid("Batching Run() input tensors must have at least one dimension")

    def _draw_one_axis_too_many(self) -> Case:
        self._message.inputs[self._alias()].tensor_shape.dim.add(size=self._rng.randint(0, 3))
        return Case(self._kind, self._bytes(), _RUN_CODES)

    # Bytes.

    def _draw_truncated(self) -> Case:
        text = self._bytes()
        return self._damaged(text[: self._rng.randrange(1, len(text))])

    def _draw_flipped_bits(self) -> Case:
        text = bytearray(self._bytes())
        for _ in range(self._rng.randint(1, 4)):
            text[self._rng.randrange(len(text))] ^= 1 << self._rng.randrange(8)
        return self._damaged(bytes(text))

    def _draw_noise(self) -> Case:
        return self._damaged(self._rng.randbytes(self._rng.randint(1, 300)))

    def _damaged(self, text: bytes) -> Case:
        try:
            messages.PredictRequest.FromString(text)
        except DecodeError:
            return Case(
                self._kind, text, (Code.INTERNAL,)
            )  # gRPC's own, before the service is asked
        return Case(self._kind, text, _ANY)
