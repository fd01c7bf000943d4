"""``hyperx compare``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from hyperx.errors import HyperXError
from hyperx.terminal import plain


def compare(
    runs: Annotated[list[Path], typer.Argument(help="The runs of a method, one a seed.")],
    against: Annotated[list[Path], typer.Option(help="A run of the method to beat; once a seed.")],
    cells: Annotated[bool, typer.Option("--cells", help="Show every cell, too.")] = False,
) -> None:
    """Compare two methods on the same cells, by a paired bootstrap over sentences.

    Example: hyperx compare runs/hyperx-1 runs/hyperx-2 --against runs/single-1 --against runs/single-2
    """
    from hyperx.comparison import compare as differences
    from hyperx.results import Results, results_file

    files = [results_file(run).resolve() for run in (*runs, *against)]
    if twice := sorted({str(file) for file in files if files.count(file) > 1}):
        raise HyperXError(f"{', '.join(twice)} is given twice; give each run once")
    first, second = ([Results.load(run) for run in folders] for folders in (against, runs))
    names = [first[0].method, second[0].method]
    if names[0] == names[1]:
        names = [", ".join(map(str, folders)) for folders in (against, runs)]
    groups = ("all", "seen", "unseen")
    table = Table("Task", "Cells", "Languages", box=None, pad_edge=False)
    for column in (*map(plain, names), "Difference", "95 % interval"):
        table.add_column(column, justify="right", overflow="fold")
    for found in differences(first, second):
        if cells or found.languages in groups:
            points = f"{found.points:+.1f}"
            if found.significant:
                points = f"[bold {'green' if found.points > 0 else 'red'}]{points}[/]"
            spread = f"{found.low:+.1f} to {found.high:+.1f}"
            scores = f"{found.first:.1f}", f"{found.second:.1f}"
            table.add_row(found.task, found.cells, found.languages, *scores, points, spread)
    Console(highlight=False).print(table)
