"""Lines of text files that may hold anything."""

import os
import stat
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO

from hyperx.errors import HyperXError

MAX_LINE = 1_000_000  # bytes


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each line's number, from 1, and its text without the line end.

    Raises:
        HyperXError: the file is missing, a directory, a pipe, empty or not UTF-8, or a line has NUL bytes or is too long.
    """
    number = 0
    with open_file(path) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise HyperXError(
                f"{path} is a pipe or a device, and labels and raw text are read more than once; save it to a file"
            )
        for number, line in decode_lines(file, str(path)):
            yield number, line
    if number == 0:
        raise HyperXError(f"{path} is empty; expected at least one sentence")


def decode_lines(file: BinaryIO, name: str) -> Iterator[tuple[int, str]]:
    """Yield each line's number, from 1, and its text, of a file or a stream that is open.

    Args:
        name: the file's, for messages.

    Raises:
        HyperXError: a line is not UTF-8, has NUL bytes or is too long.
    """
    number = 0
    while raw := _read_line(file, name):
        number += 1
        if len(raw) > MAX_LINE:
            raise HyperXError(
                f"{name}:{number}: the line is longer than {MAX_LINE:,} bytes; expected a word or a sentence a line. "
                "Break it, or check that this is a text file."
            )
        if b"\0" in raw:
            raise HyperXError(f"{name}:{number}: NUL bytes; this is no text file, or it is UTF-16: save it as UTF-8")
        yield number, _decode(raw, name, number)


def _read_line(file: BinaryIO, name: str) -> bytes:
    try:
        return file.readline(MAX_LINE + 1)
    except OSError as error:
        raise HyperXError(f"{name} can't be read: {error.strerror or error}") from error


def open_file(path: Path) -> BinaryIO:
    """Open a file to read its bytes.

    Raises:
        HyperXError: it is missing, a directory, or can't be read.
    """
    try:
        return path.open("rb")
    except IsADirectoryError:
        raise HyperXError(f"{path} is a directory; give the files in it") from None
    except FileNotFoundError:
        near = get_close_matches(path.name, [p.name for p in path.parent.iterdir()], 1) if path.parent.is_dir() else []
        hint = f"; did you mean {path.parent / near[0]}?" if near else ""
        raise HyperXError(f"there is no file {path}{hint}") from None
    except OSError as error:
        raise HyperXError(f"{path} can't be read: {error.strerror}") from error


def _decode(raw: bytes, name: str, number: int) -> str:
    try:
        text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise HyperXError(
            f"{name}:{number}: not UTF-8 at byte {error.start + 1} of the line; convert the file, "
            f"for example with: iconv -f LATIN1 -t UTF-8 {Path(name).name}"
        ) from error
    return text.rstrip("\r\n")
