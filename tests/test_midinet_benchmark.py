"""The program that times MidiNet: what it counts and prints, with one pass for each measure."""

import importlib.util
import pathlib
import re
import sys

import numpy as np
import pytest

from tests.models.test_midinet import build

SCRIPTS = pathlib.Path(__file__).parent.parent / "scripts/benchmarks"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("midinet_benchmark", SCRIPTS / "midinet.py")
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    sys.path.insert(0, str(SCRIPTS))  # where the program itself finds its neighbours
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path[:] = before
    return module


@pytest.mark.slow
def test_what_is_printed(benchmark, monkeypatch, capsys):
    def once(call, count):
        call()
        return 0.25 / count

    monkeypatch.setattr(benchmark, "seconds_per", once)
    monkeypatch.setattr(benchmark, "product_flops", lambda: 1e9)
    flags = ["--preset=tiny", "--steps=2", "--rounds=1", "--melodies=5", "--sampling_batch=3"]
    monkeypatch.setattr(sys, "argv", ["midinet.py", *flags])
    benchmark.main()
    step, products, convolution, sampling = capsys.readouterr().out.splitlines()
    assert step == "training step: 125.00 ms, 32 bars/s"  # batches of four
    flops = re.fullmatch(
        r"matrix products: (.*) GFLOP a step, .*, (\d+)% of a 2048 x 2048 product's 1", products
    )
    assert int(flops[2]) >= 1 and float(flops[1]) <= 0.01
    assert convolution.endswith(" 125.00 ms as a convolution of all maps")
    assert re.fullmatch(r"sampling: 5 melodies of 3 bars in \d+\.\d s, 3 at once", sampling)


def test_the_plain_convolution_by_hand(benchmark):
    model = build("midinet_creative")
    kernel = np.array(model.discriminator.kernel)
    of_bars, of_kernel = (float(one) for one in benchmark.plain_passes(model))
    places = 4 * 8  # bars of a step times pairs of steps: no pair overlaps another
    assert of_kernel == places * kernel.size
    np.testing.assert_allclose(of_bars, places * kernel.astype(np.float64).sum(), rtol=1e-4)
