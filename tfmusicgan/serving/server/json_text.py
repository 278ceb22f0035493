"""Arrays as TensorFlow Serving's JSON: its number formats, its layout, its way with bytes.

Row form keeps every array of a prediction on one line, column form gives each value its own.
Strings are written as the bytes that they are, whether these are UTF-8 or not, only quotes,
backslashes and control characters escaped; those of outputs whose alias ends in `_bytes` are
objects `{"b64": ...}`. (A client that wants the bytes of another string output takes the answer's
bytes as characters 0 to 255, Latin-1, before it parses.)
"""

import base64
import re
from collections.abc import Mapping, Sequence

import numpy as np

from tfmusicgan.serving.server import statuses

_INDENT = "    "
_BYTES_SUFFIX = "_bytes"
_DIGITS = {"float32": 9, "float64": 17}
_ESCAPES = {i: f"\\u{i:04X}" for i in range(32)} | {
    8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\",
}  # fmt: skip
_ESCAPED = re.compile(r'[\x00-\x1f"\\]')
_WRITABLE = {"bool", "int8", "int16", "int32", "int64", "uint8", "uint32", "uint64", *_DIGITS}


def decimal_texts(values: Sequence[float], dtype: str) -> list[str]:
    """Real numbers as the stock server prints them.

    Six significant digits if these give the same number again, else as many as it takes; whole
    numbers without an exponent end in `.0`.

    Args:
      values: The numbers.
      dtype: `"float32"` or `"float64"`: what they are read back as.
    """
    short = [f"{value:g}" for value in values]
    numbers = np.asarray(values, dtype)
    again = np.array([float(text) for text in short]).astype(dtype)
    for i in np.flatnonzero((again != numbers) & np.isfinite(numbers)):
        short[i] = f"{values[i]:.{_DIGITS[dtype]}g}"
    return [_with_point(text) for text in short]


def _with_point(text: str) -> str:
    if text[-1] in "nf":
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[text]
    return text if "." in text or "e" in text else f"{text}.0"


def _string(value: bytes | str) -> str:
    """A JSON string, its bytes as characters 0 to 255."""
    raw = value.encode() if isinstance(value, str) else value
    text = _ESCAPED.sub(lambda match: _ESCAPES[ord(match[0])], raw.decode("latin-1"))
    return f'"{text}"'


class _Writer:
    """Writes arrays inside a document.

    Args:
      one_line: Whether arrays are on one line.
    """

    def __init__(self, one_line: bool):
        self._one_line = one_line

    def array(self, alias: str, array: np.ndarray, depth: int) -> str:
        """An array, or a single value, that begins inside `depth` brackets."""
        if array.ndim == 0:
            return self._leaves(alias, array.reshape(1), depth)[0]
        if array.ndim == 1:
            items = self._leaves(alias, array, depth + 1)
        else:
            items = [self.array(alias, row, depth + 1) for row in array]
        if not items:
            return "[]"
        if self._one_line:
            return f"[{', '.join(items)}]"
        line = "\n" + _INDENT * (depth + 1)
        return f"[{line}{f',{line}'.join(items)}\n{_INDENT * depth}]"

    def _leaves(self, alias: str, values: np.ndarray, depth: int) -> list[str]:
        if values.dtype.kind == "O":
            if alias.endswith(_BYTES_SUFFIX):
                encoded = [base64.b64encode(value).decode() for value in values]
                return [_object({"b64": f'"{text}"'}, depth) for text in encoded]
            return [_string(value) for value in values]
        if values.dtype.kind == "b":
            return ["true" if value else "false" for value in values]
        if values.dtype.kind in "iu":
            return list(map(str, values.tolist()))
        return decimal_texts(values.tolist(), values.dtype.name)


def _object(members: Mapping[str, str], depth: int) -> str:
    """An object that begins inside `depth` brackets."""
    line = "\n" + _INDENT * (depth + 1)
    inside = f",{line}".join(f"{_string(name)}: {text}" for name, text in members.items())
    return f"{{{line}{inside}\n{_INDENT * depth}}}"


def error(text: str) -> bytes:
    """The body of a refusal."""
    raw = text.encode("utf-8", "surrogatepass")  # what was quoted may be no proper text
    return _object({"error": _string(raw)}, 0).encode("latin-1")


def rows(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The answer to a request in row form.

    Args:
      arrays: Alias -> array [rows, ...].

    Raises:
      RequestError: If the arrays are no rows, or have values that JSON has not.
    """
    count = _checked_rows(arrays)
    writer = _Writer(one_line=True)
    if len(arrays) == 1:
        ((alias, array),) = arrays.items()
        items = ", ".join(_items(writer, alias, array, 2))
    else:
        columns = {alias: _items(writer, alias, array, 3) for alias, array in arrays.items()}
        line = "\n" + _INDENT * 2
        items = line + f",{line}".join(
            _object({alias: column[i] for alias, column in columns.items()}, 2)
            for i in range(count)
        )
    document = _object({"predictions": f"[{items}\n{_INDENT}]"}, 0)
    return document.encode("latin-1")


def _items(writer: _Writer, alias: str, array: np.ndarray, depth: int) -> list[str]:
    if array.ndim == 1:
        return writer._leaves(alias, array, depth)
    return [writer.array(alias, row, depth) for row in array]


def _checked_rows(arrays: Mapping[str, np.ndarray]) -> int:
    count = 0
    for alias, array in arrays.items():
        if array.ndim == 0:
            raise statuses.invalid_argument(f"Tensor name: {alias} has no shape information ")
        if len(array) < 1:
            raise statuses.invalid_argument(
                f"Tensor name: {alias} has invalid batch size: {len(array)}"
            )
        if count not in (0, len(array)):
            raise statuses.invalid_argument(
                f"Tensor name: {alias} has inconsistent batch size: {len(array)} expecting: {count}"
            )
        count = len(array)
    _require_writable(arrays)
    return count


def columns(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The answer to a request in column form.

    Args:
      arrays: Alias -> array.

    Raises:
      RequestError: If they have values that JSON has not.
    """
    _require_writable(arrays)
    writer = _Writer(one_line=False)
    depth = 1 if len(arrays) == 1 else 2
    texts = {alias: writer.array(alias, array, depth) for alias, array in arrays.items()}
    outputs = next(iter(texts.values())) if len(texts) == 1 else _object(texts, 1)
    return _object({"outputs": outputs}, 0).encode("latin-1")


def _require_writable(arrays: Mapping[str, np.ndarray]) -> None:
    for array in arrays.values():
        name = array.dtype.name
        if array.size and array.dtype.kind != "O" and name not in _WRITABLE:
            shown = {"float16": "half"}.get(name, name)
            raise statuses.invalid_argument(f"Failed to write JSON value for tensor type: {shown}")
