"""Other software, each in a process and where needed an environment of its own, that measures when it is asked to."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-adapters" / "bin" / "python"


class Peer(AbstractContextManager["Peer"]):
    """A running module of this package; asked by a line on its standard input, it answers with seconds on its output."""

    def __init__(self, module: str, folder: Path, python: Path = PEERS) -> None:
        self.command = [str(python), "-m", f"benchmarks.peers.{module}", str(folder)]
        self._process = subprocess.Popen(
            self.command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def measure(self, name: str) -> Callable[[], float]:
        """Return what measures one of the peer's operations."""
        return lambda: self._ask(name)

    def _ask(self, name: str) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(name, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{' '.join(self.command)} ended; its error is above")
        return float(answer)

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def serve(operations: Mapping[str, Callable[[], float]]) -> None:
    """Answer with what the operations return, until the input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr  # libraries print what they like
    for line in sys.stdin:
        print(operations[line.strip()](), file=answers, flush=True)


def write_inputs(folder: Path, **inputs: Any) -> None:
    """Hand sentences in pieces to a peer."""
    (folder / "inputs.json").write_text(json.dumps(inputs), encoding="utf-8")


def read_inputs(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "inputs.json").read_text(encoding="utf-8"))


def seconds(do: Callable[[], object]) -> float:
    start = time.perf_counter()
    do()
    return time.perf_counter() - start
