"""How good a cell is likely to be that nobody has scored, told by the cells of its task that were."""

from collections.abc import Collection, Mapping, Sequence
from math import sqrt
from statistics import fmean, stdev
from typing import NamedTuple

from scipy.special import stdtrit

from hyperx.pairs import Pair

LIKE = 4  # cells of languages that the backbone has likewise seen, or not, from which these alone are asked


class Expectation(NamedTuple):
    """A cell's score, measured or expected, in percent.

    Attributes:
        score: None where nothing is known.
        low, high: a 95 % interval: of the measured score over the test set's sentences, or where the score of one
            more cell is expected to fall.
        cells: how many other cells the score is told from; 0 where it was measured.
    """

    score: float | None
    low: float
    high: float
    cells: int

    @property
    def measured(self) -> bool:
        return self.score is not None and not self.cells

    def __str__(self) -> str:
        if self.score is None:
            return "not known: no cells like it were scored"
        interval = f"{self.score:.1f} ({self.low:.1f}–{self.high:.1f})"
        if self.measured:
            return f"{interval} on its test set"
        others = f"{self.cells} other zero-shot cells" if self.cells > 1 else "one other zero-shot cell"
        return f"about {interval}, as {others} scored"


UNKNOWN = Expectation(None, 0.0, 100.0, 0)


def expect(
    pair: Pair,
    scores: Mapping[str, tuple[float, float, float]],
    *,
    trained: Collection[str],
    seen: Collection[str] | None,
) -> Expectation:
    """Return a cell's measured score, or what the zero-shot cells of its task lead to expect of it.

    Args:
        scores: each scored pair's score and the ends of its interval.
        trained: the trained pairs. A trained cell without a test set is not known: zero-shot cells say nothing of it.
        seen: the languages of the backbone's pre-training; None where that is not known.
    """
    if str(pair) in scores:
        return Expectation(*scores[str(pair)], 0)
    if str(pair) in trained:
        return UNKNOWN
    others = [
        (other.language, scores[text][0])
        for text in scores
        if text not in trained and (other := Pair.parse(text)).task == pair.task
    ]
    like = [score for language, score in others if seen and (language in seen) == (pair.language in seen)]
    return predict(like if len(like) >= LIKE else [score for _, score in others])


def predict(scores: Sequence[float]) -> Expectation:
    """Return the mean of scores and the 95 % prediction interval of one more, under a normal distribution.

    ``mean ± t(n - 1) s sqrt(1 + 1/n)``, cut at 0 and 100; one score alone tells of no spread.
    """
    count = len(scores)
    if count < 2:
        return Expectation(scores[0], 0.0, 100.0, 1) if scores else UNKNOWN
    mean = fmean(scores)
    half = float(stdtrit(count - 1, 0.975)) * stdev(scores) * sqrt(1 + 1 / count)
    return Expectation(mean, max(0.0, mean - half), min(100.0, mean + half), count)
