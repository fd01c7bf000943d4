"""A run's folder is one process's as long as it trains there."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hyperx.disk import writing
from hyperx.errors import HyperXError

LOCK_NAME = "lock"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a run's folder, which is made unless it is there; the system lets go of it when the process ends, however it does.

    Raises:
        HyperXError: another process holds it, or it can't be written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK_NAME).open("ab")
    with file:
        if not _lock(file):
            raise HyperXError(
                f"another process trains in {folder}; wait until it ends or stop it, or give another --output"
            )
        yield


def is_held(folder: Path) -> bool:
    """Return whether a process trains in a run's folder."""
    path = folder / LOCK_NAME
    if not path.exists():
        return False
    with path.open("ab") as file:
        return not _lock(file)


def _lock(file: IO[bytes]) -> bool:
    """Lock a file until it is closed; return whether nobody else has."""
    if sys.platform == "win32":  # has no such locks
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # of a file system without locks, where runs have to be kept apart by hand
        return True
    return True
