"""Measure several things in turn, so that a busy minute meets them all, and say what came out against a target."""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from benchmarks import RESULTS, machine

Figures = dict[str, list[float]]


@dataclass(frozen=True)
class Row:
    """A row of docs/performance.md's table.

    Attributes:
        target: what `values` are to reach; None for a row that only informs.
        values: one a round; empty for what can't be measured, which `note` explains.
        at_most: the target is a ceiling, not a floor.
        unit: follows the figures.
    """

    what: str
    values: Sequence[float]
    target: float | None = None
    at_most: bool = True
    unit: str = ""
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the target; None where nothing is asked or known."""
        if self.target is None or not self.values:
            return None
        median = statistics.median(self.values)
        return median <= self.target if self.at_most else median >= self.target


@dataclass(frozen=True)
class Options:
    """How much is measured."""

    rounds: int
    quick: bool
    output: Path


def options(description: str | None) -> Options:
    """Read a benchmark's command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=5, help="how often each thing is measured")
    parser.add_argument(
        "--quick", action="store_true", help="one tiny round, to see that it runs; its figures mean nothing"
    )
    parser.add_argument("--output", type=Path, default=RESULTS / "performance", help="folder of the JSON files")
    given = parser.parse_args()
    return Options(1 if given.quick else given.rounds, given.quick, given.output)


def alternate(measures: Mapping[str, Callable[[], float]], rounds: int) -> Figures:
    """Take each measure once unrecorded, then `rounds` times in turn."""
    for measure in measures.values():
        measure()
    figures: Figures = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            figures[name].append(measure())
    return figures


def timed(do: Callable[[], object], times: int = 1) -> Callable[[], float]:
    """Return a measure: the seconds that `do` takes."""

    def measure() -> float:
        start = time.perf_counter()
        for _ in range(times):
            do()
        return (time.perf_counter() - start) / times

    return measure


def ratios(figures: Figures, first: str, second: str) -> list[float]:
    """Return the first's figure over the second's of the same round."""
    return [a / b for a, b in zip(figures[first], figures[second], strict=True)]


def product_rates() -> dict[str, str]:
    """Return how fast this machine multiplies matrices; the ratio of the two decides much of the others."""
    if torch.cuda.is_available():
        return {}
    rates = {}
    for dtype in (torch.bfloat16, torch.float32):
        matrix = torch.randn(1536, 1536).to(dtype)
        seconds = min(timed(lambda m=matrix: m @ m, times=3)() for _ in range(10))  # type: ignore[misc]
        rates[str(dtype).removeprefix("torch.")] = f"{2 * 1536**3 / seconds / 1e9:.0f} GFLOP/s"
    return rates


def save(name: str, given: Options, rows: Sequence[Row], figures: Figures, **details: object) -> None:
    """Write ``NAME.json``: the machine, the rows and the figures that they are made of."""
    given.output.mkdir(parents=True, exist_ok=True)
    report = {
        "machine": machine() | product_rates(),
        "quick": given.quick,
        **details,
        "rows": [asdict(row) | {"met": row.met} for row in rows],
        "figures": figures,
    }
    path = given.output / f"{name}.json"
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for row in rows:
        median = f"{statistics.median(row.values):.3g} {row.unit}" if row.values else "not measured"
        print(f"{row.what}: {median}, target {row.target}, met: {row.met}", flush=True)
