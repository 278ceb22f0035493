"""Draws a new oracle for SeqGAN's synthetic experiment, for those without the released parameters.

    python scripts/reproduce/draw_oracle.py --num_tokens=500 --seed=1 --output=oracle.npz

The file is what `tfmusicgan-convert --recipe=seqgan_oracle --dataset=seqgan_oracle --input=...`
takes. Figures of two oracles are not comparable: give its own samples' beside a model's.
"""

import argparse
import pathlib

from tfmusicgan.token_oracle import TokenOracle


def main() -> None:
    """Parses flags, draws, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--num_tokens", type=int, default=5000, help="size of the vocabulary")
    parser.add_argument("--seed", type=int, default=0, help="decides the weights")
    parser.add_argument("--output", type=pathlib.Path, required=True, help=".npz file to write")
    flags = parser.parse_args()
    if flags.num_tokens < 2:
        parser.error(f"Expected --num_tokens of at least 2. Received: {flags.num_tokens}.")
    if flags.seed < 0:
        parser.error(f"Expected --seed of at least 0. Received: {flags.seed}.")
    if flags.output.exists():
        parser.error(f"{flags.output} is there already. Name another --output.")
    flags.output.parent.mkdir(parents=True, exist_ok=True)
    oracle = TokenOracle.draw(flags.num_tokens, flags.seed)
    oracle.write(flags.output)
    print(f"{flags.output}: oracle of {oracle.num_tokens:,} tokens, SHA-256 {oracle.digest()}")


if __name__ == "__main__":
    main()
