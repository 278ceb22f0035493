"""Runs one function over many elements with Apache Beam, on this machine or on a cluster."""

import contextlib
import io
import logging
import re
import shlex
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tfmusicgan import errors
from tfmusicgan.errors import ConfigError, MusicGanError

EMBEDDED = "embedded"

# What Beam adds to the message of an error.
_STAGE = re.compile(r" \[while running '[^']*'\]")

# How a worker process reports one of our errors to the embedded runner.
_OUR_ERROR = re.compile(
    r"(?:^|\n)tfmusicgan\.errors\.(\w+): (.+?)(?: \[while running [^\n]*)?(?=\n|$)"
)


def run_all(
    function: Callable[[Any], Any],
    elements: Sequence[Any],
    label: str,
    runner: str = EMBEDDED,
    num_workers: int = 1,
    beam_options: str = "",
) -> None:
    """Runs `function` once for every element; its results are left to its side effects.

    Args:
      function: Importable and picklable (`functools.partial` of a module's function).
      elements: Picklable.
      label: The Beam stage's name.
      runner: `"embedded"` (Beam's FnApiRunner, in this process or in local worker processes), or
        the name of any other Beam runner.
      num_workers: Local worker processes of the embedded runner; 1 works in this process.
      beam_options: Beam's own options, as on its command lines.

    Raises:
      MusicGanError: One of our errors that `function` raised, whichever process it ran in; of
        another runner than the embedded one, whatever kept it from its end.
      WorkerLostError: If a local worker process was killed.
      ConfigError: If Beam does not know the runner or refuses an option.
    """
    if not elements:
        return
    beam, runner_or_name, options = _set_up(runner, num_workers, beam_options)
    # The embedded runner warns about the worker processes that we choose ourselves, and logs the
    # trace of every error before it raises it.
    quiet = _quiet() if runner == EMBEDDED else contextlib.nullcontext()
    try:
        with quiet, beam.Pipeline(runner=runner_or_name, options=options) as pipeline:
            _ = (
                pipeline
                | f"List {label}" >> beam.Create(list(elements), reshuffle=False)
                | f"Spread {label}" >> beam.Reshuffle()
                | f"Run {label}" >> beam.Map(function)
            )
    except errors.MusicGanError as error:
        error.args = (_STAGE.sub("", str(error)), *error.args[1:])
        raise
    except Exception as error:
        # A worker process hands errors back as the text of their trace.
        ours = _OUR_ERROR.findall(str(error)) if isinstance(error, RuntimeError) else []
        if ours:
            name, message = ours[-1]
            raise getattr(errors, name)(message) from None
        if runner == EMBEDDED:
            raise
        said = " ".join(str(error).split()) or type(error).__name__
        raise MusicGanError(
            f"Beam's {runner} did not run the pipeline to its end: {textwrap.shorten(said, 600)}"
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    from tfmusicgan.records.beam_processes import quiet_threads

    with _logging_off(logging.ERROR), quiet_threads():
        yield


@contextlib.contextmanager
def _logging_off(level: int) -> Iterator[None]:
    """Nothing of `level` and below is logged inside the block."""
    before = logging.root.manager.disable
    logging.disable(max(before, level))
    try:
        yield
    finally:
        logging.disable(before)


def _set_up(runner: str, num_workers: int, beam_options: str) -> tuple[Any, Any, Any]:
    """The Beam module, a runner (or its name), and pipeline options."""
    # Beam warns about Google Cloud packages on import, which nobody here needs.
    with _logging_off(logging.WARNING):
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions
        from apache_beam.portability.api import beam_provision_api_pb2
        from apache_beam.runners.portability.fn_api_runner import FnApiRunner, fn_runner
        from apache_beam.runners.portability.portable_runner import JobServiceHandle

        from tfmusicgan.records.beam_processes import watched_processes
    arguments = _split(beam_options)
    if runner != EMBEDDED:
        if num_workers != 1:
            raise ConfigError(
                f"--workers is for the embedded runner. Received: {num_workers} with runner "
                f"{runner!r}, whose workers are set in --beam_options."
            )
        try:
            beam.runners.create_runner(runner)
        except (ValueError, ImportError) as error:
            raise ConfigError(f"Beam has no runner {runner!r} here: {error}") from None
        options = PipelineOptions(arguments)
        _parse(options)
        return beam, runner, options
    options = PipelineOptions(arguments, direct_num_workers=num_workers)
    # Without this the options do not reach the worker processes.
    encoded = JobServiceHandle.encode_pipeline_options(_parse(options))
    provision_info = fn_runner.ExtendedProvisionInfo(
        beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)
    )
    environment = watched_processes() if num_workers > 1 else None
    # Named here: Beam's "DirectRunner" would look for another engine on the network first.
    return beam, FnApiRunner(environment, provision_info=provision_info), options


def _split(beam_options: str) -> list[str]:
    try:
        return shlex.split(beam_options)
    except ValueError as error:
        raise ConfigError(f"--beam_options: {error}. Received: {beam_options!r}.") from None


def _parse(options: Any) -> dict[str, Any]:
    """All of Beam's options; argparse, which they stand on, would print its usage and exit."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return options.get_all_options()
    except SystemExit:
        line = said.getvalue().strip().splitlines()[-1]
        raise ConfigError(f"--beam_options: {line.partition('error: ')[2] or line}") from None
