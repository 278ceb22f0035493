"""What can be known of the stock server without it: its op set, its loader and its Session."""

import json
import pathlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_PROGRAM = pathlib.Path(__file__).with_name("c_session.py")


def read_signatures(export: pathlib.Path) -> tuple[set[str], dict[str, Any]]:
    """The ops of a SavedModel, library functions included, and its SignatureDefs."""
    from tensorflow.core.protobuf import saved_model_pb2

    text = (export / "saved_model.pb").read_bytes()
    (meta_graph,) = saved_model_pb2.SavedModel.FromString(text).meta_graphs
    graph = meta_graph.graph_def
    functions = {function.signature.name for function in graph.library.function}
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    return {node.op for node in nodes} - functions, dict(meta_graph.signature_def)


def run(
    jobs: Mapping[pathlib.Path, Mapping[str, Mapping[str, np.ndarray]]],
) -> tuple[set[str], list[str], dict[pathlib.Path, dict[str, dict[str, np.ndarray]] | str]]:
    """Runs signatures in one process that has TensorFlow's C++ library alone.

    Args:
      jobs: Export -> signature -> input -> array.

    Returns:
      The ops that have a kernel for a CPU there, the modules that the process had imported, and
      export -> signature -> output -> array, or the text of the error.
    """
    import tensorflow as tf

    runs, aliases = [], []
    for export, signatures in jobs.items():
        described = read_signatures(export)[1]
        aliases.append({name: sorted(described[name].outputs) for name in signatures})
        runs.append([str(export), [_run(described[n], inputs) for n, inputs in signatures.items()]])
    library = pathlib.Path(tf.__file__).with_name("libtensorflow_cc.so.2")
    command = [sys.executable, "-I", "-S", str(_PROGRAM), str(library)]
    done = subprocess.run(command, input=json.dumps(runs), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    answers = {
        export: answer if isinstance(answer, str) else _answers(names, answer)
        for export, names, answer in zip(jobs, aliases, found["answers"], strict=True)
    }
    return _ops_with_kernels(bytes.fromhex(found["kernels"])), found["modules"], answers


def _run(signature: Any, inputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
    import tensorflow as tf

    outputs = [signature.outputs[alias].name for alias in sorted(signature.outputs)]
    values = {}
    for alias, info in signature.inputs.items():
        # As the server does where a request leaves an input out.
        given = alias in inputs
        array = inputs[alias] if given else tf.make_ndarray(signature.defaults[alias])
        values[info.name] = [info.dtype, list(np.shape(array)), _content(info.dtype, array)]
    return {"inputs": values, "outputs": outputs}


def _content(data_type: int, array: np.ndarray) -> str | list[str]:
    import tensorflow as tf

    dtype = tf.as_dtype(data_type)
    if dtype == tf.string:
        return [bytes(value).hex() for value in np.ravel(array)]
    return np.asarray(array, dtype.as_numpy_dtype).tobytes().hex()


def _answers(
    names: Mapping[str, Sequence[str]], runs: Sequence[Sequence[Any]]
) -> dict[str, dict[str, np.ndarray]]:
    return {
        name: {alias: _array(*value) for alias, value in zip(aliases, values, strict=True)}
        for (name, aliases), values in zip(names.items(), runs, strict=True)
    }


def _array(data_type: int, shape: Sequence[int], content: str | Sequence[str]) -> np.ndarray:
    import tensorflow as tf

    dtype = tf.as_dtype(data_type)
    if dtype != tf.string:
        flat = np.frombuffer(bytes.fromhex(content), dtype.as_numpy_dtype)
        return flat.reshape(shape)
    array = np.empty(shape, object)
    array.ravel()[:] = [bytes.fromhex(text) for text in content]
    return array


def _ops_with_kernels(kernels: bytes) -> set[str]:
    from tensorflow.core.framework import kernel_def_pb2

    found = kernel_def_pb2.KernelList.FromString(kernels).kernel
    return {kernel.op for kernel in found if kernel.device_type in ("CPU", "DEFAULT")}
