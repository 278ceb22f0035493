"""BinaryMuseGAN's refiner against the same with TensorFlow's convolution, forward and backward.

    python scripts/benchmarks/refiner.py --pitches=48 --steps=16 --filters=16 --tracks=3

Two residual units of 3 x 12 taps, one channel in and out, over phrases of four bars, with the same
weights; both forms alternate in one process, medians are printed. A training step goes forward for
each of five critic updates, and forward and backward once.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from tfmusicgan.layers.plane_convolutions import TrackPlaneConvolution
from tfmusicgan.layers.refiner import Refiner
from tfmusicgan.training import strategy

BARS, CRITIC_UPDATES = 4, 5


class PlainRefiner(Refiner):
    """The refiner whose convolutions are TensorFlow's, one call for each track."""

    def call(self, probabilities: tf.Tensor, **mode: bool) -> tf.Tensor:
        """Refines phrases."""
        ours = TrackPlaneConvolution.call
        TrackPlaneConvolution.call = _plain_convolution
        try:
            return super().call(probabilities, **mode)
        finally:
            TrackPlaneConvolution.call = ours


def _plain_convolution(layer: TrackPlaneConvolution, x: tf.Tensor) -> tf.Tensor:
    weights = map(tf.unstack, (x, layer.kernel.value, layer.bias.value))
    return tf.stack(
        [
            tf.nn.bias_add(tf.nn.conv2d(track, kernel, strides=1, padding="SAME"), bias)
            for track, kernel, bias in zip(*weights, strict=True)
        ]
    )


def main() -> None:
    """Parses flags, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, default=3, help="tracks that are refined")
    parser.add_argument("--steps", type=int, default=16, help="time steps of a bar")
    parser.add_argument("--pitches", type=int, default=48, help="pitches")
    parser.add_argument("--filters", type=int, default=16, help="channels within a unit")
    parser.add_argument("--batch_size", type=int, default=16, help="phrases in a batch")
    parser.add_argument("--rounds", type=int, default=7, help="times that each is timed")
    flags = parser.parse_args()
    strategy.prepare_devices()
    shape = (flags.batch_size, BARS, flags.steps, flags.pitches, flags.tracks)
    phrases = tf.constant(np.random.default_rng(0).random(shape), tf.float32)
    forms = {"plain": PlainRefiner, "ours": Refiner}
    calls = {form: make_calls(cls, flags, phrases) for form, cls in forms.items()}
    outputs = [forward().numpy() for forward, _ in calls.values()]
    print(f"largest difference of the logits: {np.abs(outputs[0] - outputs[1]).max():.1e}\n")
    seconds = {(form, which): [] for form in calls for which in (0, 1)}
    for _ in range(1 + flags.rounds):
        for (form, which), times in seconds.items():
            begin = time.perf_counter()
            calls[form][which]().numpy()
            times.append(time.perf_counter() - begin)
    print("| form | forward, s | forward and backward, s | of a training step, s | ratio |")
    print("|---|---:|---:|---:|---:|")
    whole = {}
    for form in calls:
        forward, both = (statistics.median(seconds[form, which][1:]) for which in (0, 1))
        whole[form] = CRITIC_UPDATES * forward + both
        ratio = whole["plain"] / whole[form]
        print(f"| {form} | {forward:.3f} | {both:.3f} | {whole[form]:.3f} | {ratio:.2f} |")


def make_calls(
    cls: type[Refiner], flags: argparse.Namespace, phrases: tf.Tensor
) -> tuple[Callable[[], tf.Tensor], Callable[[], tf.Tensor]]:
    """Forward, and forward and backward; the latter returns the gradient's norm."""
    refiner = cls(flags.tracks, 2, flags.filters, (3, 12), 0.99, 1e-3, seed=0, name="refiner")
    variables = [variable.value for variable in refiner.trainable_variables]

    def forward() -> tf.Tensor:
        return refiner(phrases, training=True, update_statistics=False)

    def both() -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(phrases * forward())
        return tf.linalg.global_norm(tape.gradient(loss, variables))

    return tf.function(forward), tf.function(both)


if __name__ == "__main__":
    main()
