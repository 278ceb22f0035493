import pathlib

import pytest

from tfmusicgan.cli import serve


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        serve.main(list(arguments))
    output = capsys.readouterr()
    assert end.value.code not in (0, None)
    assert output.out == ""
    assert output.err.count("\n") == 1
    return output.err


def test_help_lists_flags_and_exits_0(capsys):
    with pytest.raises(SystemExit) as end:
        serve.main(["--help"])
    assert end.value.code == 0
    assert "--model_root=TEXT" in capsys.readouterr().out


# The stock server's defaults, section 2.1 of the reference, of the flags that both have.
STOCK = {
    "port": 8500,
    "grpc_socket_path": "",
    "rest_api_port": 0,
    "rest_api_timeout_in_ms": 30000,
    "rest_api_enable_cors_support": False,
    "model_name": "default",
    "model_base_path": "",
    "model_config_file": "",
    "model_config_file_poll_wait_seconds": 0,
    "file_system_poll_wait_seconds": 1,
    "enable_batching": False,
    "batching_parameters_file": "",
    "enable_per_model_batching_parameters": False,
    "allow_version_labels_for_unavailable_models": False,
    "max_num_load_retries": 5,
    "load_retry_interval_micros": 60_000_000,
    "num_load_threads": 0,
    "tensorflow_intra_op_parallelism": 0,
    "tensorflow_inter_op_parallelism": 0,
    "grpc_channel_arguments": "",
    "monitoring_config_file": "",
    "ssl_config_file": "",
}


def test_defaults_that_differ_from_the_stock_servers_are_said():
    flags = serve.COMMAND.flags
    differing = {n for n, stock in STOCK.items() if (flags[n].default or 0) != (stock or 0)}
    assert differing == {"enable_batching", "max_num_load_retries"}
    readme = (pathlib.Path(__file__).parents[2] / "serving" / "README.md").read_text()
    summary = serve.COMMAND.summary.split("Defaults differ:")[1]
    for name in differing:
        assert f"--{name}" in summary
        assert "stock: " in flags[name].help
        assert f"| `--{name}` |" in readme


def test_nothing_to_serve(capsys, tmp_path):
    assert "--model_base_path and --model_config_file. Received: none." in refused(capsys)
    both = refused(capsys, f"--model_root={tmp_path}", f"--model_base_path={tmp_path}")
    assert "Received: --model_root and --model_base_path." in both
    error = refused(capsys, f"--model_root={tmp_path}")
    assert str(tmp_path) in error
    assert "an empty folder. Write one with tfmusicgan-export" in error
    assert "no', which does not exist" in refused(capsys, f"--model_base_path={tmp_path}/no")


def test_bad_batch_sizes(capsys, tmp_path):
    root = f"--model_root={tmp_path}"
    error = refused(capsys, root, "--allowed_batch_sizes=2,x")
    assert "whole numbers in --allowed_batch_sizes. Received: 2,x." in error
    error = refused(capsys, root, "--allowed_batch_sizes=2,4", "--max_batch_size=8")
    assert "last entry was 4; expected 8" in error


def test_files_and_flags_that_exclude_each_other(capsys, tmp_path):
    root = f"--model_root={tmp_path}"
    error = refused(capsys, root, "--model_config_file=x")
    assert "--model_config_file. Received: --model_root and --model_config_file." in error
    path = tmp_path / "b.config"
    path.write_text("max_batch_size { value: 8 }")
    batching = f"--batching_parameters_file={path}"
    error = refused(capsys, root, batching, "--max_batch_size=8", "--num_batch_threads=1")
    assert f"not both. Received: '{path}' and --max_batch_size, --num_batch_threads." in error
    assert "--noenable_batching" in refused(capsys, root, batching, "--noenable_batching")
    path.write_text("max_batch_size { value: 8 } allowed_batch_sizes: 4")
    assert f"{path}: Last entry in allowed_batch_sizes must" in refused(capsys, root, batching)


def test_bad_files_are_named(capsys, tmp_path):
    path = tmp_path / "models.config"
    path.write_text("model_config_list {\n  config { nmae: 'x' } }")
    error = refused(capsys, f"--model_config_file={path}")
    assert f"ModelServerConfig in text form in '{path}'. Received, at line 2, column 12" in error
    path.write_text('model_config_list { config { name: "m" base_path: "m" } }')
    error = refused(capsys, f"--model_config_file={path}")
    assert f"{path}: Expected model m to have an absolute path or URI; got base_path()=m." in error
    path.write_text("server_key: 'x'")
    error = refused(capsys, f"--model_root={tmp_path}", f"--ssl_config_file={path}")
    assert "Received none for: server_cert" in error
    error = refused(capsys, f"--model_root={tmp_path}", "--grpc_channel_arguments=grpc.x")
    assert "Expected name=value" in error


def options_of(monkeypatch, *arguments):
    """What the command would serve."""
    from tfmusicgan.serving.server import app

    given = []
    monkeypatch.setattr(app, "run", lambda options, announce: given.append(options))
    with pytest.raises(SystemExit) as end:
        serve.main(list(arguments))
    assert end.value.code in (0, None)
    return given[0]


def test_flags_reach_the_server(monkeypatch, tmp_path):
    batching = tmp_path / "b.config"
    batching.write_text("max_batch_size { value: 8 } num_batch_threads { value: 3 }")
    options = options_of(
        monkeypatch,
        "--model_config_file=/c/models.config",
        "--model_config_file_poll_wait_seconds=2.5",
        "--allow_version_labels_for_unavailable_models",
        f"--batching_parameters_file={batching}",
        "--enable_per_model_batching_parameters",
        "--model_concurrency=2",
        "--max_num_load_retries=5",
        "--load_retry_interval_micros=1500000",
        "--num_load_threads=3",
        "--grpc_channel_arguments=grpc.max_receive_message_length=99,grpc.x=y",
        "--grpc_socket_path=/run/s",
    )
    assert options.source.config_file == "/c/models.config"
    assert (options.source.root, options.source.base_path, options.source.name) == (None,) * 3
    assert (options.config_poll_seconds, options.label_unavailable) == (2.5, True)
    assert (options.load_retries.number, options.load_retries.seconds) == (5, 1.5)
    assert (options.engine.batching.max_batch_size, options.engine.num_batch_threads) == (8, 3)
    assert (options.engine.per_model_batching, options.engine.model_concurrency) == (True, 2)
    assert options.engine.num_load_threads == 3
    assert options.grpc.arguments == {"grpc.max_receive_message_length": 99, "grpc.x": "y"}
    assert (options.grpc.socket_path, options.grpc.credentials) == ("/run/s", None)


def test_defaults(monkeypatch, tmp_path):
    options = options_of(monkeypatch, f"--model_base_path={tmp_path}", "--noenable_batching")
    assert (options.source.name, options.source.base_path) == ("default", str(tmp_path))
    assert (options.config_poll_seconds, options.label_unavailable) == (0, False)
    assert (options.engine.batching, options.engine.num_batch_threads) == (None, 2)
