"""What the targets have in common: a new folder, its README, and a pair's linear head."""

from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from torch import Tensor

from hyperx.errors import HyperXError
from hyperx.modeling import HyperX
from hyperx.pairs import Pair


def new_folder(folder: Path) -> Path:
    """Make an empty folder.

    Raises:
        HyperXError: it holds something, or can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        occupied = any(folder.iterdir())
    except OSError as error:
        raise HyperXError(f"{folder} can't be written to: {error.strerror}; give another output folder") from error
    if occupied:
        raise HyperXError(f"{folder} is not empty; give a new output folder")
    return folder


def write_readme(folder: Path, template: str, **values: Any) -> None:
    """Fill in one of the README templates, which are beside this file."""
    text = (files("hyperx.exporters") / "readmes" / f"{template}.md").read_text(encoding="utf-8")
    (folder / "README.md").write_text(Template(text).substitute(values), encoding="utf-8")


def linear_head(model: HyperX, pair: Pair) -> tuple[Tensor, Tensor]:
    """Return the weight, ``(num_labels, hidden)``, and the bias of a tagging pair's head.

    Raises:
        HyperXError: the pair is outside the model's matrix, or the task tags nothing.
    """
    model.tagging_task(pair.task)
    head: Any = model.head(pair)[0]
    linear = getattr(head, "output", head)
    return linear.weight.detach(), linear.bias.detach()
