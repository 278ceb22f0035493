"""The law of precision: one step in mixed precision is the step in float32, to a tolerance."""

import functools

import numpy as np
import pytest

from gpu_check import agreement, check, steps
from tests.conformance.common import GENERATORS, family
from tests.eagerly import eagerly

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
    assert len({row["case"] for row in rows}) == len(rows) == len(reference(name))


def test_the_reference_trains_every_network(name, reference):
    model, trained = steps.build_model(name, "tiny"), set()
    for stage, (_, step) in reference(name).items():
        trained |= set(step.gradients)
        assert step.gradients.keys() == step.movements.keys()
        assert set(step.gradients) == family(name).trained_optimizers(model, stage)
        for optimizer, gradient in step.gradients.items():
            assert np.linalg.norm(gradient) > 0, optimizer
            # Downhill, by more than rounding.
            assert gradient @ step.movements[optimizer] < 0, optimizer
        assert agreement.compare(step, step) == agreement.Agreement(
            0.0, next(iter(step.values)), pytest.approx(1.0), 1.0
        )
    assert trained == set(model.optimizers())
    assert (len(reference(name)) > 1) == bool(model.stage_starts)
