"""Times steps of recurrent models beside large matrix products, and prints what they need."""

import time
from collections.abc import Callable, Mapping

import keras
import numpy as np
import tensorflow as tf

_SIDE = 2048  # of the large product


def time_alternating(
    steps: dict[str, Callable[[], None]], rounds: int
) -> tuple[dict[str, float], float]:
    """Median seconds of each step, and the median rate of a large product in FLOP/s."""
    matrix = tf.constant(np.random.default_rng(0).normal(size=(_SIDE, _SIDE)), tf.float32)
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    products = []
    for _ in range(rounds):
        for name, step in steps.items():
            begin = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - begin)
            begin = time.perf_counter()
            tf.matmul(matrix, matrix).numpy()
            products.append(time.perf_counter() - begin)
    rate = 2 * _SIDE**3 / float(np.median(products))
    return {name: float(np.median(values)) for name, values in seconds.items()}, rate


def print_table(seconds: Mapping[str, float], flops: Mapping[str, float], rate: float) -> None:
    """A line of Markdown for each step.

    Args:
      seconds: Step to its median time.
      flops: Step to the FLOP of its matrix products.
      rate: Of the large product, FLOP/s.
    """
    print(f"{_SIDE} x {_SIDE} product between the steps: {rate / 1e9:.0f} GFLOP/s\n")
    print("| step | GFLOP | needs, s | s | times what it needs |")
    print("|---|---:|---:|---:|---:|")
    for name, count in flops.items():
        needs = count / rate
        print(
            f"| {name} | {count / 1e9:.2f} | {needs:.4f} | {seconds[name]:.4f} | "
            f"{seconds[name] / needs:.2f} |"
        )


def learn(
    read: Callable[[], list[tf.Tensor]], variables: list[keras.Variable]
) -> Callable[[], None]:
    """A step that reads, goes back, and waits for the gradients' norm; traced."""

    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = tf.add_n([tf.reduce_sum(hidden) for hidden in read()])
        return tf.linalg.global_norm(tape.gradient(loss, [v.value for v in variables]))

    traced = tf.function(step, autograph=False)
    return lambda: traced().numpy()
