"""How pictures look: colours for the colour-blind, and marks and hatches that tell methods apart in black and white."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyperx.comparison import Difference

# Okabe and Ito's colours.
_STYLES = {
    "hyperx": ("Hyper-X", "#0072b2", "o", ""),
    "base": ("Hyper-X Base", "#000000", "p", "--"),
    "small": ("Hyper-X Small", "#f0e442", "*", "oo"),
    "paper": ("Hyper-X, paper's recipe", "#56b4e9", "D", "//"),
    "single": ("single adapter", "#e69f00", "s", ".."),
    "finetune": ("fine-tuning", "#009e73", "^", "xx"),
    "madx": ("MAD-X", "#d55e00", "v", "\\\\"),
    "psf": ("PSF", "#cc79a7", "P", "++"),
    "hyperx-mlm-all": ("raw text of all languages", "#d55e00", "v", "\\\\"),
    "hyperx-mlm-unseen": ("raw text of unseen languages", "#56b4e9", "D", "//"),
    "hyperx-mlm-none": ("no raw text", "#e69f00", "s", ".."),
}


def label(system: str) -> str:
    """Return what a method is called; another benchmark's own keep their names."""
    return _STYLES[system][0] if system in _STYLES else system


def look(system: str) -> dict[str, str]:
    _, colour, marker, _ = _STYLES.get(system, (system, "#444444", "X", ""))
    return {"color": colour, "marker": marker}


def hatch(system: str) -> str:
    return _STYLES[system][3] if system in _STYLES else ""


def panels(rows: int, columns: int, *, width: float = 3.6, height: float = 2.9, **options: Any) -> tuple[Any, Any]:
    """Return a figure and its panels, ``(rows, columns)``."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        rows, columns, figsize=(width * columns, height * rows), dpi=130, squeeze=False, layout="constrained", **options
    )
    for panel in axes.flat:
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", alpha=0.25)
        panel.set_axisbelow(True)
    return figure, axes


def intervals(panel: Any, differences: Sequence[Difference], heights: Sequence[float], system: str) -> None:
    """Draw differences with their intervals beside each other, and zero."""
    values = [d.points for d in differences]
    spread = [[d.points - d.low for d in differences], [d.high - d.points for d in differences]]
    looks = look(system)
    panel.errorbar(
        values,
        heights,
        xerr=spread,
        fmt=looks["marker"],
        color=looks["color"],
        ms=5,
        lw=1.2,
        capsize=2,
        label=label(system),
    )
    panel.axvline(0, color="0.4", lw=0.8)
    panel.grid(axis="x", alpha=0.25)


def legend(figure: Any, axes: Any, *, columns: int = 3) -> None:
    """Put every label of the panels once, above them."""
    handles = {
        name: handle for panel in axes.flat for handle, name in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=columns, frameon=False, fontsize=9)


def save(figure: Any, path: Path) -> Path:
    import matplotlib.pyplot as plt

    path.parent.mkdir(parents=True, exist_ok=True)
    # Without the date and version in it, the same figures make the same file.
    figure.savefig(path, facecolor="white", metadata={"Software": None})
    plt.close(figure)
    return path
