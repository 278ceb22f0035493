"""Whether two forms of a training step train alike: same weights, same batch, same noise.

Three numbers say so, each against a reference in float32:

Forms learn from the tokens that the reference has drawn (see `draws.py`).

* values: the largest relative deviation of what the step logs (losses, gradient norms) and of the
  norm of each optimizer's gradients. Values below `SMALL` count as `SMALL`: a difference of mean
  scores that cancel is only as exact as the scores.
* gradients: the cosine between the gradients that an optimizer was given in this step (their sum
  over its updates), unscaled; the smallest of the optimizers'.
* descent: how far the weights' own movement goes down the reference's gradient, relative to the
  reference's movement; 1 if it goes as far, 0 if the update was skipped. Adam's first update is
  the gradient's sign: where a gradient is next to nothing, rounding decides it, so that the
  movements' cosine is low (0.7 to 0.9) without any harm. Weighted by the gradient, those count for
  nothing.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from gpu_check import draws
from tfmusicgan.models.base import MusicGAN

SMALL = 0.01
# Small enough for every update, large enough for small gradients: training starts at 2**15 and
# skips updates until the scale has come down.
LOSS_SCALE = 2.0**8


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """How far from the reference a step may be.

    Attributes:
      values: The largest deviation of a logged value, relative.
      gradients: The smallest cosine.
      descent: The largest distance from 1.
    """

    values: float
    gradients: float
    descent: float


# By the digits of the arithmetic: 24 bits, 11 bits (TensorFloat-32 and float16), 8 bits. They hold
# for `tiny` networks, whose values are means over few numbers. BinaryMuseGAN's second stage needs
# the widest: rounding turns notes over where a neuron's input is near its threshold.
TOLERANCES = {
    "float32": Tolerance(values=0.01, gradients=0.999, descent=0.01),
    "tf32": Tolerance(values=0.25, gradients=0.95, descent=0.05),
    "mixed_float16": Tolerance(values=0.25, gradients=0.95, descent=0.05),
    "mixed_bfloat16": Tolerance(values=0.4, gradients=0.9, descent=0.1),
}


@dataclasses.dataclass(frozen=True)
class StepRecord:
    """What one training step did.

    Attributes:
      values: Name to logged value.
      gradients: Optimizer to its unscaled gradients, float64, flat, summed over its updates.
      movements: Optimizer to the difference of its weights, float64, flat, in the same order.
      drawn: The tokens that it drew, where it drew some.
    """

    values: Mapping[str, float]
    gradients: Mapping[str, np.ndarray]
    movements: Mapping[str, np.ndarray]
    drawn: Sequence[np.ndarray] = ()


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How far a step is from the reference; see the module.

    Attributes:
      values: Largest relative deviation.
      worst: The name of the value that has it.
      gradients: Smallest cosine.
      descent: The one farthest from 1.
    """

    values: float
    worst: str
    gradients: float
    descent: float

    def within(self, tolerance: Tolerance) -> bool:
        """Whether all three are within the tolerance; numbers that are not finite never are."""
        return (
            self.values <= tolerance.values
            and self.gradients >= tolerance.gradients
            and abs(self.descent - 1) <= tolerance.descent
        )


def take_step(
    model: MusicGAN,
    batch: Mapping[str, tf.Tensor],
    weights: Sequence[np.ndarray] | None = None,
    xla: bool = False,
    drawn: Sequence[np.ndarray] | None = None,
) -> StepRecord:
    """Makes one training step and notes what it did.

    Without XLA the step runs operation by operation: tracing it takes longer.

    Args:
      model: Compiled and untrained.
      batch: One batch of the reader.
      weights: Values of all of the model's weights before the step; by default its own.
      xla: Whether to trace the step and compile it with XLA.
      drawn: The tokens to learn from in place of those that the model draws; these by default, as
        a step without XLA can note them.

    Returns:
      The step's record.
    """
    for weight, value in zip(model.weights, weights or (), strict=bool(weights)):
        weight.assign(value)
    recorder = _Recorder(model)
    before = {id(v): v.numpy() for v in model.trainable_variables}
    step, found = model.train_step, drawn
    if xla:
        step = tf.function(step, autograph=False, jit_compile=True)
    if drawn is not None:
        with draws.given(drawn):
            logs = step(dict(batch))
    elif xla:
        logs, found = step(dict(batch)), ()
    else:
        with draws.noted() as found:
            logs = step(dict(batch))
    values = {name: float(np.squeeze(value.numpy())) for name, value in logs.items()}
    gradients, movements = {}, {}
    for name, variables in recorder.variables.items():
        sums = [recorder.sums[id(v)].numpy() for v in variables]
        moves = [v.numpy().astype(np.float64) - before[id(v)] for v in variables]
        gradients[name], movements[name] = _flat(sums), _flat(moves)
    return StepRecord(values, gradients, movements, found)


def compare(reference: StepRecord, other: StepRecord) -> Agreement:
    """Measures how far a step is from the reference.

    Args:
      reference: The step in float32.
      other: The same step in another form.

    Returns:
      The three numbers; NaN where the other step is not finite.

    Raises:
      ValueError: If the steps differ in what they log or train.
    """
    for one, two in (
        (reference.values, other.values),
        (reference.gradients, other.gradients),
    ):
        if one.keys() != two.keys():
            raise ValueError(f"Expected {sorted(one)}. Received: {sorted(two)}.")
    expected, came = _with_norms(reference), _with_norms(other)
    deviations = {
        name: abs(came[name] - value) / max(abs(value), SMALL) for name, value in expected.items()
    }
    worst = max(deviations, key=lambda name: np.nan_to_num(deviations[name], nan=np.inf))
    cosines, descents = [], []
    for name, gradient in reference.gradients.items():
        cosines.append(_cosine(gradient, other.gradients[name]))
        way = gradient @ reference.movements[name]
        descents.append(float(gradient @ other.movements[name] / way))
    descent = max(descents, key=lambda value: np.nan_to_num(abs(value - 1), nan=np.inf))
    return Agreement(deviations[worst], worst, float(np.min(cosines)), descent)


class _Recorder:
    """Adds up the gradients that a model's optimizers are given, in whatever form the step runs."""

    def __init__(self, model: MusicGAN):
        # TensorFlow's own variables: they can be written inside a compiled step.
        self.sums = {id(v): tf.Variable(tf.zeros(v.shape)) for v in model.trainable_variables}
        self.variables: dict[str, list[keras.Variable]] = {}
        for name, optimizer in model.optimizers().items():
            if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
                optimizer.dynamic_scale.assign(LOSS_SCALE)
            optimizer.apply = self._recording(name, optimizer, optimizer.apply)

    def _recording(
        self, name: str, optimizer: keras.optimizers.Optimizer, apply: Callable[..., None]
    ) -> Callable[..., None]:
        def record(gradients: Sequence[tf.Tensor], variables: Sequence[keras.Variable]) -> None:
            scale = optimizer.scale_loss(tf.ones([]))
            known = self.variables.setdefault(name, [])
            for gradient, variable in zip(gradients, variables, strict=True):
                if gradient is None:
                    continue
                if not any(variable is other for other in known):
                    known.append(variable)
                gradient = tf.cast(tf.convert_to_tensor(gradient), tf.float32)
                self.sums[id(variable)].assign_add(gradient / tf.cast(scale, tf.float32))
            apply(gradients, variables)

        return record


def _with_norms(record: StepRecord) -> dict[str, float]:
    norms = {f"{name}'s gradients": np.linalg.norm(g) for name, g in record.gradients.items()}
    return {**record.values, **norms}


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    norms = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / norms) if norms > 0 else np.nan


def _flat(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(array).astype(np.float64) for array in arrays])
