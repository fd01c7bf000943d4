"""``hyperx study``."""

import signal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from hyperx.errors import HyperXError
from hyperx.partition import describe
from hyperx.study.benchmark import Benchmark, load_benchmark
from hyperx.study.report import write_report
from hyperx.study.runner import Runner
from hyperx.study.runs import STUDIES, Planner, of_methods


def study(
    name: Annotated[str, typer.Argument(help=f"{', '.join(STUDIES)}, or all.")],
    benchmark: Annotated[str, typer.Option(help="afrimix, paper, or a YAML file.")],
    scale: Annotated[str, typer.Option(help="How long runs are, as the benchmark says.")] = "small",
    data: Annotated[Path | None, typer.Option(help="The folder that the benchmark's corpora lie in.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder of the runs, with models and checkpoints.")] = Path("runs"),
    results: Annotated[Path, typer.Option(help="Folder of the figures.")] = Path("results"),
    jobs: Annotated[int, typer.Option(min=1, help="Runs at a time; they share the processor's cores.")] = 1,
    method: Annotated[
        list[str] | None, typer.Option(help="Run only this method and what it needs; can be given again.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show the runs, and train nothing.")] = False,
) -> None:
    """Run a study of the paper's, or go on with it.

    Finished runs are skipped and broken off ones resumed, so the same command goes on after a stop of any kind.
    """
    planner = find_planner(benchmark, scale, data=data, runs=runs)
    if name not in STUDIES and name != "all":
        raise HyperXError(f"there is no study '{name}'; give one of {', '.join(STUDIES)}, or all")
    planned = {run.name: run for study in (STUDIES if name == "all" else [name]) for run in STUDIES[study](planner)}
    if not planned:
        raise HyperXError(
            f"the scale '{scale}' says nothing of the study '{name}'; give it the key few_shot in the YAML file"
        )
    todo = of_methods([*planned.values()], method) if method else [*planned.values()]
    console = Console(stderr=True, highlight=False)
    runner = Runner(todo, results=results / planner.folder.name, jobs=jobs)
    runner.tell = lambda line: console.print(f"{line} [dim]({left(runner)})[/]")
    if plan:
        show_plan(planner.benchmark, runner)
        return
    console.print(left(runner))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # which ends the trainers, too
    try:
        failed = runner.run()
    except KeyboardInterrupt:
        console.print("Stopped. The same command goes on.")
        raise typer.Exit(130) from None
    if any(map(runner.finished, runner.runs)):
        report = runner.results / "report.md"
        write_report(planner, runner.results, report)
        console.print(f"The report is in {report} and {report.with_suffix('.html')}")
    if failed:
        raise HyperXError(f"{len(failed)} runs failed: {', '.join(run.name for run in failed)}")
    console.print(f"All {len(runner.runs)} runs are finished; their figures are in {runner.results}")


def find_planner(benchmark: str, scale: str, *, data: Path | None, runs: Path) -> Planner:
    """Load a benchmark and make the planner of its runs.

    Raises:
        HyperXError: there is no such benchmark, it is wrong, or has no such scale.
    """
    described = load_benchmark(benchmark, data)
    if scale not in described.scales:
        raise HyperXError(f"the benchmark has no scale '{scale}'; it has {', '.join(described.scales)}")
    return Planner(described, scale, runs / f"{described.name}-{scale}")


def show_plan(benchmark: Benchmark, runner: Runner) -> None:
    """Print the runs' partitions, the runs, and which of them are finished."""
    console = Console(highlight=False)
    console.print(f"[bold]{benchmark.name}[/]: {len(benchmark.languages) + 1} languages, {benchmark.backbone}")
    planned = {run.setting for run in runner.runs}
    parts = {
        setting: benchmark.partition(number, swapped=kind == "swapped")
        for kind in ("mixed", "swapped")
        for number in range(1, len(benchmark.partitions) + 1)
        if (setting := f"{kind}-{number}") in planned
    }
    if parts:
        console.print("The task whose labels a run does not see, and is scored on zero-shot:")
        console.print(describe(parts, benchmark.family_of), markup=False, soft_wrap=True)
    table = Table("Run", "Method", "Steps", "", box=None, pad_edge=False)
    for run in runner.runs:
        state = "to do" if run in runner.waiting else "finished"
        table.add_row(run.name, run.config.method.name, f"{run.config.training.steps:,}", state)
    console.print(table)
    console.print(left(runner))


def left(runner: Runner) -> str:
    """Say how many runs are finished and how long the others will take."""
    unfinished = len(runner.waiting) + len(runner.running) + len(runner.failed)
    line = f"{len(runner.runs) - unfinished} of {len(runner.runs)} runs are finished"
    seconds = runner.seconds_left()
    return line if seconds is None else f"{line}, about {seconds / 3600:.1f} hours left"
