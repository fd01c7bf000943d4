"""Writing to disk: a file or a folder is whole or as it was before, and what can't be written is one clear error."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from hyperx.errors import HyperXError, first_line

UNFINISHED = ".hyperx.partial"


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
    unfinished = _beside(path)
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def _beside(path: Path) -> Path:
    """Return a name for a file's content until it is whole, which no other process takes."""
    return path.with_name(f"{path.name}.{os.getpid()}.partial")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a file to write that takes the name `path` once all went well, and is removed if not.

    A link is followed to what it names; a pipe or a device is written to as it is.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    place = path.resolve()
    partial = _beside(place)
    with writing(path):
        place.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield partial
        with writing(path):
            if place.exists():
                shutil.copymode(place, partial)
            partial.replace(place)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to write to; once all is written `folder` has what it holds, and on an error nothing of it.

    It is inside `folder`, which may be a container's volume or the working directory: neither can be replaced.

    Raises:
        HyperXError: the folder holds something, or can't be written.
    """
    unfinished = folder / UNFINISHED
    with writing(folder):
        there = folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        if any(path != unfinished for path in folder.iterdir()):
            raise HyperXError(f"{folder} is not empty; give a new folder")
        shutil.rmtree(unfinished, ignore_errors=True)  # of a writing that was cut off
        try:
            unfinished.mkdir()
            yield unfinished
        except BaseException:
            shutil.rmtree(unfinished if there else folder, ignore_errors=True)
            raise
        for path in list(unfinished.iterdir()):
            path.rename(folder / path.name)
        unfinished.rmdir()
