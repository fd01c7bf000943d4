"""What stands before the application: keys, bounded bodies, and a log line a request."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hyperx.errors import HyperXError
from hyperx.serve.limits import Refusal
from hyperx.serve.logs import event
from hyperx.serve.service import Service

OPEN = ("/health", "/ready")
PLAYGROUND = "/playground"
DISCARDED = 16  # times the allowed body that is read and thrown away, so that the client gets to read the answer
KEY_LENGTH = 16


class Guard:
    """Lets a request through to `app` once its key is right and its body whole and not too large.

    Args:
        keys: one of which a request must bear; none are asked for where there are none.
    """

    def __init__(self, app: ASGIApp, *, service: Service, keys: Sequence[str] = ()) -> None:
        self.app = app
        self.service = service
        self.digests = [_digest(key) for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        start, status, number = time.perf_counter(), 500, uuid.uuid4().hex[:16]
        begun = False

        async def tell(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", number.encode())]
                if scope["path"].startswith(PLAYGROUND):
                    message["headers"].append((b"content-security-policy", POLICY.encode()))
            await send(message)

        try:
            self._check_key(scope)
            receive = await self._whole_body(scope, receive)
            await self.app(scope, receive, tell)
        except Refusal as refusal:
            if begun:
                raise
            await refuse(tell, refusal)
        finally:
            self._note(scope, status, time.perf_counter() - start, number)

    def _note(self, scope: Scope, status: int, seconds: float, number: str) -> None:
        # The path as it came may hold anything; the route's own doesn't.
        playground = PLAYGROUND if scope["path"].startswith(PLAYGROUND) else None
        route = playground or getattr(scope.get("route"), "path", "other")
        method = scope["method"] if scope["method"] in ("GET", "POST", "HEAD", "OPTIONS") else "other"
        self.service.metrics.requests.labels(method, route, str(status)).inc()
        self.service.metrics.seconds.labels(route).observe(seconds)
        event("request", id=number, method=method, route=route, status=status, seconds=round(seconds, 4))

    def _check_key(self, scope: Scope) -> None:
        if not self.digests or scope["path"] in OPEN:
            return
        given = _digest(_key(Headers(scope=scope)))
        if not any([hmac.compare_digest(given, digest) for digest in self.digests]):
            # A browser asks for a password, which is the key.
            scheme = "Basic" if scope["path"] == "/" or scope["path"].startswith(PLAYGROUND) else "Bearer"
            detail = "Send one of the server's keys as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'."
            raise Refusal(401, "wrong_key", detail, {"WWW-Authenticate": f'{scheme} realm="hyperx"'})

    async def _whole_body(self, scope: Scope, receive: Receive) -> Receive:
        """Read the body, and return what gives it to the application again.

        Raises:
            Refusal: it is too large, or comes too slowly, or its end never came.
        """
        limits = self.service.limits
        body, size = bytearray(), 0
        try:
            async with asyncio.timeout(limits.io_seconds):
                more = True
                while more and size <= DISCARDED * limits.body_bytes:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refusal(400, "cut_off", "The request's body was cut off.")
                    size += len(message.get("body", b""))
                    more = message.get("more_body", False)
                    if size <= limits.body_bytes:
                        body += message.get("body", b"")
        except TimeoutError as error:
            detail = f"The request's body took longer than {limits.io_seconds:g} seconds."
            raise Refusal(408, "too_slow", detail, {"Connection": "close"}) from error
        if size > limits.body_bytes:
            detail = f"The request's body has more than {limits.body_bytes:,} bytes."
            raise Refusal(413, "body_too_large", detail, {"Connection": "close"})
        return replay(bytes(body), receive)


# The playground loads nothing from elsewhere; it compiles templates of its own, hence unsafe-eval.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:"
)


def replay(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that was read to the application, and then what else comes."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def refuse(send: Send, refusal: Refusal) -> None:
    """Answer with a refusal's status and JSON."""
    body = json.dumps(refusal.body, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **refusal.headers}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def read_keys(file: Path | None, given: str | None) -> list[str]:
    """Return the keys of a file, one a line (``#`` begins a comment), or those given, separated by commas.

    Raises:
        HyperXError: the file can't be read, or no key is in what was given, or one is short or not ASCII.
    """
    if file is None:
        keys = [key.strip() for key in (given or "").split(",") if key.strip()]
        if given is not None and not keys:
            raise HyperXError("HYPERX_API_KEYS is set, and holds no key; unset it, or write keys separated by commas")
    else:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise HyperXError(f"the keys in {file} can't be read ({error})") from error
        keys = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
        if not keys:
            raise HyperXError(f"{file} holds no keys; write one a line")
    if any(len(key) < KEY_LENGTH or not key.isascii() or not key.isprintable() for key in keys):
        raise HyperXError(
            f"a key has fewer than {KEY_LENGTH} characters, or others than ASCII's; "
            'make one by python -c "import secrets; print(secrets.token_urlsafe())"'
        )
    return keys


def _key(headers: Headers) -> str:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return headers.get("x-api-key", "")


def _digest(key: str) -> bytes:
    # Of one length, so that comparing them tells nothing of the key's.
    return hashlib.sha256(key.encode()).digest()
