"""Every method in every setting (Üstün et al. 2022, Table 2)."""

import math
from pathlib import Path

from hyperx.languages import name as language_name
from hyperx.results import Row
from hyperx.study.report import style
from hyperx.study.report.figures import GROUPS, MIXED, Compute, Figures, mean_score
from hyperx.study.report.markdown import NOTHING, best, number, picture, table, text

UNITS = {"ner": "NER F1", "pos": "POS accuracy"}
ORDER = ("ner", "pos")
COLUMNS = [f"{UNITS[task]}, {group}" for task in ORDER for group in GROUPS]
COMPUTE = ("labelled", "raw", "pieces", "trained parameters")


def settings(figures: Figures) -> dict[str, str]:
    """Return the settings' names for readers."""
    source = language_name(figures.benchmark.source)
    return {
        "single": f"{source} single-task",
        "multi": f"{source} multi-task",
        MIXED: "mixed-language multi-task",
    }


def section(figures: Figures, pictures: Path) -> str:
    """Return tables of zero-shot and trained cells in every setting, with what each method was given."""
    parts = []
    for setting, title in settings(figures).items():
        parts.append(f"### {title[0].upper()}{title[1:]}\n\n{scores(figures, setting)}")
    parts.append(f"### The mixed setting, partition by partition\n\n{partitions(figures)}")
    source = text(language_name(figures.benchmark.source))
    parts.append(f"### Trained cells in the mixed setting, without {source}\n\n{trained(figures)}")
    if any(figures.pooled(setting, system) for setting in settings(figures) for system in figures.benchmark.methods):
        parts.insert(0, picture(draw(figures, pictures / "transfer.png"), "Zero-shot scores by setting and method"))
    if low := collapsed(figures):
        parts.append(low)
    return "\n\n".join(parts)


def scores(figures: Figures, setting: str) -> str:
    """Return a setting's zero-shot means, and what each method was given to serve the matrix once."""
    rows = [
        [name(figures, setting, system), *cells, *given(figures.cost(setting, system)), seeds(figures, setting, system)]
        for system, cells in means(figures, setting).items()
    ]
    return table(["Method", *COLUMNS, *COMPUTE, "seeds"], rows)


def partitions(figures: Figures) -> str:
    rows = [
        [part, name(figures, part, system), *cells]
        for part in figures.parts(MIXED)
        for system, cells in means(figures, part).items()
    ]
    return table(["Partition", "Method", *COLUMNS], rows, left=2)


def trained(figures: Figures) -> str:
    rows = [[name(figures, MIXED, system), *cells] for system, cells in means(figures, MIXED, trained=True).items()]
    return table(["Method", *COLUMNS], rows)


def means(figures: Figures, setting: str, *, trained: bool = False) -> dict[str, list[str]]:
    """Return each method's means by task and kind of language, as shown; the best of those that lack no run are bold."""
    systems = systems_of(figures, setting)
    complete = [figures.complete(setting, system) for system in systems]
    columns = [
        best([figures.mean(setting, system, task, group, trained=trained) for system in systems], complete)
        for task in ORDER
        for group in GROUPS
    ]
    return {system: list(cells) for system, *cells in zip(systems, *columns, strict=True)}


def by_language(figures: Figures) -> str:
    """Return a table a setting and task: a row a language, a column a method."""
    parts = []
    for setting, title in settings(figures).items():
        systems = [system for system in systems_of(figures, setting) if figures.pooled(setting, system)]
        pooled = {system: figures.pooled(setting, system) for system in systems}
        for task in ORDER if systems else ():
            rows = []
            for language in sorted(figures.benchmark.languages, key=language_name):
                cells = best([mean_score(pooled[system], task, language) for system in systems])
                if set(cells) != {NOTHING}:
                    rows.append([language_label(figures, language), *cells])
            header = ["Language", *(name(figures, setting, system) for system in systems)]
            parts.append(f"### {UNITS[task]}, {title}\n\n{table(header, rows)}")
    return "\n\n".join(parts)


def collapsed(figures: Figures) -> str:
    """Name the cells that scored no better than the most frequent tag."""
    found: dict[str, list[Row]] = {}
    for run in sorted(figures.finished):
        low = [row for row in figures.load(run).rows if row.at_floor]
        if low:
            found[run] = low
    if not found:
        return ""
    lines = [f"- `{run}`: {', '.join(str(row.pair) for row in rows)}" for run, rows in found.items()]
    left_out = "A method that has all zero-shot cells of a task among them is left out of the pictures."
    return f"### Cells no better than the most frequent tag\n\n{left_out}\n\n" + "\n".join(lines)


def systems_of(figures: Figures, setting: str) -> list[str]:
    """Return the methods that are planned in a setting."""
    planned = set().union(*figures.plan.values())
    parts = figures.parts(setting)
    return [
        system
        for system in figures.benchmark.methods
        if any(figures.planner.run(part, system).name in planned for part in parts)
    ]


def name(figures: Figures, setting: str, system: str) -> str:
    """Return a method's name, marked where runs of the setting are missing."""
    runs = any(figures.runs(part, system) for part in figures.parts(setting))
    return text(style.label(system)) + (" †" if runs and not figures.complete(setting, system) else "")


def language_label(figures: Figures, language: str) -> str:
    return text(language_name(language)) + (" (unseen)" if language in figures.unseen else "")


def given(compute: Compute | None) -> list[str]:
    """Return what a method was given: sentences, pieces and parameters."""
    if compute is None:
        return [NOTHING] * len(COMPUTE)
    return [number(value) for value in (compute.labelled, compute.raw, compute.pieces, compute.trained)]


def seeds(figures: Figures, setting: str, system: str) -> str:
    return str(len(figures.pooled(setting, system))) if figures.pooled(setting, system) else NOTHING


def draw(figures: Figures, path: Path) -> Path:
    """Draw the zero-shot means by setting, a line a method, a panel a task and kind of language."""
    groups = ("seen", "unseen") if figures.unseen else ("all",)
    figure, axes = style.panels(len(ORDER), len(groups), sharex=True, sharey="row")
    for row, task in zip(axes, ORDER, strict=True):
        for panel, group in zip(row, groups, strict=True):
            for system in figures.benchmark.methods:
                values = [
                    figures.mean(setting, system, task, group)
                    if figures.complete(setting, system) and figures.learnt(setting, system)
                    else None
                    for setting in settings(figures)
                ]
                if any(value is not None for value in values):
                    gaps = [math.nan if value is None else value for value in values]  # which no line leads across
                    panel.plot(range(len(gaps)), gaps, ms=6, lw=1.2, label=style.label(system), **style.look(system))
            panel.set_title("all languages" if group == "all" else f"{group} languages", loc="left", fontsize=10)
            panel.set_xticks(range(3), ["single-task", "multi-task", "mixed"])
            panel.set_xlim(-0.3, 2.3)
        row[0].set_ylabel(f"{UNITS[task]}, zero-shot")
    style.legend(figure, axes)
    return style.save(figure, path)
