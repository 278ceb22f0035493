"""SeqGAN's oracle against Keras's LSTM, the released parameters and the published figures."""

import dataclasses

import keras
import numpy as np
import pytest

from tfmusicgan.errors import ConversionError, ReadError
from tfmusicgan.token_oracle import TokenOracle


@pytest.fixture(scope="module")
def released(test_data):
    return TokenOracle.read(test_data / "seqgan_reference" / "seqgan_oracle_params.npz")


def _keras_log_probabilities(oracle, tokens):
    """By `keras.layers.LSTM`, whose gates are input, forget, candidate, output."""
    inputs = np.pad(tokens[:, :-1], ((0, 0), (1, 0)))  # the start token is 0
    lstm = keras.layers.LSTM(len(oracle.recurrent_kernel), return_sequences=True)
    lstm.build((None, None, oracle.embedding.shape[1]))

    def reorder(weights):
        take, forget, give, candidate = np.split(weights, 4, axis=-1)
        return np.concatenate([take, forget, candidate, give], axis=-1)

    lstm.set_weights([reorder(w) for w in (oracle.kernel, oracle.recurrent_kernel, oracle.bias)])
    hidden = lstm(oracle.embedding[inputs]).numpy()
    logits = hidden.astype(np.float64) @ oracle.output_kernel + oracle.output_bias
    logits -= np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return np.take_along_axis(logits, tokens[..., np.newaxis], axis=-1)[..., 0]


def test_likelihood_against_keras():
    oracle = TokenOracle.draw(11, seed=3, embedding_size=4, hidden_size=5)
    tokens = np.random.default_rng(0).integers(0, 11, (7, 6))
    expected = -_keras_log_probabilities(oracle, tokens)
    found = oracle.negative_log_likelihood(tokens)
    assert found.shape == (7, 6)
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_what_is_all_but_impossible_counts_as_released():
    oracle = TokenOracle.draw(3, seed=0)
    shut = oracle.output_bias - np.float32([0, 0, 1000])
    oracle = dataclasses.replace(oracle, output_bias=shut)
    found = oracle.negative_log_likelihood(np.array([[2, 1]]))
    assert found[0, 0] == pytest.approx(-np.log(1e-20)) and found[0, 1] < 46


@pytest.mark.parametrize(("token", "received"), [(-1, "-1 to 3"), (7, "0 to 7")])
def test_tokens_outside_the_vocabulary(token, received):
    tokens = np.array([[0, 3, 1], [2, 1, 3]])
    oracle = TokenOracle.draw(7, seed=0)
    assert np.isfinite(oracle.negative_log_likelihood(tokens)).all()
    tokens[1, 1] = token
    with pytest.raises(ConversionError, match=rf"vocabulary, 0 to 6\. Received: {received}\."):
        oracle.negative_log_likelihood(tokens)


def test_samples_follow_the_probabilities():
    oracle = TokenOracle.draw(4, seed=5, hidden_size=3)
    tokens = oracle.sample(4000, 2, seed=9)
    pairs = np.array([[a, b] for a in range(4) for b in range(4)])
    expected = np.exp(-oracle.negative_log_likelihood(pairs).sum(axis=1))
    assert expected.sum() == pytest.approx(1.0)
    counts = np.bincount(4 * tokens[:, 0] + tokens[:, 1], minlength=16)
    deviation = np.sqrt(4000 * expected * (1 - expected))
    assert (abs(counts - 4000 * expected) < 4 * deviation + 1).all()


def test_a_sequence_is_a_function_of_seed_and_number():
    oracle = TokenOracle.draw(50, seed=1)
    all_at_once = oracle.sample(300, 5, seed=2)  # more than are drawn at a time
    np.testing.assert_array_equal(oracle.sample(40, 5, seed=2, first=230), all_at_once[230:270])
    assert (oracle.sample(300, 5, seed=3) != all_at_once).any(axis=1).mean() > 0.9


def test_a_file_gives_the_same_oracle_back(tmp_path):
    oracle = TokenOracle.draw(6, seed=4, embedding_size=2, hidden_size=3)
    oracle.write(tmp_path / "oracle.npz")
    again = TokenOracle.read(tmp_path / "oracle.npz")
    for one, other in zip(dataclasses.astuple(oracle), dataclasses.astuple(again), strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.digest() == oracle.digest() != TokenOracle.draw(6, 5, 2, 3).digest()


def test_what_is_no_oracle(tmp_path):
    path = tmp_path / "oracle.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(ReadError, match=r"Expected an oracle's parameters, .npz with g_embeddings"):
        TokenOracle.read(path)
    oracle = TokenOracle.draw(6, seed=4, embedding_size=2, hidden_size=3)
    oracle.write(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])  # cut short
    with pytest.raises(ReadError, match="Expected an oracle's parameters"):
        TokenOracle.read(path)
    path.write_bytes(whole[:200] + bytes(8) + whole[208:])  # a wrong checksum
    with pytest.raises(ReadError, match="Expected an oracle's parameters"):
        TokenOracle.read(path)
    dataclasses.replace(oracle, output_bias=oracle.output_bias[:-1]).write(path)
    with pytest.raises(ReadError, match=r"of shapes that fit. Received: .*\[5\]\] in"):
        TokenOracle.read(path)
    dataclasses.replace(oracle, bias=np.full(12, np.nan, np.float32)).write(path)
    with pytest.raises(ReadError, match="finite and of shapes"):
        TokenOracle.read(path)
    dataclasses.replace(oracle, bias=np.full(12, 1e300)).write(path)  # beyond float32
    with pytest.raises(ReadError, match="finite and of shapes"):
        TokenOracle.read(path)
    TokenOracle.draw(6, seed=4, embedding_size=0, hidden_size=3).write(path)
    with pytest.raises(ReadError, match="finite and of shapes"):
        TokenOracle.read(path)


def _scaled(oracle, scale):
    with np.errstate(over="ignore"):
        return TokenOracle(*(w * np.float32(scale) for w in dataclasses.astuple(oracle)))


@pytest.mark.parametrize(("scale", "why"), [(1e38, "overflow"), (1e10, "every draw is certain")])
def test_weights_too_large_for_likelihoods(tmp_path, scale, why):
    oracle = TokenOracle.draw(6, seed=4, embedding_size=2, hidden_size=3)
    oracle = TokenOracle(*(weights.clip(-3, 3) for weights in dataclasses.astuple(oracle)))
    _scaled(oracle, scale).write(tmp_path / "oracle.npz")
    with pytest.raises(ReadError, match=rf"numbers up to .*{why}. Draw a new oracle") as error:
        TokenOracle.read(tmp_path / "oracle.npz")
    assert error.value.reason == "no_oracle"


def test_one_token_that_overflows(tmp_path):
    oracle = TokenOracle.draw(900, seed=4, embedding_size=2, hidden_size=3)
    embedding = oracle.embedding.copy()
    embedding[807] = [3e38, -3e38]  # hardly ever drawn: few sequences have it
    dataclasses.replace(oracle, embedding=embedding).write(tmp_path / "oracle.npz")
    with pytest.raises(ReadError, match=r"numbers up to 3e\+38 in .*oracle.npz, which overflow"):
        TokenOracle.read(tmp_path / "oracle.npz")


def test_other_widths_than_the_papers_are_oracles(tmp_path):
    for scale in (0.1, 10.0):
        _scaled(TokenOracle.draw(50, seed=4), scale).write(tmp_path / "oracle.npz")
        tokens = TokenOracle.read(tmp_path / "oracle.npz").sample(50, 5, seed=1)
        assert len(np.unique(tokens)) > 5


def test_anchors_of_the_released_oracle(released):
    """The reference's figures, a token: own samples 5.738-5.763, uniform 11.43, unigram 10.30."""
    tokens = released.sample(2048, 20, seed=1)
    assert released.negative_log_likelihood(tokens).mean() == pytest.approx(5.74, abs=0.05)
    rng = np.random.default_rng(0)
    uniform = rng.integers(0, 5000, (1024, 20))
    assert released.negative_log_likelihood(uniform).mean() == pytest.approx(11.43, abs=0.02)
    # The paper's "Random": every token drawn by itself, as often as the oracle writes it.
    unigram = rng.permutation(tokens.ravel()).reshape(tokens.shape)
    assert released.negative_log_likelihood(unigram).mean() == pytest.approx(10.30, abs=0.03)


def test_an_untrained_generator_under_the_released_oracle(released):
    from tfmusicgan.models.seqgan import SeqGAN
    from tfmusicgan.recipes.seqgan import SeqGANConfig
    from tfmusicgan.representations.token_sequence import TokenSequence

    config = SeqGANConfig(negatives=32, windows=(2,), filters=(3,))  # a small discriminator
    model = SeqGAN(config, TokenSequence(), seed=0)
    tokens = model.sample_examples(np.arange(512))["tokens"].numpy()
    assert released.negative_log_likelihood(tokens).mean() == pytest.approx(11.42, abs=0.04)
