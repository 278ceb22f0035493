"""Signatures of SeqGAN: what a piece is, its controls, going on, and rows that are no music."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests import made_up
from tests.models.echo import traced
from tests.models.tiny import make_model
from tests.validity import assert_valid
from tfmusicgan.errors import ExportError
from tfmusicgan.models import roll_outs
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations.melody_tokens import MelodyTokens
from tfmusicgan.representations.packing import unpack_numbers

LENGTH, MOST = 8, 64
SEEDS = np.array([3, -8, 1 << 40, 0, 77], np.int64)


@pytest.fixture(scope="module")
def model():
    # As wide as published: products of whole vector registers are equal in all batches.
    return make_model("seqgan_nottingham", hidden_size=32, embedding_size=32)


@pytest.fixture(scope="module")
def generate_outputs(model):
    return traced(model, "generate")


@pytest.fixture(scope="module")
def generate(generate_outputs):
    return lambda seeds, **controls: _tokens(generate_outputs(seeds, **controls))


@pytest.fixture(scope="module")
def continue_outputs(model):
    ask = traced(model, "continue")

    def go_on(seeds, music, **controls):
        texts = [m if isinstance(m, bytes) else m.SerializeToString() for m in music]
        return ask(seeds, note_sequence=np.array(texts, object), **controls)

    return go_on


@pytest.fixture(scope="module")
def go_on(continue_outputs):
    return lambda *given, **controls: _tokens(continue_outputs(*given, **controls))


def _tokens(outputs):
    return [unpack_numbers(text).tolist() for text in outputs["tokens"]]


def _tune(model, tokens):
    return model.representation.decode({"tokens": np.array(tokens, np.int32)})


def test_serving_default_is_generate_by_default_and_the_models_samples(model, generate_outputs):
    plain = traced(model, "serving_default")(SEEDS)["note_sequence"]
    outputs = generate_outputs(SEEDS)
    np.testing.assert_array_equal(outputs["note_sequence"], plain)
    examples = model.sample_examples(tf.constant(SEEDS))["tokens"].numpy()
    assert _tokens(outputs) == examples.tolist()
    np.testing.assert_array_equal(model(tf.constant(SEEDS))["tokens"], examples)
    keys = model.piece_keys(tf.constant(SEEDS))
    np.testing.assert_array_equal(roll_outs.sample(model.generator, keys, LENGTH), examples)
    assert len({tuple(row) for row in examples.tolist()}) == len(SEEDS)
    assert model.sample_examples(tf.constant([], tf.int64))["tokens"].shape == (0, LENGTH)


def test_notes_are_the_tokens(model, generate_outputs):
    qpms = [90.0, 150.0, 30.0, 300.0, 20.0]
    outputs = generate_outputs(SEEDS, length=[8, 1, 30, 64, 5], qpm=qpms)
    for text, tokens, qpm in zip(outputs["note_sequence"], _tokens(outputs), qpms, strict=True):
        sequence = NoteSequence.FromString(text)
        assert sequence == model.representation.decode({"tokens": np.array(tokens)}, qpm)
        assert sequence.total_time == pytest.approx(len(tokens) * 60 / qpm)
        assert_valid(sequence, 1)


def test_longer_pieces_begin_as_shorter_ones(generate):
    lengths = [1, 8, 9, 64, 33]
    pieces, longest = generate(SEEDS, length=lengths), generate(SEEDS, length=64)
    assert [len(piece) for piece in pieces] == lengths
    assert all(whole[: len(piece)] == piece for piece, whole in zip(pieces, longest, strict=True))


CONTROLS = {
    "temperature": np.array([1.0, 0.0, 0.6, 3.0, 1.0]),
    "top_k": np.array([0, 0, 4, 0, 1]),
    "top_p": np.array([1.0, 1.0, 0.9, 0.5, 1.0]),
    "length": np.array([8, 20, 64, 3, 12]),
}


def test_a_piece_is_its_own_whatever_it_is_batched_with(generate):
    together = generate(SEEDS, **CONTROLS)
    for rows in ([0], [1], [2], [3], [4], [4, 2, 0], [1, 1, 3, 2, 0, 4, 3]):
        controls = {name: values[rows] for name, values in CONTROLS.items()}
        assert generate(SEEDS[rows], **controls) == [together[row] for row in rows]


def test_temperature_and_limits(generate):
    seeds = np.arange(64)
    drawn = {
        name: np.array(generate(seeds, **controls))
        for name, controls in {
            "cold": {"temperature": 0.0},
            "one": {"top_k": 1, "temperature": 2.0},
            "nothing": {"top_p": 0.0},
            "cool": {"temperature": 0.3},
            "plain": {},
            "hot": {"temperature": 5.0},
            "few": {"top_k": 3, "temperature": 5.0},
            "likely": {"top_p": 0.3},
        }.items()
    }
    assert len(np.unique(drawn["cold"], axis=0)) == 1
    for same in ("one", "nothing"):
        np.testing.assert_array_equal(drawn[same], drawn["cold"])
    firsts = {name: len(np.unique(tokens[:, 0])) for name, tokens in drawn.items()}
    assert 1 < firsts["cool"] < firsts["plain"] < firsts["hot"]
    assert firsts["few"] == 3 and firsts["likely"] < firsts["plain"]


def test_what_is_given_is_kept_and_going_on_with_a_piece_is_that_piece(model, generate, go_on):
    whole = generate(SEEDS, length=40)
    cuts = [5, 12, 1, 30, 22]
    for row, cut in enumerate(cuts):  # a piece's beginning ends with a note
        while whole[row][cut - 1] == 0:
            cuts[row] = cut = cut + 1
    tunes = [_tune(model, piece[:cut]) for piece, cut in zip(whole, cuts, strict=True)]
    assert go_on(SEEDS, tunes, length=40) == whole
    # By default as many new tokens as the model has learnt to write.
    for piece, again, cut in zip(whole, go_on(SEEDS, tunes), cuts, strict=True):
        assert len(again) == cut + LENGTH and again == piece[: len(again)]
    others = go_on(SEEDS + 1, tunes, length=40)
    for piece, other, cut in zip(whole, others, cuts, strict=True):
        assert other[:cut] == piece[:cut] and other != piece


def test_another_beginning_goes_on_in_another_way(model, go_on):
    tunes = [_tune(model, tokens) for tokens in ([5, 5, 9], [20, 28, 9], [1, 2, 9])]
    found = go_on([4] * 4, [*tunes, b""], temperature=0.2, length=30)
    assert len({tuple(piece[3:]) for piece in found}) == 4


def test_at_least_one_token_is_new_and_long_music_keeps_its_end(model, go_on, continue_outputs):
    rng = np.random.default_rng(1)
    tokens = rng.integers(1, 30, 90).tolist()
    tunes = [_tune(model, tokens[:count]) for count in (20, 56, 57, 90)]
    kept = [20, 56, 56, 56]  # seven times the training length
    for length, total in ((1, [21, 57, 57, 57]), (0, [28, 64, 64, 64]), (60, [60] * 4)):
        found = go_on([1, 2, 3, 4], tunes, length=length)
        assert [len(piece) for piece in found] == total
        for piece, count, number in zip(found, (20, 56, 57, 90), kept, strict=True):
            assert piece[:number] == tokens[count - number : count]
    outputs = continue_outputs([1, 2, 3, 4], tunes)
    assert outputs["tokens_left_out"].tolist() == [0, 0, 1, 34]
    # However long it is, and silent at first.
    outputs = continue_outputs([5], [_tune(model, [9] + [0] * 9_000 + [7, 7, 8])])
    assert _tokens(outputs)[0][:56] == [0] * 53 + [7, 7, 8]
    assert outputs["tokens_left_out"].tolist() == [9_004 - 56]


def test_the_tempo_keeps_what_is_given_as_fast_as_it_was(model, continue_outputs):
    tune = made_up.chorale(3, qpm=96.0)  # a quarter note is 0.625 s, a token 0.4 s
    text = continue_outputs([1], [tune])["note_sequence"][0]
    answer = NoteSequence.FromString(text)
    assert answer.tempos[0].qpm == pytest.approx(150.0)
    given = model.representation.sample(tune)
    assert len(given) > 30
    np.testing.assert_array_equal(model.representation.sample(answer)[: len(given)], given)


def test_notes_outside_the_keys_are_moved_by_octaves_and_counted(model, continue_outputs):
    pitches = [60, 110, 43, 97, 55, 84]  # of the keys, MIDI 55 to 84: 60, 55 and 84
    tune = NoteSequence()
    for place, pitch in enumerate(pitches):
        start = 0.4 * place
        tune.notes.add(pitch=pitch, velocity=80, start_time=start, end_time=start + 0.4)
    long = NoteSequence.FromString(tune.SerializeToString())
    long.notes.add(pitch=61, velocity=80, start_time=2.4, end_time=2.4 + 53 * 0.4)
    outputs = continue_outputs([1, 2, 3], [tune, long, b""])
    moved = [pitch - model.representation.lowest_pitch + 1 for pitch in (60, 74, 55, 73, 55, 84)]
    found = _tokens(outputs)
    assert found[0][:6] == moved
    # Of the longer one seven training lengths are kept, from the fourth token on.
    assert found[1][:4] == [*moved[3:], 7]
    assert outputs["tokens_replaced"].tolist() == [3, 1, 0]


HOSTILE = {
    "nothing": b"",
    "garbage": b"\xff\xfe not a NoteSequence",
    "cut": made_up.chorale(6).SerializeToString()[:-7],
    "not finite": NoteSequence(
        notes=[NoteSequence.Note(pitch=60, start_time=float("nan"), end_time=1.0)]
    ).SerializeToString(),
    "far away": NoteSequence(
        notes=[NoteSequence.Note(pitch=60, start_time=1e12, end_time=2e12)]
    ).SerializeToString(),
    "drums alone": NoteSequence(
        notes=[NoteSequence.Note(pitch=60, end_time=1.0, is_drum=True)]
    ).SerializeToString(),
}


def test_rows_that_are_no_music_leave_the_others_alone(continue_outputs, generate):
    good = [made_up.chorale(1, bars=2), made_up.chorale(2, bars=3)]
    expected = _tokens(continue_outputs([1, 2], good))
    for name, bad in HOSTILE.items():
        outputs = continue_outputs([1, 9, 2], [good[0], bad, good[1]])
        found = _tokens(outputs)
        assert [found[0], found[2]] == expected, name
        assert found[1] == generate([9])[0], name  # from the start
        assert_valid(NoteSequence.FromString(outputs["note_sequence"][1]))


def test_what_requests_are_told(model):
    signatures = model.signatures()
    assert set(signatures) == {"serving_default", "generate", "continue"}
    described = signatures["generate"]
    assert described.defaults == {
        "seed": 1, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "length": LENGTH, "qpm": 150.0
    }  # fmt: skip
    assert described.ranges["length"] == (1, MOST) and described.ranges["top_k"] == (0, 31)
    assert set(described.inputs) == set(described.defaults)
    example = NoteSequence.FromString(signatures["continue"].defaults["note_sequence"])
    assert len(example.notes) == 1
    assert model.length == LENGTH and model.max_length == MOST


@dataclasses.dataclass(frozen=True)
class _Meaningless(MelodyTokens):
    """Tokens that no graph half is there for."""

    name = "meaningless"


@dataclasses.dataclass(frozen=True)
class _WithStart(MelodyTokens):
    """Low keys are symbols that are no music."""

    @property
    def drawable(self):
        return np.arange(self.num_tokens) > 20


def test_tokens_without_music_have_no_signatures(model):
    other = type(model)(model.model_config, _Meaningless(length=LENGTH, num_pitches=9))
    with pytest.raises(ExportError, match=r"graph half.* Received: meaningless, .*nothing to exp"):
        other.signatures()
    assert other.sample_examples(tf.constant([1], tf.int64))["tokens"].shape == (1, LENGTH)


def test_tokens_that_are_no_music_are_never_written(model):
    rep = _WithStart(**model.representation.to_parameters())
    other = type(model)(model.model_config, rep)
    hot = other.sample(tf.range(200, dtype=tf.int64), temperature=9.0)["tokens"].numpy()
    assert sorted(np.unique(hot)) == list(range(21, 31))
    example = NoteSequence.FromString(other.signatures()["continue"].defaults["note_sequence"])
    assert example.notes[0].pitch == rep.lowest_pitch + 26 - 1
