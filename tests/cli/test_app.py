"""The wrapper that every command shares."""

import errno
import os
import subprocess
import sys

import pytest

from tfmusicgan import __version__
from tfmusicgan.cli.app import Command
from tfmusicgan.errors import ConfigError, MusicGanError


class _Toy:
    """A command with a flag of each kind, whose body notes the values it saw."""

    def __init__(self, body=None):
        self.command = Command("tfmusicgan-toy", "does nothing.", ["tfmusicgan-toy --output=x"])
        self.holders = {
            "output": self.command.string("output", None, "Where to."),
            "names": self.command.list("names", ["a", "b"], "Names."),
            "set": self.command.repeated("set", "One value."),
            "fast": self.command.boolean("fast", True, "Whether to hurry."),
            "steps": self.command.integer("steps", 5, "Steps.", lower=1, upper=9),
            "rate": self.command.float("rate", 0.5, "Rate in hertz.", lower=0.0),
            "size": self.command.enum("size", "small", ["small", "large"], "Size."),
        }
        self.seen = []
        self.body = body or (lambda: None)
        self.main = self.command.entry_point(self._execute)

    def _execute(self):
        self.seen.append({name: holder.value for name, holder in self.holders.items()})
        return self.body()


def _status(main, *arguments) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return ended.value.code or 0


def test_defaults_and_values_reach_the_body():
    toy = _Toy()
    assert _status(toy.main) == 0
    assert (
        _status(
            toy.main,
            "--output=x",
            "--names=c,d",
            "--set=a=1",
            "--set=b=2",
            "--nofast",
            "--steps=9",
            "--rate",
            "2",
            "--size=large",
        )
        == 0
    )
    assert toy.seen == [
        {
            "output": None,
            "names": ["a", "b"],
            "set": [],
            "fast": True,
            "steps": 5,
            "rate": 0.5,
            "size": "small",
        },
        {
            "output": "x",
            "names": ["c", "d"],
            "set": ["a=1", "b=2"],
            "fast": False,
            "steps": 9,
            "rate": 2.0,
            "size": "large",
        },
    ]


def test_the_bodys_number_is_the_exit_status():
    assert _status(_Toy(lambda: 3).main) == 3


def test_help_shows_flags_defaults_ranges_and_examples(capsys):
    toy = _Toy()
    assert _status(toy.main, "--help") == 0
    assert toy.seen == []
    text = capsys.readouterr().out
    assert text.startswith("tfmusicgan-toy: does nothing.\n\nFlags:\n")
    for expected in (
        "  --output=TEXT\n      Where to.\n",
        "  --names=A,B,...\n      Names. (default: a,b)\n",
        "  --set=TEXT\n      One value.\n",
        "  --[no]fast\n      Whether to hurry. (default: true)\n",
        "  --steps=NUMBER\n      Steps. [an integer in the range [1, 9]] (default: 5)\n",
        "  --rate=NUMBER\n      Rate in hertz. [a non-negative number] (default: 0.5)\n",
        "  --size=small|large\n      Size. (default: small)\n",
        "\nExamples:\n  tfmusicgan-toy --output=x\n",
    ):
        assert expected in text


def test_help_into_a_pipe_that_nobody_reads():
    reading, writing = os.pipe()
    os.close(reading)
    code = "from tfmusicgan.cli.recipes import main; main(['--help'])"
    with os.fdopen(writing, "w") as pipe:
        ended = subprocess.run(
            [sys.executable, "-c", code], stdout=pipe, stderr=subprocess.PIPE, check=False
        )
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_version(capsys):
    assert _status(_Toy().main, "--version") == 0
    assert capsys.readouterr().out == f"tfmusicgan-toy {__version__}\n"


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--stepz=3", "tfmusicgan-toy: Unknown flag --stepz. Did you mean --steps?"),
        ("--qqqq", "tfmusicgan-toy: Unknown flag --qqqq."),
        ("--steps=0", "an integer in the range [1, 9]"),
        ("--steps=many", "--steps=many"),
        ("--rate=-1", "a non-negative number"),
        ("--fast=maybe", "--fast=maybe: Non-boolean argument to boolean flag: maybe\n"),
        ("--size=huge", "<small|large>"),
        ("stray", "Expected flags only. Received: 'stray'. See tfmusicgan-toy --help."),
    ],
)
def test_bad_usage_is_one_line_and_status_two(argument, message, capsys):
    toy = _Toy()
    assert _status(toy.main, argument) == 2
    assert toy.seen == []
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("tfmusicgan-toy: ")
    assert error.count("\n") == 1


def _raise(error):
    raise error


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (MusicGanError("no\n  music"), 1, "no music"),
        (ConfigError("Unknown size."), 1, "Unknown size."),
        (
            FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "a/b"),
            1,
            "No such file or directory: a/b",
        ),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), 1, "No space left on device"),
        (OSError("pipe burst"), 1, "pipe burst"),
        (KeyboardInterrupt(), 130, "Interrupted."),
    ],
)
def test_errors_are_one_line(error, status, line, capsys):
    assert _status(_Toy(lambda: _raise(error)).main) == status
    assert capsys.readouterr().err == f"tfmusicgan-toy: {line}\n"


def test_an_error_in_our_own_code_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        _Toy(lambda: 1 // 0).main([])


def test_required_flags(capsys):
    toy = _Toy()
    toy.body = lambda: toy.command.require(*(toy.holders[name] for name in ("output", "set")))
    for arguments, flag in (([], "output"), (["--output="], "output"), (["--output=x"], "set")):
        assert _status(toy.main, *arguments) == 1
        line = f"tfmusicgan-toy: --{flag} is required. See tfmusicgan-toy --help.\n"
        assert capsys.readouterr().err == line
    assert _status(toy.main, "--output=x", "--set=a=1") == 0


def test_two_commands_in_one_process_keep_their_flags_apart():
    first, second = _Toy(), _Toy()
    _status(first.main, "--steps=2")
    _status(second.main)
    assert (first.seen[0]["steps"], second.seen[0]["steps"]) == (2, 5)
    # A second call of the same command starts from the defaults again.
    _status(first.main)
    assert first.seen[1]["steps"] == 5
