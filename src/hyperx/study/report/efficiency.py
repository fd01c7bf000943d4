"""What each method costs in the mixed setting (Üstün et al. 2022, Table 3)."""

from pathlib import Path
from statistics import mean

from hyperx.study.report import style
from hyperx.study.report.figures import MIXED, Compute, Figures
from hyperx.study.report.markdown import NOTHING, best, duration, number, picture, table
from hyperx.study.report.transfer import ORDER, UNITS, name, systems_of


def section(figures: Figures, pictures: Path) -> str:
    """Return scores and costs, and a picture of one against the other."""
    systems = systems_of(figures, MIXED)
    columns = [best([figures.mean(MIXED, system, task) for system in systems]) for task in ORDER]
    rows = [
        [name(figures, MIXED, system), *cells, *_costs(figures.cost(MIXED, system))]
        for system, *cells in zip(systems, *columns, strict=True)
    ]
    header = [
        "Method",
        *(UNITS[task] for task in ORDER),
        "trained parameters",
        "stored",
        "one more language",
        "training",
    ]
    parts = [
        "To serve the matrix once, partitions and seeds averaged; MAD-X's figures have its language adapters in them.",
        table([*header, "peak memory", "device"], rows),
    ]
    if (adapter := figures.language_adapter()) and any(map(figures.is_madx, systems)):
        steps, seconds = adapter
        parts.append(
            f"One more language takes MAD-X another language adapter: {steps:,} steps, about {duration(seconds)}. "
            "The other methods take the language's data into their next run."
        )
    costs = {system: cost for system in systems if (cost := figures.cost(MIXED, system))}
    scored = {system: cost for system, cost in costs.items() if score(figures, system) is not None}
    if scored:
        parts.append(picture(draw(figures, scored, pictures / "efficiency.png"), "Zero-shot score against cost"))
    return "\n\n".join(parts)


def score(figures: Figures, system: str) -> float | None:
    """Return the mean of both tasks' zero-shot means in the mixed setting."""
    values = [value for task in ORDER if (value := figures.mean(MIXED, system, task)) is not None]
    return mean(values) if len(values) == len(ORDER) else None


def _costs(cost: Compute | None) -> list[str]:
    if cost is None:
        return [NOTHING] * 6
    counts = (cost.trained, cost.stored, cost.language)
    return [*map(number, counts), duration(cost.seconds), f"{cost.memory / 1e9:.1f} GB", cost.device]


def draw(figures: Figures, costs: dict[str, Compute], path: Path) -> Path:
    """Draw the mean zero-shot score against parameters trained and training time, a mark a method."""
    from matplotlib.ticker import LogLocator

    figure, axes = style.panels(1, 2, width=4, height=3.4, sharey=True)
    for panel, title, values in (
        (axes[0, 0], "trained parameters, millions", {s: c.trained / 1e6 for s, c in costs.items()}),
        (axes[0, 1], "hours of training", {s: c.seconds / 3600 for s, c in costs.items()}),
    ):
        for system, value in values.items():
            panel.plot(value, score(figures, system), ls="", ms=9, label=style.label(system), **style.look(system))
        panel.set_xscale("log")
        panel.grid(axis="x", alpha=0.25)
        panel.set_xlabel(title)
        panel.margins(0.12)
        panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.xaxis.set_major_formatter("{x:g}")
        panel.xaxis.set_minor_formatter("")
    axes[0, 0].set_ylabel("zero-shot score, mean of tasks")
    style.legend(figure, axes)
    return style.save(figure, path)
