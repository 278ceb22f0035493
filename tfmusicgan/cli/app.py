"""One wrapper around absl for every command: help, one-line errors, exit status.

A command module builds a `Command`, defines its flags through it, writes one `_execute` function
and sets `main = COMMAND.entry_point(_execute)`. Flags live in the command's own `FlagValues`, so
that several commands can be imported by one process. Heavy imports belong inside `_execute`:
`--help` answers in under a second.

absl's own `--help` lists no flags when started from a console script, and exits with status 1.
"""

import difflib
import os
import re
import sys
import textwrap
import warnings
from collections.abc import Callable, Sequence
from typing import NoReturn

from absl import app, flags, logging

from tfmusicgan import __version__
from tfmusicgan.errors import MusicGanError


class Command:
    """A console command: its name, its flags, its help text.

    Args:
      name: The console script's name, e.g. `"tfmusicgan-convert"`.
      summary: What it does, in one or a few lines (the first paragraph of the module docstring).
      examples: Command lines worth copying, shown at the end of `--help`.
    """

    def __init__(self, name: str, summary: str, examples: Sequence[str] = ()):
        self.name = name
        self.summary = summary
        self.examples = tuple(examples)
        self.flags = flags.FlagValues()
        flags.DEFINE_bool("help", False, "Show this help and exit.", flag_values=self.flags)
        flags.DEFINE_bool("version", False, "Show the version and exit.", flag_values=self.flags)
        flags.DEFINE_bool("verbose", False, "Log informational messages.", flag_values=self.flags)

    def string(self, name: str, default: str | None, help: str) -> flags.FlagHolder:
        """Defines a text flag. `holder.value` reads it inside `_execute`."""
        return flags.DEFINE_string(name, default, help, flag_values=self.flags)

    def list(self, name: str, default: Sequence[str] | None, help: str) -> flags.FlagHolder:
        """Defines a flag of comma-separated texts."""
        return flags.DEFINE_list(name, default, help, flag_values=self.flags)

    def repeated(self, name: str, help: str) -> flags.FlagHolder:
        """Defines a text flag that may be given several times; its value is a list."""
        holder = flags.DEFINE_multi_string(name, [], help, flag_values=self.flags)
        self.flags[name].help = help  # absl adds a line of its own
        return holder

    def boolean(self, name: str, default: bool | None, help: str) -> flags.FlagHolder:
        """Defines `--name` / `--noname`."""
        return flags.DEFINE_bool(name, default, help, flag_values=self.flags)

    def integer(
        self,
        name: str,
        default: int | None,
        help: str,
        lower: int | None = None,
        upper: int | None = None,
    ) -> flags.FlagHolder:
        """Defines a whole-number flag with an inclusive range."""
        return flags.DEFINE_integer(
            name, default, help, lower_bound=lower, upper_bound=upper, flag_values=self.flags
        )

    def float(
        self,
        name: str,
        default: float | None,
        help: str,
        lower: float | None = None,
        upper: float | None = None,
    ) -> flags.FlagHolder:
        """Defines a real-number flag with an inclusive range."""
        return flags.DEFINE_float(
            name, default, help, lower_bound=lower, upper_bound=upper, flag_values=self.flags
        )

    def enum(
        self, name: str, default: str | None, values: Sequence[str], help: str
    ) -> flags.FlagHolder:
        """Defines a flag that takes one of `values`."""
        return flags.DEFINE_enum(name, default, values, help, flag_values=self.flags)

    def require(self, *holders: flags.FlagHolder) -> None:
        """Raises a one-line usage error for the first flag that was not given.

        Raises:
          MusicGanError: If a flag is None or empty.
        """
        for holder in holders:
            if holder.value in (None, "", []):
                raise MusicGanError(f"--{holder.name} is required. See {self.name} --help.")

    def help_text(self) -> str:
        """The command's summary, its flags with defaults, and its examples."""
        lines = [f"{self.name}: {self.summary.strip()}", "", "Flags:"]
        for name in sorted(dict(self.flags.flag_values_dict())):
            flag = self.flags[name]
            lines.append(f"  {_flag_heading(flag)}")
            indent = " " * 6
            # Names of commands stay in one piece.
            lines += textwrap.wrap(
                _flag_help(flag),
                96,
                initial_indent=indent,
                subsequent_indent=indent,
                break_on_hyphens=False,
            )
        if self.examples:
            lines += ["", "Examples:"] + [f"  {example}" for example in self.examples]
        return "\n".join(lines)

    def entry_point(self, execute: Callable[[], int | None]) -> Callable[..., None]:
        """Builds the console script's function.

        Args:
          execute: The command's body; its return value is the exit status (None is 0).

        Returns:
          `main(argv=None)`, which always ends in `SystemExit`.
        """

        def main(argv: Sequence[str] | None = None) -> None:
            arguments = list(sys.argv if argv is None else [self.name, *argv])
            app.run(lambda _: self._guarded(execute), argv=arguments, flags_parser=self._parse)

        return main

    def _parse(self, argv: Sequence[str]) -> Sequence[str]:
        self.flags.unparse_flags()
        try:
            rest = self.flags(argv)
        except flags.Error as error:
            self._fail(_usage_line(error, self.flags), status=2)
        if self.flags.help:
            _print_and_end(self.help_text())
        if self.flags.version:
            _print_and_end(f"{self.name} {__version__}")
        if len(rest) > 1:
            self._fail(f"Expected flags only. Received: {rest[1]!r}. See {self.name} --help.", 2)
        # absl's logging reads its own global flags, which no command parses.
        flags.FLAGS.mark_as_parsed()
        logging.set_verbosity(logging.INFO if self.flags.verbose else logging.WARNING)
        if not self.flags.verbose:
            _quieten_libraries()
        return rest

    def _guarded(self, execute: Callable[[], int | None]) -> int:
        try:
            return execute() or 0
        except MusicGanError as error:
            return self._fail(str(error), error.status)
        except OSError as error:
            return self._fail(f"{error.strerror or error}: {error.filename or ''}".rstrip(": "))
        except KeyboardInterrupt:
            return self._fail("Interrupted.", status=130)

    def _fail(self, message: str, status: int = 1) -> int:
        print(f"{self.name}: {' '.join(message.split())}", file=sys.stderr)
        sys.exit(status)


def _print_and_end(text: str) -> NoReturn:
    try:
        print(text, flush=True)
    except BrokenPipeError:  # as with `| head`, which has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(0)


def _quieten_libraries() -> None:
    """Before their first import: start-up lines, pydub's search for ffmpeg, gRPC's own words."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    warnings.filterwarnings("ignore", message="Couldn't find ffmpeg")


def _flag_heading(flag: flags.Flag) -> str:
    if flag.flag_type() == "bool":
        return f"--[no]{flag.name}"
    return f"--{flag.name}={_placeholder(flag)}"


def _placeholder(flag: flags.Flag) -> str:
    if isinstance(flag, flags.EnumFlag):
        return "|".join(flag.parser.enum_values)
    if flag.flag_type() in ("int", "float"):
        return "NUMBER"
    return "A,B,..." if flag.flag_type().startswith("comma") else "TEXT"


def _flag_help(flag: flags.Flag) -> str:
    default = (flag.default_as_str or "").strip("'")
    suffix = f" (default: {default})" if default not in ("", "[]") else ""
    bounds = getattr(flag.parser, "syntactic_help", "")
    ranged = flag.flag_type() in ("int", "float") and bounds not in ("a number", "an integer", "")
    note = f" [{bounds}]" if ranged else ""
    text = flag.help.partition(">: ")[2] if isinstance(flag, flags.EnumFlag) else flag.help
    return f"{text}{note}{suffix}"


def _usage_line(error: flags.Error, values: flags.FlagValues) -> str:
    # absl shows some of its own errors as the tuple of their arguments.
    message = re.sub(r"\('(.*)', '(.*)'\)$", r"\1: \2", " ".join(str(error).split()))
    if isinstance(error, flags.UnrecognizedFlagError):
        close = difflib.get_close_matches(error.flagname, list(values), n=1)
        hint = f" Did you mean --{close[0]}?" if close else ""
        return f"Unknown flag --{error.flagname}.{hint}"
    return message
