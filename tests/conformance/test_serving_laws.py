"""The laws of what is exported and served, for each generator's `tiny` run."""

import numpy as np
import pytest

from tests.conformance import stock_server
from tests.conformance.common import GENERATORS, family, one_of_each
from tests.conformance.rows import ROWS, SEEDS
from tests.serving.warmup import without_warmup
from tfmusicgan.note_sequences.proto import NoteSequence

# Servers of one of every model and task warm up: requests for the others differ in data alone.
WARMED_UP = one_of_each(GENERATORS)

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("name", GENERATORS)]


def _sequences(texts):
    return [NoteSequence.FromString(text) for text in texts]


def test_an_export_reloaded_in_a_fresh_process_plays_the_same(name, asked, reloaded):
    names = family(name).signatures(name)
    assert set(asked(name).signatures) == names
    for signature in names:
        expected, outputs = asked(name).answers(name, signature), reloaded.answers(name, signature)
        assert outputs.keys() == expected.keys()
        for key, value in expected.items():
            np.testing.assert_array_equal(outputs[key], value, err_msg=f"{signature} {key}")


def test_an_export_loads_and_plays_the_same_without_python(name, asked, tiny_export, in_c):
    kernels, modules, answers = in_c
    assert stock_server.read_signatures(tiny_export(name))[0] <= kernels
    assert not {"tensorflow", "tfmusicgan", "numpy"} & set(modules)
    assert not isinstance(answers[name], str), answers[name]
    for signature in asked(name).signatures:
        expected = asked(name).answers(name, signature)
        assert answers[name][signature].keys() == expected.keys()
        for key, value in expected.items():
            found = answers[name][signature][key]
            np.testing.assert_array_equal(found, value, err_msg=f"{signature} {key}")


def test_music_is_valid_and_pairwise_different(name, asked):
    family(name).answers_are_valid(asked(name), name)


def test_served_over_grpc_equals_sampled_in_process(name, asked, tiny_export, tmp_path):
    from tfmusicgan.client import MusicClient
    from tfmusicgan.serving.server import app
    from tfmusicgan.serving.server.storage import ModelSource

    folder = tiny_export(name).parent
    if name not in WARMED_UP:
        folder = without_warmup(tiny_export(name), tmp_path / name)
    source = ModelSource(name=name, base_path=str(folder))
    with (
        app.running(app.ServerOptions(source, port=0)) as server,
        MusicClient(server.address) as client,
    ):
        client.wait_until_ready(name)
        if family(name).MUSIC == "note_sequence":
            plain = client.generate(name, seeds=SEEDS.tolist())
            expected = asked(name).answers(name, "serving_default")["note_sequence"]
            assert plain == _sequences(expected)
        for signature in asked(name).signatures:
            served = client.predict(name, asked(name).inputs(name, signature), signature)
            expected = asked(name).answers(name, signature)
            for key, value in expected.items():
                np.testing.assert_array_equal(served[key], value, err_msg=f"{signature} {key}")


def test_sample_i_of_a_bulk_run_is_the_request_with_its_seed(name, asked, reloaded):
    output = family(name).MUSIC
    parse = list if output == "wav" else _sequences
    expected = parse(asked(name).answers(name, "serving_default")[output].tolist())
    assert parse(reloaded.sampled(name, ROWS)) == expected
    # The last, shorter batch is padded, and gives what a full one gives.
    assert parse(reloaded.sampled(name, 5)) == expected[:5]


def test_draws_follow_their_controls(name, asked):
    family(name).draws_follow_their_controls(asked(name))


def test_seed_tempo_and_length_act(name, asked):
    family(name).seed_tempo_and_length_act(asked(name))


def test_given_music_is_kept_and_decides(name, asked):
    family(name).given_music_is_kept_and_decides(asked(name), name)
