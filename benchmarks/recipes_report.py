"""The report of ``results/recipes``: a table and curves, from the committed figures alone."""

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.afrimix_report import COLOURS, header, row

LABELS = {
    "default": "Hyper-X, default",
    "single": "single adapter",
    "paper": "Hyper-X, paper",
    "paper-10000": "Hyper-X, paper, 10,000 steps",
    "rate-1e-3": "hypernetwork at 1e-3",
    "rate-sqrt": "hypernetwork at 1e-3 / √d_p",
    "head-1e-3": "tag heads at 1e-3",
    "d_p-8": "d_p = 8",
    "d_p-192": "d_p = 192",
    "b-32": "b = 32",
    "b-256": "b = 256",
    "no-mlm": "no MLM",
}
GROUPS = [(task, cells) for task in ("pos", "ner") for cells in ("trained", "zero-shot")]
STAGES = (200, 400, 1000, 10000)
DRAWN = {"default": COLOURS["hyperx"], "single": COLOURS["single"], "paper": COLOURS["paper"]}
LONG = "paper-10000"

PREFACE = """# Time to quality

Dev scores by step on AfriMix mixed-1: means over cells (40 sentences each), averaged over seeds, ± half the seeds' range.
A run's learning rates fall over 1,000 steps of 16 sentences, unless its name says otherwise.
Adapters read the feed-forward block's output alone (`norm_first: false`, not today's default); raw text has its share of the
steps, but for "no MLM".
Made by `python -m benchmarks.recipes`; a run's losses and dev scores of every cell are in its file.
"""

Curve = dict[int, dict[tuple[str, str], float]]


def write_report(folder: Path) -> None:
    """Write ``README.md`` and ``curves.png`` into the folder of the runs' curves."""
    runs: dict[str, list[Curve]] = {}
    for path in sorted(folder.glob("*-seed*.json")):
        values = json.loads(path.read_text(encoding="utf-8"))
        runs.setdefault(values["variant"], []).append(curve(values))
    names = [f"{task.upper()} {cells}" for task, cells in GROUPS]
    lines = [header("Recipe", "Seeds", "Step", *names)]
    for variant in (name for name in LABELS if name in runs):
        for step in (step for step in STAGES if all(step in run for run in runs[variant])):
            scores = [_spread([run[step][group] for run in runs[variant]]) for group in GROUPS]
            lines.append(row(LABELS[variant], len(runs[variant]), f"{step:,}", *scores))
    draw(runs, folder / "curves.png")
    table = "\n".join(lines)
    (folder / "README.md").write_text(f"{PREFACE}\n{table}\n\n![Dev scores by step](curves.png)\n", encoding="utf-8")


def curve(values: Mapping[str, Any]) -> Curve:
    """Return a run's mean dev scores by step, of each task's trained and zero-shot cells."""
    trained = set(values["trained"])
    result: Curve = {}
    for stage in values["curve"]:
        groups: dict[tuple[str, str], list[float]] = {}
        for pair, score in stage["scores"].items():
            groups.setdefault((pair.split("/")[0], "trained" if pair in trained else "zero-shot"), []).append(score)
        result[stage["step"]] = {group: mean(scores) for group, scores in groups.items()}
    return result


def _spread(scores: list[float]) -> str:
    spread = f" ±{(max(scores) - min(scores)) / 2:.1f}" if len(scores) > 1 else ""
    return f"{mean(scores):.1f}{spread}"


def draw(runs: Mapping[str, list[Curve]], path: Path) -> None:
    """Draw the main recipes' curves, a panel a task and kind of cell; the seeds' range is a band."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(GROUPS), figsize=(13, 3.7), dpi=160)
    for axes, (task, cells) in zip(panels, GROUPS, strict=True):
        for variant in (name for name in DRAWN if name in runs):
            steps = sorted(set.intersection(*(set(run) for run in runs[variant])))
            values = [[run[step][task, cells] for run in runs[variant]] for step in steps]
            axes.plot(steps, [mean(v) for v in values], color=DRAWN[variant], label=LABELS[variant])
            low, high = [min(v) for v in values], [max(v) for v in values]
            axes.fill_between(steps, low, high, color=DRAWN[variant], alpha=0.2, lw=0)
        if LONG in runs:
            final = mean(run[max(run)][task, cells] for run in runs[LONG])
            axes.axhline(final, color=COLOURS["paper"], ls="--", lw=1, label="Hyper-X, paper, at 10,000 steps")
        axes.set_title(f"{task.upper()}, {cells}", loc="left", fontsize=10, weight="bold")
        axes.set_xlabel("steps of 16 sentences")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("dev score")
    figure.legend(*panels[0].get_legend_handles_labels(), frameon=False, fontsize=9, ncols=4, loc="lower center")
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    figure.savefig(path, facecolor="white")
    plt.close(figure)
