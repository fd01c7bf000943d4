"""``hyperx train``."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from hyperx.cli.data import show_notices
from hyperx.cli.progress import TrainingProgress
from hyperx.config import RunConfig, load_run_config
from hyperx.data.check import collected_notices
from hyperx.dataset import RunData, load_data
from hyperx.distributed import is_main
from hyperx.errors import HyperXError
from hyperx.plan import Plan
from hyperx.plan import plan as make_plan
from hyperx.terminal import numbered, plain

MAX_NAMED = 20  # cells without a test set


def train(
    config: Annotated[Path, typer.Argument(help="The run's YAML file; one that ran is its folder's config.yaml.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Keys to set, such as training.steps=1000.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="The run's folder; runs/NAME unless given.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the folder's last checkpoint.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Show what would happen, and train nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --plan: print JSON.")] = False,
) -> None:
    """Train a run and score its matrix."""
    if as_json and not plan:
        raise HyperXError("--json is of what --plan shows; give it, too")
    run_config = load_run_config(config, overrides or [])
    if output:
        run_config = run_config.model_copy(update={"output": output})
    if plan:
        with collected_notices() as notices:
            planned = make_plan(run_config, resume=resume)
        planned.notices += notices
        show_plan(planned, as_json=as_json)
        return
    run(run_config, Console(stderr=True, highlight=False, quiet=not is_main()), resume=resume)


def run(config: RunConfig, console: Console, *, resume: bool = False) -> None:
    """Train with progress on the console, and print the matrix."""
    from hyperx.lock import LOCK_NAME
    from hyperx.matrix import print_matrix
    from hyperx.run import train as train_run

    with console.status("Reading the data"), collected_notices() as notices:
        data = load_data(config)
    folder = plain(str(config.folder))
    announce(config, data, console)
    show_notices(data.notices + notices, console)
    if resume and not _checkpoints(config):
        console.print(f"[dim]No checkpoint in {folder} to go on from[/]")
    try:
        with console.status("") as status:
            shown = TrainingProgress(console, status)
            _, results = train_run(config, data=data, resume=resume, callbacks=[shown], progress=status.update)
    except KeyboardInterrupt:
        console.print(
            f"Stopped. Go on with the last checkpoint in {folder} by --resume."
            if _checkpoints(config)
            else f"Stopped before the first checkpoint in {folder}: --resume begins anew."
        )
        raise typer.Exit(130) from None
    if results.rows:
        print_matrix(results, Console(highlight=False, quiet=not is_main()))
    console.print(
        f"Saved in {folder}: {', '.join(sorted(path.name for path in config.folder.iterdir() if path.name != LOCK_NAME))}"
    )


def _checkpoints(config: RunConfig) -> list[Path]:
    return list((config.folder / "checkpoints").glob("checkpoint-*"))


def announce(config: RunConfig, data: RunData, console: Console) -> None:
    """Say what is about to be trained."""
    sentences = sum(len(rows) for rows in data.train.values())
    streamed = f" and {numbered(len(data.streams), 'stream')}" if data.streams else ""
    trained = sum(1 for pair in data.train if pair in data.test)
    pairs = f"{numbered(len(data.trained), 'trained pair')} with {numbered(sentences, 'sentence')}{streamed}"
    console.print(
        f"[bold]{config.name}[/]: {config.method.name} on {plain(config.backbone)}, {pairs}, "
        f"{numbered(len(data.test), 'cell')} to score, {len(data.test) - trained} of them zero-shot"
    )


def show_plan(plan: Plan, *, as_json: bool) -> None:
    """Print a plan as tables or JSON."""
    if as_json:
        typer.echo(json.dumps(plan.as_dict(), indent=2))
        return
    console = Console(highlight=False)
    console.print(f"[bold]{plan.name}[/]: {plan.method} on {plain(plan.backbone)}")
    share = plan.trained_parameters / plan.backbone_parameters
    console.print(f"Trained parameters {plan.trained_parameters:,} ({share:.1%} of the backbone's)")
    for part, count in plan.parts.items():
        console.print(f"  {part:<12} {count:>14,}")
    table = Table("Trained pair", box=None, pad_edge=False)
    for column in ("Sentences", "Words", "Probability"):
        table.add_column(column, justify="right")
    for pair in plan.pairs:
        table.add_row(
            pair.pair,
            "?" if pair.sentences is None else f"{pair.sentences:,}",
            "?" if pair.words is None else f"{pair.words:,}",
            "?" if pair.probability is None else f"{pair.probability:.2%}",
        )
    console.print(table)
    cells = f"Zero-shot cells that are scored ({len(plan.zero_shot)}): {', '.join(plan.zero_shot) or 'none'}"
    if untested := plan.tagged_only:
        named = f"{', '.join(untested[:MAX_NAMED])}{', …' * (len(untested) > MAX_NAMED)}"
        cells += f"; without a test set ({len(untested):,}), to be tagged only: {named}"
    console.print(cells)
    time = "unknown" if plan.seconds is None else f"about {max(1, round(plan.seconds / 60)):,} min on this machine"
    console.print(
        f"{plan.steps:,} steps of {plan.batch_size} sentences; memory at least {plan.memory_bytes / 2**30:.1f} GiB; time {time}"
    )
    show_notices(plan.notices, console)
