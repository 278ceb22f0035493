import pytest

from tests.cli.test_serve import refused
from tfmusicgan.errors import ConfigError
from tfmusicgan.serving.server.monitoring_config import DEFAULT_PATH, metrics_path


def test_metrics_need_the_rest_port(capsys, tmp_path):
    (tmp_path / "monitoring").write_text("prometheus_config { enable: true }")
    flags = [f"--model_root={tmp_path}", f"--monitoring_config_file={tmp_path}/monitoring"]
    assert "Expected --rest_api_port with --monitoring_config_file" in refused(capsys, *flags)
    (tmp_path / "monitoring").write_text("prometheus_config { enabled: true }")
    error = refused(capsys, *flags)
    assert "Expected a MonitoringConfig in text form" in error
    assert "line 1" in error


def test_ports_differ(capsys, tmp_path):
    error = refused(capsys, f"--model_root={tmp_path}", "--rest_api_port=8500")
    assert "Expected --rest_api_port to differ from --port. Received: 8500 for both." in error


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", None),
        ("prometheus_config { path: '/x' }", None),
        ("prometheus_config { enable: true }", DEFAULT_PATH),
        ("prometheus_config { enable: true path: '/x' }", "/x"),
    ],
)
def test_monitoring_files(tmp_path, text, path):
    (tmp_path / "file").write_text(text)
    assert metrics_path(str(tmp_path / "file")) == path


@pytest.mark.parametrize("path", ["metrics", "/v1/metrics"])
def test_paths_that_nothing_could_read(tmp_path, path):
    (tmp_path / "file").write_text(f"prometheus_config {{ enable: true path: '{path}' }}")
    with pytest.raises(ConfigError, match=f"begins with / and not with /v1/.*Received: '{path}'"):
        metrics_path(str(tmp_path / "file"))
