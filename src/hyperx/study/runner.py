"""Runs a study's runs, each or a group in a process of its own: skips the finished, resumes the broken off, keeps the figures."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import mean

from hyperx.config import save_run_config
from hyperx.cost import Cost
from hyperx.lock import is_held
from hyperx.results import RESULTS_NAME, Results
from hyperx.resuming import has_begun
from hyperx.study.kept import check_kept, keep
from hyperx.study.runs import Run

LOG = "output.log"
PLANNED = "planned.yaml"  # not config.yaml, which the run compares with what is planned before it goes on
POLL_SECONDS = 0.5


class Runner:
    """Runs what is not finished, `jobs` at a time.

    Args:
        runs: in the order in which to start them; what a run needs is started before.
        results: the folder that a finished run's figures are copied to.
        tell: told what happens, a line at a time.

    Attributes:
        running: the process of each run that is under way; runs of a group share one.
        elsewhere: runs and groups that a process of another study trains, or of one that was killed.

    Raises:
        HyperXError: a run's figures are of other settings than it is to have.
    """

    def __init__(
        self, runs: Sequence[Run], *, results: Path, jobs: int = 1, tell: Callable[[str], None] = lambda line: None
    ) -> None:
        self.runs, self.results, self.jobs, self.tell = list(runs), results, jobs, tell
        self.waiting = self._to_do()
        self.running: dict[Run, subprocess.Popen[bytes]] = {}
        self.elsewhere: set[str] = set()
        self.failed: list[Run] = []

    def _to_do(self) -> list[Run]:
        """Return the runs without figures, and those that they start from whose models are not there any more."""
        todo: list[Run] = []
        for run in reversed(self.runs):
            if not self._done(run, todo):
                todo.insert(0, run)
        return todo

    def _done(self, run: Run, others: Iterable[Run]) -> bool:
        """Whether a run's figures are there and, where one of the others starts from it, its model."""
        needed = run.name in {other.needs for other in others}
        return self.finished(run) and (not needed or (run.config.folder / "model").exists())

    def finished(self, run: Run) -> bool:
        """Whether a run's figures are there, in the study's folder or in its own.

        Raises:
            HyperXError: they are of other settings than the run is to have.
        """
        folder = self._figures(run)
        if not (folder / RESULTS_NAME).exists():
            return False
        check_kept(run, folder)
        return True

    def _figures(self, run: Run) -> Path:
        """Return the study's folder of a run's figures, or the run's own before they are copied."""
        kept = self.results / run.name
        return kept if (kept / RESULTS_NAME).exists() else run.config.folder

    def seconds_left(self) -> float | None:
        """Return how long what is left will take, judged by what is finished; None before anything is."""
        finished = [run for run in self.runs if run not in (*self.waiting, *self.running, *self.failed)]
        rates = {run: _seconds(self._figures(run)) / run.config.training.steps for run in finished}
        if not rates:
            return None
        total = 0.0
        for run in (*self.waiting, *self.running):
            alike = [rate for other, rate in rates.items() if other.system == run.system]
            total += run.config.training.steps * mean(alike or rates.values())
        return total / self.jobs

    def run(self) -> list[Run]:
        """Run all, and return those that failed or needed one that did; a failure doesn't stop the others."""
        for run in self.runs:
            if run not in self.waiting and self._figures(run) == run.config.folder:
                keep(run, self.results / run.name)
        try:
            while self.waiting or self.running:
                self._start()
                self._collect()
                time.sleep(POLL_SECONDS)
        finally:
            for process in self.running.values():
                process.terminate()
            for process in self.running.values():
                process.wait()
        return self.failed

    def _start(self) -> None:
        unfinished = {run.name for run in (*self.waiting, *self.running)}
        lost = {run.name for run in self.failed}
        places = self.jobs - len(set(self.running.values()))
        for name, runs in self._together().items():
            needs = runs[0].needs
            if needs in lost:
                self._leave_out(runs)
            elif places and needs not in unfinished:
                places -= 1  # also for what another process trains: it takes its share of the processor
                self._begin(name, runs)

    def _together(self) -> dict[str, list[Run]]:
        """Return the waiting runs by what one process trains: a group, or a run alone."""
        together: dict[str, list[Run]] = {}
        for run in self.waiting:
            together.setdefault(run.group or run.name, []).append(run)
        return together

    def _leave_out(self, runs: Sequence[Run]) -> None:
        for run in runs:
            self.waiting.remove(run)
            self.failed.append(run)
            self.tell(f"{run.name} is left out: it needs {run.needs}")

    def _begin(self, name: str, runs: Sequence[Run]) -> None:
        """Start runs, unless another process trains them: wait for that one, and take over what it finished."""
        if any(is_held(run.config.folder) for run in runs):
            if name not in self.elsewhere:
                self.tell(f"{name} waits for another process that trains it")
            self.elsewhere.add(name)
        elif name in self.elsewhere:
            self.elsewhere.remove(name)
            for run in [run for run in runs if self._done(run, self.waiting)]:
                self.waiting.remove(run)
                self._finish(run)
        else:
            begun = any(has_begun(run.config.folder) for run in runs)
            self.waiting = [run for run in self.waiting if run not in runs]
            self.running |= dict.fromkeys(runs, self._train(runs))
            self.tell(f"{name} {'goes on' if begun else 'starts'}")

    def _train(self, runs: Sequence[Run]) -> "subprocess.Popen[bytes]":
        planned = []
        for run in runs:
            run.config.folder.mkdir(parents=True, exist_ok=True)
            planned.append(run.config.folder / PLANNED)
            save_run_config(run.config, planned[-1])
        command = ["hyperx", "train", "--resume"] if runs[0].group is None else ["hyperx.study.few_shot"]
        threads = max(1, (os.cpu_count() or 1) // self.jobs)
        with _log(runs[0]).open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *command, *map(str, planned)],
                stdout=log,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            )

    def _collect(self) -> None:
        held = {process for run, process in self.running.items() if process.poll() and is_held(run.config.folder)}
        for run, process in list(self.running.items()):
            code = process.poll()
            if code is None:
                continue
            del self.running[run]
            if process in held:  # another study's process was there first
                self.waiting.append(run)
            elif code and not (run.group and self.finished(run)):  # the first of a group may be done when one fails
                self.failed.append(run)
                self.tell(f"{run.name} failed; the reason is at the end of {_log(run)}")
            else:
                self._finish(run)

    def _finish(self, run: Run) -> None:
        keep(run, self.results / run.name)
        self.tell(f"{run.name} is done: {_scores(self.results / run.name)}")


def _log(run: Run) -> Path:
    return run.config.folder / LOG if run.group is None else run.config.folder.parent / f"{run.group}.log"


def _seconds(folder: Path) -> float:
    scoring = sum(row.seconds for row in Results.load(folder).rows)
    return Cost.load(folder / "cost.json").training_seconds + scoring


def _scores(folder: Path) -> str:
    averages = [average for average in Results.load(folder).averages if average.languages == "all"]
    return ", ".join(f"{a.task} {a.cells} {a.score:.1f}" for a in averages) or "no cells to score"
