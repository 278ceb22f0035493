"""Sequences drawn from SeqGAN's oracle, a language model with random weights: no music.

Source: Yu, Zhang, Wang, Yu, AAAI 2017, arXiv 1609.05473; released parameters:
https://github.com/LantaoYu/SeqGAN. A record set keeps the oracle's parameters beside its shards, so
that whoever measures samples of a model has what they were drawn from.
"""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfmusicgan.datasets.base import Dataset
from tfmusicgan.errors import ConfigError, ReadError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.sources import Source
from tfmusicgan.token_oracle import TokenOracle

LENGTH = 20  # tokens of a sequence
# As many as the released code trains on and measures with: 156 batches of 64.
NUM_TRAINING = NUM_TEST = 9_984
_SEED = 0
_NAMES = {"train": NUM_TRAINING, "test": NUM_TEST}


def list_sources(
    files: Sequence[Path], root: Path
) -> tuple[list[Source], list[tuple[str, ReadError]]]:
    """Lists the sequences that an oracle is to write, without drawing them.

    Args:
      files: The parameter file.
      root: The folder it lies in.

    Returns:
      A source for each sequence of both splits, and the file's error if it is no oracle.
    """
    found: list[Source] = []
    for file in files:
        try:
            digest = TokenOracle.read(file).digest()
        except ReadError as error:
            return [], [(file.name, error)]
        for split, count in _NAMES.items():
            for index in range(count):
                name = f"{split}/{index:05d}"
                own = hashlib.sha256(f"{digest} {_SEED} {LENGTH} {name}".encode()).hexdigest()
                found.append(Source(name, str(file), "oracle", index, own))
    return found, []


def read_source(source: Source) -> NoteSequence:
    """Draws one sequence, its tokens as text annotations of a NoteSequence without notes.

    Args:
      source: From `list_sources`.

    Raises:
      ReadError: If the parameter file is gone.
    """
    split = source.name.partition("/")[0]
    # Test sequences are numbered behind the training split's.
    first = source.index + (NUM_TRAINING if split == "test" else 0)
    tokens = _read_oracle(source.path).sample(1, LENGTH, _SEED, first)[0]
    sequence = NoteSequence(id=source.name, filename=source.name, total_time=float(LENGTH))
    for place, token in enumerate(tokens.tolist()):
        sequence.text_annotations.add(time=float(place), text=str(token))
    return sequence


@functools.lru_cache(maxsize=2)
def _read_oracle(path: str) -> TokenOracle:
    return TokenOracle.read(path)


def _find_files(paths: Sequence[str]) -> tuple[list[Path], Path]:
    if len(paths) != 1 or not Path(paths[0]).is_file():
        raise ConfigError(
            "Dataset seqgan_oracle needs --input=FILE.npz, one file with an oracle's parameters. "
            f"Received: {', '.join(paths) or 'none'}. Draw a new oracle with "
            "scripts/reproduce/draw_oracle.py."
        )
    file = Path(paths[0]).absolute()
    return [file], file.parent


def _kept_files(paths: Sequence[str]) -> Mapping[str, Path]:
    return {"oracle.npz": _find_files(paths)[0][0]}


DATASET = Dataset(
    name="seqgan_oracle",
    title="Token sequences of SeqGAN's oracle, an LSTM with random weights (no music)",
    description=(
        f"{NUM_TRAINING:,} sequences of {LENGTH} tokens to train on and as many held out, drawn "
        "from the oracle whose parameters the input file holds: the released ones (arrays of "
        "target_params_py3.pkl as .npz, without a pickle), or those of a new oracle, "
        "drawn by scripts/reproduce/draw_oracle.py. The tokens stand for nothing; in a "
        "NoteSequence they are text annotations. The record set keeps a copy of the parameters."
    ),
    source_url="https://github.com/LantaoYu/SeqGAN",
    licence="none stated for the released parameters; a new oracle is yours",
    attribution="Lantao Yu, Weinan Zhang, Jun Wang, Yong Yu (the released parameters)",
    command=(
        "tfmusicgan-convert --recipe=seqgan_oracle --preset=paper --dataset=seqgan_oracle "
        "--input=oracle.npz --output=tfrecords/oracle"
    ),
    find_files=_find_files,
    num_pieces=NUM_TRAINING + NUM_TEST,
    split_of=lambda name: name.partition("/")[0],
    list_sources=list_sources,
    read_source=read_source,
    kept_files=_kept_files,
)
