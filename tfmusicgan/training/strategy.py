"""Devices: the distribution strategy, memory growth, determinism, precision and XLA by device."""

import contextlib
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

from tfmusicgan.errors import ConfigError, TrainingError
from tfmusicgan.training.options import PRECISIONS, STRATEGIES


def prepare_devices(precision: str = "float32", deterministic: bool = True) -> None:
    """Sets what must be set before the first operation; a command calls it once.

    Args:
      precision: One of `PRECISIONS`.
      deterministic: Ask TensorFlow for operations that give the same bits in every run.

    Raises:
      ConfigError: If the precision is unknown.
    """
    if precision not in PRECISIONS:
        raise ConfigError(
            f"Expected a precision among {', '.join(PRECISIONS)}. Received: {precision!r}."
        )
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.mixed_precision.set_global_policy(precision)


def make_strategy(name: str) -> tf.distribute.Strategy:
    """Builds a distribution strategy.

    Args:
      name: `"none"` (one device), `"mirrored"` (all local GPUs, or all logical CPUs where there is
        no GPU), or `"multi_worker"` (the cluster that the environment's TF_CONFIG names).

    Returns:
      The strategy; "none" gives TensorFlow's default one.

    Raises:
      ConfigError: If the name is unknown, or `multi_worker` finds no TF_CONFIG that names a cluster
        and this process's place in it.
    """
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        gpus = tf.config.list_logical_devices("GPU")
        if gpus:
            return tf.distribute.MirroredStrategy([gpu.name for gpu in gpus])
        cpus = [cpu.name for cpu in tf.config.list_logical_devices("CPU")]
        # The default collectives crash in synchronised batch statistics on CPU devices.
        reduction = tf.distribute.ReductionToOneDevice()
        return tf.distribute.MirroredStrategy(cpus, cross_device_ops=reduction)
    if name == "multi_worker":
        _check_cluster()
        with _ctrl_c_ends_at_once():
            return tf.distribute.MultiWorkerMirroredStrategy()
    raise ConfigError(f"Expected a strategy among {', '.join(STRATEGIES)}. Received: {name!r}.")


@contextlib.contextmanager
def _ctrl_c_ends_at_once() -> Iterator[None]:
    """Lets Ctrl-C end the process while TensorFlow waits for other workers, deaf to Python."""
    cluster = json.loads(os.environ["TF_CONFIG"])["cluster"]
    number = sum(map(len, cluster.values()))
    if number > 1:
        print(f"Waiting for all {number} workers. Ctrl-C ends this one.", file=sys.stderr)
    is_main = threading.current_thread() is threading.main_thread()
    heeds = is_main and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    earlier = signal.signal(signal.SIGINT, signal.SIG_DFL) if heeds else None
    try:
        yield
    finally:
        if heeds:
            signal.signal(signal.SIGINT, earlier)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes the run's folder: the only one, or the cluster's first."""
    resolver = _resolver(strategy)
    if resolver is None:
        return True
    has_chief = "chief" in resolver.cluster_spec().jobs
    return resolver.task_type == "chief" or (not has_chief and resolver.task_id == 0)


def num_workers(strategy: tf.distribute.Strategy) -> int:
    """Processes that train together: 1 outside a cluster."""
    resolver = _resolver(strategy)
    if resolver is None:
        return 1
    jobs = resolver.cluster_spec().as_dict()
    return sum(len(jobs.get(job, ())) for job in ("chief", "worker"))


def distribute(
    strategy: tf.distribute.Strategy, batches: Callable[[int, int], tf.data.Dataset]
) -> tf.data.Dataset | tf.distribute.DistributedDataset:
    """What `fit` reads: of several workers each its own rows, and nothing of another's.

    Args:
      strategy: From `make_strategy`.
      batches: Maps the worker's number and the number of workers to the worker's rows of each
        global batch, those of its first device first.

    Returns:
      A dataset that `fit` shares out among one process's devices, or that is shared out already.
    """
    workers = num_workers(strategy)
    if workers == 1:
        return batches(0, 1)
    devices = strategy.num_replicas_in_sync // workers

    def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
        dataset = batches(context.input_pipeline_id, context.num_input_pipelines)
        rows = tf.nest.flatten(dataset.element_spec)[0].shape[0]
        return dataset.rebatch(rows // devices)

    return strategy.distribute_datasets_from_function(of_worker)


@contextlib.contextmanager
def plain_errors(strategy: tf.distribute.Strategy, latest: Callable[[], str]) -> Iterator[None]:
    """Turns TensorFlow's errors about workers that are gone into one line.

    Args:
      strategy: The cluster's, or any other.
      latest: Returns the words that say which checkpoint is the latest.

    Raises:
      TrainingError: If the block raised such an error, and there are several workers.
    """
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError) as error:
        workers = num_workers(strategy)
        if workers == 1:
            raise
        gone = re.search(r"task:(\d+) (?:heartbeat|is down|has)", error.message)
        # TensorFlow does not always know which, and then speaks of a connection or of its graph.
        who = f"worker {gone[1]} no longer answers" if gone else "one that no longer answers"
        raise TrainingError(
            f"Expected {workers} workers that train together. Received: {who}. {latest()} Unless "
            "a worker says what else is wrong, start the same command again on every worker: it "
            "goes on from there."
        ) from None


def any_worker(strategy: tf.distribute.Strategy) -> Callable[[bool], bool]:
    """A question to all workers, which all must ask at the same places of their work.

    Returns:
      A function of this worker's answer; whether any worker's is True. It returns once every
      worker has asked, and at once where there is one process.
    """
    if num_workers(strategy) == 1:
        return lambda mine: mine

    @tf.function(autograph=False)
    def count(mine: tf.Tensor) -> tf.Tensor:
        return strategy.reduce("SUM", strategy.run(lambda: tf.cast(mine, tf.float32)), axis=None)

    return lambda mine: bool(count(tf.constant(mine)).numpy() > 0)


def _resolver(
    strategy: tf.distribute.Strategy,
) -> tf.distribute.cluster_resolver.ClusterResolver | None:
    """What knows the cluster's processes; None where there is one process."""
    resolver = strategy.cluster_resolver
    return resolver if resolver is not None and resolver.task_type else None


def use_xla() -> bool:
    """XLA is a gain on GPUs; on CPUs it has no oneDNN kernels and loses."""
    return bool(tf.config.list_logical_devices("GPU"))


def decide_xla(wanted: bool | None, strategy: tf.distribute.Strategy) -> bool:
    """Whether a run's training step is compiled by XLA.

    Args:
      wanted: What the user said; None for what suits the device.
      strategy: The run's. Keras compiles the step of all local devices as one, and XLA one step for
        one device.

    Raises:
      ConfigError: If XLA is wanted for several devices of one process.
    """
    local = strategy.num_replicas_in_sync // num_workers(strategy)
    if wanted and local > 1:
        raise ConfigError(
            f"Expected one device in a process with --xla. Received: {local}. Use --noxla, or "
            "--strategy=none or multi_worker with a process for each device."
        )
    return use_xla() and local == 1 if wanted is None else wanted


def _check_cluster() -> None:
    text = os.environ.get("TF_CONFIG", "")
    wrong = _wrong_cluster(text)
    if wrong:
        raise ConfigError(
            "Expected the environment's TF_CONFIG as JSON with cluster and task, e.g. "
            '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", '
            f'"index": 0}}}}. Received {wrong}: {text[:200]!r}. Set it, or use --strategy=none or '
            "mirrored."
        )


def _wrong_cluster(text: str) -> str:
    """What is wrong with a TF_CONFIG, in a few words; nothing where it is right."""
    try:
        config = json.loads(text)
        cluster, task = dict(config["cluster"]), dict(config["task"])
        kind, index = task["type"], task["index"]
    except (ValueError, TypeError, KeyError):
        return "something else"
    if not cluster or not set(cluster) <= {"chief", "worker"}:
        return "a cluster of other jobs than chief and worker"
    for addresses in cluster.values():
        if not isinstance(addresses, list) or not addresses:
            return "a job without a list of addresses"
        if not all(isinstance(one, str) and re.fullmatch(r".+:\d+", one) for one in addresses):
            return "an address that is not host:port"
    is_number = isinstance(index, int | str) and str(index).isdecimal()
    if kind not in cluster or not is_number or int(index) >= len(cluster[kind]):
        return "a task that is not in the cluster"
    return ""
