"""The soaks of the server in scripts/soak/, short: overload, swaps of versions, bad requests."""

import importlib
import pathlib
import random

import grpc
import pytest

from tests.serving import toy_models

FOLDER = pathlib.Path(__file__).parents[2] / "scripts/soak"
NAMES = ("served", "serving_overload", "serving_swaps", "serving_fuzz", "malformed", "bad_tls")


@pytest.fixture(scope="module")
def soak():
    """The programs by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        modules = {name: importlib.import_module(name) for name in (*NAMES, "malformed_rest")}
        yield type("Soak", (), modules)


@pytest.fixture(scope="module")
def heavy(tmp_path_factory):
    """A model with 0.1 s of work for 64 rows on a quick core."""
    import tensorflow as tf

    class Heavy(tf.Module):
        def __init__(self):
            super().__init__()
            self.weights = tf.Variable(tf.random.stateless_normal([512, 512], (1, 2)))
            pieces = [toy_models.note_sequence_bytes(pitch) for pitch in range(128)]
            self.pieces = tf.Variable(pieces)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "seed")])
        def serve(self, seed):
            x = tf.ones([4 * tf.size(seed), 512])
            for _ in range(60):
                x = tf.tanh(tf.matmul(x, self.weights))
            never = tf.cast(tf.reduce_sum(x) > 1e30, tf.int64)
            return {"note_sequence": tf.gather(self.pieces, seed % 128 + never)}

    folder = tmp_path_factory.mktemp("models") / "heavy"
    model = Heavy()
    tf.saved_model.save(model, str(folder / "1"), signatures={"serving_default": model.serve})
    return folder


@pytest.mark.slow
def test_overload(soak, heavy):
    result = soak.serving_overload.overload(heavy, seconds=4.0)
    assert result.failures == []
    assert result.load["refusals"].keys() == {"UNAVAILABLE"}
    assert result.load["requests_per_second"] > 0 and len(result.memory_mb) > 5


@pytest.mark.slow
def test_swaps(soak, toy_root):
    result = soak.serving_swaps.swap(toy_root / "toy", swaps=5, clients=2)
    assert result.failures == []
    assert result.swaps == len(result.usages) == 5 and result.requests > 5
    assert not list(toy_root.glob(".swaps-*"))


@pytest.mark.slow
def test_bad_requests(soak, toy_root):
    result = soak.serving_fuzz.fuzz(toy_root / "toy", requests=500, seed=1)
    assert result.faults == []
    assert result.kinds.total() == 500
    drawn = {kind.partition(":")[0].partition(" ")[0] for kind in result.kinds}
    assert {"connection", "REST", "wrong_dtype", "giant_tensor", "truncated"} <= drawn


@pytest.mark.slow
def test_bad_tls(soak, toy_root):
    result = soak.serving_fuzz.fuzz_tls(toy_root / "toy", clients=30, seed=0)
    assert result.faults == []
    assert {kind.partition(": ")[2] for kind in result.kinds} == set(soak.bad_tls.KINDS)


def test_what_overload_must_not_do_is_noticed(soak):
    full = (
        "The batch scheduling queue to which this task was submitted is full; currently 10 batches "
        "enqueued and max_enqueued_batches is 10"
    )
    good = {
        "refusals": {"UNAVAILABLE": 7},
        "refusal_texts": {"UNAVAILABLE": full},
        "p50_ms": 400.0,
        "p99_ms": 900.0,
        "refused_p50_ms": 4.0,
    }

    def failures(memory_mb=(500.0,) * 10, **changes):
        result = soak.serving_overload.Result(50.0, good | changes, 1000.0, list(memory_mb))
        result.check()
        return result.failures

    assert failures() == []
    assert failures(refusals={}) == ["Nothing was refused for a full queue: {}."]
    (line,) = failures(refusals={"UNAVAILABLE": 7, "CANCELLED": 2})
    assert line.startswith("Refused otherwise: {'UNAVAILABLE': 7, 'CANCELLED': 2}")
    assert failures(refusal_texts={"UNAVAILABLE": full + "."}) == [f"Refused with {full + '.'!r}."]
    assert failures(p99_ms=1001.0) == [
        "99 % of the answers took up to 1001 ms, more than a full queue's 1000 ms."
    ]
    assert failures(refused_p50_ms=400.0) == ["Refusals took 400 ms, answers 400 ms."]
    assert failures([500.0 + 10 * step for step in range(10)]) == []  # from 525 to 585
    assert failures([500.0, 500, 500, 500, 565, 565, 565, 565, 565, 565]) == [
        "Memory grew from 500 to 565 MB."
    ]


def test_growth_over_the_swaps_is_noticed(soak):
    def failures(**growth):
        usages = [
            soak.served.Usage(
                *(
                    start + growth.get(name, 0) * step
                    for name, start in (("memory_mb", 600.0), ("threads", 15), ("files", 15))
                )
            )
            for step in range(1000)
        ]
        result = soak.serving_swaps.Result(usages=usages)
        result.check_growth()
        return result.failures

    assert failures() == failures(memory_mb=0.02) == []
    assert failures(memory_mb=0.3) == ["memory_mb grew from 644.9 to 884.9."]
    assert failures(threads=0.01) == ["threads grew from 16.5 to 24.5."]


def test_wrong_answers_to_bad_requests_are_noticed(soak):
    code = grpc.StatusCode
    case = soak.malformed.Case("odd", b"", (code.NOT_FOUND,), r"no \(such\) model")
    assert case.fault(code.NOT_FOUND, "no (such) model") == ""
    assert case.fault(code.NOT_FOUND, "no such model") == (
        "odd: answered 'no such model', not 'no \\\\(such\\\\) model'"
    )
    assert case.fault(code.UNKNOWN, "x") == "odd: answered UNKNOWN: 'x'"
    assert case.fault(code.OK, "") == "odd: answered OK: ''"
    rest = soak.malformed_rest.RestCase("odd", "/", b"", 404, "no model")
    assert rest.fault(404, b'{"error": "no model m"}') == ""
    assert rest.fault(500, b"{}") == "REST odd: answered 500: b'{}'"
    assert rest.fault(404, b"oops") == "REST odd: answered b'oops', which is no error in JSON"
    assert rest.fault(404, b'{"error": "a"}') == "REST odd: answered 'a', not 'no model'"


def test_a_seed_draws_the_same_requests_again(soak):
    from tfmusicgan.serving import messages

    signature = messages.SignatureDef()
    signature.inputs["seed"].dtype = 9
    signature.inputs["seed"].tensor_shape.dim.add(size=-1)
    signature.outputs["note_sequence"].dtype = 7

    def malformed(number):
        rng = random.Random(f"3 {number}")
        return soak.malformed.Malformed("m", {"s": signature}, 1, 64, rng)

    cases = [malformed(number).draw() for number in range(400)]
    assert cases == [malformed(number).draw() for number in range(400)]
    assert {case.kind for case in cases} == set(malformed(0).kinds)
    assert len({case.request for case in cases}) > 200
