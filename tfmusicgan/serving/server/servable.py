"""One loaded version of one model: a TF1-style graph Session and its signatures.

The Session is the DirectSession that the C++ server runs: the same runtime error texts, per-run
timeouts, only the fetched outputs computed, and resources of its own per version. It is run
through the wrapper below `tf.compat.v1.Session.run`, which would check shapes itself (with texts of
its own) and costs three times as much per call (167 against 43 microseconds, TensorFlow 2.17).
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence

import numpy as np
from google.protobuf.message import DecodeError

from tfmusicgan.serving import messages
from tfmusicgan.serving.server import statuses
from tfmusicgan.serving.server.statuses import RequestError

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
MAX_WARMUP_RECORDS = 1000


@dataclasses.dataclass(frozen=True)
class Input:
    """One input of a signature: the tensor it feeds and its DataType number."""

    tensor: str
    data_type: int


@dataclasses.dataclass(frozen=True)
class Signature:
    """A signature's names, in alphabetical order of the aliases.

    Attributes:
      name: Its key, e.g. `"serving_default"`.
      inputs: Alias -> `Input`.
      outputs: Alias -> name of the fetched tensor.
      defaults: Alias -> TensorProto used where a request leaves the input out.
      proto: The `messages.SignatureDef` as stored in the SavedModel.
    """

    name: str
    inputs: dict[str, Input]
    outputs: dict[str, str]
    defaults: dict[str, object]
    proto: object

    @classmethod
    def from_proto(cls, name: str, serialized: bytes) -> "Signature":
        """Reads a serialised SignatureDef."""
        proto = messages.SignatureDef.FromString(serialized)
        return cls(
            name,
            {a: Input(proto.inputs[a].name, proto.inputs[a].dtype) for a in sorted(proto.inputs)},
            {a: proto.outputs[a].name for a in sorted(proto.outputs)},
            {a: proto.defaults[a] for a in sorted(proto.defaults)},
            proto,
        )


@dataclasses.dataclass(frozen=True)
class SessionOptions:
    """Threads of the TensorFlow runtime; 0 lets TensorFlow choose (one per core).

    The pools belong to the process: those of the first Session count, and all models share them.
    """

    intra_op_parallelism: int = 0
    inter_op_parallelism: int = 0


class Servable:
    """A loaded SavedModel.

    Args:
      path: The version's folder.
      options: Thread counts.

    Raises:
      RequestError: If the SavedModel cannot be loaded; the code and text are TensorFlow's.
    """

    def __init__(self, path: str, options: SessionOptions = SessionOptions()):
        import tensorflow as tf
        from tensorflow.python.client import pywrap_tf_session
        from tensorflow.python.saved_model import loader_impl

        self.path = path
        self._errors = tf.errors.OpError
        self._runtime = pywrap_tf_session
        self._run_options = tf.compat.v1.RunOptions
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=options.intra_op_parallelism,
            inter_op_parallelism_threads=options.inter_op_parallelism,
        )
        config.gpu_options.allow_growth = True
        self._graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=self._graph, config=config)
        try:
            with self._graph.as_default():
                graph_def = loader_impl.SavedModelLoader(path).load(self._session, ["serve"])
        except tf.errors.OpError as error:
            self.close()
            raise RequestError.from_tensorflow(error) from error
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            # The Python half of the loader: no saved_model.pb, no such tag, a graph that is none.
            self.close()
            raise statuses.failed_precondition(
                f"Could not load the SavedModel in {path!r}: {' '.join(str(error).split())}"
            ) from error
        self._graph.finalize()
        self.signatures = {
            name: Signature.from_proto(name, signature.SerializeToString())
            for name, signature in sorted(graph_def.signature_def.items())
        }
        self._handles = self._resolve()

    def _resolve(self) -> dict[str, object]:
        """The runtime's handle of every tensor that a signature names."""
        names = {i.tensor for s in self.signatures.values() for i in s.inputs.values()}
        names |= {name for s in self.signatures.values() for name in s.outputs.values()}
        # An operation's name without ":0" (the init op's entry has one) is no tensor.
        tensors = [self._graph.get_tensor_by_name(name) for name in names if ":" in name]
        return {tensor.name: tensor._as_tf_output() for tensor in tensors}

    def run(
        self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str], timeout_ms: int = 0
    ) -> list[np.ndarray]:
        """Runs the graph once; called from several threads at a time.

        Args:
          feeds: Tensor name -> array.
          fetches: Tensor names.
          timeout_ms: The run is stopped after so long; 0 is never.

        Returns:
          One array per fetch.

        Raises:
          RequestError: With the runtime's code and text.
        """
        unknown = [name for name in fetches if name not in self._handles]
        if unknown:
            raise statuses.invalid_argument(
                f"FetchOutputs {unknown[0]}:0: output index too large, must be < 0"
            )
        options = None
        if timeout_ms > 0:
            options = self._runtime.TF_NewBufferFromString(
                self._run_options(timeout_in_ms=timeout_ms).SerializeToString()
            )
        try:
            return self._runtime.TF_SessionRun_wrapper(
                self._session._session,
                options,
                {self._handles[name]: array for name, array in feeds.items()},
                [self._handles[name] for name in fetches],
                [],
                None,
            )
        except self._errors as error:
            raise RequestError.from_tensorflow(error) from error
        except UnicodeDecodeError as error:
            # The runtime quotes a value that is no UTF-8; its wrapper fails to read that as text.
            raise statuses.invalid_argument(error.object.decode(errors="replace")) from error
        finally:
            if options is not None:
                self._runtime.TF_DeleteBuffer(options)

    def warmup_records(self) -> list[object]:
        """The `messages.PredictionLog` records shipped with the version.

        Raises:
          RequestError: If the file is damaged (DATA_LOSS) or has more than 1000 records.
        """
        import tensorflow as tf

        path = os.path.join(self.path, WARMUP_FILE)
        if not os.path.exists(path):
            return []
        records = []
        try:
            for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
                if len(records) == MAX_WARMUP_RECORDS:
                    raise statuses.invalid_argument(
                        "Number of warmup records exceeds the maximum "
                        f"({MAX_WARMUP_RECORDS}) in {path}"
                    )
                records.append(messages.PredictionLog.FromString(record))
        except tf.errors.DataLossError as error:
            raise RequestError.from_tensorflow(error) from error
        except DecodeError as error:
            raise statuses.invalid_argument(
                f"Failed to parse warmup record {len(records)} from {path}"
            ) from error
        return records

    def cancel(self) -> None:
        """Ends the runs inside with CANCELLED, as soon as they notice; there can be no others."""
        self._session.close()

    def close(self) -> None:
        """Frees the model; nothing may be running."""
        from tensorflow.python.framework import ops

        self._session.close()
        # A graph's Python objects hold each other. Taken apart, they go with the last reference:
        # versions that come and go would pile up until the collector looks at the oldest objects,
        # which stops every thread for as long as it takes to walk all of TensorFlow.
        ops.dismantle_graph(self._graph)
