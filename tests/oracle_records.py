"""Record sets of a little oracle's sequences."""

import contextlib
import pathlib

import pytest

from tfmusicgan import datasets, recipes
from tfmusicgan.datasets import seqgan_oracle
from tfmusicgan.records.convert import convert
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.representations.token_sequence import TokenSequence
from tfmusicgan.token_oracle import TokenOracle
from tfmusicgan.training import fit
from tfmusicgan.training.run import Run


@contextlib.contextmanager
def few_sequences(num_training: int, num_test: int):
    """The dataset of an oracle has but so many sequences in this context."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seqgan_oracle, "NUM_TRAINING", num_training)
        patch.setattr(seqgan_oracle, "_NAMES", {"train": num_training, "test": num_test})
        yield


def write_oracle_records(
    folder: pathlib.Path, representation: TokenSequence, num_training: int, num_test: int
) -> TokenOracle:
    """Draws an oracle and writes a few of its sequences to a new folder, with it beside them."""
    oracle = TokenOracle.draw(representation.num_tokens, 6, embedding_size=3, hidden_size=4)
    source = folder.with_name(f"{folder.name}.npz")
    oracle.write(source)
    with few_sequences(num_training, num_test):
        options = ConvertOptions(representation, num_shards=2)
        convert(datasets.get("seqgan_oracle"), options, folder, [str(source)])
    return oracle


def train_unigram(folder: pathlib.Path, records: pathlib.Path) -> Run:
    """A finished run of `seqgan_oracle_random`, which has neither generator nor discriminator."""
    fit.train(recipes.get("seqgan_oracle_random"), "tiny", records, folder, ())
    return Run.open(folder)
