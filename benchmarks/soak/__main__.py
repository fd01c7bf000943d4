"""Load a server with mixed pairs and malformed requests from many clients, flood it, and stop it under load.

Every answer is compared with the tagger's own, every refusal's status with the one it must have. Fails if one is wrong or lost,
if memory grows, or if the log has anything that was sent. Usage:

python -m benchmarks.soak [RUN] [--requests 100000] [--clients 64] [--sentences 200] [--seed 0] [--output FILE]

Without a run, a small random model is served.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from signal import SIGTERM
from typing import Any

from benchmarks import RESULTS, machine
from benchmarks.setting import tiny_model
from benchmarks.soak.client import Client
from benchmarks.soak.requests import KEY, MARK, Asked, Request, ask_offline, mixed, sound
from benchmarks.soak.server import PATIENCE, Server, served
from hyperx.modeling import HyperX, model_folder
from hyperx.serve.limits import Limits

LIMITS = Limits()
FLOOD = LIMITS.connections + 128
GROWTH = 0.05  # of memory, from half of the requests to the end


class Tally:
    """What came back."""

    def __init__(self) -> None:
        self.statuses: dict[str, Counter[int]] = defaultdict(Counter)
        self.wrong: list[str] = []
        self.tied = 0
        self.times: list[float] = []  # of sound requests
        self.count = 0

    async def ask(self, client: Client, request: Request, *others: int, again: bool = True) -> int:
        """Ask, note what came, and return its status; `others` are statuses that are right as well."""
        start = time.perf_counter()
        answer = await client.ask(request, again=again)
        if request.kind == "sound":
            self.times.append(time.perf_counter() - start)
        self.count += 1
        self.statuses[request.kind][answer.status] += 1
        verdict = "equal" if answer.status in others else answer.judge(request)
        self.tied += verdict == "tied"
        if verdict == "wrong":
            self.wrong.append(f"{request.kind}: {answer.status} {answer.body[:4000].decode(errors='replace')}")
        return answer.status

    def percentile(self, percent: int) -> float:
        """Return the milliseconds in which so many percent of the sound requests were answered."""
        return round(1000 * sorted(self.times)[(len(self.times) - 1) * percent // 100], 1)

    def report(self) -> dict[str, Any]:
        """Return the counts, and the first wrong answers."""
        statuses = {
            kind: {str(key): own for key, own in sorted(counts.items())} for kind, counts in self.statuses.items()
        }
        return {
            "requests": self.count,
            "statuses": statuses,
            "tied": self.tied,
            "wrong": len(self.wrong),
            "first_wrong": self.wrong[:5],
        }


async def load(server: Server, requests: Iterator[Request], clients: int, count: int) -> dict[str, Any]:
    """Send so many requests, each client its next once it has an answer."""
    tally, memory = Tally(), [server.memory()]
    todo = islice(requests, count)
    start = time.perf_counter()

    async def work() -> None:
        client = Client(server.port)
        for request in todo:
            await tally.ask(client, request)
            if tally.count * 20 // count >= len(memory):
                memory.append(server.memory())
        client.close()

    await asyncio.gather(*(work() for _ in range(clients)))
    seconds = time.perf_counter() - start
    flat = memory[-1] <= (1 + GROWTH) * memory[len(memory) // 2]
    return tally.report() | {
        "clients": clients,
        "seconds": round(seconds, 1),
        "requests_a_second": round(count / seconds, 1),
        "p50_ms": tally.percentile(50),
        "p99_ms": tally.percentile(99),
        "memory_mb": [round(own / 1e6) for own in memory],
        "memory_flat": flat,
        "right": flat and not tally.wrong,
    }


async def flood(server: Server, requests: Iterator[Request]) -> dict[str, Any]:
    """Send more requests at once than the queue, and the connections, have room for, while another client is served."""
    tally, health = Tally(), Counter[int]()
    head = f"GET /health HTTP/1.1\r\nHost: soak\r\nUser-Agent: {MARK}\r\n\r\n".encode()
    visitor = Client(server.port)
    await visitor.ask(Request("health", head))

    async def once(request: Request) -> None:
        client = Client(server.port)
        await tally.ask(client, request, 429, 503)
        client.close()

    rush = asyncio.gather(*(once(request) for request in islice(requests, FLOOD)))
    while not rush.done():
        health[(await visitor.ask(Request("health", head))).status] += 1
        await asyncio.sleep(0.05)
    await rush
    visitor.close()
    served_on = set(health) == {200}
    shed = {200, 429, 503} == set(tally.statuses["sound"])
    return tally.report() | {"health": dict(health), "right": served_on and shed and not tally.wrong}


async def stop(
    server: Server, requests: Iterator[Request], clients: int, before: Iterable[dict[str, Any]]
) -> dict[str, Any]:
    """Stop the server under load: what it says that it answered must have been read, by these clients or `before`."""
    tally = Tally()

    async def work() -> None:
        client = Client(server.port)
        while await tally.ask(client, next(requests), 0, again=False):
            if tally.count == 4 * clients:
                server.stop()

    await asyncio.gather(*(work() for _ in range(clients)))
    code = await asyncio.to_thread(server.process.wait, 2 * PATIENCE)
    log = server.log()
    read = sum(counts.get("200", 0) for part in (*before, tally.report()) for counts in part["statuses"].values())
    logged = sum(line.get("route") == "/tag" and line["status"] == 200 for line in log)
    secret = sum(any(word in json.dumps(line, ensure_ascii=False) for word in (MARK, KEY)) for line in log)
    failed = sum(line["level"] == "error" or line.get("status") == 500 for line in log)
    return tally.report() | {
        "answers_logged": logged,
        "answers_read": read,
        "exit_status": code,
        "log_lines": len(log),
        "log_lines_of_errors": failed,
        "log_lines_with_what_was_sent": secret,
        "right": logged == read and not (tally.wrong or secret or failed) and code in (0, -SIGTERM),
    }


async def soak(server: Server, asked: list[Asked], clients: int, count: int, seed: int) -> dict[str, Any]:
    """Run the three phases, and return their reports."""
    ready = f"GET /ready HTTP/1.1\r\nHost: soak\r\nUser-Agent: {MARK}\r\n\r\n".encode()
    while (await Client(server.port).ask(Request("ready", ready))).status != 200:
        await asyncio.sleep(0.2)
    under_load = await load(server, mixed(asked, seed, LIMITS), clients, count)
    flooded = await flood(server, sound(asked, seed + 1, inputs=16))
    stopped = await stop(server, sound(asked, seed + 2), clients, [under_load, flooded])
    return {"load": under_load, "flood": flooded, "stop": stopped}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--sentences", type=int, default=200, help="of each language")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=RESULTS / "soak.json")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        run = given.run or str(tiny_model(Path(temporary) / "model"))
        model = HyperX.from_pretrained(model_folder(run, None))
        asked = ask_offline(model, given.sentences)
        with served(run, Path(temporary)) as server:
            phases = asyncio.run(soak(server, asked, given.clients, given.requests, given.seed))
    config = model.model_config
    report = {
        "machine": machine(),
        "model": config.backbone if given.run else "small, random",
        "inputs": len(asked),
        **phases,
    }
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(report, ensure_ascii=False))
    if not all(phase["right"] for phase in phases.values()):
        sys.exit("something was wrong: see what is not right above")


if __name__ == "__main__":
    main()
