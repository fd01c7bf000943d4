"""Requests a second and times to an answer of the server, with mixed batches and one pair at a time.

Both are the same server; one's batches are restricted to one pair. Clients send one sentence of one pair a request, pairs in
turn, and the next once they have an answer. The two take turns, round by round, lest a busy machine favour one.
Usage: python -m benchmarks.serving RUN [--clients 1 16 64] [--seconds 20] [--rounds 3] [--output FILE]
"""

import argparse
import itertools
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from benchmarks import RESULTS, machine
from hyperx.data.catalog import languages, load_splits
from hyperx.mixed_tagging import MixedTagger, Row
from hyperx.serve.app import create_app
from hyperx.serve.server import listen, make_server
from hyperx.serve.service import Service

WARMUP = 2.0  # seconds of each measurement that don't count


class OnePairTagger(MixedTagger):
    """Puts rows of one pair in a batch."""

    def batches(self, rows: Sequence[Row]) -> list[list[int]]:
        pairs = dict.fromkeys(row.pair for row in rows)
        own = [[number for number, row in enumerate(rows) if row.pair == pair] for pair in pairs]
        return [
            [numbers[place] for place in batch]
            for numbers in own
            for batch in super(OnePairTagger, self).batches([rows[number] for number in numbers])
        ]


@contextmanager
def served(run: str, tagger: type[MixedTagger]) -> Iterator[str]:
    """Serve a run on loopback; yields the address."""
    service = Service(run, tagger=tagger)
    listener = listen("127.0.0.1", 0)
    server = make_server(create_app(service), service, drain=0)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    url = "http://{}:{}".format(*listener.getsockname()[:2])
    try:
        while httpx.get(f"{url}/ready").status_code != 200:
            time.sleep(0.1)
        yield url
    finally:
        server.should_exit = True
        thread.join()


def cells(run: str) -> list[tuple[str, str]]:
    """Return the run's cells of the starter corpus' languages, a task and a language each."""
    known = set(languages("starter", "pos"))
    return [(cell.task, cell.language) for cell in Service(run).matrix.cells if cell.language in known]


def bodies(pairs: Sequence[tuple[str, str]]) -> list[bytes]:
    """Return a request a sentence of the starter corpus' test sets, pairs in turn."""
    known = {language for _, language in pairs}
    sentences = {code: [list(one.words) for one in load_splits("starter", "pos", code)["test"]] for code in known}
    requests = []
    for turn in range(max(map(len, sentences.values()))):
        for task, code in pairs:
            own = sentences[code]
            body = {"inputs": [{"tokens": own[turn % len(own)], "language": code, "tasks": [task]}]}
            requests.append(json.dumps(body, ensure_ascii=False).encode())
    return requests


def load(url: str, requests: Sequence[bytes], clients: int, seconds: float) -> list[float]:
    """Return how long each request took of those that were answered after the warm-up, in seconds."""
    times: list[float] = []
    turns = itertools.cycle(requests)
    begin = time.perf_counter() + WARMUP
    end = begin + seconds

    def ask() -> None:
        with httpx.Client(base_url=url, timeout=60, headers={"Content-Type": "application/json"}) as client:
            while (start := time.perf_counter()) < end:
                client.post("/tag", content=next(turns)).raise_for_status()
                if start >= begin:
                    times.append(time.perf_counter() - start)

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def summary(rounds: Sequence[Sequence[float]], seconds: float) -> dict[str, Any]:
    """Return requests a second of each round and percentiles over all rounds."""
    rates = [len(times) / seconds for times in rounds]
    every = sorted(itertools.chain.from_iterable(rounds))
    return {
        "requests": len(every),
        "requests_a_second": round(median(rates), 2),
        "rounds": [round(rate, 2) for rate in rates],
        "p50_ms": round(1000 * every[len(every) // 2], 1),
        "p99_ms": round(1000 * every[min(len(every) - 1, len(every) * 99 // 100)], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=RESULTS / "performance" / "serving.json")
    given = parser.parse_args()
    pairs = cells(given.run)
    requests = bodies(pairs)
    results: dict[str, Any] = {}
    with served(given.run, MixedTagger) as mixed, served(given.run, OnePairTagger) as single:
        for clients in given.clients:
            rounds: dict[str, list[list[float]]] = {"mixed": [], "one_pair": []}
            for _ in range(given.rounds):
                for name, url in (("mixed", mixed), ("one_pair", single)):
                    rounds[name].append(load(url, requests, clients, given.seconds))
            results[str(clients)] = {name: summary(times, given.seconds) for name, times in rounds.items()}
            print(clients, json.dumps(results[str(clients)]))
    config = Service(given.run).config
    given.output.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "machine": machine(),
        "uvicorn": version("uvicorn"),
        "backbone": config.backbone,
        "method": config.method.model_dump(),
        "pairs": len(pairs),
        "seconds_a_round": given.seconds,
        "clients": results,
    }
    given.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
