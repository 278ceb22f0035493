"""Serves exported models over gRPC, with TensorFlow Serving's interface.

tfmusicgan-serve --model_root=serving/models
"""

import os

from tfmusicgan.cli.app import Command
from tfmusicgan.errors import ConfigError, MusicGanError

COMMAND = Command(
    "tfmusicgan-serve",
    "serves exported models over gRPC and REST, with TensorFlow Serving's interface.\nClients of"
    " the stock server work unchanged, and flags that it has as well mean the same, save that\n"
    "--port=0 takes a free port (stock: none).\nDefaults differ: --enable_batching is on (stock:"
    " off) and --max_num_load_retries 0 (stock: 5).\nIt stops on SIGTERM or Ctrl-C once running"
    " requests are done.",
    [
        "tfmusicgan-serve --model_root=serving/models",
        "tfmusicgan-serve --model_name=chorales --model_base_path=serving/models/chorales --port=0",
        "tfmusicgan-serve --model_config_file=models.config --ssl_config_file=ssl.config",
    ],
)
_ROOT = COMMAND.string("model_root", None, "Folder of models: MODEL/VERSION/saved_model.pb in it.")
_NAME = COMMAND.string("model_name", "default", "The single model's name, with --model_base_path.")
_BASE_PATH = COMMAND.string("model_base_path", None, "A single model's folder, in place of a root.")
_CONFIG = COMMAND.string(
    "model_config_file",
    None,
    "List of models (a ModelServerConfig in text form) with version policies and labels, in place"
    " of a root. Every one of them has to load.",
)
_CONFIG_POLL = COMMAND.float(
    "model_config_file_poll_wait_seconds",
    0.0,
    "Seconds between looks into --model_config_file; 0 reads it once.",
    0.0,
)
_LABELS = COMMAND.boolean(
    "allow_version_labels_for_unavailable_models",
    False,
    "Let a new label name a version that is not loaded yet, as all are when the server starts.",
)
_HOST = COMMAND.string(
    "host",
    "127.0.0.1",
    "Address to listen on; 0.0.0.0 lets other machines in (see --ssl_config_file).",
)
_PORT = COMMAND.integer(
    "port", 8500, "Port; 0 takes a free one and says which (stock: no port).", 0, 65535
)
_SOCKET = COMMAND.string("grpc_socket_path", None, "Unix socket to listen on as well.")
_SSL = COMMAND.string(
    "ssl_config_file",
    None,
    "TLS of the gRPC port: an SSLConfig in text form, with the PEM texts server_key and server_cert"
    " and, to let in only clients with a certificate, custom_ca and client_verify.",
)
_ARGUMENTS = COMMAND.list(
    "grpc_channel_arguments",
    [],
    "gRPC channel arguments, name=value each, such as grpc.max_connection_age_ms=60000 or"
    " grpc.max_receive_message_length=4194304 (bytes; 2 GiB without it).",
)
_POLL = COMMAND.float(
    "file_system_poll_wait_seconds",
    1.0,
    "Seconds between looks for new versions; 0 looks once, at the start and for each new list.",
    0.0,
)
_RETRIES = COMMAND.integer(
    "max_num_load_retries",
    0,
    "How often a version that cannot be loaded is tried again (stock: 5).",
    0,
)
_RETRY_PAUSE = COMMAND.integer(
    "load_retry_interval_micros", 60_000_000, "Microseconds before a version is tried again.", 0
)
_LOAD_THREADS = COMMAND.integer(
    "num_load_threads",
    0,
    "Versions loaded at a time once the server has started; 0 is one. At the start: four per core.",
    0,
)
_BATCHING = COMMAND.boolean(
    "enable_batching", True, "Merge concurrent requests into one run (stock: off)."
)
_BATCHING_FILE = COMMAND.string(
    "batching_parameters_file",
    None,
    "BatchingParameters in text form, in place of --max_batch_size, --allowed_batch_sizes,"
    " --batch_timeout_micros, --max_enqueued_batches and --num_batch_threads.",
)
_PER_MODEL_BATCHING = COMMAND.boolean(
    "enable_per_model_batching_parameters",
    False,
    "Read batching_params.pbtxt in each version's folder in place of the common parameters; a"
    " version without it runs every request by itself.",
)
_CONCURRENCY = COMMAND.integer(
    "model_concurrency",
    0,
    "Runs of one model at a time, within --num_batch_threads; 0 is one per signature, and more for"
    " batches of 16 rows and above or that have waited for 0.25 s.",
    0,
)
_MAX_BATCH = COMMAND.integer("max_batch_size", 64, "Most rows of a request and of a batch.", 1)
_SIZES = COMMAND.list(
    "allowed_batch_sizes",
    [],
    "Sizes that batches are padded to, ascending, the last equal to --max_batch_size; by default"
    " from 2 on, four from one power of two to the next.",
)
_TIMEOUT = COMMAND.integer(
    "batch_timeout_micros", 0, "Microseconds a batch waits for more rows before it runs.", 0
)
_QUEUE = COMMAND.integer(
    "max_enqueued_batches", 10, "Batches that wait, per signature, before requests are refused.", 1
)
_BATCH_THREADS = COMMAND.integer("num_batch_threads", 2, "Batches that run at a time.", 1)
_NICENESS = COMMAND.integer(
    "run_niceness",
    5,
    "By how much the threads that run models stand back behind the one that answers requests, as of"
    " nice, so that a busy server still refuses at once what is too much.",
    0,
    19,
)
_INTRA = COMMAND.integer(
    "tensorflow_intra_op_parallelism",
    0,
    "Threads inside one operation; 0 is the cores by --num_batch_threads, one at least (stock: one"
    " per core).",
    0,
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
_REST_CONNECTIONS = COMMAND.integer(
    "rest_api_max_connections", 500, "Connections of the REST API open at a time.", 1
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
    given = [flag for flag in (_ROOT, _BASE_PATH, _CONFIG) if flag.value is not None]
    if len(given) != 1:
        raise MusicGanError(
            "Expected one of --model_root, --model_base_path and --model_config_file. Received: "
            f"{' and '.join(f'--{flag.name}' for flag in given) or 'none'}. See tfmusicgan-serve "
            "--help."
        )
    # TensorFlow's start-up notices would bury the line that says where the server listens.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from tfmusicgan.serving.server import app, grpc_port, tls
    from tfmusicgan.serving.server.model import LoadRetries
    from tfmusicgan.serving.server.storage import ModelSource

    source = ModelSource(
        root=_ROOT.value,
        name=_NAME.value if _BASE_PATH.value else None,
        base_path=_BASE_PATH.value,
        config_file=_CONFIG.value,
    )
    app.run(
        app.ServerOptions(
            source=source,
            host=_HOST.value,
            port=_PORT.value,
            engine=_engine_options(),
            config_poll_seconds=_CONFIG_POLL.value,
            label_unavailable=_LABELS.value,
            load_retries=LoadRetries(_RETRIES.value, _RETRY_PAUSE.value * 1e-6),
            grpc=grpc_port.GrpcOptions(
                tls.read_credentials(_SSL.value) if _SSL.value else None,
                grpc_port.parse_arguments(_ARGUMENTS.value),
                _SOCKET.value,
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
        max_connections=_REST_CONNECTIONS.value,
        metrics_path=path,
    )


def _engine_options():
    """How the flags say that models are run."""
    from tfmusicgan.serving.server.batching_config import BatchOptions, read_batching
    from tfmusicgan.serving.server.engine import EngineOptions
    from tfmusicgan.serving.server.servable import SessionOptions

    threads = _BATCH_THREADS.value
    if _BATCHING_FILE.value:
        _refuse_beside_file()
        batching, threads = read_batching(_BATCHING_FILE.value)
    else:
        batching = BatchOptions(_MAX_BATCH.value, _TIMEOUT.value, _QUEUE.value, _allowed_sizes())
    return EngineOptions(
        batching if _BATCHING.value else None,
        threads,
        SessionOptions(_INTRA.value, _INTER.value),
        _CONCURRENCY.value,
        _PER_MODEL_BATCHING.value,
        run_niceness=_NICENESS.value,
        num_load_threads=_LOAD_THREADS.value,
    )


def _refuse_beside_file() -> None:
    in_file = (_MAX_BATCH, _SIZES, _TIMEOUT, _QUEUE, _BATCH_THREADS)
    given = [f"--{flag.name}" for flag in in_file if flag.present]
    if not _BATCHING.value:
        given.append("--noenable_batching")
    if given:
        raise ConfigError(
            "Expected --batching_parameters_file or flags for batches, not both. Received: "
            f"{_BATCHING_FILE.value!r} and {', '.join(given)}. Write the values into the file."
        )


def _allowed_sizes() -> tuple[int, ...]:
    try:
        return tuple(int(size) for size in _SIZES.value)
    except ValueError as error:
        raise ConfigError(
            f"Expected whole numbers in --allowed_batch_sizes. Received: {','.join(_SIZES.value)}."
        ) from error


main = COMMAND.entry_point(_execute)
