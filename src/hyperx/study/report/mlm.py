"""Raw text of all, of the unseen, and of no languages (Üstün et al. 2022, Figure 3)."""

from collections.abc import Mapping
from pathlib import Path

from hyperx.study.report import style
from hyperx.study.report.figures import GROUPS, MIXED, Figures, find
from hyperx.study.report.markdown import NOTHING, number, picture, points, score, table
from hyperx.study.report.transfer import ORDER, UNITS

SETTINGS = {MIXED: "mixed", "multi": "English"}
TITLES = {"all": "raw text of all languages", "unseen": "raw text of the unseen", "none": "no raw text"}


def section(figures: Figures, pictures: Path) -> str:
    """Return zero-shot scores in the mixed setting and from English by raw text, and the gains over none."""
    systems = {figures.planner.with_text(text): title for text, title in TITLES.items()}
    rows = []
    for setting, labels in SETTINGS.items():
        for task in ORDER:
            for group in GROUPS:
                scores = [score(figures.mean(setting, system, task, group)) for system in systems]
                if set(scores) != {NOTHING}:
                    rows.append([labels, UNITS[task], group, *scores, *_gains(figures, setting, task, group)])
    costs = [figures.cost(MIXED, system) for system in systems]
    shown = [NOTHING if cost is None else number(cost.labelled) for cost in costs]
    rows.append([SETTINGS[MIXED], "labelled sentences", "", *shown, "", ""])
    titles = [title + (" †" if not figures.complete(MIXED, system) else "") for system, title in systems.items()]
    header = ["Labels", "Task", "Languages", *titles, "gain, all", "gain, unseen's"]
    parts = [
        "Hyper-X's zero-shot cells in the mixed setting and in English multi-task training; gains over no raw text. The steps "
        "are as many: raw text takes the place of labelled sentences.",
        table(header, rows, left=3),
    ]
    whole = {system: title for system, title in systems.items() if figures.complete(MIXED, system)}
    if len(whole) > 1:  # else nothing is compared
        parts.append(picture(draw(figures, whole, pictures / "mlm.png"), "Zero-shot scores by raw text"))
    return "\n\n".join(parts)


def _gains(figures: Figures, setting: str, task: str, group: str) -> list[str]:
    """Return what raw text of all languages, and of the unseen, adds to none."""
    every, unseen, none = (figures.planner.with_text(text) for text in TITLES)
    return [points(find(figures.compare((setting, none), (setting, s)), task, group)) for s in (every, unseen)]


def draw(figures: Figures, titles: Mapping[str, str], path: Path) -> Path:
    """Draw bars: a group a kind of language, a bar a choice of raw text, a panel a task."""
    figure, axes = style.panels(1, len(ORDER), width=4)
    for panel, task in zip(axes[0], ORDER, strict=True):
        for place, (system, title) in enumerate(titles.items()):
            values = [figures.mean(MIXED, system, task, group) for group in GROUPS]
            at = [group + 0.27 * (place - (len(titles) - 1) / 2) for group in range(len(GROUPS))]
            bars = panel.bar(
                at,
                [value or 0 for value in values],
                0.25,
                color=style.look(system)["color"],
                hatch=style.hatch(system),
                edgecolor="white",
                label=title,
            )
            panel.bar_label(bars, ["" if value is None else f"{value:.1f}" for value in values], fontsize=7, padding=1)
        panel.set_xticks(range(len(GROUPS)), GROUPS)
        panel.set_ylabel(f"{UNITS[task]}, zero-shot")
    style.legend(figure, axes)
    return style.save(figure, path)
