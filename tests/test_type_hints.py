"""Public functions of the package say what they take and give."""

import ast
import pathlib
from collections.abc import Iterator

import tfmusicgan

PACKAGE = pathlib.Path(tfmusicgan.__file__).parent


def _public(node: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for child in node.body:
        if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield from _public(child)
        is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        if is_function and not child.name.startswith("_"):
            yield child


def _missing(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    given = function.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    arguments = [argument for argument in arguments if argument is not None]
    missing = [a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")]
    return missing if function.returns is not None else [*missing, "return"]


def test_a_hint_that_is_missing_is_found():
    source = "def f(a: int, b, *, c=1) -> int: ...\nclass C:\n  def g(self, d: int): ...\n"
    source += "def _h(e): ...\nclass _D:\n  def i(self, f): ...\n"
    source += "async def j(*k, l: int, **m) -> None: ...\n"
    found = {function.name: _missing(function) for function in _public(ast.parse(source))}
    assert found == {"f": ["b", "c"], "g": ["return"], "j": ["k", "m"]}


def test_every_public_function_has_all_hints():
    found = [
        f"{path.relative_to(PACKAGE)}:{function.lineno} {function.name}: {', '.join(missing)}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for function in _public(ast.parse(path.read_text(encoding="utf-8")))
        if (missing := _missing(function))
    ]
    assert not found
