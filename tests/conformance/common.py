"""What the laws of the generators share: the rows, the runs' weights, and what is asked of them."""

import tensorflow as tf

from tests.conformance import jazz_phrases, melody_bars, note_events, notes, piano_rolls, tokens
from tests.conformance.rows import SEEDS
from tfmusicgan import recipes, representations

_FAMILIES = {
    "piano_roll": piano_rolls,
    "tokens": tokens,
    "audio": notes,
    "melody_bars": melody_bars,
    "note_events": note_events,
    "pitches": jazz_phrases,
}


def _different_generators():
    """The generators, of several with one model and the same `tiny` preset the first."""
    found = []
    for name in recipes.names():
        recipe = recipes.get(name)
        what = recipe.model, recipe.representation, recipe.preset("tiny")
        if recipe.kind == "generator" and what not in found:
            found.append(what)
            yield name


GENERATORS = list(_different_generators())


def family(name):
    """The module with what holds for a recipe because of what its model generates."""
    recipe = recipes.get(name)
    parameters = recipe.preset("tiny").representation
    spec = representations.get(recipe.representation).from_parameters(parameters).spec
    return _FAMILIES[next(iter(spec))]  # of a note the audio, before its labels


def model_at(run, step):
    """The run's model with the weights of one of its checkpoints."""
    model = run.build_model()
    info = next(info for info in run.store().all() if info.step == step)
    run.store().restore(model, info, expect_training=False)
    assert int(model.step.numpy()) == step
    return model


class Asked:
    """The signatures of a run's model in this process, each traced once.

    Attributes:
      worked_out: What a family of models keeps here, so that it goes with the model.
    """

    def __init__(self, run):
        self.model, _ = run.load_model()
        self.signatures = self.model.signatures()
        self.worked_out = {}
        self._traced, self._answers = {}, {}

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
            # Of an axis of any size a value has as many as it likes.
            sizes = zip(spec.shape[1:], value.shape[-spec.shape.rank + 1 :], strict=False)
            row = [own if size is None else size for size, own in sizes] or spec.shape[1:]
            given[name] = tf.broadcast_to(value, [len(inputs["seed"]), *row])
        return {key: value.numpy() for key, value in self._traced[signature](given).items()}

    def inputs(self, name, signature):
        """What the laws ask of a recipe's signature."""
        found = {"seed": SEEDS, **family(name).inputs(self, name, signature)}
        return {key: found[key] for key in self.signatures[signature].inputs if key in found}

    def answers(self, name, signature):
        """Its answers to them."""
        if (name, signature) not in self._answers:
            inputs = {"seed": SEEDS, **self.inputs(name, signature)}
            self._answers[name, signature] = self(signature, **inputs)
        return self._answers[name, signature]
