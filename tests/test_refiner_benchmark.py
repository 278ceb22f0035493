"""The program that times the refiner: its two forms are two, and give the same."""

import argparse

import numpy as np
import tensorflow as tf

from tests.script_modules import load_script


def test_the_plain_form_is_tensorflows_convolution_and_gives_the_same():
    benchmark = load_script("benchmarks/refiner.py")
    flags = argparse.Namespace(tracks=2, filters=3)
    phrases = tf.constant(np.random.default_rng(0).random((2, 4, 5, 24, 2)), tf.float32)
    found = {}
    for cls in (benchmark.PlainRefiner, benchmark.Refiner):
        forward, both = benchmark.make_calls(cls, flags, phrases)
        names = {op.type for op in forward.get_concrete_function().graph.get_operations()}
        assert ("Conv2D" in names) == (cls is benchmark.PlainRefiner)
        found[cls] = forward().numpy(), both().numpy()
    plain, ours = found.values()
    np.testing.assert_allclose(ours[0], plain[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours[1], plain[1], rtol=1e-3)
    assert ours[1] > 0
