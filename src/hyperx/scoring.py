"""Scoring: a model's tags of a pair against the gold ones."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hyperx.data.sentence import Sentence
from hyperx.modeling import HyperX
from hyperx.pairs import Pair
from hyperx.tagging import Tagger


class PairScore(NamedTuple):
    """What scoring a pair gives.

    Attributes:
        score: the task's metric, in percent.
        counts: a row of the metric's counts a sentence, for resampling.
        seconds: spent tagging.
    """

    score: float
    counts: np.ndarray
    seconds: float


def score_pair(model: HyperX, pair: Pair, sentences: Sequence[Sentence], *, batch_size: int = 32) -> PairScore:
    """Tag gold sentences in a cell of the matrix and score the tags."""
    start = time.perf_counter()
    predicted = Tagger(model, pair, batch_size=batch_size).tag(sentences)
    seconds = time.perf_counter() - start
    metric = model.tagging_task(pair.task).metric
    counts = np.array([metric.count(gold.tags or (), tags) for gold, tags in zip(sentences, predicted, strict=True)])
    return PairScore(float(metric.score(counts.sum(0))), counts, seconds)
