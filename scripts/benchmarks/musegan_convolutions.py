"""MuseGAN's training step against the same networks with plain Conv3D and Conv3DTranspose layers.

    python scripts/benchmarks/musegan_convolutions.py --recipe=musegan_hybrid --preset=small --xla

Whole training steps (critic updates with gradient penalty, then a generator update) of both forms,
with the same weights, alternate in one process with large matrix products; medians are printed.
Each form's peak memory is that of a process of its own, which makes two steps.

FLOP are counted from the layers' shapes, taps of the convolutions alone, the same for both forms.
With F for one pass through the critic, F1 for its first layer, G and G1 for the generator, and B
phrases in a batch, a critic update needs

* B G for the fakes,
* 2 B (3 F - F1) for the scores of real and fake phrases: forward, weights, inputs of all layers but
  the first,
* 4 B F for the penalty: forward, the slope by the input, and twice the slope's own gradient,

and the generator update B (3 G - G1) and 2 B F.
"""

import argparse
import dataclasses
import os
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import plain_networks
import tensorflow as tf

from tfmusicgan import models, recipes, representations
from tfmusicgan.training import strategy


def main() -> None:
    """Parses flags, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="musegan_hybrid", help="recipe, from scratch")
    parser.add_argument("--preset", default="small", help="preset")
    parser.add_argument("--batch_size", type=int, default=16, help="phrases in a batch")
    parser.add_argument("--steps", type=int, default=15, help="steps to time of each form")
    parser.add_argument("--xla", action="store_true", help="time our form with XLA as well")
    parser.add_argument("--memory", action="store_true", help="measure peak memory as well")
    parser.add_argument(
        "--peak_of",
        choices=("plain", "ours", "ours, XLA"),
        help="print the peak memory of one form in MB, no times",
    )
    flags = parser.parse_args()
    strategy.prepare_devices()
    forms = ("plain", "ours", "ours, XLA") if flags.xla else ("plain", "ours")
    if flags.peak_of:
        (step,) = make_steps(flags, (flags.peak_of,))[0].values()
        step()
        step()
        print(peak_megabytes())
        return
    for form in forms if flags.memory else ():
        print(f"peak memory, {form}: {peak_elsewhere(form):,.0f} MB", flush=True)
    steps, flops = make_steps(flags, forms)
    losses = {form: step() for form, step in steps.items()}  # traces and compiles
    print("critic's loss in the first step:", *(f"{form} {losses[form]:.6g}" for form in forms))
    wall, processor, product = time_alternating(steps, flags.steps)
    print(
        f"{flags.recipe}, {flags.preset}, batch {flags.batch_size}: {flops / 1e9:.1f} GFLOP a step"
    )
    print(f"2048 x 2048 product between the steps: {product / 1e9:.0f} GFLOP/s\n")
    print("| form | s a step | ratio | processor s | ratio | GFLOP/s | of the product's |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for form in forms:
        rate = flops / wall[form]
        print(
            f"| {form} | {wall[form]:.3f} | {wall['plain'] / wall[form]:.2f} | "
            f"{processor[form]:.3f} | {processor['plain'] / processor[form]:.2f} | "
            f"{rate / 1e9:.0f} | {rate / product:.0%} |",
            flush=True,
        )


def make_steps(flags: argparse.Namespace, forms: tuple[str, ...]) -> tuple[dict, float]:
    """Training steps of the forms on a batch that stays where it is, by name, and their FLOP."""
    recipe = recipes.get(flags.recipe)
    preset = recipe.preset(flags.preset)
    # Without the moving average of the weights, which no form of the networks touches.
    config = dataclasses.replace(preset.config, batch_size=flags.batch_size, ema_decay=None)
    representation = representations.get(recipe.representation)
    representation = representation.from_parameters(preset.representation)
    source = models.get(recipe.model)(config, representation, seed=0)
    rolls = np.random.default_rng(0).random(
        (flags.batch_size, config.critic_updates, *representation.spec["piano_roll"].shape),
        dtype=np.float32,
    )
    batch = {"piano_roll": tf.constant(rolls < 0.05)}
    steps = {}
    for form in forms:
        model = models.get(recipe.model)(config, representation, seed=0)
        if form == "plain":
            plain_networks.make_plain(model, source)
        model.compile()
        step = tf.function(model.train_step, jit_compile=form.endswith("XLA"))
        steps[form] = lambda step=step: step(batch)["critic_loss"].numpy()
    return steps, step_flops(source, flags.batch_size)


def time_alternating(steps: dict, rounds: int) -> tuple[dict, dict, float]:
    """Median seconds of each form, by the clock and of the processors, and the product's FLOP/s.

    Args:
      steps: Form to its step, which has been traced.
      rounds: So many steps of each, in turns.
    """
    wall = {form: [] for form in steps}
    processor = {form: [] for form in steps}
    product = []
    for _ in range(rounds):
        for form, step in steps.items():
            begin, used = time.perf_counter(), time.process_time()
            step()
            wall[form].append(time.perf_counter() - begin)
            processor[form].append(time.process_time() - used)
            product.append(product_flops())
    wall = {form: float(np.median(times)) for form, times in wall.items()}
    processor = {form: float(np.median(times)) for form, times in processor.items()}
    return wall, processor, float(np.median(product))


def product_flops() -> float:
    """FLOP/s of a large float32 matrix product, the best of three."""
    a = tf.random.stateless_normal((2048, 2048), (1, 2))
    tf.matmul(a, a)
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        tf.matmul(a, a)
        times.append(time.perf_counter() - begin)
    return 2 * 2048**3 / min(times)


def step_flops(model, batch: int) -> float:
    """Floating-point operations that a training step needs in products; see the module."""
    copies = plain_networks.Copies()
    generator = plain_networks.PlainGenerator(model.generator, copies)
    critic = plain_networks.PlainCritic(model.critic, copies)
    bars = model.representation.bars
    made = [0.0, 0.0]
    for network in generator.networks():
        inputs = network.layers[0].kernel.shape[-1]
        first = network in (*generator.chords, *generator.melodies)
        made = np.add(made, network_flops(network, (1 if first else bars, 1, 1, inputs)))
    rep = model.representation
    shape = (bars, rep.steps_per_bar, rep.num_pitches, model.view_tracks)
    judged = np.sum([network_flops(network, shape) for network in critic.critics], axis=0)
    updates = model.model_config.critic_updates
    update = made[0] + 2 * (3 * judged[0] - judged[1]) + 4 * judged[0]
    return batch * (updates * update + 3 * made[0] - made[1] + 2 * judged[0])


def network_flops(network: keras.Sequential, shape: tuple[int, ...]) -> tuple[float, float]:
    """FLOP of one example's pass through all layers, and through the first."""
    total, first = 0.0, None
    for layer in network.layers:
        output = layer.compute_output_shape((1, *shape))[1:]
        if isinstance(layer, keras.layers.Conv3DTranspose):
            total += 2.0 * np.prod(shape[:3]) * np.prod(layer.kernel.shape)
        elif isinstance(layer, keras.layers.Conv3D):
            total += 2.0 * np.prod(output[:3]) * np.prod(layer.kernel.shape)
        elif isinstance(layer, keras.layers.Dense):
            total += 2.0 * np.prod(layer.kernel.shape)
        first = total if first is None else first
        shape = output
    return total, first


def peak_elsewhere(form: str) -> float:
    """The peak memory in MB of a process that makes two steps of one form."""
    command = [sys.executable, *sys.argv, f"--peak_of={form}"]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def peak_megabytes() -> float:
    """This process's largest resident memory so far."""
    with open("/proc/self/status") as lines:
        (line,) = (line for line in lines if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
