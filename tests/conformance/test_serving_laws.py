"""The laws of what is exported and served, for each generator's `tiny` run."""

import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.common import GENERATORS, PHRASES, ROWS, SEEDS, music
from tests.validity import assert_valid
from tfmusicgan import bulk_sampling, recipes
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.representations import given_track
from tfmusicgan.representations.packing import unpack_bytes

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("name", GENERATORS)]


def _is_accompaniment(name):
    return recipes.get(name).preset("tiny").config.condition_track is not None


def _sequences(texts):
    return [NoteSequence.FromString(text) for text in texts]


def _rolls(model, outputs):
    shape = model.representation.spec["piano_roll"].shape
    return [unpack_bytes(text, shape) for text in outputs["piano_roll"]]


def test_an_export_reloaded_in_a_fresh_process_plays_the_same(name, asked, reloaded):
    names = {"serving_default", "generate"}
    names |= {"accompany"} if _is_accompaniment(name) else set()
    assert set(asked(name).signatures) == names
    for signature in names:
        expected, outputs = asked(name).answers(name, signature), reloaded(name, signature)
        assert outputs.keys() == expected.keys()
        for key, value in expected.items():
            np.testing.assert_array_equal(outputs[key], value, err_msg=f"{signature} {key}")


def test_music_is_valid_and_pairwise_different(name, asked):
    grid = asked(name).model.representation.steps_per_beat
    for signature in asked(name).signatures:
        outputs = asked(name).answers(name, signature)
        sequences = _sequences(outputs["note_sequence"])
        for sequence in sequences:
            assert_valid(sequence, grid)
        heard = [s.SerializeToString(deterministic=True) for s in sequences if s.notes]
        assert len(set(heard)) == len(heard)
        if signature != "serving_default":  # a twentieth of the cells sounds
            assert len(heard) == ROWS
            model = asked(name).model
            for roll, sequence in zip(_rolls(model, outputs), sequences, strict=True):
                qpm = sequence.tempos[0].qpm
                assert model.representation.decode({"piano_roll": roll}, qpm) == sequence


def test_served_over_grpc_equals_sampled_in_process(name, asked, tiny_export):
    from tfmusicgan.serving.client import Client
    from tfmusicgan.serving.server import app
    from tfmusicgan.serving.server.storage import ModelSource

    source = ModelSource(name=name, base_path=str(tiny_export(name).parent))
    with (
        app.running(app.ServerOptions(source, port=0)) as server,
        Client(server.address) as client,
    ):
        client.wait_until_ready(name)
        plain = client.generate(name, seeds=SEEDS.tolist())
        assert plain == _sequences(asked(name).answers(name, "serving_default")["note_sequence"])
        for signature in set(asked(name).signatures) - {"serving_default"}:
            served = client.predict(name, asked(name).inputs(name, signature), signature)
            expected = asked(name).answers(name, signature)
            for key, value in expected.items():
                np.testing.assert_array_equal(served[key], value, err_msg=f"{signature} {key}")


def test_sample_i_of_a_bulk_run_is_the_request_with_its_seed(name, asked, tiny_export):
    export = tiny_export(name)
    plan = bulk_sampling.make_plan(
        export, "serving_default", (), seed=3, num=40, batch_size=ROWS, shard_size=20, midi=False
    )
    sampled = bulk_sampling.sample_rows(plan, str(export), range(ROWS))
    expected = asked(name).answers(name, "serving_default")["note_sequence"]
    assert sampled == _sequences(expected)
    # The last, shorter batch is padded, and gives what a full one gives.
    shorter = bulk_sampling.sample_rows(plan, str(export), range(5))
    assert shorter == sampled[:5]


def _generated(model, roll):
    if model.condition_track is None:
        return roll
    return np.delete(roll, model.condition_track, axis=-1)


def _share_quantiles(asked, shares):
    """Thresholds that leave these shares of the cells of the first seed's phrase."""
    model = asked.model
    logits = model.sample(tf.constant(SEEDS))["logits"].numpy()[0]
    quantiles = np.quantile(_generated(model, logits), 1 - np.array(shares))
    return (1 / (1 + np.exp(-quantiles))).astype(np.float32)


def test_threshold_and_temperature_act(name, asked):
    model = asked(name).model
    threshold = _share_quantiles(asked(name), [0.9, 0.6, 0.3, 0.1])  # falling shares
    rows = 4 * [*threshold]
    temperature = np.repeat(np.array([0.0, 1e-3, 1.0, 5.0], np.float32), 4)
    outputs = asked(name)(
        "generate", seed=np.full(16, SEEDS[0]), threshold=rows, temperature=temperature
    )
    rolls = [_generated(model, roll) for roll in _rolls(model, outputs)]
    for first in range(0, 16, 4):  # a higher threshold only takes notes away
        for lower, higher in zip(rolls[first : first + 3], rolls[first + 1 :], strict=False):
            assert not (higher & ~lower).any()
            # Hot draws hardly follow thresholds as near to each other as these may be.
            assert higher.sum() < lower.sum() or first > 0
    # A colder draw is nearer to the hard threshold.
    distances = [np.mean(rolls[2] != rolls[row]) for row in (6, 10, 14)]
    assert distances[0] < distances[1] < distances[2]


def test_seed_tempo_and_number_of_phrases_act(name, asked):
    model = asked(name).model
    bars = model.representation.bars
    seeds = SEEDS[np.arange(ROWS) // 4]  # four rows each
    qpm = np.array([60.0, 120.0] * 8, np.float32)
    threshold = np.repeat(asked(name).threshold[:4], 4)
    outputs = asked(name)("generate", seed=seeds, threshold=threshold, qpm=qpm, num_phrases=PHRASES)
    rolls, sequences = _rolls(model, outputs), _sequences(outputs["note_sequence"])
    assert [len(roll) for roll in rolls] == [bars * phrases for phrases in PHRASES]
    for row in range(0, ROWS, 4):  # longer pieces begin as shorter ones
        for later in range(1, 4):
            np.testing.assert_array_equal(rolls[row], rolls[row + later][:bars])
        again = np.tile(rolls[row], (2, 1, 1, 1))
        assert (rolls[row + 1][bars:] != again).any()
    assert len({rolls[row].tobytes() for row in range(0, ROWS, 4)}) == 4
    beats = model.representation.beats_per_bar
    for phrases, tempo, sequence in zip(PHRASES, qpm, sequences, strict=True):
        assert sequence.tempos[0].qpm == tempo
        assert sequence.total_time == pytest.approx(phrases * bars * beats * 60 / tempo)


def test_an_accompaniment_holds_what_it_was_given(name, asked):
    if not _is_accompaniment(name):
        assert "accompany" not in asked(name).signatures
        return
    model, pieces = asked(name).model, _sequences(music(name))
    outputs = asked(name).answers(name, "accompany")
    for roll, text, piece in zip(
        _rolls(model, outputs), outputs["note_sequence"], pieces, strict=True
    ):
        given = given_track.encode_track(piece, model.representation, model.condition_track)
        np.testing.assert_array_equal(roll[..., model.condition_track], given)
        assert given.any() and _generated(model, roll).any()
        answer = NoteSequence.FromString(text)
        assert answer.tempos[0].qpm == piece.tempos[0].qpm
        assert answer.total_time == pytest.approx(piece.total_time)
    # Other music, another answer; the seed alone decides nothing.
    turned = {**asked(name).inputs(name, "accompany"), "note_sequence": music(name)[::-1]}
    other = _rolls(model, asked(name)("accompany", **turned))
    for one, two in zip(_rolls(model, outputs), other, strict=True):
        shorter = min(len(one), len(two))
        assert (_generated(model, one[:shorter]) != _generated(model, two[:shorter])).any()
