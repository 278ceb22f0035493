"""Spectrograms of GANSynth: seconds of audio a second, beside librosa's Fourier transform.

    python scripts/benchmarks/gansynth.py
    python scripts/benchmarks/gansynth.py --rows=32 --repeats=5

All on the same made-up audio of 4 s at 16 kHz; librosa's transform has the same frames, and neither
magnitudes nor phases are taken from it. Each figure is the fastest of `--repeats` calls after one
to warm up, "by the clock" and "of a processor" each for itself.
"""

import argparse
import time
from collections.abc import Callable

import librosa
import numpy as np
import tensorflow as tf

from tfmusicgan.audio import SpectrogramFormat
from tfmusicgan.audio.stft import inverse_stft, stft

SECONDS, SAMPLES = 4.0, 64_000
SIZES = {"standard": (256, 512), "+H": (128, 1024)}


def main() -> None:
    """Parses flags, measures, prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=8, help="notes in a batch")
    parser.add_argument("--repeats", type=int, default=15, help="calls of which the fastest counts")
    flags = parser.parse_args()
    noise = np.random.default_rng(0).normal(size=(flags.rows, SAMPLES))
    spectrograms(0.1 * noise.astype(np.float32), flags.repeats)


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
