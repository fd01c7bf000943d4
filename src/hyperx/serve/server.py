"""uvicorn, with time limits for clients and a stop that loses no request."""

import asyncio
import json
import logging
import socket
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from hyperx.errors import HyperXError
from hyperx.serve.limits import Limits
from hyperx.serve.service import Service

_BUSY = json.dumps({"reason": "too_many_connections", "detail": "Too many connections are open; try again later."})
_BUSY_ANSWER = (
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\n"
    f"Content-Length: {len(_BUSY)}\r\n\r\n{_BUSY}"
).encode()


def protocol(limits: Limits) -> type[H11Protocol]:
    """Return a protocol that ends connections whose client neither sends a request's head nor takes what it is sent."""

    class TimedProtocol(H11Protocol):
        _head: asyncio.TimerHandle | None = None
        _unread: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > limits.connections:
                transport.write(_BUSY_ANSWER)
                transport.close()
                return
            self._watch_head()

        def data_received(self, data: bytes) -> None:
            if self.transport.is_closing():
                return
            super().data_received(data)
            self._watch_head()

        def eof_received(self) -> bool | None:  # type: ignore[override]
            """Keep a connection whose client has said all, and waits for the answer."""
            waits = self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body
            if waits:
                self.cycle.keep_alive = False
            return waits

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            for timer in (self._head, self._unread):
                if timer:
                    timer.cancel()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._unread = self.loop.call_later(limits.io_seconds, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            if self._unread:
                self._unread.cancel()

        def timeout_keep_alive_handler(self) -> None:
            super().timeout_keep_alive_handler()
            if self.transport.get_write_buffer_size():  # closing waits for the client to read
                self._unread = self.loop.call_later(limits.io_seconds, self.transport.abort)

        def _watch_head(self) -> None:
            """Let the time for a head run from its first byte, or from the connection's begin."""
            if self._waits_for_head() and not self._head:
                self._head = self.loop.call_later(limits.io_seconds, self._end_head)
            elif not self._waits_for_head() and self._head:
                self._head.cancel()
                self._head = None

        def _waits_for_head(self) -> bool:
            return self.cycle is None or self.cycle.response_complete

        def _end_head(self) -> None:
            self._head = None
            if self._waits_for_head():
                self.transport.abort()

    return TimedProtocol


class Server(uvicorn.Server):
    """Stops on SIGTERM: `/ready` says so for `drain` seconds, then no connections are accepted, and what was is answered."""

    def __init__(self, config: uvicorn.Config, service: Service, *, drain: float) -> None:
        super().__init__(config)
        self.service = service
        self.drain = drain

    async def on_tick(self, counter: int) -> bool:
        """Stop where the model can't be loaded."""
        return await super().on_tick(counter) or self.service.error is not None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then stop."""
        self.service.stop()
        if self.service.error is None:
            await asyncio.sleep(self.drain)
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        HyperXError: the address can't be had.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError, UnicodeError) as error:
        raise HyperXError(f"can't listen on {host}, port {port}: {error}; choose another --host or --port") from error


def make_server(app: Any, service: Service, *, drain: float) -> Server:
    """Return a server of an application."""
    limits = service.limits
    config = uvicorn.Config(
        app,
        http=protocol(limits),
        ws="none",
        log_config=None,
        log_level=logging.INFO,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=int(limits.seconds + 2 * limits.io_seconds),
    )
    return Server(config, service, drain=drain)
