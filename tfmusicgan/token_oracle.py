"""SeqGAN's oracle: a fixed language model that makes the data, and says how good samples are.

Yu, Zhang, Wang, Yu, AAAI 2017, arXiv 1609.05473, section "Synthetic Data Experiments": an LSTM
whose weights are all drawn from a standard normal distribution. NumPy only: worker processes draw
data with it, and training measures samples with it, without a device.
"""

import dataclasses
import hashlib
import pathlib
from typing import Self

import numpy as np

from tfmusicgan.errors import ConversionError, ReadError
from tfmusicgan.files import replacing
from tfmusicgan.note_sequences.npz_file import NpzFile

# Gates in the released file's order: input, forget, output gate, candidate.
_GATES = ("i", "f", "og", "c")
_NAMES = (
    "g_embeddings",
    *(f"{kind}{gate}" for gate in _GATES for kind in "WUb"),
    "Wo",
    "bo",
)
# A million tokens, the largest vocabulary of records, at the released sizes in float32.
_MOST_BYTES = 256 * 2**20
# Digest of the released parameters, which the paper's figures are of.
RELEASED = "b4c35ed9778befc10874b7ca555e1c42cab8b57239d113e890015e59b870c5c7"
_START_TOKEN = 0  # released code; it is a token of the vocabulary as well
_LEAST_LOG_PROBABILITY = np.log(1e-20)  # as released
_ROWS_AT_A_TIME = 256  # their logits, of 5,000 tokens at each of 20 positions, take 100 MB
_TRIED = (4, 5)  # sequences, and tokens of each, that a file's oracle draws to be checked


@dataclasses.dataclass(frozen=True)
class TokenOracle:
    """The oracle's weights; gates in the order input, forget, output, candidate.

    Attributes:
      embedding: float32 [tokens, embedding size].
      kernel: float32 [embedding size, 4 * hidden size].
      recurrent_kernel: float32 [hidden size, 4 * hidden size].
      bias: float32 [4 * hidden size].
      output_kernel: float32 [hidden size, tokens].
      output_bias: float32 [tokens].
    """

    embedding: np.ndarray
    kernel: np.ndarray
    recurrent_kernel: np.ndarray
    bias: np.ndarray
    output_kernel: np.ndarray
    output_bias: np.ndarray

    @property
    def num_tokens(self) -> int:
        """Size of the vocabulary."""
        return len(self.embedding)

    @classmethod
    def draw(
        cls, num_tokens: int, seed: int, embedding_size: int = 32, hidden_size: int = 32
    ) -> Self:
        """A new oracle, every weight from a standard normal distribution.

        Args:
          num_tokens: Size of the vocabulary; the paper's is 5,000.
          seed: Decides the weights, on every machine.
          embedding_size: Numbers per token.
          hidden_size: Units of the LSTM.
        """
        rng = np.random.Generator(np.random.Philox(seed))
        shapes = _shapes(num_tokens, embedding_size, hidden_size)
        return cls(*(rng.standard_normal(shape).astype(np.float32) for shape in shapes))

    @classmethod
    def read(cls, path: str | pathlib.Path) -> Self:
        """Reads the arrays of the released parameter file, as .npz.

        Args:
          path: Arrays `g_embeddings`, `Wo`, `bo`, and `W*`, `U*`, `b*` of the gates `i`, `f`, `og`
            and `c`.

        Raises:
          ReadError: If it is no such file, or its oracle has no likelihoods to measure by.
        """
        try:
            file = NpzFile(path, pathlib.Path(path).name, _MOST_BYTES)
            with np.errstate(over="ignore"):  # what float32 cannot hold is refused below
                arrays = {name: file.array(name).astype(np.float32) for name in _NAMES}
            kernel, recurrent, bias = (
                np.concatenate([arrays[f"{kind}{gate}"] for gate in _GATES], axis=-1)
                for kind in "WUb"
            )
        except ValueError as error:  # `ReadError`, and arrays that do not go side by side
            raise ReadError(
                f"Expected an oracle's parameters, .npz with {', '.join(_NAMES)}. Received: {path} "
                f"({str(error).rstrip('.')}).",
                "no_oracle",
            ) from None
        oracle = cls(arrays["g_embeddings"], kernel, recurrent, bias, arrays["Wo"], arrays["bo"])
        oracle._check_shapes(path)
        oracle._check_likelihoods(path)
        return oracle

    def write(self, path: str | pathlib.Path) -> None:
        """Writes what `read` reads; the file appears whole."""
        arrays = {"g_embeddings": self.embedding, "Wo": self.output_kernel, "bo": self.output_bias}
        for kind, weights in zip(
            "WUb", (self.kernel, self.recurrent_kernel, self.bias), strict=True
        ):
            parts = np.split(weights, len(_GATES), axis=-1)
            arrays |= {f"{kind}{gate}": part for gate, part in zip(_GATES, parts, strict=True)}
        with replacing(pathlib.Path(path)) as partial, open(partial, "wb") as file:
            np.savez(file, **{name: arrays[name] for name in _NAMES})

    def digest(self) -> str:
        """SHA-256 of the weights, in hexadecimal."""
        found = hashlib.sha256()
        for weights in dataclasses.astuple(self):
            found.update(np.ascontiguousarray(weights).tobytes())
        return found.hexdigest()

    def sample(self, count: int, length: int, seed: int, first: int = 0) -> np.ndarray:
        """Draws sequences from the oracle, temperature 1.

        Sequence i is a function of (seed, i) alone, but for rounding: a token whose draw falls on
        the border of two may be the other one in another batch.

        Args:
          count: Number of sequences.
          length: Tokens of each.
          seed: Decides the sequences.
          first: Number of the first one.

        Returns:
          int32 [count, length].
        """
        numbers = np.arange(first, first + count)
        uniforms = np.stack(
            [np.random.Generator(np.random.Philox(key=[seed, i])).random(length) for i in numbers]
        )
        tokens = np.empty((count, length), np.int32)
        for begin in range(0, count, _ROWS_AT_A_TIME):
            rows = slice(begin, begin + _ROWS_AT_A_TIME)
            tokens[rows] = self._draw(uniforms[rows])
        return tokens

    def negative_log_likelihood(self, tokens: np.ndarray) -> np.ndarray:
        """-log p of each token given those before it, in nats (the paper's NLL_oracle).

        The paper's formula sums over a sequence; its figures, and the released log's, are means
        over tokens.

        Args:
          tokens: int [sequences, length].

        Returns:
          float64 [sequences, length], at most 46.05 (-log 1e-20, as released).

        Raises:
          ConversionError: If a token is outside the vocabulary.
        """
        if tokens.size and not 0 <= tokens.min() <= tokens.max() < self.num_tokens:
            raise ConversionError(
                f"Expected tokens of the oracle's vocabulary, 0 to {self.num_tokens - 1}. "
                f"Received: {tokens.min()} to {tokens.max()}.",
                reason="token_out_of_range",
            )
        found = np.empty(tokens.shape, np.float64)
        for begin in range(0, len(tokens), _ROWS_AT_A_TIME):
            rows = tokens[begin : begin + _ROWS_AT_A_TIME]
            state, before = self._begin(len(rows)), np.full(len(rows), _START_TOKEN)
            for position in range(tokens.shape[1]):
                state = self._read(before, state)
                before = rows[:, position]
                logits = self._logits(state)
                chosen = np.take_along_axis(logits, before[:, np.newaxis], axis=1)[:, 0]
                total = np.log(np.exp(logits).sum(axis=1, dtype=np.float64))
                found[begin : begin + len(rows), position] = chosen - total
        return -np.maximum(found, _LEAST_LOG_PROBABILITY)

    def _draw(self, uniforms: np.ndarray) -> np.ndarray:
        state, token = self._begin(len(uniforms)), np.full(len(uniforms), _START_TOKEN)
        tokens = np.empty(uniforms.shape, np.int32)
        for position in range(uniforms.shape[1]):
            state = self._read(token, state)
            ends = np.exp(self._logits(state)).cumsum(axis=1, dtype=np.float64)
            target = uniforms[:, position] * ends[:, -1]
            token = (ends <= target[:, np.newaxis]).sum(axis=1).clip(max=self.num_tokens - 1)
            tokens[:, position] = token
        return tokens

    def _begin(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        zeros = np.zeros((rows, len(self.recurrent_kernel)), np.float32)
        return zeros, zeros

    def _read(
        self, tokens: np.ndarray, state: tuple[np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Hidden and cell state after one more token of each row."""
        hidden, cell = state
        gates = self.embedding[tokens] @ self.kernel + hidden @ self.recurrent_kernel + self.bias
        opened, candidate = gates[:, : -cell.shape[1]], gates[:, -cell.shape[1] :]
        with np.errstate(over="ignore"):  # exp of a large number: the gate is shut
            take, keep, give = np.split(1.0 / (1.0 + np.exp(-opened)), 3, axis=1)
        cell = keep * cell + take * np.tanh(candidate)
        return give * np.tanh(cell), cell

    def _logits(self, state: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Of the next token, float32 [rows, tokens], the largest of a row 0."""
        logits = state[0] @ self.output_kernel + self.output_bias
        return logits - logits.max(axis=1, keepdims=True)

    def _check_shapes(self, path: str | pathlib.Path) -> None:
        arrays = dataclasses.astuple(self)
        if self.embedding.ndim == self.output_kernel.ndim == 2:
            tokens, size = self.embedding.shape
            hidden = len(self.output_kernel)
            expected = _shapes(tokens, size, hidden)
            finite = all(np.isfinite(array).all() for array in arrays)
            fits = [array.shape for array in arrays] == expected and min(tokens, size, hidden) > 0
            if finite and fits:
                return
        raise ReadError(
            "Expected an oracle's parameters, finite and of shapes that fit. Received: "
            f"{[list(array.shape) for array in arrays]} in {path}.",
            "no_oracle",
        )

    def _check_likelihoods(self, path: str | pathlib.Path) -> None:
        """Refuses weights so large that numbers overflow, or that every draw is certain."""
        with np.errstate(all="ignore"):
            overflows = not np.isfinite(self._largest_sums()).all()
            certain = not self.negative_log_likelihood(self.sample(*_TRIED, seed=0)).any()
        if overflows or certain:
            largest = max(abs(weights).max() for weights in dataclasses.astuple(self))
            raise ReadError(
                "Expected an oracle's parameters, of a standard normal distribution. Received: "
                f"numbers up to {largest:.3g} in {path}, "
                f"{'which overflow' if overflows else 'with which every draw is certain'}. Draw a "
                "new oracle with scripts/reproduce/draw_oracle.py.",
                "no_oracle",
            )

    def _largest_sums(self) -> np.ndarray:
        """What gates and logits of any sequence are at most, float32 [4 * hidden size + tokens].

        A hidden state is within -1 and 1.
        """
        inputs = abs(self.embedding).max(axis=0) @ abs(self.kernel)
        gates = inputs + abs(self.recurrent_kernel).sum(axis=0) + abs(self.bias)
        logits = abs(self.output_kernel).sum(axis=0) + abs(self.output_bias)
        return np.concatenate([gates, logits])


def _shapes(num_tokens: int, embedding_size: int, hidden_size: int) -> list[tuple[int, ...]]:
    """Shapes of the weights in the order of the fields."""
    return [
        (num_tokens, embedding_size),
        (embedding_size, 4 * hidden_size),
        (hidden_size, 4 * hidden_size),
        (4 * hidden_size,),
        (hidden_size, num_tokens),
        (num_tokens,),
    ]
