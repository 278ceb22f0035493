"""The package's layers, its light imports, and the help of every command."""

import ast
import pathlib
import subprocess
import sys
import time

import pytest

import tfmusicgan

_PACKAGE = pathlib.Path(tfmusicgan.__file__).parent
# A module imports only from lower layers or its own.
_LAYERS = {
    "errors": 0,
    "files": 0,
    "mel_scale": 0,
    "progress": 0,
    "note_sequences": 0,
    "rendering": 0,
    "recipes": 0,
    "datasets": 1,
    "representations": 1,
    "audio": 1,
    "records": 1,
    "metrics": 1,
    "token_oracle": 1,
    "losses": 2,
    "layers": 2,
    "models": 2,
    "training": 3,
    "serving": 4,
    "client": 4,
    "magenta": 4,
    "bulk_sampling": 4,
    "evaluation": 4,
    "cli": 5,
}
_COMMANDS = sorted(
    path.stem for path in (_PACKAGE / "cli").glob("*.py") if path.stem not in ("__init__", "app")
)
_HEAVY = ("tensorflow", "keras", "apache_beam", "matplotlib", "note_seq", "symusic")


def _imports(text: str, module: str) -> set[str]:
    """Dotted names of everything a module imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")[: -node.level]
                base = ".".join([*parents, base]).rstrip(".")
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return names


def _modules() -> dict[str, set[str]]:
    found = {}
    for path in sorted(_PACKAGE.rglob("*.py")):
        parts = path.relative_to(_PACKAGE.parent).with_suffix("").parts
        found[".".join(parts)] = _imports(path.read_text(encoding="utf-8"), ".".join(parts))
    return found


def _part(name: str) -> str | None:
    """The top-level part of the package that a dotted name belongs to; None if to none."""
    parts = name.split(".")
    if parts[0] != "tfmusicgan" or len(parts) < 2 or parts[1] == "__init__":
        return None
    known = (_PACKAGE / parts[1]).is_dir() or (_PACKAGE / f"{parts[1]}.py").is_file()
    return parts[1] if known else None


def _offences(modules: dict[str, set[str]]) -> list[str]:
    found = []
    for module, imports in modules.items():
        own = _part(module)
        for name in sorted(imports):
            other = _part(name)
            if own and other and _LAYERS[other] > _LAYERS[own]:
                found.append(f"{module} (layer {_LAYERS[own]}) imports {name}")
    return found


def test_every_part_of_the_package_has_a_layer():
    assert {_part(module) for module in _modules()} - {None} <= set(_LAYERS)


def test_modules_import_only_from_lower_layers_or_their_own():
    assert _offences(_modules()) == []


def test_the_check_sees_imports_of_every_form():
    text = "def f():\n    from ..training import fit\n    import tfmusicgan.cli.app\n"
    imports = _imports(text, "tfmusicgan.models.base")
    assert {"tfmusicgan.training", "tfmusicgan.training.fit", "tfmusicgan.cli.app"} <= imports
    assert _imports("from . import base", "tfmusicgan.models.base") >= {"tfmusicgan.models.base"}
    offences = _offences({"tfmusicgan.models.base": {"tfmusicgan.cli.app", "tfmusicgan.errors"}})
    assert offences == ["tfmusicgan.models.base (layer 2) imports tfmusicgan.cli.app"]


def test_models_know_no_dataset_and_no_reader():
    for module, imports in _modules().items():
        parts = module.split(".")
        if parts[1:2] != ["models"] or len(parts) < 3:
            continue
        parts_used = {_part(name) for name in imports}
        assert not parts_used & {"datasets", "records"}, module


@pytest.mark.parametrize("part", ["recipes", "note_sequences", "rendering", "datasets"])
def test_light_parts_never_import_tensorflow(part):
    for module, imports in _modules().items():
        if _part(module) == part:
            roots = {name.split(".")[0] for name in imports}
            assert not roots & {"tensorflow", "keras", "tensorflow_probability"}, module


def test_servers_know_no_client():
    for module, imports in _modules().items():
        if _part(module) == "serving":
            assert not {"client", "magenta"} & {_part(name) for name in imports}, module


def test_importing_every_command_and_client_loads_nothing_heavy():
    names = [f"tfmusicgan.cli.{name}" for name in _COMMANDS]
    names += ["tfmusicgan.client", "tfmusicgan.client.midi_synthesis", "tfmusicgan.magenta"]
    code = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        f"print([name for name in {_HEAVY!r} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def _run(command: str, *arguments: str) -> tuple[subprocess.CompletedProcess, float]:
    code = f"from tfmusicgan.cli.{command} import main; main({list(arguments)!r})"
    started = time.perf_counter()
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return ended, time.perf_counter() - started


@pytest.mark.parametrize("command", _COMMANDS)
def test_help_lists_the_commands_own_flags_in_under_a_second(command):
    seconds = []
    for _ in range(4):  # the fastest: other processes share the machine
        ended, elapsed = _run(command, "--help")
        seconds.append(elapsed)
        if elapsed < 1.0:
            break
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(f"tfmusicgan-{command}: ")
    module = __import__(f"tfmusicgan.cli.{command}", fromlist=["COMMAND"])
    for flag in module.COMMAND.flags:
        assert f"{flag}=" in ended.stdout or f"--[no]{flag}" in ended.stdout
    assert "--[no]help" in ended.stdout
    assert "logtostderr" not in ended.stdout  # absl's own flags are not ours
    assert min(seconds) < 1.0


@pytest.mark.parametrize("command", _COMMANDS)
def test_an_unknown_flag_is_one_line(command):
    ended, _ = _run(command, "--no_such_flag=3")
    assert ended.returncode == 2
    assert ended.stderr == f"tfmusicgan-{command}: Unknown flag --no_such_flag.\n"
    assert ended.stdout == ""
