"""Which file is tagged into which."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hyperx.errors import HyperXError

STANDARD_INPUT = Path("-")


class Work(NamedTuple):
    """A file to tag.

    Attributes:
        file: or `STANDARD_INPUT`.
        target: the file to write; None for standard output.
        suffixed: the target has its suffix; one in a folder gets that of its format.
    """

    file: Path
    target: Path | None
    suffixed: bool = True


def plan_files(inputs: Sequence[Path], output: Path | None, *, folder: bool = False) -> list[Work]:
    """Pair each file to tag with the one to write.

    Args:
        inputs: files and folders, which are searched to their depths but for what is hidden; standard input where there are none.
        output: a file; a folder, if it is one or there are several files; None for standard output.
        folder: `output` is one, whether or not there is one yet.

    Raises:
        HyperXError: a folder is empty, two files would be written to one, or standard input into a folder.
    """
    files = [pair for path in inputs or [STANDARD_INPUT] for pair in _expanded(path, output)]
    if output is None:
        return [Work(file, None) for file, _ in files]
    several = len(files) > 1 or any(path.is_dir() for path in inputs)
    if not (several or folder or output.is_dir()):
        return [Work(files[0][0], output)]
    if any(file == STANDARD_INPUT for file, _ in files):
        raise HyperXError(
            f"what standard input is tagged into has no name in the folder {output}; give --output a file"
        )
    if output.exists() and not output.is_dir():
        raise HyperXError(f"{output} is a file, not a folder to tag into")
    planned: dict[Path, Path] = {}
    for file, relative in files:
        target = output / relative.with_suffix("")
        if target in planned:
            raise HyperXError(f"{planned[target]} and {file} would both be tagged into {target}; rename one")
        planned[target] = file
    return [Work(file, target, suffixed=False) for target, file in planned.items()]


def _expanded(path: Path, output: Path | None) -> list[tuple[Path, Path]]:
    """Return the files of a path, each with its path inside the folder."""
    if not path.is_dir():
        return [(path, Path(path.name))]
    written = output.resolve() if output else None
    found = [
        (file, file.relative_to(path))
        for file in sorted(path.rglob("*"))
        if file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
        and (written is None or written not in file.resolve().parents)
    ]
    if not found:
        raise HyperXError(f"there are no files in {path}; give files, or a folder of them")
    return found
