"""The law of precision: one step in mixed precision is the step in float32, to a tolerance."""

import functools

import numpy as np
import pytest

from gpu_check import agreement, check, steps
from tests.conformance.common import GENERATORS
from tests.eagerly import eagerly
from tfmusicgan import recipes

PRECISIONS = [form for form in steps.CPU_FORMS if form.precision != "float32" and not form.xla]

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("name", GENERATORS)]


@pytest.fixture(scope="module")
def reference():
    """Recipe name to a float32 step in each stage of its training."""
    with eagerly():
        yield functools.cache(lambda name: check.reference_steps(name, "tiny"))


@pytest.mark.parametrize("form", PRECISIONS, ids=lambda form: form.name)
def test_mixed_precision_trains_the_same_step(name, form, reference):
    rows = list(check.compared_stages(name, "tiny", form, reference(name)))
    assert [row for row in rows if row["verdict"] != "ok"] == []
    starts = recipes.get(name).preset("tiny").config
    assert len(rows) == 1 + bool(getattr(starts, "first_stage_steps", 0))


def test_the_reference_trains_every_network(name, reference):
    for _, step in reference(name):
        assert step.gradients.keys() == step.movements.keys() >= {"generator_optimizer"}
        for optimizer, gradient in step.gradients.items():
            assert np.linalg.norm(gradient) > 0, optimizer
            # Downhill, by more than rounding.
            assert gradient @ step.movements[optimizer] < 0, optimizer
        assert agreement.compare(step, step) == agreement.Agreement(
            0.0, next(iter(step.values)), pytest.approx(1.0), 1.0
        )
