"""What the server takes and refuses."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request, and all of them together, may ask for.

    Attributes:
        body_bytes: of a request's body.
        inputs: texts and tokenized sentences in a request.
        characters: of a text, or of a sentence's words together.
        requests: that wait or are worked on at once.
        seconds: until a request is answered.
        io_seconds: for a client to send a request's head, then its body, and to take what was sent to it.
        connections: open at once.
    """

    body_bytes: int = 1 << 20
    inputs: int = 64
    characters: int = 10_000
    requests: int = 256
    seconds: float = 30.0
    io_seconds: float = 10.0
    connections: int = 512


class Refusal(Exception):
    """A request that is not served, and why.

    Attributes:
        status: of HTTP.
        reason: a word that programs can tell it by.
        detail: for people.
        headers: of the answer.
    """

    def __init__(self, status: int, reason: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, str]:
        """The answer's JSON."""
        return {"reason": self.reason, "detail": self.detail}
