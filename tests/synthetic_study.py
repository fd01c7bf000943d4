"""Results of a study that was never trained: counts drawn at rates that the test sets."""

from collections.abc import Callable, Mapping
from pathlib import Path
from zlib import crc32

import numpy as np

from hyperx.cost import Cost
from hyperx.languages import seen_by
from hyperx.pairs import Pair
from hyperx.results import Results, Row
from hyperx.study.benchmark import Benchmark
from hyperx.study.runs import LANGUAGE_ADAPTERS, STUDIES, Planner, Run
from hyperx.tasks import metric_named

METRIC = {"pos": "accuracy", "ner": "f1"}
Rate = Callable[[Run, Pair, bool], float]


def make_results(
    run: str,
    rates: Mapping[Pair, tuple[float, bool]],
    *,
    backbone: str,
    method: str = "m",
    seed: int = 1,
    size: int = 60,
) -> Results:
    """Make the results of a run by each cell's share of right words or entities, and whether it is trained."""
    seen = seen_by(backbone)
    rows, arrays = [], {}
    for pair, (rate, trained) in rates.items():
        # The sentences are the cell's, what is right in them the run's; runs of one seed mistake the same words first.
        support = np.random.default_rng(crc32(str(pair).encode())).integers(3, 12, size)
        luck = np.random.default_rng([seed, crc32(str(pair).encode())]).random((size, 12))
        right = ((luck < rate) & (np.arange(12) < support[:, None])).sum(1)
        columns = [right, support] if pair.task == "pos" else [right, support, support]
        counts = np.stack(columns, axis=1).astype(np.int32)
        score = float(metric_named(METRIC[pair.task]).score(counts.sum(0)))
        rows.append(
            Row(
                task=pair.task,
                language=pair.language,
                trained=trained,
                seen=None if seen is None else pair.language in seen,
                metric=METRIC[pair.task],
                score=score,
                low=score - 1,
                high=score + 1,
                majority=10.0,
                sentences=size,
                support=int(support.sum()),
                seconds=1.0,
            )
        )
        arrays[str(pair)] = counts
    return Results(
        run=run, method=method, backbone=backbone, seed=seed, split="test", rows=rows, averages=[], counts=arrays
    )


def make_cost(run: Run, *, trained: int = 1_000_000, rate: float = 0.5) -> Cost:
    """Make a run's cost: `rate` seconds a step."""
    training = run.config.training
    sentences = training.steps * training.batch_size
    tasks = sorted(run.config.train)
    return Cost(
        trained_parameters=trained,
        stored_parameters=trained,
        language_parameters=64,
        examples={task: sentences // len(tasks) for task in tasks},
        pieces=20 * sentences,
        training_seconds=rate * training.steps,
        processor_seconds=2 * rate * training.steps,
        peak_memory_bytes=2_500_000_000,
        device="CPU, 2 threads",
    )


def write_run(folder: Path, benchmark: Benchmark, run: Run, rate: Rate, *, trained: int = 1_000_000) -> None:
    """Write the figures that a finished run leaves."""
    cells = {}
    for task in (run.config.evaluate or {}) if run.name != LANGUAGE_ADAPTERS else ():
        for language in [benchmark.source, *benchmark.languages]:
            labelled = language in run.config.train[task]
            cells[Pair(task, language)] = (rate(run, Pair(task, language), labelled), labelled)
    target = folder / run.name
    target.mkdir(parents=True, exist_ok=True)
    results = make_results(run.name, cells, backbone=benchmark.backbone, method=run.config.method.name, seed=run.seed)
    results.save(target / "results.json")
    make_cost(run, trained=trained).save(target / "cost.json")


def write_few_shot(
    folder: Path, benchmark: Benchmark, system: str, cell: Pair, size: int, draw: int, rate: float
) -> None:
    """Write the figures of a run on a few sentences."""
    name = f"few-shot-{system}-{cell.task}-{cell.language}-{size}-draw{draw}"
    (folder / name).mkdir(parents=True, exist_ok=True)
    results = make_results(name, {cell: (rate, True)}, backbone=benchmark.backbone, seed=draw)
    results.save(folder / name / "results.json")


def all_runs(planner: Planner) -> dict[str, Run]:
    return {run.name: run for plan in STUDIES.values() for run in plan(planner) if "few-shot" not in run.name}
