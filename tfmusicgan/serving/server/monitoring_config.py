"""TensorFlow Serving's monitoring file: whether there are metrics, and at which path."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from tfmusicgan.errors import ConfigError
from tfmusicgan.serving.server import config_messages

DEFAULT_PATH = "/monitoring/prometheus/metrics"

# The fields of tensorflow/serving's monitoring_config.proto.
_FILE = """
name: "tfmusicgan/monitoring_config.proto" package: "tensorflow.serving" syntax: "proto3"
message_type {
  name: "PrometheusConfig"
  field { name: "enable" number: 1 label: LABEL_OPTIONAL type: TYPE_BOOL }
  field { name: "path" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING }
}
message_type {
  name: "MonitoringConfig"
  field { name: "prometheus_config" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE
          type_name: ".tensorflow.serving.PrometheusConfig" }
}
"""


def _declare() -> type:
    pool = descriptor_pool.DescriptorPool()
    file = text_format.Parse(_FILE, descriptor_pb2.FileDescriptorProto())
    pool.AddSerializedFile(file.SerializeToString())
    name = "tensorflow.serving.MonitoringConfig"
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


MonitoringConfig = _declare()


def metrics_path(file: str) -> str | None:
    """Reads a monitoring file.

    Args:
      file: A MonitoringConfig in protobuf's text form.

    Returns:
      The path at which Prometheus reads the metrics; None if the file does not enable them.

    Raises:
      ConfigError: If the file cannot be read, or the path is none.
    """
    config = config_messages.read_text(file, MonitoringConfig).prometheus_config
    path = config.path or DEFAULT_PATH
    if not path.startswith("/") or path.lower().startswith("/v1/"):
        raise ConfigError(
            f"Expected a path that begins with / and not with /v1/ in {file!r}. Received: {path!r}."
        )
    return path if config.enable else None
