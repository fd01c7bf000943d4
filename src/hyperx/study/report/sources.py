"""What a related source language is worth (Üstün et al. 2022, Figures 4 and 5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hyperx.comparison import Difference
from hyperx.languages import name as language_name
from hyperx.pairs import Pair
from hyperx.results import Results
from hyperx.study.benchmark import TASKS, Benchmark
from hyperx.study.report import style
from hyperx.study.report.figures import MIXED, Figures, differences, find, join
from hyperx.study.report.markdown import NOTHING, picture, points, table, text
from hyperx.study.report.transfer import ORDER, UNITS, language_label

SYSTEMS = ("hyperx", "finetune")
SETTINGS = (MIXED, "swapped")


@dataclass(frozen=True)
class Target:
    """A cell that is zero-shot in a partition before and after the swap.

    Attributes:
        partition: its number.
        before, after: relatives that are trained in the cell's task.
    """

    cell: Pair
    partition: int
    before: frozenset[str]
    after: frozenset[str]

    @property
    def gained(self) -> int:
        """How many more relatives are trained after the swap."""
        return len(self.after) - len(self.before)


def targets(benchmark: Benchmark) -> list[Target]:
    """Return the cells that are zero-shot before and after the swap."""
    relatives = {language: set(members) for members in benchmark.families.values() for language in members}
    found = []
    for number in range(1, len(benchmark.partitions) + 1):
        plain, swapped = benchmark.mixed(number), benchmark.mixed(number, swapped=True)
        for task in TASKS:
            before, after = set(plain[task]), set(swapped[task])
            for language in sorted(set(benchmark.languages) - before - after):
                kin = relatives[language]
                found.append(Target(Pair(task, language), number, frozenset(kin & before), frozenset(kin & after)))
    return found


def effects(figures: Figures, system: str, *, control: bool = False) -> list[Difference]:
    """Compare a method's cells with one relative trained to the same cells without, averages and then cell by cell.

    Args:
        control: compare cells whose relatives stayed, after the swap to before.
    """
    chosen = [target for target in targets(figures.benchmark) if (target.gained == 0) == control]
    numbers = range(1, len(figures.benchmark.partitions) + 1)
    parts = [_sides(figures, system, number, [t for t in chosen if t.partition == number]) for number in numbers]
    without, with_ = (
        [join(runs) for runs in zip(*filter(None, ([pair[side] for pair in part] for part in parts)), strict=False)]
        for side in (0, 1)
    )
    return differences(without, with_)


def _sides(figures: Figures, system: str, number: int, chosen: list[Target]) -> list[tuple[Results, Results]]:
    """Return a partition's cells without and with the relative, seed by seed."""
    plain, swapped = (
        [figures.load(run) for run in figures.runs(f"{setting}-{number}", system)] for setting in ("mixed", "swapped")
    )
    lost = {target.cell for target in chosen if target.gained < 0}
    rest = {target.cell for target in chosen} - lost
    return [
        (_joined(before, rest, after, lost), _joined(after, rest, before, lost))
        for before, after in zip(plain, swapped, strict=False)
    ]


def _joined(one: Results, cells: set[Pair], other: Results, others: set[Pair]) -> Results:
    return join([join([one], lambda row: row.pair in cells), join([other], lambda row: row.pair in others)])


def unfinished(figures: Figures, systems: Sequence[str] = SYSTEMS) -> bool:
    """Whether planned runs before or after the swap are missing."""
    return any(figures.lacks(setting, system) for setting in SETTINGS for system in systems)


def section(figures: Figures, pictures: Path) -> str:
    """Return what a relative is worth to each target, by Hyper-X and by fine-tuning."""
    found = {system: effects(figures, system) for system in SYSTEMS}
    controls = {system: effects(figures, system, control=True) for system in SYSTEMS}
    whole = all(figures.complete(setting, system) for setting in SETTINGS for system in SYSTEMS)
    dagger = "" if whole else " †"
    rows = []
    for task in ORDER:
        for target in targets(figures.benchmark):
            if target.cell.task == task and target.gained:
                fewer, more = sorted((target.before, target.after), key=len)
                rows.append(
                    [
                        task.upper(),
                        language_label(figures, target.cell.language),
                        ", ".join(text(language_name(language)) for language in sorted(more - fewer)),
                        f"{len(fewer)} → {len(more)}",
                        *_row(found, task, target.cell.language),
                    ]
                )
        rows.append([task.upper(), f"**mean**{dagger}", "", "", *_row(found, task, "all")])
        measured = {d.languages for control in controls.values() for d in control if d.task == task}
        stay = {t.cell.language for t in targets(figures.benchmark) if not t.gained and t.cell.task == task}
        names = ", ".join(text(language_name(language)) for language in sorted(stay & measured))
        rows.append(
            [
                task.upper(),
                f"mean of cells whose relatives stay ({names}){dagger}",
                "",
                "",
                *_row(controls, task, "all"),
            ]
        )
    header = ["Task", "Target", "relative", "trained relatives"]
    for system in SYSTEMS:
        header += [f"{style.label(system)}, without", "with", "difference"]
    swaps = ", ".join(
        " with ".join(text(language_name(language)) for language in pair) for pair in figures.benchmark.swaps
    )
    parts = [
        f"Languages change places between the tasks' sources: {swaps}. A target that stays zero-shot in the same "
        "partition is scored without and with the relative of its family that came or went; where none did, before "
        "and after the swap.",
        table(header, rows, left=4),
    ]
    if any(found.values()):
        parts.append(picture(draw(figures, found, pictures / "sources.png"), "What a trained relative is worth"))
    return "\n\n".join(parts)


def _row(found: dict[str, list[Difference]], task: str, languages: str) -> list[str]:
    cells = []
    for system in SYSTEMS:
        d = find(found[system], task, languages)
        cells += [NOTHING] * 3 if d is None else [f"{d.first:.1f}", f"{d.second:.1f}", points(d)]
    return cells


def draw(figures: Figures, found: dict[str, list[Difference]], path: Path) -> Path:
    """Draw each target's difference with its interval, a mark a method, a panel a task."""
    known = {(d.task, d.languages) for differences in found.values() for d in differences}
    gained = {t.cell for t in targets(figures.benchmark) if t.gained}
    cells = {
        task: sorted({c.language for c in gained if c.task == task and (task, c.language) in known}) for task in ORDER
    }
    tallest = max(map(len, cells.values()))
    figure, axes = style.panels(1, len(ORDER), width=4, height=1 + 0.33 * (tallest + 1))
    for panel, task in zip(axes[0], ORDER, strict=True):
        names = ["all", *reversed(cells[task])]
        for shift, system in zip((0.14, -0.14), SYSTEMS, strict=True):
            shown = [(y, d) for y, language in enumerate(names) if (d := find(found[system], task, language))]
            if shown:
                apart = shift if all(found.values()) else 0
                style.intervals(panel, [d for _, d in shown], [y + apart for y, _ in shown], system)
        panel.set_yticks(range(len(names)), ["mean", *(language_name(language) for language in names[1:])])
        panel.set_ylim(-0.6, len(names) - 0.4)
        panel.set_title(UNITS[task], loc="left", fontsize=10)
        panel.set_xlabel("points with one more trained relative")
    style.legend(figure, axes)
    return style.save(figure, path)
