"""How good `expected_score` is: each zero-shot cell of AfriMix foretold from its run's other zero-shot cells.

Reads ``results/afrimix/*/results.json``; writes ``results/expectation.json``. Usage: python -m benchmarks.expectation
"""

import json
from collections import defaultdict
from statistics import fmean

from benchmarks import RESULTS
from hyperx.expectation import Expectation, expect
from hyperx.results import Results


def foretold(results: Results) -> list[tuple[str, float, Expectation]]:
    """Return each zero-shot cell's task, its score, and what was expected of it."""
    seen = {row.language for row in results.rows if row.seen}
    trained = {str(row.pair) for row in results.rows if row.trained}
    scores = {str(row.pair): (row.score, row.low, row.high) for row in results.rows}
    cells = []
    for row in results.rows:
        if not row.trained:
            others = {pair: score for pair, score in scores.items() if pair != str(row.pair)}
            cells.append((row.task, row.score, expect(row.pair, others, trained=trained, seen=seen)))
    return cells


def main() -> None:
    by_task: dict[str, list[tuple[float, Expectation]]] = defaultdict(list)
    runs = sorted((RESULTS / "afrimix").glob("*/results.json"))
    for path in runs:
        for task, score, expected in foretold(Results.load(path)):
            by_task[task].append((score, expected))
    report = {
        task: {
            "cells": len(cells),
            "inside_95_interval": round(100 * fmean(told.low <= score <= told.high for score, told in cells), 1),
            "mean_width": round(fmean(told.high - told.low for _, told in cells), 1),
            "mean_absolute_error": round(fmean(abs(score - (told.score or 0)) for score, told in cells), 1),
        }
        for task, cells in by_task.items()
    }
    whole = {"runs": [path.parent.name for path in runs], **report}
    (RESULTS / "expectation.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(whole, indent=1))


if __name__ == "__main__":
    main()
