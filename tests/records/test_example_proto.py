"""tf.train.Example without TensorFlow, against TensorFlow's own classes."""

import subprocess
import sys

import pytest
from google.protobuf.message import DecodeError

from tfmusicgan.records.example_proto import parse_example, parse_lists, serialize_example

FEATURES = {"roll": b"\x00\xff\x10", "piece": "ä.mid".encode(), "phrase": 7, "negative": -3}


def test_the_bytes_are_what_tensorflow_reads():
    import tensorflow as tf

    example = tf.train.Example.FromString(serialize_example(FEATURES))
    feature = example.features.feature
    assert feature["roll"].bytes_list.value[:] == [b"\x00\xff\x10"]
    assert feature["piece"].bytes_list.value[:] == ["ä.mid".encode()]
    assert feature["phrase"].int64_list.value[:] == [7]
    assert feature["negative"].int64_list.value[:] == [-3]
    assert len(feature) == 4


def test_bytes_that_tensorflow_writes_are_read():
    import tensorflow as tf

    example = tf.train.Example()
    example.features.feature["roll"].bytes_list.value.append(b"ab")
    example.features.feature["phrase"].int64_list.value.append(2)
    assert parse_example(example.SerializeToString()) == {"roll": b"ab", "phrase": 2}


def test_lists_of_any_length_and_kind():
    import tensorflow as tf

    example = tf.train.Example()
    feature = example.features.feature
    feature["audio"].float_list.value.extend([0.5, -0.25, 1.5])
    feature["qualities"].int64_list.value.extend([0, 1])
    feature["names"].bytes_list.value.extend([b"a", b"bc"])
    feature["nothing"].SetInParent()
    lists = {
        name: list(values) for name, values in parse_lists(example.SerializeToString()).items()
    }
    assert lists == {"audio": [0.5, -0.25, 1.5], "qualities": [0, 1], "names": [b"a", b"bc"]}
    with pytest.raises(DecodeError):
        parse_lists(b"\xff\xff")


def test_the_order_of_features_does_not_change_the_bytes():
    backwards = dict(reversed(list(FEATURES.items())))
    assert serialize_example(backwards) == serialize_example(FEATURES)
    assert parse_example(serialize_example(FEATURES)) == FEATURES


def test_other_bytes_are_refused():
    with pytest.raises(DecodeError):
        parse_example(b"\xff\xff\xff")


def test_conversion_code_imports_neither_tensorflow_nor_note_seq():
    code = (
        "import sys; import tfmusicgan.records.convert, tfmusicgan.records.summary; "
        "from tfmusicgan import datasets, representations; datasets.get('midi'); "
        "representations.get('multitrack_piano_roll'); "
        "print([m for m in ('tensorflow', 'note_seq', 'apache_beam') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
