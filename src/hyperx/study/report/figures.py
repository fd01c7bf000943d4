"""The figures that a study's finished runs left, gathered by setting and method."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from hyperx.comparison import Difference, compare
from hyperx.cost import Cost
from hyperx.errors import HyperXError
from hyperx.languages import seen_by
from hyperx.methods import MADXConfig
from hyperx.results import RESULTS_NAME, Results, Row
from hyperx.study.benchmark import LANGUAGE_ADAPTERS, TASKS
from hyperx.study.runs import STUDIES, TEXTS, Planner, base

GROUPS = ("seen", "unseen", "all")
MIXED = "mixed"


@dataclass(frozen=True)
class Compute:
    """What it takes to serve the matrix once.

    Attributes:
        labelled, raw: sentences seen, repetitions counted.
        pieces: of all of them.
        trained, stored, language: parameters trained, stored beside the backbone, and added by one more language.
        seconds: of training, in the fastest run: what else a machine does only slows it.
        processor: seconds of all threads together, in the mean of the runs that noted it; None where none did.
        memory: peak, in bytes.
        device: or devices.
    """

    labelled: float
    raw: float
    pieces: float
    trained: float
    stored: float
    language: float
    seconds: float
    processor: float | None
    memory: float
    device: str


class Figures:
    """The figures of a benchmark at a scale; what is not there yet is None or empty.

    A *setting* is ``single`` (two runs, a task each), ``multi``, ``mixed`` or ``swapped`` (a run a partition), or one of
    these parts, ``mixed-1``.

    Args:
        planner: knows which runs there are and what they are named.
        folder: of the figures, a folder a run.

    Raises:
        HyperXError: there are none, or a file can't be understood.
    """

    def __init__(self, planner: Planner, folder: Path) -> None:
        self.planner, self.benchmark, self.folder = planner, planner.benchmark, folder
        self.plan = {study: [run.name for run in runs(planner)] for study, runs in STUDIES.items()}
        self.finished = {path.parent.name for path in folder.glob(f"*/{RESULTS_NAME}")}
        if not self.finished:
            raise HyperXError(f"there are no figures in {folder}; `hyperx study` puts them there")
        known = seen_by(self.benchmark.backbone) is not None
        self.unseen = set(self.benchmark.unseen) if known else set()
        self._loaded: dict[str, Results] = {}
        self._compared: dict[tuple[tuple[str, str], tuple[str, str]], list[Difference]] = {}

    def load(self, run: str) -> Results:
        """Load a finished run's results, once."""
        if run not in self._loaded:
            self._loaded[run] = Results.load(self.folder / run)
        return self._loaded[run]

    def missing(self) -> dict[str, list[str]]:
        """Return the runs that are not finished, by study; a run of several studies under the first."""
        left: dict[str, list[str]] = {}
        named: set[str] = set()
        for study, runs in self.plan.items():
            left[study] = [run for run in runs if run not in self.finished | named]
            named.update(runs)
        return {study: runs for study, runs in left.items() if runs}

    def parts(self, setting: str) -> list[str]:
        """Return what a setting's runs are named by."""
        if setting == "single":
            return [f"single-{task}" for task in TASKS]
        if setting in (MIXED, "swapped"):
            return [f"{setting}-{number}" for number in range(1, len(self.benchmark.partitions) + 1)]
        return [setting]

    def runs(self, part: str, system: str) -> list[str]:
        """Return the names of the finished runs, one a seed."""
        if base(system) not in self.benchmark.methods:
            return []
        start = self.planner.run(part, system).name.removesuffix("1")
        seeds = (run.removeprefix(start) for run in self.finished if run.startswith(start))
        return [f"{start}{seed}" for seed in sorted((seed for seed in seeds if seed.isdecimal()), key=int)]

    def complete(self, setting: str, system: str) -> bool:
        """Whether every part of the setting has a finished run."""
        return all(self.runs(part, system) for part in self.parts(setting))

    def lacks(self, setting: str, system: str) -> bool:
        """Whether a part of the setting has no finished run, or a planned one, of any seed, is not finished."""
        if not self.complete(setting, system):
            return True
        starts = tuple(self.planner.run(part, system).name.removesuffix("1") for part in self.parts(setting))
        return any(run.startswith(starts) for run in set().union(*self.plan.values()) - self.finished)

    def noise(self, task: str, languages: str = "all") -> float:
        """Return the most points that a method's seeds differ by in a task's zero-shot mean, mixed; 0 if unknown.

        Args:
            languages: those of the mean, as in `mean_score`.
        """
        systems = dict.fromkeys([*self.benchmark.methods, *map(self.planner.with_text, TEXTS)])
        seeds = [self.pooled(MIXED, system) for system in systems if self.complete(MIXED, system)]
        scores = [[mean_score([run], task, languages) for run in runs] for runs in seeds if len(runs) > 1]
        found = [[score for score in row if score is not None] for row in scores]
        return max((max(row) - min(row) for row in found if row), default=0.0)

    def pooled(self, setting: str, system: str, *, trained: bool = False) -> list[Results]:
        """Join the cells that a setting's parts left zero-shot, or trained, seed by seed, but for the source's.

        As many seeds as every part that has any run has; cells of parts without a run are lacking.
        """
        parts = [self.runs(part, system) for part in self.parts(setting)]
        return [
            join(
                [self.load(run) for run in runs],
                lambda row: row.trained == trained and row.language != self.benchmark.source,
            )
            for runs in zip(*filter(None, parts), strict=False)
        ]

    def learnt(self, setting: str, system: str) -> bool:
        """Whether some zero-shot cell of each task is better than the most frequent tag; none would stretch a picture's scale."""
        rows = [row for results in self.pooled(setting, system) for row in results.rows]
        return {row.task for row in rows} == {row.task for row in rows if not row.at_floor}

    def mean(
        self, setting: str, system: str, task: str, languages: str = "all", *, trained: bool = False
    ) -> float | None:
        """Return the mean score over cells and seeds, or None where there are none."""
        return mean_score(self.pooled(setting, system, trained=trained), task, languages)

    def compare(self, first: tuple[str, str], second: tuple[str, str]) -> list[Difference]:
        """Compare two (setting, system) on the zero-shot cells of both."""
        if (first, second) not in self._compared:
            self._compared[first, second] = differences(self.pooled(*first), self.pooled(*second))
        return self._compared[first, second]

    def cost(self, setting: str, system: str) -> Compute | None:
        """Return what it takes to serve the matrix once, or None while that can't be said.

        Single tasks' models are added, partitions and seeds averaged, but for the clock's seconds. MAD-X's has a share in
        its language adapters: all of them, as it takes all to serve the matrix.
        """
        parts = [[c for run in self.runs(part, system) if (c := self._cost(run))] for part in self.parts(setting)]
        if not any(parts) or (setting == "single" and not all(parts)):
            return None
        costs = [c for part in parts for c in part]
        models = len(parts) if setting == "single" else 1

        def total(value: Callable[[Cost], float]) -> float:
            return models * mean(mean(map(value, part)) for part in parts if part)

        def processor() -> float | None:
            noted = [[c.processor_seconds for c in part if c.processor_seconds is not None] for part in parts]
            more = [c.processor_seconds for c in extra if c.processor_seconds is not None]
            if not any(noted) or (setting == "single" and not all(noted)) or len(more) < len(extra):
                return None
            return models * mean(mean(part) for part in noted if part) + sum(more)

        fastest = [min(cost.training_seconds for cost in part) for part in parts if part]
        shared: Cost | None = None
        if self.is_madx(system) and (shared := self._cost(LANGUAGE_ADAPTERS)) is None:
            return None
        extra = [shared] if shared else []
        return Compute(
            labelled=total(lambda c: sum(n for task, n in c.examples.items() if task != "mlm")),
            raw=total(_raw) + sum(map(_raw, extra)),
            pieces=total(lambda c: c.pieces) + sum(c.pieces for c in extra),
            trained=total(lambda c: c.trained_parameters) + sum(c.trained_parameters for c in extra),
            stored=total(lambda c: c.stored_parameters),
            language=total(lambda c: c.language_parameters),
            seconds=(sum(fastest) if setting == "single" else min(fastest)) + sum(c.training_seconds for c in extra),
            processor=processor(),
            memory=max(c.peak_memory_bytes for c in (*costs, *extra)),
            device=", ".join(sorted({c.device for c in (*costs, *extra)})),
        )

    def language_adapter(self) -> tuple[int, float] | None:
        """Return the steps and seconds of one of MAD-X's language adapters, or None where there are none."""
        cost = self._cost(LANGUAGE_ADAPTERS)
        if cost is None:
            return None
        return (
            self.benchmark.scales[self.planner.scale].language_steps,
            cost.training_seconds / (1 + len(self.benchmark.languages)),
        )

    def is_madx(self, system: str) -> bool:
        return isinstance(self.benchmark.methods[base(system)].method, MADXConfig)

    def _cost(self, run: str) -> Cost | None:
        path = self.folder / run / "cost.json"
        return Cost.load(path) if path.is_file() else None


def join(runs: Sequence[Results], keep: Callable[[Row], bool] = lambda row: True) -> Results:
    """Return one results with the chosen cells of several; of a cell that several have, comparisons take the first."""
    rows = [row for results in runs for row in results.rows if keep(row)]
    counts = {
        str(row.pair): results.counts[str(row.pair)]
        for results in reversed(runs)
        for row in results.rows
        if keep(row) and str(row.pair) in results.counts
    }
    return runs[0].model_copy(update={"rows": rows, "averages": [], "counts": counts})


def mean_score(runs: Iterable[Results], task: str, languages: str = "all") -> float | None:
    """Return the mean score of a task's cells, of ``all``, ``seen`` or ``unseen`` languages or of one, or None."""
    scores = [row.score for results in runs for row in results.rows if row.task == task and _among(row, languages)]
    return mean(scores) if scores else None


def differences(first: Sequence[Results], second: Sequence[Results]) -> list[Difference]:
    """Compare, or return nothing where there is nothing to compare."""
    runs = [*first, *second]
    common = set.intersection(*({row.pair for row in results.rows} for results in runs)) if runs else set()
    return compare(first, second) if first and second and common else []


def find(differences: Iterable[Difference], task: str, languages: str = "all") -> Difference | None:
    return next((d for d in differences if d.task == task and d.languages == languages), None)


def _among(row: Row, languages: str) -> bool:
    if languages in ("seen", "unseen"):
        return row.seen is (languages == "seen")
    return languages in ("all", row.language)


def _raw(cost: Cost) -> int:
    return cost.examples.get("mlm", 0)
