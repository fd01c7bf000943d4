"""A client that is cheap, and may break the rules."""

import asyncio
import json
from contextlib import suppress
from typing import NamedTuple

from benchmarks.soak.requests import Request, Verdict, judge_each


class Answer(NamedTuple):
    """An answer; its status is 0 where the connection ended without one."""

    status: int
    body: bytes

    def judge(self, request: Request) -> Verdict:
        """Judge whether it is what the request must get."""
        if self.status != request.status:
            return "wrong"
        if request.asked:
            outputs = [one["sentences"] for one in json.loads(self.body)["outputs"]]
            return judge_each(request.asked, outputs)
        return "equal" if not request.reason or json.loads(self.body)["reason"] == request.reason else "wrong"


ENDED = Answer(0, b"")


class Client:
    """Sends requests one after another, over one connection as long as the server keeps it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: Request, *, again: bool = True) -> Answer:
        """Send a request and return its answer.

        Args:
            again: send it once more if a connection that was kept ends before the answer begins, as it may after a pause.
        """
        kept = self._streams is not None
        try:
            answer = await self._ask(request)
        except OSError:
            answer = ENDED
        if answer.status == 0:
            self.close()
            if kept and again and request.status:
                return await self.ask(request)
        return answer

    async def _ask(self, request: Request) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self._streams
        writer.write(request.data)
        if request.how in ("cut", "half-closed"):
            writer.write_eof()
        with suppress(ConnectionError):  # refused before all was sent: the answer is there to be read
            await writer.drain()
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            answer = Answer(int(head.split(None, 2)[1]), await reader.readexactly(length))
        except asyncio.IncompleteReadError:
            return ENDED
        if b"connection: close" in head or request.how != "whole":
            self.close()
        return answer

    def close(self) -> None:
        """End the connection."""
        if self._streams:
            self._streams[1].close()
        self._streams = None
