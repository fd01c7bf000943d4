"""The server as an operator runs it: a process of ``hyperx serve``, whose memory and log are watched."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.soak.requests import KEY

PATIENCE = 120  # seconds until a request is answered


class Server:
    """A process that serves a model, asked for a key.

    Attributes:
        port: that it listens on.
    """

    def __init__(self, model: str, folder: Path) -> None:
        keys, self._log = folder / "keys", folder / "log"
        keys.write_text(KEY + "\n", encoding="utf-8")
        # Patience with answers: a machine that others use as well may stop for a while.
        command = [
            sys.executable,
            "-m",
            "hyperx",
            "serve",
            model,
            "--port",
            "0",
            "--api-key-file",
            str(keys),
            "--timeout",
            str(PATIENCE),
        ]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"})
        while not self._log.read_bytes().count(b"\n"):
            if self.process.poll() is not None:
                raise SystemExit(f"the server ended: {self._log.read_text(encoding='utf-8')}")
            time.sleep(0.1)
        self.port = int(self.log()[0]["url"].rpartition(":")[2])

    def log(self) -> list[dict[str, Any]]:
        """Return what it has logged."""
        return [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines()]

    def memory(self) -> int:
        """Return the bytes that it holds in memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def stop(self) -> None:
        """Ask it to stop."""
        self.process.send_signal(signal.SIGTERM)


@contextmanager
def served(model: str, folder: Path) -> Iterator[Server]:
    """Serve a model, with the key's and the log's files in a folder."""
    server = Server(model, folder)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()
