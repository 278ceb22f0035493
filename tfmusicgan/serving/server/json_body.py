"""A REST request's body: JSON, with TensorFlow Serving's texts for what it cannot read.

The stock server parses with RapidJSON; its messages and byte offsets are put in place of Python's.
A body is bytes, not necessarily UTF-8: others pass through to string tensors, as they do there.
"""

import json
import re

from tfmusicgan.serving.server import statuses
from tfmusicgan.serving.server.json_text import decimal_texts

LARGE_BODY_BYTES = 1 << 13  # what is larger is read beside the event loop; see test_json_tensors.py
_MAX_QUOTED = 256
# What Python's parser says -> what RapidJSON says.
_TEXTS = {
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Extra data": "The document root must not be followed by other values.",
    "Invalid control character at": "Invalid encoding in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
}
_AFTER_NUMBER = {
    ".": "Miss fraction part in number.",
    "e": "Miss exponent in number.",
    "E": "Miss exponent in number.",
}
_TYPES = {dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}


def parse(body: bytes) -> dict:
    """Reads a body.

    Args:
      body: The bytes; a UTF-8 byte order mark is passed over.

    Returns:
      The JSON object. Bytes that are no UTF-8 are surrogate escapes in its strings.

    Raises:
      RequestError: INVALID_ARGUMENT, with the stock server's text.
    """
    if not body:
        raise statuses.invalid_argument("JSON Parse error: The document is empty")
    text = body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    # A function of Python's own for each number lets other threads run in between: the parser
    # itself would keep them waiting until its end.
    hooks = {"parse_float": _real, "parse_int": _whole} if len(body) > LARGE_BODY_BYTES else {}
    try:
        value = json.loads(text, **hooks)
    except json.JSONDecodeError as error:
        raise _unreadable(error) from error
    except RecursionError as error:
        raise statuses.invalid_argument(
            "JSON Parse error: Terminate parsing due to Handler error. at offset: 0"
        ) from error
    except ValueError as error:  # a whole number of thousands of digits
        raise statuses.invalid_argument(
            "JSON Parse error: Number too big to be stored in double. at offset: 0"
        ) from error
    if not isinstance(value, dict):
        raise quoting(value, "Is not object")
    return value


def _real(text: str) -> float:
    return float(text)


def _whole(text: str) -> int:
    return int(text)


def _unreadable(error: json.JSONDecodeError) -> statuses.RequestError:
    text, position = error.doc, error.pos
    if not text.strip(" \t\r\n"):
        reason, position = "The document is empty.", len(text)
    elif error.msg == "Expecting ',' delimiter":
        reason = _AFTER_NUMBER.get(text[position : position + 1])
        if reason is None:
            inside = "array element" if _opened(text[:position]) == "[" else "object member"
            bracket = "]" if inside == "array element" else "}"
            reason = f"Missing a comma or {bracket} after an {inside}."
    else:
        reason = _TEXTS.get(error.msg, "Unspecific syntax error.")
    offset = len(text[:position].encode("utf-8", "surrogateescape"))
    return statuses.invalid_argument(f"JSON Parse error: {reason} at offset: {offset}")


def _opened(text: str) -> str:
    """The innermost bracket that is open at the end of a text."""
    brackets = []
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|[][{}]', text, re.DOTALL):
        if token[0] in "[{":
            brackets.append(token[0])
        elif token[0] in "]}" and brackets:
            brackets.pop()
    return brackets[-1] if brackets else "{"


def quoted(value: object) -> str:
    """A JSON value for an error's text, the beginning of a long one."""
    if isinstance(value, float):
        return decimal_texts([value], "float32" if abs(value) < 3.4e38 else "float64")[0]
    encoder = json.JSONEncoder(ensure_ascii=False, indent=4)
    pieces, length = [], 0
    try:
        for piece in encoder.iterencode(value):
            pieces.append(piece[:_MAX_QUOTED])
            length += len(piece)
            if length > _MAX_QUOTED:
                break
    except RecursionError:  # lists in lists in lists: what is there will do
        pass
    return "".join(pieces)[:_MAX_QUOTED]


def type_name(value: object) -> str:
    """RapidJSON's name of a value's type."""
    return _TYPES.get(type(value)) or {True: "True", False: "False"}.get(value, "Null")


def quoting(value: object, text: str) -> statuses.RequestError:
    """A refusal that begins with the value in question."""
    return statuses.invalid_argument(f"JSON Value: {quoted(value)} {text}")


def signature_name(body: dict) -> str:
    """The signature that a body asks for; empty for the default one.

    Raises:
      RequestError: If its name is no text.
    """
    name = body.get("signature_name", "")
    if not isinstance(name, str):
        raise quoting(body, "not formatted correctly. 'signature_name' key must be a string value.")
    return name


def require_examples(body: dict) -> None:
    """Checks the list that :classify and :regress take.

    Raises:
      RequestError: If there is none.
    """
    if "examples" not in body:
        raise quoting(body, "When method is classify, key 'examples' is expected and was not found")
    examples = body["examples"]
    if not isinstance(examples, list):
        raise quoting(body, "Expecting 'examples' value to be an list/array")
    if not examples:
        raise quoting(body, "'examples' value is an empty array")
    for example in examples:
        if not isinstance(example, dict):
            raise statuses.invalid_argument(
                f"Example must be JSON object but got JSON {type_name(example)}"
            )
