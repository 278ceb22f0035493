"""Runs commands inside the test's process."""

import pytest


def run(main, *arguments: str) -> int:
    """A command's exit status."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code or 0


def refused(capsys, main, *arguments: str) -> str:
    """The one line on stderr of a command that must fail; nothing but it is printed."""
    capsys.readouterr()
    status = run(main, *arguments)
    printed, line = capsys.readouterr()
    assert status not in (0, None)
    assert printed == ""
    assert line.endswith("\n") and line.count("\n") == 1, line
    assert line.startswith("tfmusicgan-")
    assert "Traceback" not in line
    return line.strip()
