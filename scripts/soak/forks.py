"""Starts commands as forks of one process that has TensorFlow imported already.

A command's imports take seconds, and its work on toy data not many more: forks start with the work,
so that kills land there. The program reads requests from its standard input, a line of JSON each:
[command, flags, log file]. It answers with a line for the process id, and one for the exit status
(minus the signal's number after a kill).
"""

import gc
import importlib
import json
import logging
import os
import sys
import warnings

_HEAVY = (
    "apache_beam.runners.portability.fn_api_runner",
    "apache_beam.runners.portability.portable_runner",
    "tfmusicgan.bulk_sampling",
    "tfmusicgan.serving.export",
    "tfmusicgan.training.fit",
)


def main() -> None:
    """Answers requests until the input ends. In a fork: runs the command, and ends as it does."""
    logging.disable(logging.WARNING)  # Beam warns about cloud packages on import
    for module in _HEAVY:
        importlib.import_module(module)
    logging.disable(logging.NOTSET)
    # Python warns of forks beside threads: here those of idle pools, which the fork starts anew.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    gc.freeze()  # a fork's collector would go through, and so copy, all that is imported
    for request in sys.stdin:
        command, flags, log = json.loads(request)
        process = os.fork()
        if not process:
            run(command, flags, log)
        os.setpgid(process, process)
        print(process, flush=True)
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def run(command: str, flags: list[str], log: str) -> None:
    """Runs a console command in this process, with a process group and a log of its own.

    Args:
      command: The module in `tfmusicgan.cli`.
      flags: As on the command line.
      log: File that both outputs are appended to.

    Raises:
      SystemExit: Always, as a command ends.
    """
    os.setpgid(0, 0)  # here as well as in the parent, since either may be first
    for path, mode, descriptors in ((os.devnull, os.O_RDONLY, (0,)), (log, os.O_WRONLY, (1, 2))):
        opened = os.open(path, mode | os.O_CREAT | os.O_APPEND, 0o644)
        for descriptor in descriptors:
            os.dup2(opened, descriptor)
    importlib.import_module(f"tfmusicgan.cli.{command}").main(flags)


if __name__ == "__main__":
    main()
