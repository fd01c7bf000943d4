"""``hyperx report``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hyperx.cli.study import find_planner


def report(
    benchmark: Annotated[str, typer.Option(help="afrimix, paper, or a YAML file.")],
    scale: Annotated[str, typer.Option(help="That of the runs.")] = "small",
    results: Annotated[Path, typer.Option(help="Folder of the figures.")] = Path("results"),
    output: Annotated[Path, typer.Option(help="Markdown file; a page and a folder of pictures go beside it.")] = Path(
        "docs/study.md"
    ),
) -> None:
    """Report on a benchmark's studies, from the figures of the runs that are finished.

    Neither data nor models are needed.
    """
    from hyperx.study.report import write_report

    # The benchmark names data by its folder, which a report does not read.
    planner = find_planner(benchmark, scale, data=Path(), runs=Path("runs"))
    write_report(planner, results / planner.folder.name, output)
    Console(stderr=True, highlight=False).print(f"The report is in {output} and {output.with_suffix('.html')}")
