"""Two and four devices train the weights of one, with dropout and augmentation on.

Batch statistics, the gradient penalty, noise, dropout and transposition follow the global batch.
"""

import functools

import pytest
import tensorflow as tf

from tests import same_training
from tests.conformance.common import GENERATORS, family, one_of_each
from tests.eagerly import eagerly
from tfmusicgan import models, recipes, representations
from tfmusicgan.training import fit

# Steps of four devices one operation at a time take twice as long as those of two: private critics
# to a given track, a refiner in its second stage, and one of the others.
ON_FOUR = (
    "binary_musegan_chorales",
    "musegan_hybrid_chorales",
    "musegan_jamming_chorales_accompaniment",
)


CASES = [
    (name, devices)
    for name in (GENERATORS if same_training.ALL else one_of_each(GENERATORS))
    for devices in (2, 4)
    if same_training.ALL or (devices == 4) == (name in ON_FOUR)
]


def _train(name, records, folder, strategy="none"):
    options = fit.TrainingOptions(
        checkpoint_every=1000,
        steps_per_epoch=10,
        show_every=0,
        collapse_patience=0,
        strategy=strategy,
        num_samples=8,
    )
    recipe = recipes.get(name)
    settings = (*same_training.settings(name), *family(name).QUICK)
    with same_training.double_precision(), eagerly():
        return fit.train(recipe, "tiny", records[name], folder, settings, options=options)


@pytest.fixture(scope="module")
def one_device(tiny_records, tmp_path_factory):
    """Recipe name to a run on one device."""
    folder = tmp_path_factory.mktemp("one")
    return functools.cache(lambda name: _train(name, tiny_records, folder / name))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "devices"), CASES)
def test_several_devices_train_like_one(
    name, devices, one_device, tiny_records, tmp_path, monkeypatch
):
    cpus = tf.config.list_logical_devices("CPU")
    seen = {"CPU": cpus[:devices], "GPU": []}
    monkeypatch.setattr(tf.config, "list_logical_devices", seen.__getitem__)
    assert len(seen["CPU"]) == devices
    several = _train(name, tiny_records, tmp_path / "run", strategy="mirrored")
    assert several.store().latest().step == family(name).QUICK_STEPS
    same_training.assert_same(one_device(name), several)
    same_training.assert_same_curves(one_device(name), several)


@pytest.mark.parametrize("name", GENERATORS)
def test_workers_can_send_each_other_every_variable(name):
    recipe = recipes.get(name)
    preset = recipe.preset("tiny")
    representation = representations.get(recipe.representation)
    representation = representation.from_parameters(preset.representation)
    model = models.get(recipe.model)(preset.config, representation)
    sent = {"bool", "float32", "int32", "int64"}  # of what collective operations take
    assert {variable.dtype for variable in model.variables} <= sent
