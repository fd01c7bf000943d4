"""Scores after training on a few sentences of the target (Üstün et al. 2022, Figure 6)."""

import re
from collections.abc import Mapping
from pathlib import Path
from statistics import mean

from hyperx.comparison import Difference
from hyperx.languages import name as language_name
from hyperx.pairs import Pair
from hyperx.results import Results
from hyperx.study.report import style
from hyperx.study.report.figures import Figures, differences, join
from hyperx.study.report.markdown import NOTHING, best, picture, table, text
from hyperx.study.report.transfer import ORDER, UNITS, language_label

SYSTEMS = ("hyperx", "finetune", "madx")
DRAWS = 3
_NAME = re.compile(r"few-shot-(.+)-(pos|ner)-([a-z]+)-(\d+)-draw(\d+)")
Curve = dict[int, list[float]]


def runs(figures: Figures) -> dict[str, dict[Pair, dict[int, list[Results]]]]:
    """Return the finished runs' cells by system, cell and number of sentences, a draw each.

    Zero sentences are the run trained on the source language alone, which all the others start from. All cells count as
    trained, so that they can be compared.
    """
    found: dict[str, dict[Pair, dict[int, list[Results]]]] = {}
    for run in sorted(figures.finished):
        if match := _NAME.fullmatch(run):
            system, task, language, size, _ = match.groups()
            cell = Pair(task, language)
            cells = found.setdefault(system, {})
            if cell not in cells:
                start = figures.planner.few_shot_start(system)
                cells[cell] = {0: _cell([figures.load(r) for r in figures.runs("multi", start)], cell)}
            cells[cell].setdefault(int(size), []).extend(_cell([figures.load(run)], cell))
    return {system: dict(sorted(found[system].items())) for system in figures.benchmark.methods if system in found}


def _cell(several: list[Results], cell: Pair) -> list[Results]:
    chosen = [join([results], lambda row: row.pair == cell) for results in several]
    return [
        results.model_copy(update={"rows": [row.model_copy(update={"trained": True}) for row in results.rows]})
        for results in chosen
        if results.rows
    ]


def curve(sizes: dict[int, list[Results]]) -> Curve:
    """Return the draws' scores by number of sentences, in order."""
    return {size: [results.rows[0].score for results in sizes[size]] for size in sorted(sizes) if sizes[size]}


def sizes(figures: Figures) -> list[int]:
    """Return the numbers of sentences that there are runs of."""
    return sorted({size for cells in runs(figures).values() for found in cells.values() for size in found} - {0})


def planned_sizes(figures: Figures) -> list[int]:
    """Return the numbers of sentences that the study asks for, or that there are runs of."""
    study = figures.benchmark.scales[figures.planner.scale].few_shot
    return sorted({*sizes(figures), *(study.sizes if study else ())})


def compare(figures: Figures, first: tuple[str, int], second: tuple[str, int]) -> list[Difference]:
    """Compare two (system, number of sentences), draw by draw, on the cells that both have."""
    found = runs(figures)
    both = [found.get(system, {}) for system, _ in (first, second)]
    draws = [
        {cell: s for cell, sizes in side.items() if (s := sizes.get(size))}
        for side, (_, size) in zip(both, (first, second), strict=True)
    ]
    common = [cell for cell in draws[0] if cell in draws[1]]
    pooled = [[join(several) for several in zip(*(side[cell] for cell in common), strict=False)] for side in draws]
    return differences(*pooled)


def unfinished(figures: Figures) -> bool:
    """Whether planned runs are missing, or a cell has fewer than `DRAWS` draws."""
    found = runs(figures)
    draws = [
        found.get(system, {}).get(cell, {}).get(size, [])
        for system in SYSTEMS
        for cell in _cells(found)
        for size in sizes(figures)
    ]
    return "few-shot" in figures.missing() or any(len(several) < DRAWS for several in draws)


def _cells(found: Mapping[str, Mapping[Pair, object]]) -> list[Pair]:
    return sorted({cell for cells in found.values() for cell in cells}, key=lambda cell: (ORDER.index(cell.task), cell))


def section(figures: Figures, pictures: Path) -> str:
    """Return mean scores by number of sentences, and curves."""
    found = runs(figures)
    if not found:
        return "Not measured yet."
    counts = [0, *sizes(figures)]
    rows = []
    for cell in _cells(found):
        curves = {system: curve(cells[cell]) if cell in cells else {} for system, cells in found.items()}
        columns = [best([mean(c[size]) if size in c else None for c in curves.values()]) for size in counts]
        for (system, values), *cells in zip(curves.items(), *columns, strict=True):
            draws = min((len(values[size]) for size in counts[1:] if size in values), default=0)
            label = [cell.task.upper(), language_label(figures, cell.language), text(style.label(system))]
            rows.append([*label, *cells, str(draws) if draws else NOTHING])
    header = ["Task", "Language", "Method", *map(str, counts), "draws"]
    return "\n\n".join(
        [
            "By number of labelled sentences of the target; the mean of several draws of them, whose range is the curve's band.",
            table(header, rows, left=3),
            picture(draw(figures, pictures / "few-shot.png"), "Score by number of labelled sentences of the target"),
        ]
    )


def draw(figures: Figures, path: Path) -> Path:
    """Draw a panel a cell: the draws' mean by number of sentences, their range as a band."""
    found = runs(figures)
    counts = [0, *sizes(figures)]
    languages = sorted({cell.language for cell in _cells(found)}, key=language_name)
    figure, axes = style.panels(
        len(ORDER), len(languages), width=max(1.8, min(3, 11 / len(languages))), height=2.5, sharex=True, sharey="row"
    )
    for row, task in zip(axes, ORDER, strict=True):
        for panel, language in zip(row, languages, strict=True):
            for system, cells in found.items():
                values = curve(cells.get(Pair(task, language), {}))
                at = [counts.index(size) for size in values]  # evenly spaced: the first few sentences matter most
                panel.plot(
                    at, list(map(mean, values.values())), ms=5, lw=1.4, label=style.label(system), **style.look(system)
                )
                panel.fill_between(
                    at,
                    list(map(min, values.values())),
                    list(map(max, values.values())),
                    color=style.look(system)["color"],
                    alpha=0.18,
                    lw=0,
                )
            panel.set_xticks(range(len(counts)), map(str, counts))
            panel.set_title(language_name(language), loc="left", fontsize=10)
        row[0].set_ylabel(UNITS[task])
    for panel in axes[-1]:
        panel.set_xlabel("labelled sentences", fontsize=9)
    style.legend(figure, axes)
    return style.save(figure, path)
