"""TensorFlow Serving's batching parameters: as options, and from its text files."""

import dataclasses
import os

from tfmusicgan.errors import ConfigError
from tfmusicgan.serving.server.config_messages import BatchingParameters, read_text

PER_MODEL_FILE = "batching_params.pbtxt"  # in a version's folder
_STOCK_MAX_BATCH_SIZE = 1000  # of a file that names none
_AT_LEAST = {
    "max_batch_size": 1,
    "batch_timeout_micros": 0,
    "max_enqueued_batches": 1,
    "num_batch_threads": 1,
    "max_execution_batch_size": 1,
}


@dataclasses.dataclass(frozen=True)
class BatchOptions:
    """How the rows of requests share runs.

    Attributes:
      max_batch_size: Most rows of a request and, unless requests are split, of a batch.
      batch_timeout_micros: How long a batch that is not full waits for more.
      max_enqueued_batches: Batches that may wait in one queue before requests are refused.
      allowed_batch_sizes: Sizes that run, ascending, the last equal to `max_batch_size`; empty:
        from 2 on, four from one power of two to the next (the stock server runs every size then).
      pad_variable_length_inputs: Requests whose inner shapes differ share a batch: each input is
        padded with its own first element to the batch's largest shape, and outputs stay as long.
      enable_large_batch_splitting: A request's rows may be dealt to several batches.
      max_execution_batch_size: Most rows of a batch when requests are split; 0: `max_batch_size`.
      thread_pool_name: What the metrics call the threads.
    """

    max_batch_size: int = 64
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int = 0
    thread_pool_name: str = "batch_threads"

    def __post_init__(self):
        sizes = self.allowed_batch_sizes
        if sizes and sizes[-1] != self.max_batch_size:
            raise ConfigError(
                "Last entry in allowed_batch_sizes must match max_batch_size; last entry was "
                f"{sizes[-1]}; expected {self.max_batch_size}"
            )
        if list(sizes) != sorted(set(sizes)) or (sizes and sizes[0] < 1):
            raise ConfigError(
                f"Expected allowed_batch_sizes above 0 in ascending order. Received: {list(sizes)}."
            )
        if (
            self.enable_large_batch_splitting
            and self.max_execution_batch_size > self.max_batch_size
        ):
            raise ConfigError(
                f"Expected max_execution_batch_size up to max_batch_size, {self.max_batch_size}. "
                f"Received: {self.max_execution_batch_size}."
            )

    @property
    def batch_rows(self) -> int:
        """Most rows of a batch."""
        if self.enable_large_batch_splitting and self.max_execution_batch_size:
            return self.max_execution_batch_size
        return self.max_batch_size

    def padded(self, rows: int) -> int:
        """The size that a batch of `rows` rows runs at."""
        for size in self.allowed_batch_sizes:
            if size >= rows:
                return size
        # Four sizes from one power of two to the next (..., 16, 20, 24, 28, 32, 40, ...), so that
        # from three rows on at most a fifth is padding; a maximum between them is the last size.
        step = max(1, 1 << (rows - 1).bit_length() >> 3)
        return min(max(2, -(-rows // step) * step), max(2, self.batch_rows))


def num_cores() -> int:
    """Cores that this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_batching(path: str) -> tuple[BatchOptions, int]:
    """Reads a `--batching_parameters_file`.

    Returns:
      The options, and the number of batch threads. What the file leaves out is as with the stock
      server: 1000 rows, no waiting, 10 batches, as many threads as there are cores.

    Raises:
      ConfigError: If it cannot be read, or a value is out of range.
    """
    parameters = read_text(path, BatchingParameters)
    numbers = {
        name: getattr(parameters, name).value for name in _AT_LEAST if parameters.HasField(name)
    }
    for name, value in numbers.items():
        if value < _AT_LEAST[name]:
            raise ConfigError(
                f"Expected {name} of at least {_AT_LEAST[name]} in {path!r}. Received: {value}."
            )
    threads = numbers.pop("num_batch_threads", num_cores())
    name = parameters.thread_pool_name.value
    try:
        options = BatchOptions(
            allowed_batch_sizes=tuple(parameters.allowed_batch_sizes),
            pad_variable_length_inputs=parameters.pad_variable_length_inputs,
            enable_large_batch_splitting=parameters.enable_large_batch_splitting.value,
            **({"max_batch_size": _STOCK_MAX_BATCH_SIZE} | numbers),
            **({"thread_pool_name": name} if name else {}),
        )
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return options, threads
