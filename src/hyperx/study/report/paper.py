"""The figures of Üstün et al. (2022) beside those measured."""

from hyperx.comparison import Difference
from hyperx.study.report.figures import MIXED, Figures, find
from hyperx.study.report.markdown import NOTHING, duration, number, points, score, table
from hyperx.study.report.transfer import ORDER, UNITS

# Table 2: averages of 15 languages, zero-shot from English alone.
AVERAGES = {"hyperx": ("Hyper-X", "52.7", "63.5"), "madx": ("MAD-X", "52.8", "65.4")}


def section(figures: Figures) -> str:
    """Return the paper's averages, gains and costs beside those here."""
    rows = [
        [
            f"{label}, English single-task",
            "",
            *_beside((ner, pos), [score(figures.mean("single", s, t)) for t in ORDER]),
        ]
        for s, (label, ner, pos) in AVERAGES.items()
    ]
    gains = (
        ("Hyper-X, multi-task less single-task", "all", ("+0.2", "+0.1"), ("single", "hyperx"), ("multi", "hyperx")),
        ("Hyper-X, mixed less English multi-task", "all", ("+9.0", "+4.3"), ("multi", "hyperx"), (MIXED, "hyperx")),
        ("MAD-X less Hyper-X, mixed", "unseen", ("+1.2", "+2.8"), (MIXED, "hyperx"), (MIXED, "madx")),
        (
            "Hyper-X, raw text less none, mixed",
            "unseen",
            ("+6.2", "+10.5"),
            (MIXED, figures.planner.with_text("none")),
            (MIXED, figures.planner.with_text("all")),
        ),
    )
    for label, group, theirs, first, second in gains:
        found: list[Difference] = figures.compare(first, second)
        rows.append([label, group, *_beside(theirs, [points(find(found, task, group)) for task in ORDER])])
    header = ["", "languages", *(f"{UNITS[task]}, {whose}" for task in ORDER for whose in ("paper", "here"))]
    costs = {system: figures.cost(MIXED, system) for system in ("hyperx", "madx")}
    time = [NOTHING if cost is None else duration(cost.seconds) for cost in costs.values()]
    trained = [NOTHING if cost is None else number(cost.trained) for cost in costs.values()]
    bills = table(
        ["", "Hyper-X, paper", "Hyper-X, here", "MAD-X, paper", "MAD-X, here"],
        [
            ["training", "Base 18 h, Small 16 h", time[0], "116 h", time[1]],
            ["trained parameters", "Base 43 %, Small 7.2 % of mBERT's", trained[0], "43 %", trained[1]],
        ],
    )
    return table(header, rows, left=2) + "\n\n" + bills


def _beside(theirs: tuple[str, str], ours: list[str]) -> list[str]:
    return [cell for pair in zip(theirs, ours, strict=True) for cell in pair]
