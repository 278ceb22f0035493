import numpy as np
import pytest

from tfmusicgan.errors import RecordsError
from tfmusicgan.representations import packing


def test_first_cell_is_the_highest_bit():
    bits = np.zeros((2, 3, 4), bool)
    bits[0, 0, 0] = bits[0, 2, 0] = bits[1, 2, 3] = True
    assert packing.pack_bits(bits, num_axes=2).tolist() == [[0b10000000, 0b10000000], [0, 0b10000]]
    assert packing.pack_bits(bits, num_axes=3).tolist() == [0b10000000, 0b10000000, 0b1]


@pytest.mark.parametrize("shape", [(1,), (8,), (9,), (3, 5), (2, 4, 7, 3)])
def test_unpack_is_the_inverse(shape):
    bits = np.random.default_rng(5).random((4, 2, *shape)) < 0.3
    packed = packing.pack_bits(bits, num_axes=len(shape))
    assert packed.dtype == np.uint8
    assert packed.shape == (4, 2, packing.packed_size(int(np.prod(shape))))
    unpacked = packing.unpack_bits(packed, shape)
    assert unpacked.dtype == bool
    assert np.array_equal(unpacked, bits)


def test_unpack_refuses_another_number_of_bytes():
    with pytest.raises(RecordsError, match=r"Expected 2 bytes .* \(3, 4\). Received: 3"):
        packing.unpack_bits(np.zeros((5, 3), np.uint8), (3, 4))


@pytest.mark.parametrize("shape", [(1,), (16,), (3, 5), (2, 4, 7, 3)])
def test_graph_equals_numpy(shape):
    import tensorflow as tf

    from tfmusicgan.representations import packing_graph

    bits = np.random.default_rng(6).random((3, *shape)) < 0.4
    packed = packing.pack_bits(bits, num_axes=len(shape))
    assert np.array_equal(packing_graph.pack_bits(tf.constant(bits)).numpy(), packed)
    assert np.array_equal(packing_graph.unpack_bits(tf.constant(packed), shape).numpy(), bits)
    assert packing_graph.pack_bits(tf.constant(bits[:0])).shape == (0, packed.shape[1])
    assert packing_graph.unpack_bits(tf.constant(packed[:0]), shape).shape == (0, *shape)
