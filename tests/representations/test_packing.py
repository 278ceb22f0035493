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
def test_unpack_bits_in_the_graph(shape):
    import tensorflow as tf

    from tfmusicgan.representations import packing_graph

    bits = np.random.default_rng(6).random((3, *shape)) < 0.4
    packed = packing.pack_bits(bits, num_axes=len(shape))
    assert np.array_equal(packing_graph.unpack_bits(tf.constant(packed), shape).numpy(), bits)
    assert packing_graph.unpack_bits(tf.constant(packed[:0]), shape).shape == (0, *shape)


def _pack_bytes(bars, num_bars=None):
    """The graph's `pack_bytes`, with the batch and the bars unknown when it is traced."""
    import tensorflow as tf

    from tfmusicgan.representations import packing_graph

    specs = [tf.TensorSpec([None, None, *bars.shape[2:]], tf.bool)]
    if num_bars is None:
        return tf.function(packing_graph.pack_bytes, specs)(bars).numpy().tolist()
    specs.append(tf.TensorSpec([None], tf.int32))
    return tf.function(packing_graph.pack_bytes, specs)(bars, np.int32(num_bars)).numpy().tolist()


def test_pack_bytes_by_hand():
    bars = np.zeros((2, 3, 5), bool)
    bars[0, 0, 0] = bars[0, 1, 3] = bars[1, 2, 4] = bars[1, 0, 1] = True
    assert _pack_bytes(bars) == [b"\x80\x80", b"\x40\x02"]
    # Ten bits and five: bits of bars that do not count stay out.
    assert _pack_bytes(bars, [2, 1]) == [b"\x80\x80", b"\x40"]
    assert _pack_bytes(bars[::-1], [1, 1]) == [b"\x40", b"\x80"]


@pytest.mark.parametrize("shape", [(1,), (8,), (3, 5), (16, 4), (7, 5, 3), (96, 84, 5)])
def test_pack_bytes_equals_packbits_of_each_row(shape):
    bars = np.random.default_rng(11).random((5, 6, *shape)) < 0.3
    num_bars = [6, 0, 1, 5, 2]
    expected = [
        np.packbits(row[:count]).tobytes() for row, count in zip(bars, num_bars, strict=True)
    ]
    assert _pack_bytes(bars, num_bars) == expected
    assert _pack_bytes(bars) == [np.packbits(row).tobytes() for row in bars]
    assert _pack_bytes(bars[:0], []) == []
    assert _pack_bytes(bars[:, :0]) == [b""] * 5
    # What is out of range counts as the nearest number that is in it.
    assert _pack_bytes(bars[:2], [-3, 2**31 - 1]) == [b"", np.packbits(bars[1]).tobytes()]


@pytest.mark.parametrize("shape", [(2, 8), (4, 3, 5), (4, 7, 5, 3)])
def test_unpack_bytes_is_the_inverse(shape):
    for num_bars in (0, 1, shape[0], 3 * shape[0]):
        bars = np.random.default_rng(num_bars).random((num_bars, *shape[1:])) < 0.4
        found = packing.unpack_bytes(np.packbits(bars).tobytes(), shape)
        assert found.dtype == bool
        assert np.array_equal(found, bars)


def test_unpack_bytes_refuses_a_part_of_a_bar():
    with pytest.raises(RecordsError, match=r"whole bars of 24 bits .*\(4, 6\).* Received: 7 bytes"):
        packing.unpack_bytes(bytes(7), (2, 4, 6))


def test_numbers_of_rows_of_their_own_lengths():
    import tensorflow as tf

    from tfmusicgan.representations import packing_graph

    specs = [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)]
    pack = tf.function(packing_graph.pack_numbers, specs)
    numbers = np.array([[1, 256, -2], [70_000, 4, 5], [7, 8, 9], [1, 2, 3]], np.int32)
    found = pack(numbers, [3, 1, 0, 9]).numpy().tolist()
    assert found[0] == b"\1\0\0\0" + b"\0\1\0\0" + b"\xfe\xff\xff\xff"
    expected = [[1, 256, -2], [70_000], [], [1, 2, 3]]
    assert [packing.unpack_numbers(text).tolist() for text in found] == expected
    assert pack(numbers[:0], []).numpy().tolist() == []
    long = np.random.default_rng(0).integers(-(2**31), 2**31, (2, 5_000)).astype(np.int32)
    for row, text in zip(long, pack(long, [5_000, 4_999]).numpy(), strict=True):
        np.testing.assert_array_equal(packing.unpack_numbers(text), row[: len(text) // 4])
    with pytest.raises(RecordsError, match=r"tokens of 4 bytes\. Received: 6 bytes"):
        packing.unpack_numbers(bytes(6))
