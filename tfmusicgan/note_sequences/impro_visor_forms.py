"""The text of Impro-Visor's lead sheets: forms in brackets, words and bar lines, and their parts.

Forms may hold others and any text; only the outermost are told apart here. What a part's words
mean is `impro_visor_sheet.py`'s.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping

from tfmusicgan.errors import ReadError

MAX_FILE_BYTES = 2**20
"""Larger sheets are refused: the longest real ones have a twentieth of this."""

_TOKEN = re.compile(r"[()|]|[^\s()|]+")
_FIELD = re.compile(r"\(\s*(type|title|instrument|style)\b\s*([^()]*)\)")


@dataclasses.dataclass(frozen=True)
class Token:
    """A word, a bar line, or a form.

    Attributes:
      text: The word, or what the form has within its brackets.
      line: Where it is, or the form ends, from 1.
      is_form: Whether it is a form.
    """

    text: str
    line: int
    is_form: bool = False


@dataclasses.dataclass(frozen=True)
class Part:
    """A part.

    Attributes:
      fields: Its form's, such as `"type"`.
      line: Where its form ends.
      tokens: What stands behind the form; of forms only those that begin sections.
    """

    fields: Mapping[str, str]
    line: int
    tokens: list[Token]


def split_parts(data: bytes, name: str) -> tuple[dict[str, tuple[str, int]], list[Part]]:
    """Splits a file's contents (UTF-8, or else Latin-1) into its parts.

    Returns:
      The forms before the first part, such as `"meter"` -> (`"4 4"`, its line), and the parts.

    Raises:
      ReadError: With reason `"empty_file"`, `"too_large"`, `"not_lead_sheet"` or
        `"truncated_lead_sheet"`.
    """
    facts: dict[str, tuple[str, int]] = {}
    parts: list[Part] = []
    for token in _tokens(_decode(data, name), name):
        if token.is_form:
            key, value = (*token.text.split(None, 1), "", "")[:2]
            if key == "part":
                parts.append(Part(fields_of(token.text), token.line, []))
            elif not parts:
                facts.setdefault(key, (" ".join(value.split()), token.line))
            elif key in ("section", "phrase"):
                parts[-1].tokens.append(token)
        elif not parts:
            raise ReadError(
                "Expected an Impro-Visor lead sheet, which begins with forms in brackets. Received "
                f"{token.text[:40]!r} in line {token.line} of {name}.",
                "not_lead_sheet",
            )
        else:
            parts[-1].tokens.append(token)
    return facts, parts


def fields_of(form: str) -> dict[str, str]:
    """The forms within a form, such as `"type"` -> `"chords"`."""
    return {key: " ".join(value.split()) for key, value in _FIELD.findall(form)}


def _decode(data: bytes, name: str) -> str:
    if not data.strip():
        raise ReadError(f"Expected a lead sheet. Received an empty file: {name}.", "empty_file")
    if len(data) > MAX_FILE_BYTES:
        raise ReadError(
            f"Expected a lead sheet of at most {MAX_FILE_BYTES} bytes. Received more: {name}.",
            "too_large",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _tokens(text: str, name: str) -> Iterator[Token]:
    """Yields words, bar lines and outermost forms."""
    depth, line, at, opened = 0, 1, 0, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        word = match[0]
        if word == "(":
            opened = opened if depth else at
            depth += 1
        elif word == ")":
            depth -= 1
            if depth < 0:
                raise ReadError(
                    f"Expected an Impro-Visor lead sheet. Received a `)` without its `(` in line "
                    f"{line} of {name}.",
                    "not_lead_sheet",
                )
            if not depth:
                yield Token(text[opened + 1 : at].strip(), line, is_form=True)
        elif not depth:
            yield Token(word, line)
    if depth:
        start = text.count("\n", 0, opened) + 1
        raise ReadError(
            f"Expected a `)` for the `(` in line {start}. Received the end of the file: {name}.",
            "truncated_lead_sheet",
        )
