"""ModelService.HandleReloadConfigRequest: another list of models for a running server."""

from collections.abc import Sequence

from tfmusicgan.serving import messages
from tfmusicgan.serving.server import statuses
from tfmusicgan.serving.server.manager import ModelManager
from tfmusicgan.serving.server.metrics import Counter, Metrics


async def reload(
    manager: ModelManager, metrics: Metrics, request: messages.ReloadConfigRequest
) -> messages.ReloadConfigResponse:
    """Serves the list of a `messages.ReloadConfigRequest`, and waits for its new models.

    Args:
      manager: The server's models.
      metrics: What the server counts.
      request: The list, and names of metrics.

    Returns:
      A `messages.ReloadConfigResponse`: OK, and by how much each known metric has grown meanwhile.

    Raises:
      RequestError: With the stock server's code and text. The list is on no disk: a restarted
        server has the one that it was started with.
    """
    if request.config.WhichOneof("config") != "model_config_list":
        raise statuses.invalid_argument(
            "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
            "ModelConfigList is currently supported"
        )
    before = _counted(metrics, request.metric_names)
    await manager.reload(request.config)
    response = messages.ReloadConfigResponse()
    response.status.SetInParent()
    for name, value in _counted(metrics, request.metric_names).items():
        response.metric.add(name=name, int64_value_increase=value - before[name])
    return response


def _counted(metrics: Metrics, names: Sequence[str]) -> dict[str, int]:
    """Sums of counters, by the names that the stock server has them under: with slashes."""
    counters = {
        metric.name.replace(":", "/"): metric
        for metric in vars(metrics).values()
        if isinstance(metric, Counter)
    }
    return {name: int(sum(counters[name].values.values())) for name in names if name in counters}
