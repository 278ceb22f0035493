"""What metrics become when tracks know nothing of each other.

  python scripts/reproduce/shuffled_tracks.py --recipe=musegan_jamming_chorales --records=RECORDS

Every track of the training data keeps its phrases, in a random order of its own, so that the tracks
of nearly every phrase come from different pieces: what a model comes to whose tracks are each as
good as the data's and know nothing of each other, as the jamming model's do not.
"""

import argparse
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from tfmusicgan import recipes
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.training.monitor import measure


def shuffle_tracks(piano_rolls: np.ndarray, seed: int) -> np.ndarray:
    """Puts the phrases of every track in an order of its own.

    Args:
      piano_rolls: bool [phrases, bars, steps, pitches, tracks].
      seed: Of the orders.

    Returns:
      bool of the same shape.
    """
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(piano_rolls)) for _ in range(piano_rolls.shape[-1])]
    tracks = [piano_rolls[order, ..., track] for track, order in enumerate(orders)]
    return np.stack(tracks, axis=-1)


def main() -> None:
    """Prints the metrics that change by more than a hundredth of the data's value."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", required=True, help="recipe, which names the metrics")
    parser.add_argument("--records", required=True, type=pathlib.Path, help="record set")
    parser.add_argument("--num_phrases", type=int, default=1024, help="phrases to take")
    flags = parser.parse_args()
    recipe = recipes.get(flags.recipe)
    records = RecordSet.open(flags.records, "train")
    rolls = records.spread(flags.num_phrases)["piano_roll"]
    rows = [
        measure(recipe, records.representation, {"piano_roll": each})
        for each in (rolls, shuffle_tracks(rolls, seed=0))
    ]
    print("| metric | training data | its tracks shuffled |\n|---|---:|---:|")
    for name, value in rows[0].items():
        if abs(rows[1][name] - value) > 0.01 * abs(value):
            print(f"| `{name}` | {value:.3f} | {rows[1][name]:.3f} |")


if __name__ == "__main__":
    main()
