"""The tested set of versions installs with every Python that the package takes."""

import importlib.metadata
import pathlib

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

CONSTRAINTS = pathlib.Path(__file__).parents[1] / "constraints.txt"


def _pins(python):
    """Name -> exact version of the pins that count under one Python."""
    pins = {}
    for line in CONSTRAINTS.read_text().splitlines():
        pin = Requirement(line)
        if pin.marker is None or pin.marker.evaluate({"python_version": python}):
            (specifier,) = pin.specifier
            assert specifier.operator == "==", line
            assert pin.name not in pins, line
            pins[pin.name] = specifier.version
    return pins


@pytest.mark.parametrize("python", ["3.11", "3.12"])
def test_every_pin_takes_this_python(python):
    pins = _pins(python)
    checked = 0
    for name, version in pins.items():
        try:
            installed = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # of another Python, or of an extra that is not installed
        if installed.version == version:
            requires = installed.metadata.get("Requires-Python") or ""
            assert SpecifierSet(requires).contains(f"{python}.5"), (name, version, requires)
            checked += 1
    assert checked > 50


def test_both_pythons_pin_the_same_packages():
    assert _pins("3.11").keys() == _pins("3.12").keys()
