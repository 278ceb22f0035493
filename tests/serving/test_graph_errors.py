"""TensorFlow's messages to what went wrong; they are as TensorFlow 2.21 words them."""

import pytest

from tfmusicgan.serving.graph_errors import graph_error_text

NODE = "Detected at node Assert/AssertGuard/Assert defined at (most recent call last):\n"
BEGIN = f"Graph execution error:\n\n{NODE}<stack traces unavailable>\n"
END = "\n\t [[{{node Assert/AssertGuard/Assert}}]] [Op:__inference_signature_wrapper_f_307]"
LINES = '  File "/a b/x.py", line 23, in <module>\n\n  File "/a b/y.py", line 5, in f\n\n'
SEVERAL = (
    "Graph execution error:\n\n"
    "Detected at node map/while/DecodeRaw defined at (most recent call last):\n"
    "<stack traces unavailable>\n"
    "Detected at node Assert defined at (most recent call last):\n<stack traces unavailable>\n"
    "2 root error(s) found.\n"
    "  (0) INVALID_ARGUMENT:  Input has length 3\n"
    "\t [[{{node map/while/DecodeRaw}}]]\n\t [[StatefulPartitionedCall/map/while/_12]]\n"
    "  (1) INVALID_ARGUMENT:  Input has length 7\n\t [[{{node map/while/DecodeRaw}}]]\n"
    "0 successful operations.\n0 derived errors ignored. [Op:__inference_signature_wrapper_g_258]"
)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (f"{BEGIN}assertion failed: [of 0-127] [5 6]{END}", "assertion failed: [of 0-127] [5 6]"),
        (f"{BEGIN}in 4/4. Received:\n[[1 2][3 4]]...{END}", "in 4/4. Received: [[1 2][3 4]]..."),
        (f"Graph execution error:\n\n{NODE}{LINES}no such seed{END}", "no such seed"),
        (SEVERAL, "Input has length 3"),
        (
            "{{function_node __wrapped__DecodeRaw_device_/job:localhost/replica:0/task:0/device:"
            "CPU:0}} Input has length 3 [Op:DecodeRaw]",
            "Input has length 3",
        ),
        ("in 4/4. Received:\n[3/4]", "in 4/4. Received: [3/4]"),
        ("Graph execution error:\n", "Graph execution error:"),
        ("", ""),
        (f"{BEGIN}{'x' * 600}y{END}", f"... {'x' * 499}y"),
    ],
)
def test_what_went_wrong_is_left(message, text):
    assert graph_error_text(message) == text


def test_what_tensorflow_says_now():
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)])
    def fail(seed):
        with tf.control_dependencies([tf.debugging.Assert(seed[0] < 0, ["no such seed", seed])]):
            return tf.identity(seed)

    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        fail(tf.constant([5, 6], tf.int64))
    assert "[Op:" in error.value.message
    assert graph_error_text(error.value.message) == "assertion failed: [no such seed] [5 6]"
