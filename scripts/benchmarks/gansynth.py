"""GANSynth: its spectrograms beside librosa's Fourier transform, generation, and training steps.

    python scripts/benchmarks/gansynth.py
    python scripts/benchmarks/gansynth.py --what=generation --rows=1,8,32
    python scripts/benchmarks/gansynth.py --what=steps --preset=small --repeats=5

Spectrograms: all on the same made-up audio of 4 s at 16 kHz; librosa's transform has the same
frames, and neither magnitudes nor phases are taken from it. Generation: notes with their WAV files,
as an export makes them, of networks with weights as at the beginning. Steps: one of each stage, the
spectrograms within it; the hours are those of the whole schedule at these steps. FLOP are those of
products and convolutions, counted in the step's graph; --repeats=0 times nothing.

Each figure is the fastest of `--repeats` calls after one to warm up, "by the clock" and "of a
processor" each for itself. What the reader delivers is measured by `reader.py`.
"""

import argparse
import pathlib
import sys
import time
from collections.abc import Callable, Iterable

import librosa
import numpy as np
import tensorflow as tf

from tfmusicgan import recipes, representations
from tfmusicgan.audio import SpectrogramFormat
from tfmusicgan.audio.stft import inverse_stft, stft
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.models.gansynth.model import GANSynth

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from gpu_check.flops import graph_flops

SECONDS, SAMPLES = 4.0, 64_000
SIZES = {"standard": (256, 512), "+H": (128, 1024)}


def main() -> None:
    """Parses flags, measures, prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    choices = ("spectrograms", "generation", "steps")
    parser.add_argument("--what", choices=choices, default=choices[0], help="what to measure")
    parser.add_argument("--rows", default="8", help="notes in a batch; several for generation")
    parser.add_argument("--repeats", type=int, default=15, help="calls of which the fastest counts")
    parser.add_argument("--recipe", default="gansynth", help="recipe of generation and steps")
    parser.add_argument("--preset", default="paper", help="and its preset")
    parser.add_argument("--stages", help="numbers of stages, from 0 on; by default all")
    flags = parser.parse_args()
    try:
        measure(flags)
    except ValueError as error:  # the suite's own errors are, too
        parser.exit(1, f"{parser.prog}: {error}\n")


def measure(flags: argparse.Namespace) -> None:
    """Measures what the flags ask for.

    Raises:
      ValueError: If one of them is none of its kind.
    """
    rows = [int(text) for text in flags.rows.split(",")]
    if min(rows) < 1 or flags.repeats < (flags.what != "steps"):
        raise ValueError(
            "Expected rows of 1 and more, and one repeat, or none with --what=steps. Received: "
            f"--rows={flags.rows} --repeats={flags.repeats}."
        )
    if flags.what == "spectrograms":
        noise = np.random.default_rng(0).normal(size=(rows[0], SAMPLES))
        spectrograms(0.1 * noise.astype(np.float32), flags.repeats)
        return
    model = untrained(flags.recipe, flags.preset)
    if flags.what == "generation":
        generation(model, rows, flags.repeats)
    else:
        all_stages = range(len(model.model_config.stages))
        stages = [int(text) for text in flags.stages.split(",")] if flags.stages else all_stages
        steps(model, stages, flags.repeats)


def untrained(recipe: str, preset: str) -> MusicGAN:
    """A model as training begins with it."""
    row = recipes.get(recipe)
    chosen = row.preset(preset)
    representation = representations.get(row.representation)
    return GANSynth(chosen.config, representation.from_parameters(chosen.representation))


def generation(model: MusicGAN, rows: list[int], repeats: int) -> None:
    """Prints the table of `synthesize` at the last stage."""
    model.begin_stage(model.model_config.training_steps)
    synthesize = model.signatures()["synthesize"].function
    specs = [tf.TensorSpec([None], tf.int64), tf.TensorSpec([None], tf.int32)]
    compiled = tf.function(synthesize, specs, autograph=False)
    print("| notes | seconds | s of audio a second | of a processor |\n|---:|---:|---:|---:|")
    low, high = model.signatures()["synthesize"].ranges["pitch"]
    for number in rows:
        seeds = tf.range(number, dtype=tf.int64)
        pitches = tf.cast(low + seeds % (high - low), tf.int32)
        clock, processor = fastest(lambda s=seeds, p=pitches: compiled(s, p)["audio"], repeats)
        audio = number * model.representation.clip_seconds
        print(f"| {number} | {clock:.3f} | {audio / clock:.1f} | {audio / processor:.1f} |")


def steps(model: MusicGAN, stages: Iterable[int], repeats: int) -> None:
    """Prints the table of training steps by stage, and the hours of the whole training."""
    model.compile()
    stages_of_training, rep, hours = model.model_config.stages, model.representation, 0.0
    flops = 0.0
    print(
        "| stage | size | batch | GFLOP a step | s a step | processor s | notes a second | steps |"
        " hours |\n|---:|---|---:|---:|---:|---:|---:|---:|---:|"
    )
    for number in stages:
        stage = stages_of_training[number]
        model.begin_stage(stage.first_step)
        model.step.assign(stage.first_step)
        audio = np.random.default_rng(0).normal(size=(stage.batch_size, rep.num_samples))
        data = {
            "audio": tf.constant((3000 * audio).astype(np.int16)),
            "pitch": tf.fill([stage.batch_size], rep.min_pitch),
        }
        step = tf.function(lambda d=data: model.train_step(d)["generator_loss"], autograph=False)
        step_flops = graph_flops(step.get_concrete_function())
        flops += stage.num_steps * step_flops
        times, stage_hours = " | | ", ""
        if repeats:
            clock, processor = fastest(lambda f=step: tf.reshape(f(), [1]), repeats)
            times = f"{clock:.3f} | {processor:.3f} | {stage.batch_size / clock:.1f}"
            stage_hours = f"{stage.num_steps * clock / 3600:.2f}"
            hours += stage.num_steps * clock / 3600
        frames, bins = model.model_config.size(stage.blocks)
        size = f"{frames} x {bins}{', fading' if stage.fading else ''}"
        print(
            f"| {number} | {size} | {stage.batch_size} | {step_flops / 1e9:.1f} | {times}"
            f" | {stage.num_steps:,} | {stage_hours} |",
            flush=True,
        )
    took = f"{hours:.1f} hours and " if repeats else ""
    print(f"\n{took}{flops:.3g} FLOP for these stages")


def spectrograms(audio: np.ndarray, repeats: int) -> None:
    """Prints the table of all kinds in both sizes, forward and back."""
    print(
        "| size | what | forward, by the clock | of a processor | times librosa's"
        " | inverse, by the clock | of a processor | times librosa's |\n"
        "|---|---|---:|---:|---:|---:|---:|---:|"
    )
    for size, (frames, bins) in SIZES.items():
        there, back = librosas(audio, frames, bins)
        base = row(size, "librosa's STFT", len(audio), there, back, repeats)
        there = graph(lambda x, f=frames, b=bins: stft(x, f, b), audio)
        back = graph(lambda x: inverse_stft(x, SAMPLES), there().numpy())
        row(size, "our STFT", len(audio), there, back, repeats, base)
        for kind in ("phase", "if", "if_mel"):
            spectrogram = SpectrogramFormat(kind, frames, bins)
            there = graph(spectrogram.forward, audio)
            back = graph(spectrogram.inverse, there().numpy())
            row(size, f"`{kind}`", len(audio), there, back, repeats, base)


def librosas(audio: np.ndarray, frames: int, bins: int) -> tuple[Callable, Callable]:
    """A transform of librosa's with the same frames, and its inverse."""
    padding = (frames + 3) * bins // 2 - SAMPLES
    padded = np.pad(audio, [[0, 0], [padding, 0]])
    sizes = {"n_fft": 2 * bins, "hop_length": bins // 2, "center": False}
    spectra = librosa.stft(padded, **sizes)
    return lambda: librosa.stft(padded, **sizes), lambda: librosa.istft(spectra, **sizes)


def graph(function: Callable, x: np.ndarray) -> Callable:
    """A call of a compiled function."""
    compiled, x = tf.function(function, autograph=False), tf.constant(x)
    return lambda: compiled(x)


def row(
    size: str,
    what: str,
    rows: int,
    there: Callable,
    back: Callable,
    repeats: int,
    base: tuple[float, float] | None = None,
) -> tuple[float, float]:
    """Measures and prints one row; gives both speeds by the clock."""
    cells, speeds = [], []
    for index, call in enumerate((there, back)):
        clock, processor = fastest(call, repeats)
        speeds.append(rows * SECONDS / clock)
        times = f"{speeds[index] / base[index]:.1f}" if base else ""
        cells.append(f"{speeds[index]:,.0f} | {rows * SECONDS / processor:,.0f} | {times}")
    print(f"| {size} | {what} | {' | '.join(cells)} |", flush=True)
    return speeds[0], speeds[1]


def fastest(call: Callable, repeats: int) -> tuple[float, float]:
    """Seconds by the clock and of the processors of the fastest calls."""
    clock = processor = np.inf
    for repeat in range(repeats + 1):
        started, used = time.perf_counter(), time.process_time()
        np.asarray(call()[..., :1])  # waits for TensorFlow's
        if repeat:
            clock = min(clock, time.perf_counter() - started)
            processor = min(processor, time.process_time() - used)
    return clock, processor


if __name__ == "__main__":
    main()
