"""TensorFlow Serving's metrics, by its names, in the text that Prometheus reads.

A name is the stock one with its slashes as colons, labels come in the stock order, latencies are in
microseconds with the stock bucket limits (read in tensorflow/serving's util.cc, batching_session.cc
and prometheus_exporter.cc). prometheus_client gives its counters the ending `_total`, which these
have not, so the text is written here; that library adds the `process_` metrics (memory, CPU).

Where the stock server samples percentiles (the batch sizes), sums and counts are kept. One event
loop uses a set of metrics, so nothing is locked: an observation takes about half a microsecond.
"""

import bisect
import dataclasses
import time
from collections.abc import Iterator, Sequence

import prometheus_client

CONTENT_TYPE = "text/plain"
MAX_CELLS = 1000  # beyond so many, label values that clients may make up are counted together
MAX_LABEL_LENGTH = 200
OTHERS = "(others)"

Labels = tuple[str, ...]


def exponential(scale: float, growth: float, count: int) -> list[float]:
    """Bucket limits [count]: `scale * growth ** i`, as TensorFlow's `Buckets::Exponential`."""
    return [scale * growth**i for i in range(count)]


def micros_since(start: float) -> float:
    """Microseconds since a `time.perf_counter()`."""
    return (time.perf_counter() - start) * 1e6


@dataclasses.dataclass(eq=False)
class Counter:
    """Sums by label values.

    Attributes:
      name: The metric's name.
      label_names: What the values stand for.
      values: The sums.
    """

    name: str
    label_names: tuple[str, ...] = ()
    values: dict[Labels, float] = dataclasses.field(default_factory=dict)

    def add(self, labels: Labels = (), amount: float = 1, served: bool = False) -> None:
        """Adds to one cell; what belongs to a served model always has one of its own."""
        if not served and labels not in self.values:
            labels = _bounded(labels, self.values)
        self.values[labels] = self.values.get(labels, 0) + amount

    def lines(self) -> Iterator[str]:
        """The metric in Prometheus' text form."""
        yield f"# TYPE {self.name} counter"
        for labels, value in self.values.items():
            yield f"{self.name}{_braces(self.label_names, labels)} {_number(value)}"


@dataclasses.dataclass(eq=False)
class Histogram:
    """Counts, by label values, of what fell between limits; without limits, sums alone.

    Attributes:
      name: The metric's name.
      label_names: What the values stand for.
      limits: Upper limits of the buckets, ascending; the last bucket, above them, has none.
      cells: By label values: the counts of the buckets, then the sum.
    """

    name: str
    label_names: tuple[str, ...] = ()
    limits: Sequence[float] = ()
    cells: dict[Labels, list[float]] = dataclasses.field(default_factory=dict)

    def observe(self, labels: Labels, value: float, served: bool = False) -> None:
        """Counts one value; what belongs to a served model always has a cell of its own."""
        cell = self.cells.get(labels)
        if cell is None:
            labels = labels if served else _bounded(labels, self.cells)
            cell = self.cells.setdefault(labels, [0] * (len(self.limits) + 2))
        cell[bisect.bisect_left(self.limits, value)] += 1
        cell[-1] += value

    def lines(self) -> Iterator[str]:
        """The metric in Prometheus' text form."""
        yield f"# TYPE {self.name} {'histogram' if self.limits else 'summary'}"
        limits = [f"{limit:g}" for limit in self.limits] + ["+Inf"]
        for labels, (*counts, total) in self.cells.items():
            if self.limits:
                below = 0
                for limit, count in zip(limits, counts, strict=True):
                    below += count
                    braces = _braces((*self.label_names, "le"), (*labels, limit))
                    yield f"{self.name}_bucket{braces} {below}"
            braces = _braces(self.label_names, labels)
            yield f"{self.name}_sum{braces} {_number(total)}"
            yield f"{self.name}_count{braces} {sum(counts)}"


class Metrics:
    """What one server counts.

    Attributes:
      request_count: Requests by their outcome.
      request_latency: Of requests that were answered; `API` is the method's name.
      runtime_latency: Of their runs, the time in the queue included.
      queuing_latency: Of requests that waited for their batch.
      wrapped_run_count: Batches that were run.
      input_batch_size: Rows of requests.
      processed_batch_size: Rows of batches, padding included.
      padding_size: Rows that were added to batches.
      load_attempt_count: Of versions; `status` is `success` or `fail`.
      load_latency: Microseconds that it took, in sum.
      warmup_latency: Of the records that a version was warmed with.
      warmup_records_read: How many these were.
    """

    def __init__(self):
        serving = ":tensorflow:serving:"
        batching = f"{serving}batching_session:"
        loading = ":tensorflow:cc:saved_model:"
        micros = exponential(10, 1.8, 33)
        self.request_count = Counter(f"{serving}request_count", ("model_name", "status"))
        self.request_latency = Histogram(
            f"{serving}request_latency", ("model_name", "API", "entrypoint"), micros
        )
        self.runtime_latency = Histogram(
            f"{serving}runtime_latency", ("model_name", "API", "runtime"), micros
        )
        self.queuing_latency = Histogram(
            f"{batching}queuing_latency", ("thread_pool_name",), exponential(100, 1.2, 52)
        )
        self.wrapped_run_count = Counter(f"{batching}wrapped_run_count")
        self.input_batch_size = Histogram(f"{batching}input_batch_size")
        self.processed_batch_size = Histogram(f"{batching}processed_batch_size")
        self.padding_size = Histogram(f"{batching}padding_size", ("execution_batch_size",))
        self.load_attempt_count = Counter(f"{loading}load_attempt_count", ("model_path", "status"))
        self.load_latency = Counter(f"{loading}load_latency", ("model_path",))
        self.warmup_latency = Histogram(
            f"{serving}model_warmup_latency", ("model_path", "status"), micros
        )
        self.warmup_records_read = Counter(f"{serving}model_warmup_records_read", ("model_path",))

    def text(self) -> bytes:
        """Everything, for Prometheus to read."""
        lines = [line for metric in vars(self).values() for line in metric.lines()]
        registry = prometheus_client.CollectorRegistry()
        prometheus_client.ProcessCollector(registry=registry)
        return ("\n".join(lines) + "\n").encode() + prometheus_client.generate_latest(registry)


def _bounded(labels: Labels, cells: dict[Labels, object]) -> Labels:
    if len(cells) >= MAX_CELLS:
        return (OTHERS,) * len(labels)
    return tuple(label[:MAX_LABEL_LENGTH] for label in labels)


def _braces(names: Sequence[str], values: Labels) -> str:
    return "{" + ",".join(f'{n}="{_escaped(v)}"' for n, v in zip(names, values, strict=True)) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return f"{value:.15g}"
