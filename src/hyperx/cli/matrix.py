"""``hyperx matrix``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def matrix(
    run: Annotated[Path, typer.Argument(help="A run's folder, or a results.json.")],
    png: Annotated[Path | None, typer.Option(help="Draw a picture, too.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page, too.")] = None,
) -> None:
    """Show a run's task-language matrix: trained cells, zero-shot cells, and how sure the scores are."""
    from hyperx.matrix import print_matrix, save_html, save_png
    from hyperx.results import Results

    results = Results.load(run)
    print_matrix(results, Console(highlight=False))
    for path, save in ((png, save_png), (html, save_html)):
        if path:
            save(results, path)
            typer.echo(f"Saved in {path}", err=True)
