"""What the laws of the generators share: the rows, the runs' weights, and what is asked of them."""

import tensorflow as tf

from tests.conformance import jazz_phrases, melody_bars, note_events, notes, piano_rolls, tokens
from tests.conformance.rows import SEEDS
from tfmusicgan import recipes, representations
from tfmusicgan.training import fit

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


def one_of_each(names):
    """One recipe of every model and task: others differ in their data alone."""
    chosen = {}
    for name in names:
        recipe = recipes.get(name)
        given = getattr(recipe.preset("tiny").config, "condition_track", None)
        chosen[recipe.model, given is None] = name
    return sorted(chosen.values())


# Rows whose tiny runs are traced, as users train; the others make the same steps one operation at a
# time, since tracing takes far longer than a few steps. One of every model and task, and rows that
# give a model another branch: five tracks with drums, spectrograms, another encoding of rhythm, a
# melody without chords.
_OTHER_BRANCHES = ("musegan_composer", "midinet_melody", "gansynth", "jazzgan")
TRACED = {*one_of_each(GENERATORS), *_OTHER_BRANCHES}
assert set(GENERATORS) >= TRACED


def family(name):
    """The module with what holds for a recipe because of what its model generates."""
    recipe = recipes.get(name)
    parameters = recipe.preset("tiny").representation
    spec = representations.get(recipe.representation).from_parameters(parameters).spec
    return _FAMILIES[next(iter(spec))]  # of a note the audio, before its labels


def train_tiny(name, records, folder, show_every=0):
    """Four steps of a row's `tiny` preset, or those that are left of them."""
    options = fit.TrainingOptions(
        steps_per_epoch=3,
        checkpoint_every=2,
        show_every=show_every,
        collapse_patience=0,
        num_samples=8,
    )
    settings = family(name).RANDOM
    return fit.train(recipes.get(name), "tiny", records[name], folder, settings, options=options)


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
