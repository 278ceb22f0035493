"""Seconds, FLOP and memory of training steps, and the hours that a preset's training takes."""

import functools
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from gpu_check import devices, steps
from gpu_check.flops import graph_flops
from gpu_check.steps import Form
from tfmusicgan.models.base import MusicGAN

FEWEST, MOST, SECONDS = 3, 30, 5.0  # steps to time, and how long at most beyond the fewest
PRODUCTS = 5  # large products to time


def time_stages(name: str, preset: str, form: Form) -> Iterator[dict[str, Any]]:
    """Times a recipe's training step in each stage of its training.

    Args:
      name: The recipe.
      preset: Its preset.
      form: How the step runs.

    Yields:
      One row per stage: `case`, `form`, `seconds` (median of a step), `first_seconds` (tracing,
      compiling and the first step), `flops` (a step's; None and `note` where they cannot be
      counted), `product_share` (of a large product's FLOP/s), `peak_megabytes` (None without GPU),
      `steps` of such stages in the preset's training, and `hours` for them.
    """
    with form.active():
        model = steps.build_model(name, preset)
        for stage, number in steps.distinct_stages(model).items():
            steps.enter_stage(model, stage)
            row = time_step(model, steps.make_batch(model), form)
            row["case"] = steps.stage_label(name, model)
            row["steps"] = number
            row["hours"] = row["steps"] * row["seconds"] / 3600
            yield row


def time_step(model: MusicGAN, batch: dict[str, tf.Tensor], form: Form) -> dict[str, Any]:
    """Times a model's training step on a batch that stays where it is.

    Args:
      model: Compiled, in the form's precision.
      batch: One batch of the reader.
      form: How the step runs.

    Returns:
      The row that `time_stages` describes, up to the stage.
    """
    devices.reset_peak()
    step = tf.function(model.train_step, autograph=False, jit_compile=form.xla)

    def run() -> float:
        began = time.perf_counter()
        for value in step(batch).values():
            value.numpy()  # waits for the device
        return time.perf_counter() - began

    first = run()
    times = []
    began = time.perf_counter()
    while len(times) < FEWEST or (
        len(times) < MOST and time.perf_counter() - began + times[-1] < SECONDS
    ):
        times.append(run())
    row = {"form": form.name, "seconds": float(np.median(times)), "first_seconds": first}
    try:
        row["flops"], row["note"] = graph_flops(step.get_concrete_function(batch)), None
        rate = row["flops"] / row["seconds"]
        row["product_share"] = rate / product_rate(form.compute_dtype, form.arithmetic)
    except ValueError as error:
        row["flops"], row["note"], row["product_share"] = None, str(error), None
    row["peak_megabytes"] = devices.peak_megabytes()
    return row


@functools.cache
def product_rate(dtype: str, arithmetic: str) -> float:
    """FLOP/s of a large matrix product on the device, the best of a few.

    Args:
      dtype: Of the factors.
      arithmetic: The form's, which is set: TensorFloat-32 is another rate for the same dtype.

    Returns:
      FLOP/s.
    """
    del arithmetic  # part of the cache's key
    size = 8192 if tf.config.list_logical_devices("GPU") else 2048
    a = tf.cast(tf.random.stateless_normal((size, size), (1, 2)), dtype)
    times = []
    for _ in range(PRODUCTS + 1):
        began = time.perf_counter()
        tf.matmul(a, a)[0, 0].numpy()  # waits for the device
        times.append(time.perf_counter() - began)
    return 2 * size**3 / min(times[1:])
