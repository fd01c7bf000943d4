"""Evaluation: every cell of a model's matrix that has gold tags."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from hyperx.data.sentence import Sentence
from hyperx.distributed import spread
from hyperx.languages import seen_by
from hyperx.metrics import Metric, interval, resample
from hyperx.modeling import HyperX
from hyperx.pairs import Pair
from hyperx.results import Average, Results, Row, kinds
from hyperx.scoring import PairScore, score_pair
from hyperx.tasks import is_auxiliary, metric_named


def evaluate(
    model: HyperX,
    data: Mapping[Pair, Sequence[Sentence]],
    *,
    run: str,
    seed: int,
    majority: Mapping[str, str],
    split: str = "test",
    step: int | None = None,
    progress: Callable[[str], None] = lambda doing: None,
) -> Results:
    """Score cells of a model's matrix, each in one of the processes.

    Args:
        data: gold sentences of each cell.
        majority: each task's most frequent tag in the training data.
        progress: told of each cell before it is scored.
    """
    trained = {Pair.parse(text) for text in model.model_config.trained}
    seen = seen_by(model.model_config.backbone)
    rows: list[Row] = []
    resampled: dict[Pair, np.ndarray] = {}
    counts: dict[str, np.ndarray] = {}

    def score(pair: Pair) -> PairScore:
        progress(f"Scoring {pair}, cell {list(data).index(pair) + 1} of {len(data)}")
        return score_pair(model, pair, data[pair])

    for number, (pair, scored) in enumerate(zip(data, spread(list(data), score), strict=True)):
        metric = model.tagging_task(pair.task).metric
        counts[str(pair)] = scored.counts.astype(np.int32)
        resampled[pair] = resample(scored.counts, metric, seed=(seed, number))
        low, high = interval(resampled[pair])
        rows.append(
            Row(
                task=pair.task,
                language=pair.language,
                trained=pair in trained,
                seen=None if seen is None else pair.language in seen,
                metric=metric.name,
                score=scored.score,
                low=low,
                high=high,
                majority=_majority_score(metric, data[pair], majority[pair.task]),
                sentences=len(data[pair]),
                support=int(scored.counts[:, -1].sum()),
                seconds=scored.seconds,
                others={name: float(score(scored.counts.sum(0))) for name, score in metric.others.items()},
            )
        )
    return Results(
        run=run,
        method=model.model_config.method.name,
        backbone=model.model_config.backbone,
        seed=seed,
        split=split,
        step=step,
        text_only=_text_only(trained),
        rows=rows,
        averages=_averages(rows, resampled),
        counts=counts,
    )


def merge(old: Results, new: Results) -> Results:
    """Return `new` with the cells that only `old` scored, as far as their counts are at hand."""
    scored = {row.pair for row in new.rows}
    rows = [row for row in old.rows if row.pair not in scored and str(row.pair) in old.counts] + new.rows
    counts = {str(row.pair): (new if row.pair in scored else old).counts[str(row.pair)] for row in rows}
    resampled = {
        row.pair: resample(counts[str(row.pair)], metric_named(row.metric), seed=(new.seed, number))
        for number, row in enumerate(rows)
    }
    return new.model_copy(update={"rows": rows, "averages": _averages(rows, resampled), "counts": counts})


def _majority_score(metric: Metric, sentences: Sequence[Sentence], tag: str) -> float:
    counts = np.array([metric.count(s.tags or (), [tag] * len(s.tags or ())) for s in sentences])
    return float(metric.score(counts.sum(0)))


def _text_only(trained: set[Pair]) -> list[str]:
    labelled = {pair.language for pair in trained if not is_auxiliary(pair.task)}
    return sorted({pair.language for pair in trained} - labelled)


def _averages(rows: Sequence[Row], resampled: Mapping[Pair, np.ndarray]) -> list[Average]:
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        for kind in kinds(row):
            groups.setdefault((row.task, *kind), []).append(row)
    averages = []
    for (task, cells, languages), members in groups.items():
        # Cells are resampled independently: the mean's interval is that of the means of their samples.
        low, high = interval(np.mean([resampled[row.pair] for row in members], axis=0))
        averages.append(
            Average(
                task=task,
                cells=cells,
                languages=languages,
                count=len(members),
                score=float(np.mean([row.score for row in members])),
                low=low,
                high=high,
            )
        )
    return averages
