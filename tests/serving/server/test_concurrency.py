"""Many clients at once: everybody's own rows, few runs."""

import time

import numpy as np

from tests.serving import toy_models
from tfmusicgan.client import MusicClient
from tfmusicgan.serving.server.batching_config import BatchOptions


def watched(servable, monkeypatch, pause=0.0):
    """Counts the runs of a servable and the rows of each, and makes them slower."""
    rows, run = [], servable.run

    def counting(feeds, *rest):
        rows.append(len(next(iter(feeds.values()))))
        time.sleep(pause)
        return run(feeds, *rest)

    monkeypatch.setattr(servable, "run", counting)
    return rows


def ask(client, model, scale, seed):
    inputs = {
        "seed": np.array([seed, seed + 1000][: 1 + seed % 2], np.int64),
        "qpm": np.array([seed, 2 * seed][: 1 + seed % 2], np.float32),
        "threshold": np.array([0.5, 0.25][: 1 + seed % 2], np.float32),
    }
    outputs = client.predict(model, inputs, "generate")
    expected = toy_models.expected_value(*(inputs[n] for n in ("seed", "qpm", "threshold")), scale)
    pieces = [toy_models.note_sequence_bytes(int(s)) for s in inputs["seed"]]
    return (
        np.array_equal(outputs["value"], expected)
        and outputs["note_sequence"].tolist() == pieces
        and np.array_equal(outputs["piano_roll"][:, 0], inputs["seed"] % 256)
    )


def test_every_request_gets_its_own_rows_and_runs_are_shared(toy_server, pool, monkeypatch):
    rows = watched(toy_server.servable("toy", 3), monkeypatch, pause=0.02)
    with MusicClient(toy_server.address) as client:
        answers = list(pool.map(lambda seed: ask(client, "toy", 2.0, seed), range(200)))
    assert all(answers)
    assert sum(rows) >= 300
    assert len(rows) < 60
    assert set(rows) <= {BatchOptions().padded(number) for number in range(1, 65)}


def test_two_models_never_exchange_rows(toy_server, pool, monkeypatch):
    watched(toy_server.servable("toy", 3), monkeypatch, pause=0.005)
    watched(toy_server.servable("other", 7), monkeypatch, pause=0.005)
    models = (("toy", 2.0), ("other", 5.0))
    with MusicClient(toy_server.address) as client:
        answers = list(pool.map(lambda seed: ask(client, *models[seed % 3 % 2], seed), range(300)))
    assert all(answers)


def test_a_bad_request_fails_alone(toy_server, pool, monkeypatch):
    import grpc

    from tfmusicgan.client import ServingError

    watched(toy_server.servable("toy", 3), monkeypatch, pause=0.02)

    def matmul(width):
        try:
            x = np.full((1, width), 2.0, np.float32)
            return client.predict("toy", {"x": x}, "matmul")["y"].tolist()
        except ServingError as error:
            return error.code

    with MusicClient(toy_server.address) as client:
        widths = [4, 5, 4, 4, 3, 4] * 10
        answers = list(pool.map(matmul, widths))
    bad = grpc.StatusCode.INVALID_ARGUMENT
    assert answers == [[[8.0] * 3] if width == 4 else bad for width in widths]


def test_a_row_does_not_depend_on_its_neighbours(toy_server, pool):
    inputs = {"seed": np.arange(32), "qpm": np.linspace(1, 9, 32, dtype=np.float32)}
    inputs["threshold"] = inputs["qpm"]
    with MusicClient(toy_server.address) as client:
        together = client.predict("toy", inputs, "generate")
        alone = list(
            pool.map(
                lambda i: client.predict(
                    "toy", {name: array[i : i + 1] for name, array in inputs.items()}, "generate"
                ),
                range(32),
            )
        )
    for name, values in together.items():
        assert np.concatenate([row[name] for row in alone]).tolist() == values.tolist()
