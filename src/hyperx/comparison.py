"""Comparison of two methods on the cells that the runs of both have scored."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hyperx.errors import HyperXError
from hyperx.metrics import SAMPLES, interval
from hyperx.results import Results, Row, kinds
from hyperx.tasks import metric_named


@dataclass(frozen=True)
class Difference:
    """How much more the second method scores than the first, in points, averaged over its runs and over cells.

    Attributes:
        task: of the cells.
        cells: ``trained`` or ``zero-shot``.
        languages: ``all``, ``seen``, ``unseen``, or one language.
        first, second: the methods' mean scores.
        low, high: the paired bootstrap's 95 % interval of the difference.
        samples: the difference on each of the bootstrap's samples, which are the same for all methods.
    """

    task: str
    cells: str
    languages: str
    first: float
    second: float
    low: float
    high: float
    samples: np.ndarray = field(repr=False, compare=False)

    @property
    def points(self) -> float:
        return self.second - self.first

    @property
    def significant(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def compare(first: Sequence[Results], second: Sequence[Results]) -> list[Difference]:
    """Compare two methods, each by its runs of several seeds: the averages first, then cell by cell.

    Sentences are resampled once for all runs (paired bootstrap, Koehn, 2004), each cell's independently of the others'.
    Only cells are compared that all runs have scored and that are trained, or zero-shot, in all of them.

    Raises:
        HyperXError: there is no such cell, the runs were not scored on the same sentences, or counts are missing.
    """
    runs = [*first, *second]
    for results in runs:
        if not results.counts:
            raise HyperXError(f"{results.run} has no counts beside its results.json; evaluate the run again")
    rows = [row for row in first[0].rows if all(_scored_alike(row, results) for results in runs)]
    if not rows:
        raise HyperXError("the runs have no cell in common that is trained, or zero-shot, in all of them")
    for row in rows:
        _check_sentences(row, runs)
    cells = {row.pair: (_scores(row, first), _scores(row, second)) for row in rows}
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        for kind in kinds(row):
            groups.setdefault((row.task, *kind), []).append(row)
    for row in rows:
        groups[row.task, "trained" if row.trained else "zero-shot", row.language] = [row]
    return [_difference(*key, [cells[row.pair] for row in members]) for key, members in groups.items()]


def _scored_alike(row: Row, results: Results) -> bool:
    other = results.row(row.task, row.language)
    return other is not None and other.trained == row.trained


def _check_sentences(row: Row, runs: Sequence[Results]) -> None:
    # The last count is the support, words or gold entities: a mark of the sentence. How many there are may depend on labels.
    supports = [results.counts[str(row.pair)][:, -1] for results in runs]
    if not all(np.array_equal(support, supports[0]) for support in supports):
        raise HyperXError(f"the runs were not scored on the same sentences of {row.pair}; evaluate them again")


def _scores(row: Row, runs: Sequence[Results]) -> np.ndarray:
    """Return the runs' mean score of a cell, on all sentences and then on each bootstrap sample."""
    counts = [results.counts[str(row.pair)].astype(np.float64) for results in runs]
    size = len(counts[0])
    generator = np.random.default_rng((size, *str(row.pair).encode()))  # the same for every method
    drawn = [np.bincount(sample, minlength=size) for sample in generator.integers(size, size=(SAMPLES, size))]
    times = np.stack([np.ones(size), *drawn])  # how often each sentence is in the sample
    try:
        return np.mean([metric_named(row.metric).score(times @ own) for own in counts], axis=0)
    except IndexError:
        raise HyperXError(
            f"the counts of {row.pair} are not those of the metric '{row.metric}'; evaluate the runs again"
        ) from None


def _difference(task: str, cells: str, languages: str, scores: Sequence[tuple[np.ndarray, np.ndarray]]) -> Difference:
    first, second = (np.mean(side, axis=0) for side in zip(*scores, strict=True))
    samples = (second - first)[1:]
    return Difference(task, cells, languages, float(first[0]), float(second[0]), *interval(samples), samples)
