"""A folder for the bytes, in memory where the system has such a place."""

import atexit
import tempfile
from pathlib import Path

_memory = Path("/dev/shm")
_folder = tempfile.TemporaryDirectory(prefix="hyperx-fuzz-", dir=_memory if _memory.is_dir() else None)
atexit.register(_folder.cleanup)
FOLDER = Path(_folder.name)


def write(name: str, data: bytes) -> Path:
    """Write a file, and return its path."""
    path = FOLDER / name
    path.write_bytes(data)
    return path
