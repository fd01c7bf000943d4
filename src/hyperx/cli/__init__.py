"""The ``hyperx`` command."""

import errno
import gc
import sys

from hyperx.distributed import first_to_fail
from hyperx.errors import HyperXError

UNWRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO}


def main() -> None:
    """Run the command line; a user's mistake is one paragraph on standard error and exit status 1, also of several processes."""
    gc.set_threshold(10_000)  # the usual 700 make imports, which leave no garbage, half a second longer
    from rich.console import Console
    from rich.markup import escape

    from hyperx.cli.app import app

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        app()
    except HyperXError as error:
        if first_to_fail():
            console.print(f"[bold red]Error:[/] {escape(str(error))}")
        sys.exit(1)
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        place = error.filename or "the disk"
        console.print(
            f"[bold red]Error:[/] {escape(f'{place}: {error.strerror}; make room there, or choose another place')}"
        )
        sys.exit(1)
    except Exception:
        if first_to_fail():
            raise
        sys.exit(1)  # cut off by another process's failure
