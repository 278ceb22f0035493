"""Several devices of one process, for tests of what trains on them."""

import tensorflow as tf


def mirrored(num_devices: int = 2) -> tf.distribute.MirroredStrategy:
    """The first of the logical CPU devices that the tests begin with, as one strategy."""
    cpus = [cpu.name for cpu in tf.config.list_logical_devices("CPU")[:num_devices]]
    assert len(cpus) == num_devices
    # The default collectives crash in synchronised batch statistics on CPU devices.
    reduction = tf.distribute.ReductionToOneDevice()
    return tf.distribute.MirroredStrategy(cpus, cross_device_ops=reduction)
