"""What an exported graph of every pair changes, in 32-bit floats and in 8-bit integers, on the test sets of a run.

Both are held against the model in 32-bit floats, also where its own tagger would compute in bfloat16.
Usage: python -m benchmarks.onnx [RUN]
"""

import json
import runpy
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import RESULTS, machine
from hyperx.config import load_run_config
from hyperx.data.check import collected_notices
from hyperx.dataset import load_data
from hyperx.exporters.onnx import GRAPH, QUANTIZED, export
from hyperx.modeling import HyperX
from hyperx.tagging import Tagger


def tag_with_graph(folder: Path, graph: str, items: list[Any]) -> list[list[str]]:
    tagger = runpy.run_path(str(folder / "tag.py"))["Tagger"](folder, graph)
    pairs = [(pair.task, pair.language) for pair, _ in items]
    return tagger.tag([list(sentence.words) for _, sentence in items], pairs)


def tag_with_model(model: HyperX, items: list[Any]) -> list[list[str]]:
    tags: list[list[str]] = []
    for pair in dict.fromkeys(pair for pair, _ in items):
        tags += Tagger(model, pair).tag([sentence for other, sentence in items if other == pair])
    return tags


def summary(model: HyperX, items: list[Any], expected: list[list[str]], tags: list[list[str]]) -> dict[str, Any]:
    """Return by task how many words got another tag than the model's, and the mean score over the cells."""
    changed: dict[str, int] = defaultdict(int)
    words: dict[str, int] = defaultdict(int)
    counts: dict[Any, list[Any]] = defaultdict(list)
    for (pair, sentence), own, other in zip(items, expected, tags, strict=True):
        changed[pair.task] += sum(a != b for a, b in zip(own, other, strict=True))
        words[pair.task] += len(own)
        counts[pair].append(model.tagging_task(pair.task).metric.count(sentence.tags, other))
    scores: dict[str, list[float]] = defaultdict(list)
    for pair, rows in counts.items():
        scores[pair.task].append(float(model.tagging_task(pair.task).metric.score(np.array(rows).sum(0))))
    return {
        task: {
            "words": words[task],
            "changed": changed[task],
            "changed_percent": round(100 * changed[task] / words[task], 2),
            "mean_score": round(float(np.mean(scores[task])), 2),
        }
        for task in words
    }


def main(run: str = "runs/quickstart") -> None:
    with collected_notices():
        data = load_data(load_run_config(Path(run) / "config.yaml"))
    items = [(pair, sentence) for pair, sentences in data.test.items() for sentence in sentences]
    model = HyperX.from_pretrained(run, dtype=torch.float32)
    expected = tag_with_model(model, items)
    report: dict[str, Any] = {"machine": machine(), "run": Path(run).name, "sentences": len(items)}
    report["model"] = summary(model, items, expected, expected)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "onnx"
        export(model, None, folder, int8=True)
        for graph in (GRAPH, QUANTIZED):
            tags = tag_with_graph(folder, graph, items)
            report[graph] = {"bytes": (folder / graph).stat().st_size, **summary(model, items, expected, tags)}
    (RESULTS / "onnx.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
