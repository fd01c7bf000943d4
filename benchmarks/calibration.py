"""How far the scores of tags can be trusted: a run's expected calibration error, before and after its temperatures.

Temperatures are fitted, and the spans' score is chosen, on dev sets of trained pairs; the errors are those of test sets.
The run is one of CONFIG's partition, made for example by
``hyperx train configs/afrimix-mixed-1.yaml training.steps=1200 name=calibration --output runs/calibration``.
Usage: python -m benchmarks.calibration RUN [--config CONFIG] [--sentences 50]; writes ``results/calibration.json``.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers.utils import logging

from benchmarks import RESULTS, machine
from hyperx.calibration import DEV_SENTENCES, calibration_error, fit_temperature
from hyperx.config import load_run_config
from hyperx.data.check import collected_notices
from hyperx.data.sentence import Sentence
from hyperx.dataset import load_data
from hyperx.metrics import spans as entities
from hyperx.modeling import HyperX
from hyperx.pairs import Pair
from hyperx.tagging import Tagger
from hyperx.tasks import Task

SPAN_SCORES: dict[str, Callable[[Sequence[float]], float]] = {
    "product": prod,
    "minimum": min,
    "mean": fmean,
    "geometric mean": lambda scores: prod(scores) ** (1 / len(scores)),
}


class Scored(NamedTuple):
    """Scores and whether what they are of is right: of words, and of spans by each of `SPAN_SCORES` and by posterior."""

    words: list[tuple[float, bool]]
    spans: dict[str, list[tuple[float, bool]]]


class Tagged(NamedTuple):
    """A gold sentence and its log-probabilities."""

    task: Task
    gold: list[str]
    scores: Tensor


def tag(model: HyperX, data: Mapping[Pair, Sequence[Sentence]]) -> list[Tagged]:
    """Tag gold sentences."""
    tagged = []
    for pair, sentences in data.items():
        tagger = Tagger(model, pair)
        rows = zip(sentences, tagger.scores(sentences), strict=True)
        tagged += [Tagged(tagger.task, list(sentence.tags or ()), scores) for sentence, scores in rows]
    return tagged


def stacked(tagged: Sequence[Tagged]) -> tuple[Tensor, Tensor]:
    """Return all words' log-probabilities and the numbers of their gold labels."""
    gold = [one.task.labels.index(label) for one in tagged for label in one.gold]
    return torch.cat([one.scores for one in tagged]), torch.tensor(gold)


def score(tagged: Sequence[Tagged], temperature: float) -> Scored:
    """Score the tags and the spans."""
    words: list[tuple[float, bool]] = []
    spans: dict[str, list[tuple[float, bool]]] = {name: [] for name in (*SPAN_SCORES, "posterior")}
    for task, gold, log_probabilities in tagged:
        tags = task.decode(log_probabilities)
        own = task.confidences(log_probabilities, tags, temperature)
        words += [(value, tag == right) for value, tag, right in zip(own, tags, gold, strict=True)]
        if task.name != "ner":
            continue
        right_spans = set(entities(gold))
        for span in entities(tags):
            right = span in right_spans
            for name, joined in SPAN_SCORES.items():
                spans[name].append((joined(own[span[1] : span[2]]), right))
            spans["posterior"].append((posterior(task, log_probabilities / temperature, span), right))
    return Scored(words, spans)


def posterior(task: Task, scores: Tensor, span: tuple[str, int, int]) -> float:
    """Return the share of a span, from its first word to its last and no further, in all valid IOB2 sequences."""
    label, first, last = span
    begin, inside = task.labels.index(f"B-{label}"), task.labels.index(f"I-{label}")
    held = scores.clone()
    for number in range(first, last):
        kept = held[number, begin if number == first else inside].clone()
        held[number] = -torch.inf
        held[number, begin if number == first else inside] = kept
    if last < len(held):
        held[last, inside] = -torch.inf
    return float((_partition(task, held) - _partition(task, scores)).exp())


def _partition(task: Task, scores: Tensor) -> Tensor:
    """Return the log of the sum over valid IOB2 sequences."""
    labels = task.labels
    inner = torch.tensor([label.startswith("I-") for label in labels])
    forbidden = torch.tensor([[b.startswith("I-") and a[2:] != b[2:] for b in labels] for a in labels])
    total = scores[0].masked_fill(inner, -torch.inf)
    for row in scores[1:]:
        total = total[:, None].masked_fill(forbidden, -torch.inf).logsumexp(0) + row
    return total.logsumexp(0)


def error(scored: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    """Return the calibration error, the mean score and the share that is right, in percent."""
    if not scored:
        return {"count": 0}
    scores, right = zip(*scored, strict=True)
    return {
        "count": len(scores),
        "error": round(calibration_error(scores, right), 2),
        "mean_score": round(100 * fmean(scores), 1),
        "right": round(100 * fmean(right), 1),
    }


def errors(scored: Scored) -> dict[str, Any]:
    spans = {name: error(values) for name, values in scored.spans.items() if values}
    return {"words": error(scored.words), **({"spans": spans} if spans else {})}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--config", type=Path, default=Path("configs/afrimix-mixed-1.yaml"))
    parser.add_argument("--sentences", type=int, default=50, help="of each test set at most")
    arguments = parser.parse_args()
    logging.set_verbosity_error()
    config = load_run_config(arguments.config, ["train.mlm=[]"])
    run = load_run_config(arguments.run / "config.yaml")
    with collected_notices():
        data = load_data(config)
    model = HyperX.from_pretrained(arguments.run)
    dev = {pair: rows[:DEV_SENTENCES] for pair, rows in data.dev.items() if pair in data.train}
    report: dict[str, Any] = {
        "machine": machine(),
        "run": run.name,
        "steps": run.training.steps,
        "dev_sentences": max(map(len, dev.values())),
        "test_sentences": arguments.sentences,
    }
    for task in dict.fromkeys(pair.task for pair in dev):
        test = {pair: rows[: arguments.sentences] for pair, rows in data.test.items() if pair.task == task}
        parts = {
            "dev, trained": {pair: rows for pair, rows in dev.items() if pair.task == task},
            "test, trained": {pair: rows for pair, rows in test.items() if pair in data.train},
            "test, zero-shot": {pair: rows for pair, rows in test.items() if pair not in data.train},
        }
        tagged = {name: tag(model, part) for name, part in parts.items()}
        temperature = fit_temperature(*stacked(tagged["dev, trained"]))
        report[task] = {"temperature": round(temperature, 3)} | {
            name: {"before": errors(score(part, 1.0)), "after": errors(score(part, temperature))}
            for name, part in tagged.items()
        }
        print(json.dumps({task: report[task]}, indent=1), flush=True)
    (RESULTS / "calibration.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
