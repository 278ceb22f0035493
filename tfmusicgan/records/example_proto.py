"""`tf.train.Example` messages without importing TensorFlow.

TensorFlow's generated classes run `tensorflow/__init__` (seconds, and 400 MB in every conversion
worker). The three messages are declared here in a private `DescriptorPool` instead, so that they
live beside TensorFlow's own in one process. Field numbers: tensorflow/core/example/feature.proto
and example.proto.
"""

from collections.abc import Mapping, Sequence

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "tensorflow"


def _list_message(name: str, field_type: int) -> descriptor_pb2.DescriptorProto:
    message = descriptor_pb2.DescriptorProto(name=name)
    message.field.add(name="value", number=1, label=_FIELD.LABEL_REPEATED, type=field_type)
    return message


def _feature_message() -> descriptor_pb2.DescriptorProto:
    message = descriptor_pb2.DescriptorProto(name="Feature")
    message.oneof_decl.add(name="kind")
    kinds = (
        ("bytes_list", 1, "BytesList"),
        ("float_list", 2, "FloatList"),
        ("int64_list", 3, "Int64List"),
    )
    for name, number, type_name in kinds:
        message.field.add(
            name=name,
            number=number,
            label=_FIELD.LABEL_OPTIONAL,
            type=_FIELD.TYPE_MESSAGE,
            type_name=f".{_PACKAGE}.{type_name}",
            oneof_index=0,
        )
    return message


def _features_message() -> descriptor_pb2.DescriptorProto:
    message = descriptor_pb2.DescriptorProto(name="Features")
    entry = message.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=_FIELD.LABEL_OPTIONAL, type=_FIELD.TYPE_STRING)
    entry.field.add(
        name="value",
        number=2,
        label=_FIELD.LABEL_OPTIONAL,
        type=_FIELD.TYPE_MESSAGE,
        type_name=f".{_PACKAGE}.Feature",
    )
    message.field.add(
        name="feature",
        number=1,
        label=_FIELD.LABEL_REPEATED,
        type=_FIELD.TYPE_MESSAGE,
        type_name=f".{_PACKAGE}.Features.FeatureEntry",
    )
    return message


def _example_class() -> type:
    file = descriptor_pb2.FileDescriptorProto(
        name="tfmusicgan/example.proto", package=_PACKAGE, syntax="proto3"
    )
    file.message_type.append(_list_message("BytesList", _FIELD.TYPE_BYTES))
    file.message_type.append(_list_message("FloatList", _FIELD.TYPE_FLOAT))
    file.message_type.append(_list_message("Int64List", _FIELD.TYPE_INT64))
    file.message_type.append(_feature_message())
    file.message_type.append(_features_message())
    example = file.message_type.add(name="Example")
    example.field.add(
        name="features",
        number=1,
        label=_FIELD.LABEL_OPTIONAL,
        type=_FIELD.TYPE_MESSAGE,
        type_name=f".{_PACKAGE}.Features",
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    descriptor = pool.FindMessageTypeByName(f"{_PACKAGE}.Example")
    return message_factory.GetMessageClass(descriptor)


_Example = _example_class()


def serialize_example(features: Mapping[str, bytes | int]) -> bytes:
    """Serialises one `tf.train.Example`, the same bytes for the same features.

    Args:
      features: Name -> bytes (a bytes_list of one) or whole number (an int64_list of one).

    Returns:
      The message; map keys are in sorted order.
    """
    example = _Example()
    for name, value in features.items():
        if isinstance(value, bytes):
            example.features.feature[name].bytes_list.value.append(value)
        else:
            example.features.feature[name].int64_list.value.append(value)
    return example.SerializeToString(deterministic=True)


def parse_lists(serialized: bytes) -> dict[str, Sequence[bytes | float | int]]:
    """Parses an example that others wrote: any number of values, whole or not.

    Args:
      serialized: A `tf.train.Example`.

    Returns:
      Name -> its bytes, float or whole numbers; nothing for a feature without a kind.

    Raises:
      google.protobuf.message.DecodeError: If the bytes are no `tf.train.Example`.
    """
    example = _Example.FromString(serialized)
    return {
        name: getattr(feature, kind).value
        for name, feature in example.features.feature.items()
        if (kind := feature.WhichOneof("kind"))
    }


def parse_example(serialized: bytes) -> dict[str, bytes | int]:
    """The inverse of `serialize_example`.

    Raises:
      google.protobuf.message.DecodeError: If the bytes are no `tf.train.Example`.
    """
    example = _Example.FromString(serialized)
    features = {}
    for name, feature in example.features.feature.items():
        values = getattr(feature, feature.WhichOneof("kind")).value
        features[name] = values[0]
    return features
