"""Runs SavedModels through TensorFlow's C API: the loader and Session of the C++ server.

A program of its own, of the standard library alone: `python -I -S c_session.py LIBRARY < jobs`.
LIBRARY is libtensorflow_cc, loaded without TensorFlow's Python half. It registers no Python
function, so that a model which needs one fails here as it does in the stock server.

Standard input: JSON, `[[export, [run, ...]], ...]`, each run `{"inputs": {tensor name: value},
"outputs": [tensor name, ...]}`, each value `[DataType, shape, hex of the bytes or of each string]`.
Standard output: JSON, `{"kernels": hex of a KernelList, "modules": [name, ...], "answers": [[run's
outputs as values, ...] or the error's text, ...]}`.
"""

import ctypes
import json
import math
import sys

_STRING = 7  # DataType
_STRING_BYTES = 24  # sizeof(TF_TString)


class _Output(ctypes.Structure):
    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


class _Buffer(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t), ("free", ctypes.c_void_p)]


_POINTERS = (
    "TF_NewStatus",
    "TF_NewGraph",
    "TF_NewSessionOptions",
    "TF_LoadSessionFromSavedModel",
    "TF_GraphOperationByName",
    "TF_AllocateTensor",
    "TF_TensorData",
    "TF_StringGetDataPointer",
)
_SIZES = ("TF_TensorByteSize", "TF_StringGetSize")


class _TensorFlow:
    """The C API."""

    def __init__(self, library: str):
        self._library = ctypes.CDLL(library)
        for name in _POINTERS:
            getattr(self._library, name).restype = ctypes.c_void_p
        for name in _SIZES:
            getattr(self._library, name).restype = ctypes.c_size_t
        self._library.TF_Dim.restype = ctypes.c_int64
        self._library.TF_Message.restype = ctypes.c_char_p
        self._library.TF_GetAllRegisteredKernels.restype = ctypes.POINTER(_Buffer)
        self._status = self("TF_NewStatus")

    def __call__(self, name: str, *arguments):
        plain = [ctypes.c_void_p(a) if isinstance(a, int) else a for a in arguments]
        return getattr(self._library, name)(*plain)

    def checked(self, name: str, *arguments):
        """Calls a function whose last argument is a status; raises `RuntimeError` if it is bad."""
        result = self(name, *arguments, self._status)
        if self("TF_GetCode", self._status):
            raise RuntimeError(self("TF_Message", self._status).decode())
        return result

    def kernels(self) -> bytes:
        """A serialised KernelList of all kernels."""
        buffer = self.checked("TF_GetAllRegisteredKernels").contents
        return ctypes.string_at(buffer.data, buffer.length)


class _Session:
    """A loaded SavedModel."""

    def __init__(self, tensorflow: _TensorFlow, export: str):
        self._tensorflow = tensorflow
        self._graph = tensorflow("TF_NewGraph")
        options, tags = tensorflow("TF_NewSessionOptions"), (ctypes.c_char_p * 1)(b"serve")
        arguments = None, export.encode(), tags, ctypes.c_int(1), self._graph, None
        self._session = tensorflow.checked("TF_LoadSessionFromSavedModel", options, *arguments)

    def run(self, inputs: dict[str, list], outputs: list[str]) -> list[list]:
        """One value per output."""
        feeds = (_Output * len(inputs))(*map(self._output, inputs))
        values = (ctypes.c_void_p * len(inputs))(*map(self._tensor, inputs.values()))
        fetches = (_Output * len(outputs))(*map(self._output, outputs))
        answers = (ctypes.c_void_p * len(outputs))()
        # Session, run options; feeds, fetches, targets with their numbers; run metadata.
        arguments = [self._session, None, feeds, values, ctypes.c_int(len(inputs))]
        arguments += [fetches, answers, ctypes.c_int(len(outputs)), None, ctypes.c_int(0), None]
        self._tensorflow.checked("TF_SessionRun", *arguments)
        return [self._value(tensor) for tensor in answers]

    def _output(self, tensor_name: str) -> _Output:
        name, _, index = tensor_name.partition(":")
        found = self._tensorflow("TF_GraphOperationByName", self._graph, name.encode())
        if not found:  # TF_SessionRun would follow the null pointer
            raise RuntimeError(f"No operation {name!r} in the graph.")
        return _Output(found, int(index))

    def _tensor(self, value: list) -> int:
        data_type, shape, content = value
        sizes = (ctypes.c_int64 * len(shape))(*shape)
        strings = [bytes.fromhex(text) for text in content] if data_type == _STRING else None
        raw = b"" if data_type == _STRING else bytes.fromhex(content)
        length = len(raw) if strings is None else _STRING_BYTES * len(strings)
        dims = sizes, ctypes.c_int(len(shape)), ctypes.c_size_t(length)
        tensor = self._tensorflow("TF_AllocateTensor", ctypes.c_int(data_type), *dims)
        start = self._tensorflow("TF_TensorData", tensor)
        if strings is None:
            ctypes.memmove(start, raw, len(raw))
        for number, text in enumerate(strings or ()):
            place = start + _STRING_BYTES * number
            self._tensorflow("TF_StringInit", place)
            self._tensorflow("TF_StringCopy", place, text, ctypes.c_size_t(len(text)))
        return tensor

    def _value(self, tensor: int) -> list:
        call = self._tensorflow
        data_type = call("TF_TensorType", tensor)
        shape = [call("TF_Dim", tensor, ctypes.c_int(i)) for i in range(call("TF_NumDims", tensor))]
        start = call("TF_TensorData", tensor)
        if data_type != _STRING:
            size = call("TF_TensorByteSize", tensor)
            return [data_type, shape, ctypes.string_at(start, size).hex()]
        places = [start + _STRING_BYTES * number for number in range(math.prod(shape))]
        sizes = [(call("TF_StringGetDataPointer", p), call("TF_StringGetSize", p)) for p in places]
        return [data_type, shape, [ctypes.string_at(*found).hex() for found in sizes]]


def main() -> None:
    """Reads the jobs, writes the answers."""
    jobs = json.load(sys.stdin)
    tensorflow = _TensorFlow(sys.argv[1])
    answers = []
    for export, runs in jobs:
        try:
            session = _Session(tensorflow, export)
            answers.append([session.run(run["inputs"], run["outputs"]) for run in runs])
        except RuntimeError as error:
            answers.append(str(error))
    modules = sorted({name.partition(".")[0] for name in sys.modules})
    kernels = tensorflow.kernels().hex()
    json.dump({"kernels": kernels, "modules": modules, "answers": answers}, sys.stdout)


if __name__ == "__main__":
    main()
