"""TensorFlow Serving's monitoring file: whether there are metrics, and at which path."""

from tfmusicgan.errors import ConfigError
from tfmusicgan.serving.server import config_messages

DEFAULT_PATH = "/monitoring/prometheus/metrics"


def metrics_path(file: str) -> str | None:
    """Reads a monitoring file.

    Args:
      file: A MonitoringConfig in protobuf's text form.

    Returns:
      The path at which Prometheus reads the metrics; None if the file does not enable them.

    Raises:
      ConfigError: If the file cannot be read, or the path is none.
    """
    config = config_messages.read_text(file, config_messages.MonitoringConfig).prometheus_config
    path = config.path or DEFAULT_PATH
    if not path.startswith("/") or path.lower().startswith("/v1/"):
        raise ConfigError(
            f"Expected a path that begins with / and not with /v1/ in {file!r}. Received: {path!r}."
        )
    return path if config.enable else None
