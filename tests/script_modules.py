"""Programs of scripts/ as modules, for the tests of their functions."""

import importlib.util
import pathlib
import sys
import types

_SCRIPTS = pathlib.Path(__file__).parent.parent / "scripts"


def load_script(path: str) -> types.ModuleType:
    """Imports a program, with those beside it that it imports itself.

    Args:
      path: Below scripts/, such as `"reproduce/curves.py"`.
    """
    file = _SCRIPTS / path
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.parent))
    sys.modules[file.stem] = module  # where dataclasses look for themselves
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(file.parent))
        del sys.modules[file.stem]
    return module
