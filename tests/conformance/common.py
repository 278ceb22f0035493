"""What the laws of the generators share: the rows, the runs' weights, and what is asked of them."""

import functools

import numpy as np
import tensorflow as tf

from tests import made_up
from tfmusicgan import recipes

GENERATORS = [name for name in recipes.names() if recipes.get(name).kind == "generator"]
# Sampling runs one batch size throughout, within which output bits are equal.
ROWS = 16
SEEDS = (np.int64(3) << 32) + np.arange(ROWS)
PHRASES = [1, 3, 2, 1] * 4  # of each row's piece


def model_at(run, step):
    """The run's model with the weights of one of its checkpoints."""
    model = run.build_model()
    info = next(info for info in run.store().all() if info.step == step)
    run.store().restore(model, info, expect_training=False)
    assert int(model.step.numpy()) == step
    return model


def music(name):
    """A piece for each row, of one to six bars, in the recipe's tracks; serialised."""
    make = made_up.MAKERS[recipes.get(name).preset("tiny").representation["tracks"]]
    pieces = [make(100 + row, bars=1 + row % 6, qpm=80.0 + row) for row in range(ROWS)]
    return np.array([piece.SerializeToString(deterministic=True) for piece in pieces], object)


class Asked:
    """The signatures of a run's model in this process, each traced once."""

    def __init__(self, run):
        self.model, _ = run.load_model()
        self.signatures = self.model.signatures()
        self._traced = {}

    def __call__(self, signature, **inputs):
        """Asks for one row per seed; inputs that are left out take their defaults."""
        described = self.signatures[signature]
        if signature not in self._traced:
            specs = {n: tf.TensorSpec(s.shape, s.dtype) for n, s in described.inputs.items()}
            function = tf.function(lambda given: described.function(**given), [specs], False)
            self._traced[signature] = function
        given = {}
        for name, spec in described.inputs.items():
            value = tf.convert_to_tensor(inputs.get(name, described.defaults[name]), spec.dtype)
            given[name] = tf.broadcast_to(value, [len(inputs["seed"])])
        return {key: value.numpy() for key, value in self._traced[signature](given).items()}

    @functools.cached_property
    def threshold(self):
        """A threshold per row that leaves about a twentieth of the cells, so there is music."""
        logits = self.model.sample(tf.constant(SEEDS))["logits"].numpy()
        tracks = range(logits.shape[-1])
        generated = [track for track in tracks if track != self.model.condition_track]
        quantile = np.quantile(logits[..., generated].reshape(ROWS, -1), 0.95, axis=1)
        return (1 / (1 + np.exp(-quantile))).astype(np.float32)

    def inputs(self, name, signature):
        """What the laws ask of a recipe's signature."""
        if signature == "serving_default":
            return {"seed": SEEDS}
        drawn = {
            "seed": SEEDS,
            "threshold": self.threshold,
            "temperature": [0.0, 0.7] * (ROWS // 2),
        }
        drawn["temperature"] = np.array(drawn["temperature"], np.float32)
        if signature == "accompany":
            return {**drawn, "note_sequence": music(name)}
        lengths = np.array(PHRASES, np.int32)
        return {**drawn, "qpm": np.full(ROWS, 90.0, np.float32), "num_phrases": lengths}

    @functools.cache  # noqa: B019 - as many as there are recipes
    def answers(self, name, signature):
        """Its answers to them."""
        return self(signature, **self.inputs(name, signature))
