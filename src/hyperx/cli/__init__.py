"""The ``hyperx`` command."""

import errno
import gc
import sys

from hyperx.distributed import first_to_fail
from hyperx.errors import HyperXError

OF_THE_DISK = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG}


def main() -> None:
    """Run the command line; a user's mistake is one paragraph on standard error and exit status 1, also of several processes."""
    gc.set_threshold(10_000)  # the usual 700 make imports, which leave no garbage, half a second longer
    from rich.console import Console

    from hyperx.cli.app import app
    from hyperx.terminal import plain

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        app()
    except HyperXError as error:
        if first_to_fail():
            console.print(f"[bold red]Error:[/] {plain(str(error))}")
        sys.exit(1)
    except Exception as error:
        if first_to_fail():
            if not (isinstance(error, OSError) and error.errno in OF_THE_DISK):
                raise
            place = error.filename or "the disk"
            console.print(f"[bold red]Error:[/] {plain(f'{place}: {error.strerror}')}")
        sys.exit(1)  # or cut off by another process's failure
