"""A local worker process of the embedded runner: Beam's own, silent about its start and end.

The runner starts it as `python -m tfmusicgan.records.beam_worker`. Errors go back to the runner,
not to this process's standard error.
"""

import contextlib
import logging
import os
import sys


def main() -> None:
    """Runs Beam's worker until the runner is done with it."""
    logging.disable(logging.CRITICAL)
    from apache_beam.runners.worker import sdk_worker_main

    # Beam prints the trace of an error that it sends back as well.
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
