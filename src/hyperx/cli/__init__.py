"""The ``hyperx`` command."""

import sys

import typer
from rich.console import Console

from hyperx.cli import backbone, data, matrix
from hyperx.errors import HyperXError

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False)
app.add_typer(data.app, name="data")
app.add_typer(backbone.app, name="backbone")
app.command("matrix")(matrix.matrix)


def main() -> None:
    """Run the command line; a user's mistake is one paragraph on standard error and exit status 1."""
    try:
        app()
    except HyperXError as error:
        Console(stderr=True, highlight=False).print(f"[bold red]Error:[/] {error}", markup=True)
        sys.exit(1)
