"""Runs a study's runs, each or a group in a process of its own: skips the finished, resumes the broken off, keeps the figures."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

from hyperx.config import save_run_config
from hyperx.cost import Cost
from hyperx.results import Results
from hyperx.study.runs import Run

KEPT = ("results.json", "results.safetensors", "cost.json", "environment.json", "log.json")
LOG = "output.log"
POLL_SECONDS = 0.5


class Runner:
    """Runs what is not finished, `jobs` at a time.

    Args:
        runs: in the order in which to start them; what a run needs is started before.
        results: the folder that a finished run's figures are copied to.
        tell: told what happens, a line at a time.

    Attributes:
        running: the process of each run that is under way; runs of a group share one.
    """

    def __init__(
        self, runs: Sequence[Run], *, results: Path, jobs: int = 1, tell: Callable[[str], None] = lambda line: None
    ) -> None:
        self.runs, self.results, self.jobs, self.tell = list(runs), results, jobs, tell
        self.waiting = self._to_do()
        self.running: dict[Run, subprocess.Popen[bytes]] = {}
        self.failed: list[Run] = []

    def _to_do(self) -> list[Run]:
        """Return the runs without figures, and those that they start from whose models are not there any more."""
        todo: list[Run] = []
        for run in reversed(self.runs):
            gone = not (run.config.folder / "model").exists() and run.name in {other.needs for other in todo}
            if gone or not self.finished(run):
                todo.insert(0, run)
        return todo

    def finished(self, run: Run) -> bool:
        """Whether a run's figures are there, in the study's folder or in its own."""
        if (self.results / run.name / "results.json").exists():
            return True
        if (run.config.folder / "results.json").exists():
            self._keep(run)
            return True
        return False

    def seconds_left(self) -> float | None:
        """Return how long what is left will take, judged by what is finished; None before anything is."""
        finished = [run for run in self.runs if run not in (*self.waiting, *self.running, *self.failed)]
        rates = {run: _seconds(self.results / run.name) / run.config.training.steps for run in finished}
        if not rates:
            return None
        total = 0.0
        for run in (*self.waiting, *self.running):
            alike = [rate for other, rate in rates.items() if other.system == run.system]
            total += run.config.training.steps * mean(alike or rates.values())
        return total / self.jobs

    def run(self) -> list[Run]:
        """Run all, and return those that failed or needed one that did; a failure doesn't stop the others."""
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
        for run in list(self.waiting):
            if run in self.running:
                continue
            if run.needs in lost:
                self.waiting.remove(run)
                self.failed.append(run)
                self.tell(f"{run.name} is left out: it needs {run.needs}")
            elif len(set(self.running.values())) < self.jobs and run.needs not in unfinished:
                together = [run] if run.group is None else [r for r in self.waiting if r.group == run.group]
                begun = any((run.config.folder / part).exists() for part in ("checkpoints", "results.json"))
                resume = run.group is None and begun
                self.running |= dict.fromkeys(together, self._train(together, resume=resume))
                self.waiting = [run for run in self.waiting if run not in self.running]
                self.tell(f"{run.group or run.name} {'goes on' if resume else 'starts'}")

    def _train(self, runs: Sequence[Run], *, resume: bool) -> "subprocess.Popen[bytes]":
        for run in runs:
            run.config.folder.mkdir(parents=True, exist_ok=True)
            save_run_config(run.config, run.config.folder / "config.yaml")
        if runs[0].group is None:
            arguments = [
                "hyperx",
                "train",
                str(runs[0].config.folder / "config.yaml"),
                *(["--resume"] if resume else []),
            ]
        else:
            arguments = ["hyperx.study.few_shot", *(str(run.config.folder) for run in runs)]
        threads = max(1, (os.cpu_count() or 1) // self.jobs)
        with _log(runs[0]).open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdout=log,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            )

    def _collect(self) -> None:
        for run, process in list(self.running.items()):
            code = process.poll()
            if code is None:
                continue
            del self.running[run]
            if code and not (run.group and self.finished(run)):  # the first of a group may be done when one fails
                self.failed.append(run)
                self.tell(f"{run.name} failed; the reason is at the end of {_log(run)}")
            else:
                self._keep(run)
                self.tell(f"{run.name} is done: {_scores(self.results / run.name)}")

    def _keep(self, run: Run) -> None:
        folder = self.results / run.name
        folder.mkdir(parents=True, exist_ok=True)
        for name in (
            name for name in sorted(KEPT, key="results.json".__eq__)
        ):  # results.json says that it is all there
            if (run.config.folder / name).exists():
                shutil.copy2(run.config.folder / name, folder / name)


def _log(run: Run) -> Path:
    return run.config.folder / LOG if run.group is None else run.config.folder.parent / f"{run.group}.log"


def _seconds(folder: Path) -> float:
    scoring = sum(row.seconds for row in Results.load(folder).rows)
    return Cost.load(folder / "cost.json").training_seconds + scoring


def _scores(folder: Path) -> str:
    averages = [average for average in Results.load(folder).averages if average.languages == "all"]
    return ", ".join(f"{a.task} {a.cells} {a.score:.1f}" for a in averages) or "no cells to score"
