"""Writes tfmusicgan/serving/message_descriptors.py from the installed TensorFlow packages.

The client must not import TensorFlow to get at TensorFlow Serving's messages, so their descriptors
are stored beside it: those of the messages below and of all they refer to, services and comments
left out. Run it again after an upgrade of tensorflow-serving-api; a test compares the result with
the file.

  python scripts/make_serving_messages.py
"""

import base64
import pathlib
import textwrap
import zlib

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FileDescriptor
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    prediction_log_pb2,
    regression_pb2,
)

OUTPUT = pathlib.Path(__file__).parent.parent / "tfmusicgan/serving/message_descriptors.py"
ROOTS = (
    predict_pb2.PredictRequest,
    predict_pb2.PredictResponse,
    get_model_metadata_pb2.GetModelMetadataRequest,
    get_model_metadata_pb2.GetModelMetadataResponse,
    get_model_metadata_pb2.SignatureDefMap,
    get_model_status_pb2.GetModelStatusRequest,
    get_model_status_pb2.GetModelStatusResponse,
    classification_pb2.ClassificationRequest,
    classification_pb2.ClassificationResponse,
    regression_pb2.RegressionRequest,
    regression_pb2.RegressionResponse,
    inference_pb2.MultiInferenceRequest,
    inference_pb2.MultiInferenceResponse,
    prediction_log_pb2.PredictionLog,
    model_management_pb2.ReloadConfigRequest,
    model_management_pb2.ReloadConfigResponse,
)
# They pull in session configuration and log collection (a third of the size) for nothing we read;
# protobuf keeps their bytes as unknown fields.
LEFT_OUT = ("tensorflow.serving.PredictionLog.session_run_log", "tensorflow.serving.LogMetadata")

_HEADER = '''"""TensorFlow Serving's messages, written by scripts/make_serving_messages.py.

A serialised FileDescriptorSet (files in the order of their imports), compressed, in base 64.
Apache License 2.0, Copyright The TensorFlow Authors.
"""

FILES = (
'''


def _top(descriptor: Descriptor | EnumDescriptor) -> Descriptor | EnumDescriptor:
    """The outermost message around a nested one."""
    while descriptor.containing_type is not None:
        descriptor = descriptor.containing_type
    return descriptor


def _is_left_out(full_name: str) -> bool:
    return full_name in LEFT_OUT


def _collect(message: Descriptor, needed: dict[str, Descriptor | EnumDescriptor]) -> None:
    """Adds a message's outermost message, and all that it refers to, to `needed`."""
    outer = _top(message)
    if outer.full_name in needed:
        return
    needed[outer.full_name] = outer
    pending = [outer]
    while pending:
        current = pending.pop()
        pending.extend(current.nested_types)
        for field in current.fields:
            target = field.message_type or field.enum_type
            if target is None or _is_left_out(field.full_name) or _is_left_out(target.full_name):
                continue
            if field.message_type is not None:
                _collect(field.message_type, needed)
            else:
                needed.setdefault(_top(target).full_name, _top(target))


def _drop_fields(message: descriptor_pb2.DescriptorProto, full_name: str) -> None:
    kept = [
        field
        for field in message.field
        if not _is_left_out(f"{full_name}.{field.name}")
        and not _is_left_out(field.type_name.lstrip("."))
    ]
    for field in kept:
        field.ClearField("json_name")
    del message.field[:]
    message.field.extend(kept)
    for nested in message.nested_type:
        _drop_fields(nested, f"{full_name}.{nested.name}")


def _pruned(
    file: FileDescriptor, needed: dict[str, Descriptor | EnumDescriptor]
) -> descriptor_pb2.FileDescriptorProto:
    """A file with the needed messages and enums alone, and the imports these want."""
    whole = descriptor_pb2.FileDescriptorProto.FromString(file.serialized_pb)
    result = descriptor_pb2.FileDescriptorProto(
        name=whole.name, package=whole.package, syntax=whole.syntax
    )
    prefix = f"{whole.package}." if whole.package else ""
    result.message_type.extend(m for m in whole.message_type if prefix + m.name in needed)
    result.enum_type.extend(e for e in whole.enum_type if prefix + e.name in needed)
    for message in result.message_type:
        _drop_fields(message, prefix + message.name)
    wanted = _imports(result.message_type, needed) - {whole.name}
    result.dependency.extend(sorted(wanted))
    return result


def _imports(messages, needed: dict[str, Descriptor | EnumDescriptor]) -> set[str]:
    files = set()
    for message in messages:
        for field in message.field:
            name = field.type_name.lstrip(".")
            while name and name not in needed:
                name = name.rpartition(".")[0]
            if name:
                files.add(needed[name].file.name)
        files |= _imports(message.nested_type, needed)
    return files


def descriptor_set() -> descriptor_pb2.FileDescriptorSet:
    """The needed files, each after those it imports."""
    needed: dict[str, Descriptor | EnumDescriptor] = {}
    for root in ROOTS:
        _collect(root.DESCRIPTOR, needed)
    by_name = {d.file.name: _pruned(d.file, needed) for d in needed.values()}
    result = descriptor_pb2.FileDescriptorSet()
    done: set[str] = set()

    def add(name: str) -> None:
        if name not in done:
            done.add(name)
            for dependency in by_name[name].dependency:
                add(dependency)
            result.file.append(by_name[name])

    for name in sorted(by_name):
        add(name)
    return result


def module_text() -> str:
    """The whole text of message_descriptors.py."""
    packed = zlib.compress(descriptor_set().SerializeToString(deterministic=True), 9)
    lines = textwrap.wrap(base64.b64encode(packed).decode(), 92)
    return _HEADER + "".join(f'    "{line}"\n' for line in lines) + ")\n"


if __name__ == "__main__":
    OUTPUT.write_text(module_text(), encoding="utf-8")
    print(OUTPUT)
