"""The count of floating-point operations of scripts/gpu_check."""

import pytest
import tensorflow as tf

from gpu_check import flops


def _traced(function, *shapes):
    specs = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    return tf.function(function, autograph=False).get_concrete_function(*specs)


def test_products_and_convolutions_are_counted():
    product = _traced(lambda a, b: tf.matmul(a, b, transpose_a=True) + 1.0, (5, 3), (5, 7))
    assert flops.graph_flops(product) == 2 * 3 * 5 * 7
    batched = _traced(lambda a, b: tf.matmul(a, b, transpose_b=True), (2, 3, 5), (2, 7, 5))
    assert flops.graph_flops(batched) == 2 * 2 * 3 * 5 * 7

    def gradients(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = tf.nn.conv2d(x, kernel, strides=(2, 3), padding="VALID")
        return tape.gradient(y, [x, kernel])

    # 4 examples of 3 x 2 outputs with 6 channels, of 3 x 4 taps by 5 channels each; three times.
    convolution = _traced(gradients, (4, 7, 9, 5), (3, 4, 5, 6))
    assert flops.graph_flops(convolution) == 3 * 2 * (4 * 3 * 2 * 6) * (3 * 4 * 5)


def test_products_in_functions_count_as_often_as_they_are_called():
    inner = tf.function(lambda a, b: tf.matmul(a, b), autograph=False)
    outer = tf.function(lambda a, b: inner(a, inner(a, b)) + 1.0, autograph=False)
    thrice = _traced(lambda a, b: outer(a, b) + tf.matmul(a, b), (5, 5), (5, 7))
    assert flops.graph_flops(thrice) == 3 * (2 * 5 * 5 * 7)


@pytest.mark.parametrize(
    ("function", "shape", "message"),
    [
        (lambda a: tf.matmul(a, a), (None, None), "static shapes"),
        (lambda a: tf.einsum("ij,jk->ik", a, a), (3, 3), "FLOP of Einsum are not counted"),
        (
            lambda a: tf.while_loop(lambda b: b[0, 0] < 9.0, lambda b: [tf.matmul(b, b)], [a]),
            (3, 3),
            "FLOP inside (Stateless)?While are not counted",
        ),
    ],
)
def test_what_cannot_be_counted_is_said(function, shape, message):
    with pytest.raises(ValueError, match=message):
        flops.graph_flops(_traced(function, shape))
