"""What each method costs in the mixed setting (Üstün et al. 2022, Table 3)."""

from collections.abc import Mapping
from pathlib import Path
from statistics import mean

from hyperx.study.report import style
from hyperx.study.report.figures import MIXED, Compute, Figures
from hyperx.study.report.markdown import NOTHING, best, duration, number, picture, table, text
from hyperx.study.report.transfer import ORDER, UNITS, name, systems_of


def section(figures: Figures, pictures: Path) -> str:
    """Return scores and costs, and a picture of one against the other."""
    systems = systems_of(figures, MIXED)
    complete = [figures.complete(MIXED, system) for system in systems]
    columns = [best([figures.mean(MIXED, system, task) for system in systems], complete) for task in ORDER]
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
        "processor time",
    ]
    parts = [
        "To serve the matrix once, partitions and seeds averaged; MAD-X's figures have its language adapters in them. "
        "Training is by the clock, in the fastest run of a method: what else the machine did only slowed it; processor time, "
        "of all threads together, in the mean of the runs that noted it.",
        table([*header, "peak memory", "device"], rows),
    ]
    if (adapter := figures.language_adapter()) and any(map(figures.is_madx, systems)):
        steps, seconds = adapter
        parts.append(
            f"One more language takes MAD-X another language adapter: {steps:,} steps, about {duration(seconds)}. "
            "The other methods take the language's data into their next run."
        )
    marks = {
        system: (cost, value)
        for system in systems
        if figures.complete(MIXED, system)
        and figures.learnt(MIXED, system)
        and (cost := figures.cost(MIXED, system)) is not None
        and (value := score(figures, system)) is not None
    }
    if marks:
        parts.append(picture(draw(marks, pictures / "efficiency.png"), "Zero-shot score against cost"))
    return "\n\n".join(parts)


def score(figures: Figures, system: str) -> float | None:
    """Return the mean of both tasks' zero-shot means in the mixed setting."""
    values = [value for task in ORDER if (value := figures.mean(MIXED, system, task)) is not None]
    return mean(values) if len(values) == len(ORDER) else None


def _costs(cost: Compute | None) -> list[str]:
    if cost is None:
        return [NOTHING] * 7
    counts = (cost.trained, cost.stored, cost.language)
    times = [NOTHING if seconds is None else duration(seconds) for seconds in (cost.seconds, cost.processor)]
    return [*map(number, counts), *times, f"{cost.memory / 1e9:.1f} GB", text(cost.device)]


def draw(marks: Mapping[str, tuple[Compute, float]], path: Path) -> Path:
    """Draw each method's score against the parameters it trains and the time it takes, the processor's where it was noted."""
    from matplotlib.ticker import LogLocator

    figure, axes = style.panels(1, 2, width=4, height=3.4, sharey=True)
    for system, (cost, value) in marks.items():
        hours = (cost.processor or cost.seconds) / 3600  # by the clock, other work on the machine counts
        for panel, price in zip(axes[0], (cost.trained / 1e6, hours), strict=True):
            panel.plot(price, value, ls="", ms=9, label=style.label(system), **style.look(system))
    for panel, title in zip(
        axes[0], ("trained parameters, millions", "hours of training, of the processor if noted"), strict=True
    ):
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
