"""Malformed requests to the REST API, each with the stock server's answer to it."""

import json
import random
from typing import Any

from expected import RestCase


def draw(model: str, version: int, most_rows: int, rng: random.Random) -> RestCase:
    """One case of a kind drawn evenly.

    Args:
      model: The model's name; its `serving_default` takes `seed` alone.
      version: The version that is served.
      most_rows: The server's largest batch.
      rng: What is drawn from.
    """
    predict, good = f"/v1/models/{model}:predict", {"instances": [rng.getrandbits(50)]}
    word = "".join(rng.choices("abcxyz", k=8))
    other_version = rng.choice([0, version + 1, 2**40])
    deep = rng.choice([10, 1000, 100_000])

    def post(kind: str, body: Any, text: str, status: int = 400, path: str = predict) -> RestCase:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return RestCase(kind, path, sent, status, text)

    whole = json.dumps(good).encode()
    both = r"JSON Value: [\s\S]*Not formatted correctly expecting only one of 'inputs' or "
    missing = "Servable not found for request: "
    cases = [
        post("truncated", whole[: rng.randrange(1, len(whole) - 1)], "JSON Parse error: "),
        post("no bytes", b"", "JSON Parse error: "),
        post("noise", b"\xff" + rng.randbytes(rng.randint(1, 100)), "JSON Parse error: "),
        post("deep nesting", b'{"instances": ' + b"[" * deep, ""),
        post("no object", [1, 2], ""),
        post("neither format", {"examples": [1]}, "Missing 'inputs' or 'instances' key"),
        post("both formats", good | {"inputs": [1]}, both),
        post("empty list", {"instances": []}, ""),
        post("a text for a number", {"instances": [word]}, ""),
        post("a fraction for a whole number", {"instances": [1.5]}, ""),
        post("lists of unequal length", {"instances": [[1, 2], [3]]}, ""),
        post("too many rows", {"instances": [7] * (most_rows + 1)}, "Task size "),
        post(
            "unknown signature",
            good | {"signature_name": word},
            f'Serving signature name: "{word}" not found in signature def',
        ),
        post(
            "unknown model", good, rf"{missing}Latest\({word}\)", 404, f"/v1/models/{word}:predict"
        ),
        post(
            "unknown version",
            good,
            rf"{missing}Specific\({model}, {other_version}\)",
            404,
            f"/v1/models/{model}/versions/{other_version}:predict",
        ),
        post(
            "unknown label",
            good,
            f"Unrecognized servable version label: {word}",
            path=f"/v1/models/{model}/labels/{word}:predict",
        ),
        post("unknown method", good, "Malformed request: POST", path=f"/v1/models/{model}:{word}"),
        RestCase("unknown path", f"/{word}", whole, 404, None),
    ]
    return rng.choice(cases)
