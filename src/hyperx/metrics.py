"""Scores from per-sentence counts, so that sentences can be resampled cheaply."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

SAMPLES = 1000


@dataclass(frozen=True)
class Metric:
    """A score that is a function of counts summed over sentences.

    Attributes:
        name: as in results.json.
        count: a sentence's counts, of its gold and predicted tags; the last is the support.
        score: counts, ``(..., k)``, to scores in percent, ``(...)``.
        others: further figures from the counts, by name, which choose nothing.
    """

    name: str
    count: Callable[[Sequence[str], Sequence[str]], tuple[int, ...]]
    score: Callable[[np.ndarray], np.ndarray]
    others: Mapping[str, Callable[[np.ndarray], np.ndarray]] = field(default_factory=dict)


def _count_words(gold: Sequence[str], predicted: Sequence[str]) -> tuple[int, int]:
    return sum(a == b for a, b in zip(gold, predicted, strict=True)), len(gold)


def _count_spans(gold: Sequence[str], predicted: Sequence[str]) -> tuple[int, int, int]:
    """Return how many entities are right, predicted and gold."""
    right, found = set(spans(gold)), set(spans(predicted))
    return len(right & found), len(found), len(right)


def spans(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return the type, first word and end of each span of IOB2 tags.

    A tag that breaks IOB2 makes no span, as in seqeval's strict mode, which is slower than the tagging itself.
    """
    found = []
    for start, tag in enumerate(tags):
        if tag.startswith("B-"):
            end = start + 1
            while end < len(tags) and tags[end] == f"I-{tag[2:]}":
                end += 1
            found.append((tag[2:], start, end))
    return found


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return percentages; of nothing, 0."""
    return np.divide(100.0 * numerator, denominator, out=np.zeros(np.shape(numerator)), where=denominator > 0)


ACCURACY = Metric("accuracy", _count_words, lambda counts: ratio(counts[..., 0], counts[..., -1]))
SPAN_F1 = Metric("f1", _count_spans, lambda counts: ratio(2 * counts[..., 0], counts[..., 1] + counts[..., 2]))


def resample(
    counts: np.ndarray, metric: Metric, *, samples: int = SAMPLES, seed: int | Sequence[int] = 0
) -> np.ndarray:
    """Return the scores of `samples` bootstrap samples of the sentences.

    Shapes:
        counts: ``(sentences, k)``; result: ``(samples,)``.
    """
    size = len(counts)
    generator = np.random.default_rng(seed)
    return metric.score(np.stack([counts[generator.integers(size, size=size)].sum(0) for _ in range(samples)]))


def interval(scores: np.ndarray) -> tuple[float, float]:
    """Return the 95 % percentile interval of bootstrap scores."""
    low, high = np.percentile(scores, [2.5, 97.5])
    return float(low), float(high)
