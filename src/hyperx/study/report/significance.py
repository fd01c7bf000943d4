"""Hyper-X against every other method, by a paired bootstrap over sentences."""

from collections.abc import Sequence
from pathlib import Path

from hyperx.study.report import style
from hyperx.study.report.figures import GROUPS, MIXED, Figures, find
from hyperx.study.report.markdown import NOTHING, picture, points, table
from hyperx.study.report.transfer import COLUMNS, ORDER, UNITS, name, settings, systems_of


def section(figures: Figures, pictures: Path) -> str:
    """Return Hyper-X's lead over each method in each setting, with intervals."""
    parts = [
        "Hyper-X's zero-shot score less the other's, on the cells that both have scored, with its 95 % interval: a paired "
        "bootstrap over sentences (Koehn, 2004), the seeds averaged. Bold: the interval leaves out zero. It holds for these very "
        "runs; another seed may move a mean further."
    ]
    for setting, title in settings(figures).items():
        rows = []
        for system in others(figures, setting):
            found = figures.compare((setting, system), (setting, "hyperx"))
            cells = [points(find(found, task, group)) for task in ORDER for group in GROUPS]
            if set(cells) != {NOTHING}:
                both = [len(figures.pooled(setting, method)) for method in ("hyperx", system)]
                rows.append([name(figures, setting, system), *cells, " and ".join(map(str, both))])
        header = ["Against", *COLUMNS, "seeds"]
        body = table(header, rows) if rows else "Not measured yet."
        parts.append(f"### {title[0].upper()}{title[1:]}\n\n{body}")
        if setting == MIXED and (systems := to_draw(figures)):
            drawn = draw(figures, systems, pictures / "significance.png")
            parts.append(picture(drawn, "Hyper-X's lead in the mixed setting"))
    return "\n\n".join(parts)


def others(figures: Figures, setting: str) -> list[str]:
    return [system for system in systems_of(figures, setting) if system != "hyperx"]


def to_draw(figures: Figures) -> list[str]:
    return [
        system
        for system in others(figures, MIXED)
        if figures.learnt(MIXED, system) and figures.compare((MIXED, system), (MIXED, "hyperx"))
    ]


def draw(figures: Figures, systems: Sequence[str], path: Path) -> Path:
    """Draw Hyper-X's lead in the mixed setting: a panel a task and kind of language, a line a method."""
    figure, axes = style.panels(
        len(ORDER), len(GROUPS), width=2.9, height=0.7 + 0.3 * len(systems), sharex="row", sharey=True
    )
    for row, task in zip(axes, ORDER, strict=True):
        for panel, group in zip(row, GROUPS, strict=True):
            for y, system in enumerate(systems):
                difference = find(figures.compare((MIXED, system), (MIXED, "hyperx")), task, group)
                style.intervals(panel, [difference] if difference else [], [y] if difference else [], system)
            panel.set_yticks(range(len(systems)), map(style.label, systems))
            panel.set_ylim(len(systems) - 0.5, -0.5)
            panel.set_title(f"{UNITS[task]}, {group}", loc="left", fontsize=9)
    for panel in axes[-1]:
        panel.set_xlabel("points that Hyper-X leads by", fontsize=9)
    return style.save(figure, path)
