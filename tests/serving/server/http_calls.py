"""Plain HTTP, with nothing but the standard library."""

import dataclasses
import http.client
import json


@dataclasses.dataclass
class Answer:
    """A reply."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The text of a refusal."""
        ((name, text),) = self.json.items()
        assert name == "error"
        return text


def call(address: str, verb: str, path: str, body=None, headers=None) -> Answer:
    """Sends one request; a body that is no bytes goes as JSON."""
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.request(verb, path, body, headers or {})
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())
    finally:
        connection.close()


def from_latin(answer: Answer):
    """The reply with each string's bytes as characters 0 to 255."""
    return json.loads(answer.body.decode("latin-1"))
