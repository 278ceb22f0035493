"""A malformed request with the answer that it must get, over gRPC and over REST."""

import dataclasses
import json
import re

import grpc


@dataclasses.dataclass(frozen=True)
class Case:
    """A request and its answer.

    Attributes:
      kind: What is wrong with it.
      request: Its bytes.
      codes: The status codes that are right.
      text: Pattern of the status's whole message, but for code OK.
    """

    kind: str
    request: bytes
    codes: tuple[grpc.StatusCode, ...]
    text: str = r"[\s\S]*"

    def fault(self, code: grpc.StatusCode, text: str) -> str:
        """What is wrong with an answer; empty if nothing."""
        if code not in self.codes:
            return f"{self.kind}: answered {code.name}: {text[:200]!r}"
        if code != grpc.StatusCode.OK and not re.fullmatch(self.text, text):
            return f"{self.kind}: answered {text[:300]!r}, not {self.text[:300]!r}"
        return ""


@dataclasses.dataclass(frozen=True)
class RestCase:
    """A POST and its answer.

    Attributes:
      kind: What is wrong with it.
      path: Where it goes.
      body: What is sent.
      status: The HTTP status.
      text: Pattern that the message, `error` of the answer's JSON, begins with; None for an answer
        that is no JSON.
    """

    kind: str
    path: str
    body: bytes
    status: int
    text: str | None = ""

    def fault(self, status: int, body: bytes) -> str:
        """What is wrong with an answer; empty if nothing."""
        if status != self.status:
            return f"REST {self.kind}: answered {status}: {body[:200]!r}"
        if self.text is None:
            return ""
        try:
            message = json.loads(body)["error"]
        except (ValueError, KeyError, TypeError):
            return f"REST {self.kind}: answered {body[:200]!r}, which is no error in JSON"
        matches = re.match(self.text, message)
        return "" if matches else f"REST {self.kind}: answered {message[:200]!r}, not {self.text!r}"
