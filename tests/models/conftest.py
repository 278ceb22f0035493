"""Two logical CPU devices, so that two replicas fit into one process."""

import contextlib

import pytest
import tensorflow as tf


@pytest.fixture(scope="session", autouse=True)
def two_logical_cpus():
    """Splits the CPU before anything runs on it; a no-op where it is too late."""
    cpus = tf.config.list_physical_devices("CPU")
    with contextlib.suppress(RuntimeError):
        tf.config.set_logical_device_configuration(
            cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2
        )
