"""The ``hyperx`` command."""

import gc
import sys

from hyperx.distributed import first_to_fail
from hyperx.errors import HyperXError


def main() -> None:
    """Run the command line; a user's mistake is one paragraph on standard error and exit status 1, also of several processes."""
    gc.set_threshold(10_000)  # the usual 700 make imports, which leave no garbage, half a second longer
    from rich.console import Console
    from rich.markup import escape

    from hyperx.cli.app import app

    try:
        app()
    except HyperXError as error:
        if first_to_fail():
            Console(stderr=True, highlight=False, soft_wrap=True).print(f"[bold red]Error:[/] {escape(str(error))}")
        sys.exit(1)
    except Exception:
        if first_to_fail():
            raise
        sys.exit(1)  # cut off by another process's failure
