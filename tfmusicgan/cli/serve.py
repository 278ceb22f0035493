"""Serves exported models over gRPC, with TensorFlow Serving's interface.

tfmusicgan-serve --model_root=serving/models
"""

import os

from tfmusicgan.cli.app import Command
from tfmusicgan.errors import ConfigError, MusicGanError

COMMAND = Command(
    "tfmusicgan-serve",
    "serves exported models over gRPC, with TensorFlow Serving's interface.\nClients of the stock"
    " server work unchanged. It stops on SIGTERM or Ctrl-C once running requests are done.",
    [
        "tfmusicgan-serve --model_root=serving/models",
        "tfmusicgan-serve --model_name=chorales --model_base_path=serving/models/chorales --port=0",
    ],
)
_ROOT = COMMAND.string("model_root", None, "Folder of models: MODEL/VERSION/saved_model.pb in it.")
_NAME = COMMAND.string("model_name", "default", "The single model's name, with --model_base_path.")
_BASE_PATH = COMMAND.string("model_base_path", None, "A single model's folder, in place of a root.")
_HOST = COMMAND.string(
    "host", "127.0.0.1", "Address to listen on; 0.0.0.0 lets other machines in (no encryption)."
)
_PORT = COMMAND.integer("port", 8500, "Port; 0 takes a free one and says which.", 0, 65535)
_POLL = COMMAND.float(
    "file_system_poll_wait_seconds", 1.0, "Seconds between looks for new versions; 0 is never.", 0.0
)
_BATCHING = COMMAND.boolean("enable_batching", True, "Merge concurrent requests into one run.")
_MAX_BATCH = COMMAND.integer("max_batch_size", 64, "Most rows of a request and of a batch.", 1)
_SIZES = COMMAND.list(
    "allowed_batch_sizes",
    [],
    "Sizes that batches are padded to, ascending, the last equal to --max_batch_size; by default"
    " powers of two from 2.",
)
_TIMEOUT = COMMAND.integer(
    "batch_timeout_micros", 0, "Microseconds a batch waits for more rows before it runs.", 0
)
_QUEUE = COMMAND.integer(
    "max_enqueued_batches", 10, "Batches that wait, per signature, before requests are refused.", 1
)
_BATCH_THREADS = COMMAND.integer("num_batch_threads", 2, "Batches that run at a time.", 1)
_INTRA = COMMAND.integer(
    "tensorflow_intra_op_parallelism", 0, "Threads inside one operation; 0 is one per core.", 0
)
_INTER = COMMAND.integer(
    "tensorflow_inter_op_parallelism", 0, "Operations at a time; 0 is one per core.", 0
)
_DRAIN = COMMAND.float(
    "drain_seconds", 30.0, "Seconds that running requests may take once asked to stop.", 0.0
)
_REST_PORT = COMMAND.integer("rest_api_port", 0, "Port of the REST API; 0 is none.", 0, 65535)
_REST_TIMEOUT = COMMAND.integer(
    "rest_api_timeout_in_ms", 30000, "Milliseconds a REST request may take; 0 is any time.", 0
)
_REST_CORS = COMMAND.boolean(
    "rest_api_enable_cors_support", False, "Let web pages of other origins use the REST API."
)
_REST_BODY = COMMAND.integer(
    "rest_api_max_body_mib", 64, "Largest body of a REST request, uncompressed, in MiB.", 1
)
_MONITORING = COMMAND.string(
    "monitoring_config_file",
    None,
    "MonitoringConfig in text form: metrics for Prometheus on the REST port.",
)
_REQUEST_LOG = COMMAND.string(
    "request_log", None, "File that gets a line of JSON for each request; - is standard output."
)


def _execute() -> None:
    if (_ROOT.value is None) == (_BASE_PATH.value is None):
        raise MusicGanError(
            "Expected one of --model_root and --model_base_path. See tfmusicgan-serve --help."
        )
    # TensorFlow's start-up notices would bury the line that says where the server listens.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from tfmusicgan.serving.server import app
    from tfmusicgan.serving.server.batching import BatchOptions
    from tfmusicgan.serving.server.servable import SessionOptions
    from tfmusicgan.serving.server.storage import ModelSource
    from tfmusicgan.serving.server.version import EngineOptions

    single = _ROOT.value is None
    source = ModelSource(
        root=_ROOT.value, name=_NAME.value if single else None, base_path=_BASE_PATH.value
    )
    batching = BatchOptions(_MAX_BATCH.value, _TIMEOUT.value, _QUEUE.value, _allowed_sizes())
    session = SessionOptions(_INTRA.value, _INTER.value)
    app.run(
        app.ServerOptions(
            source=source,
            host=_HOST.value,
            port=_PORT.value,
            engine=EngineOptions(
                batching if _BATCHING.value else None, _BATCH_THREADS.value, session
            ),
            poll_seconds=_POLL.value,
            drain_seconds=_DRAIN.value,
            rest=_rest_options(),
            request_log=_REQUEST_LOG.value,
        ),
        announce=lambda line: print(line, flush=True),
    )


def _rest_options():
    """The REST API that the flags ask for, or None."""
    from tfmusicgan.serving.server.monitoring_config import metrics_path
    from tfmusicgan.serving.server.rest import RestOptions

    path = metrics_path(_MONITORING.value) if _MONITORING.value else None
    if not _REST_PORT.value:
        if path is not None:
            raise ConfigError(
                "Expected --rest_api_port with --monitoring_config_file: metrics are on the REST "
                "API's port."
            )
        return None
    if _REST_PORT.value == _PORT.value:
        raise ConfigError(
            f"Expected --rest_api_port to differ from --port. Received: {_PORT.value} for both."
        )
    return RestOptions(
        port=_REST_PORT.value,
        timeout_seconds=_REST_TIMEOUT.value / 1000,
        cors=_REST_CORS.value,
        max_body_bytes=_REST_BODY.value << 20,
        metrics_path=path,
    )


def _allowed_sizes() -> tuple[int, ...]:
    try:
        return tuple(int(size) for size in _SIZES.value)
    except ValueError as error:
        raise ConfigError(
            f"Expected whole numbers in --allowed_batch_sizes. Received: {','.join(_SIZES.value)}."
        ) from error


main = COMMAND.entry_point(_execute)
