"""The messages of TensorFlow Serving's configuration files, and how a file is read.

`ModelServerConfig` is one of tensorflow-serving-api's (messages.py). That package lacks the others:
they are declared here, with the fields of tensorflow/serving's session_bundle_config.proto,
ssl_config.proto and monitoring_config.proto at its head of July 2026.
"""

import re

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)
from google.protobuf.message import Message

from tfmusicgan.errors import ConfigError

_FILE = """
name: "tfmusicgan/serving_config.proto" package: "tensorflow.serving" syntax: "proto3"
dependency: "google/protobuf/wrappers.proto"
"""
# Message -> its fields, numbered from 1 on: name and type; "*" marks a repeated one.
_MESSAGES = {
    "BatchingParameters": (
        ("max_batch_size", "Int64Value"),
        ("batch_timeout_micros", "Int64Value"),
        ("max_enqueued_batches", "Int64Value"),
        ("num_batch_threads", "Int64Value"),
        ("thread_pool_name", "StringValue"),
        ("allowed_batch_sizes*", "int64"),
        ("pad_variable_length_inputs", "bool"),
        ("enable_large_batch_splitting", "BoolValue"),
        ("max_execution_batch_size", "Int64Value"),
    ),
    "SSLConfig": (
        ("server_key", "string"),
        ("server_cert", "string"),
        ("custom_ca", "string"),
        ("client_verify", "bool"),
    ),
    "PrometheusConfig": (
        ("enable", "bool"),
        ("path", "string"),
    ),
    "MonitoringConfig": (("prometheus_config", "PrometheusConfig"),),
}


def _declare() -> dict[str, type]:
    file = text_format.Parse(_FILE, descriptor_pb2.FileDescriptorProto())
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields, 1):
            declared = message.field.add(name=field.rstrip("*"), number=number)
            declared.label = 3 if field.endswith("*") else 1
            if kind[0].isupper():
                package = "tensorflow.serving" if kind in _MESSAGES else "google.protobuf"
                declared.type = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
                declared.type_name = f".{package}.{kind}"
            else:
                declared.type = getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.{name}"))
        for name in _MESSAGES
    }


_CLASSES = _declare()
BatchingParameters = _CLASSES["BatchingParameters"]
SSLConfig = _CLASSES["SSLConfig"]
MonitoringConfig = _CLASSES["MonitoringConfig"]


def read_text(path: str, message_class: type[Message]) -> Message:
    """Reads a file in protobuf's text format.

    Args:
      path: The file.
      message_class: What it holds.

    Returns:
      The message.

    Raises:
      ConfigError: If it cannot be read, or says something else; with line and column.
    """
    name = message_class.DESCRIPTOR.name
    try:
        with open(path, encoding="utf-8") as file:
            return text_format.Parse(file.read(), message_class())
    except OSError as error:
        raise ConfigError(
            f"Expected a {name} in text form in {path!r}. Received: no file that can be read "
            f"({error.strerror})."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"Expected a {name} in text form in {path!r}. Received: bytes that are no UTF-8 text."
        ) from error
    except text_format.ParseError as error:
        # Without the quoted line that some of protobuf's texts begin with: it may be a key.
        reason = re.sub(r"^\d+:\d+ : (?:'.*': )?", "", " ".join(str(error).split()))
        raise ConfigError(
            f"Expected a {name} in text form in {path!r}. Received, at line {error.GetLine()}, "
            f"column {error.GetColumn()}: {reason.rstrip('.')}. The fields are those of "
            "TensorFlow Serving."
        ) from error
