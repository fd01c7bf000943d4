"""Files of a folder that anyone may have written."""

from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from hyperx.data.strict_json import parse
from hyperx.errors import HyperXError

MAX_JSON = 10_000_000  # bytes


def own_file(folder: Path, name: str, max_bytes: int | None = None) -> Path:
    """Return the path of a folder's file.

    Raises:
        HyperXError: it is no file, larger than it may be, or a link that leads out of the folder.
    """
    path, home = folder / name, folder.resolve()
    if not path.is_file():  # a pipe or a device may have no end
        raise HyperXError(f"{path} can't be read: there is no such file; expected the folder of a saved Hyper-X model")
    # The Hub's cache keeps the files of snapshots/<revision> in blobs.
    if not any(path.resolve().is_relative_to(place) for place in (home, home.parent.parent / "blobs")):
        raise HyperXError(f"{path} is a link to a file outside its folder, which is not followed; copy the file there")
    if max_bytes is not None and path.stat().st_size > max_bytes:
        raise HyperXError(f"{path} is larger than {max_bytes:,} bytes, which no such file is; get the folder again")
    return path


def read_json(folder: Path, name: str) -> Any:
    """Read a folder's JSON file.

    Raises:
        HyperXError: as of `own_file`, or it is no JSON.
    """
    path = own_file(folder, name, MAX_JSON)
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HyperXError(f"{path} can't be read ({error}); expected the folder of a saved Hyper-X model") from error


def read_tensors(folder: Path, name: str) -> dict[str, Tensor]:
    """Read a folder's safetensors file.

    Raises:
        HyperXError: as of `own_file`, or it is broken.
    """
    path = own_file(folder, name)
    try:
        with path.open("rb"):  # of a file that may not be read, the library says that it is not there
            return load_file(path)
    except PermissionError as error:
        raise HyperXError(f"this process's user may not read {path}; chmod a+r lets every user") from error
    except Exception as error:  # whatever the library makes of a header
        raise HyperXError(f"{path} can't be read ({error}); copy the model again") from error
