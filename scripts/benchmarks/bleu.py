"""Speed of BLEU and self-BLEU against NLTK's, a sequence at a time, on the same made-up words.

    python scripts/benchmarks/bleu.py
    python scripts/benchmarks/bleu.py --hypotheses=320 --references=350 --length=100

Needs the extra `dev`. Both must give the same figures. The table gives processor seconds: of NLTK
once, of ours the least of `--repeats`; what copying costs to measure is given without a rival.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from nltk.translate import bleu_score

from tfmusicgan.metrics import text

NUM_WORDS = 3216  # vocabulary of polyphonic SeqGAN


def main() -> None:
    """Parses flags, measures, prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hypotheses", type=int, default=320, help="sequences to measure")
    parser.add_argument("--references", type=int, default=350, help="sequences to compare with")
    parser.add_argument("--training", type=int, default=1400, help="sequences to copy from")
    parser.add_argument("--length", type=int, default=100, help="words in a sequence")
    parser.add_argument("--repeats", type=int, default=5, help="times that ours is run")
    parser.add_argument("--seed", type=int, default=0, help="of the words")
    flags = parser.parse_args()
    rng = np.random.default_rng(flags.seed)
    made, known, training = (
        walks(rng, number, flags.length)
        for number in (flags.hypotheses, flags.references, flags.training)
    )
    print("| measure | NLTK s | ours s | ratio |\n|---|---:|---:|---:|")
    measure(
        f"BLEU, {len(made)} against {len(known)}",
        lambda: text.sentence_bleu(made, known, smoothing="method4").mean(),
        flags.repeats,
        lambda: nltk_bleu(made.tolist(), known.tolist()),
    )
    measure(
        f"self-BLEU of {len(made)}",
        lambda: text.self_bleu(made, smoothing="method4"),
        flags.repeats,
        lambda: nltk_self_bleu(made.tolist()),
    )
    copying = f"{len(made)} against {len(training):,}"
    run, share = text.longest_copied_run, text.copied_ngram_share
    measure(f"longest copied run, {copying}", lambda: run(made, training), flags.repeats)
    measure(f"copied 10-grams, {copying}", lambda: share(made, training), flags.repeats)


def walks(rng: np.random.Generator, number: int, length: int) -> np.ndarray:
    """Words that mostly follow one another in a few ways, int [number, length]."""
    steps = rng.choice([1, 2, 7, 40, 900], (number, length), p=[0.6, 0.2, 0.1, 0.05, 0.05])
    starts = rng.integers(0, 100, (number, 1))
    return (starts + np.cumsum(steps, axis=1)) % NUM_WORDS


def nltk_bleu(hypotheses: list, references: list) -> float:
    """NLTK's BLEU, the mean of all hypotheses."""
    smoothing = bleu_score.SmoothingFunction().method4
    scores = [
        bleu_score.sentence_bleu(references, one, smoothing_function=smoothing)
        for one in hypotheses
    ]
    return float(np.mean(scores))


def nltk_self_bleu(sequences: list) -> float:
    """NLTK's BLEU of each sequence against all others, the mean."""
    scores = [
        nltk_bleu([one], sequences[:index] + sequences[index + 1 :])
        for index, one in enumerate(sequences)
    ]
    return float(np.mean(scores))


def measure(
    title: str, ours: Callable, repeats: int, theirs: Callable[[], float] | None = None
) -> None:
    """Prints one row."""
    seconds = min(processor_seconds(ours) for _ in range(repeats))
    if theirs is None:
        print(f"| {title} | | {seconds:.3f} | |", flush=True)
        return
    figures = []
    nltk_seconds = processor_seconds(lambda: figures.append(theirs()))
    np.testing.assert_allclose(ours(), figures[0], rtol=1e-12)
    ratio = nltk_seconds / seconds
    print(f"| {title} | {nltk_seconds:.1f} | {seconds:.3f} | {ratio:,.0f} |", flush=True)


def processor_seconds(function: Callable) -> float:
    """Processor time of one call."""
    start = time.process_time()
    function()
    return time.process_time() - start


if __name__ == "__main__":
    main()
