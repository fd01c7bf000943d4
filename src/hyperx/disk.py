"""Writing to disk: a file is whole or as it was before, and what can't be written is one clear error."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from hyperx.errors import HyperXError, first_line


@contextmanager
def writing(place: Path, cure: str | None = None) -> Iterator[None]:
    """Turn what goes wrong in writing to `place` into one clear error, which says the `cure`.

    Raises:
        HyperXError: the disk is full or broken, or takes no files.
    """
    try:
        yield
    except Exception as error:
        if not isinstance(error, OSError | SafetensorError) and type(error) is not Exception:  # which tokenizers raises
            raise
        reason = getattr(error, "strerror", None) or first_line(error)
        usual = "make room there, or choose another place" if _is_full(error) else "choose another place"
        raise HyperXError(f"{place} can't be written: {reason}; {cure or usual}") from error


def _is_full(error: Exception) -> bool:
    """Return whether a disk, a quota or a file is full; libraries written in Rust name the number in their message."""
    told = re.search(r"os error (\d+)", str(error))
    number = int(told[1]) if told else getattr(error, "errno", None)
    return number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_whole(path: Path, text: str) -> None:
    """Write a text file beside its place, and rename it."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    unfinished = path.with_name(f"{path.name}.partial")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a file to write that takes the name `path` once all went well, and is removed if not.

    A link is followed to what it names; a pipe or a device is written to as it is.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    place = path.resolve()
    partial = place.with_name(f"{place.name}.partial")
    with writing(path):
        place.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield partial
        with writing(path):
            partial.replace(place)
    finally:
        partial.unlink(missing_ok=True)
