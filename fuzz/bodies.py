"""Bodies of requests, to the server's application as it runs: an answer, or a refusal of a kind that is documented."""

import asyncio
import json
import os
from functools import cache
from typing import Any

from fuzz.model_folder import prepared
from hyperx.serve.app import REFUSALS, create_app
from hyperx.serve.service import Service

LOOP = asyncio.new_event_loop()


def run(data: bytes) -> None:
    """Post the bytes to `/tag`."""
    status, body = LOOP.run_until_complete(post(data))
    answer = json.loads(body)
    if status == 200:
        assert len(answer["outputs"]) == len(json.loads(data)["inputs"])
        for output, given in zip(answer["outputs"], json.loads(data)["inputs"], strict=True):
            if "tokens" in given:
                assert [word for sentence in output["sentences"] for word in sentence["tokens"]] == given["tokens"]
    else:
        assert status in REFUSALS, (status, body)
        assert answer["reason"] != "internal"


async def post(body: bytes) -> tuple[int, bytes]:
    """Return the application's status and body."""
    given = iter([{"type": "http.request", "body": body, "more_body": False}])
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(given, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": "/tag", "raw_path": b"/tag",
             "query_string": b"", "root_path": "", "scheme": "http", "headers": headers}  # fmt: skip
    await application()(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


@cache
def application() -> Any:
    """Return the application with a small model."""
    before = os.getcwd()
    os.chdir(prepared())
    service = Service(".", wait=0.0)
    service.load()
    os.chdir(before)
    assert service.error is None, service.error
    return create_app(service)
