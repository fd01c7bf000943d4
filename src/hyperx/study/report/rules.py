"""Rules by which the paper's claims are judged, from the figures alone."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

from hyperx.comparison import Difference
from hyperx.methods import HyperXConfig
from hyperx.metrics import interval
from hyperx.study.report import few_shot, sources, style
from hyperx.study.report.figures import MIXED, Figures, find
from hyperx.study.report.markdown import duration, number, text
from hyperx.study.report.transfer import ORDER

Verdict = Literal["holds", "holds partly", "does not hold", "not measured"]
COMPETITIVE = 2.0  # points; the paper calls 63.5 against 65.4 competitive
HARMLESS = 1.0
SIZE_RATIO = 43 / 7.2  # shares of mBERT's parameters that MAD-X and Small train, in the paper
TIME_RATIO = 6.0
FEW = 10


@dataclass(frozen=True)
class Finding:
    """A verdict, the figures it rests on, and whether runs that it should rest on are missing."""

    verdict: Verdict
    evidence: str = ""
    unfinished: bool = False


Judge = Callable[[Figures], Finding]


def verdict(met: Sequence[bool], conditions: int = 0) -> Verdict:
    """``holds`` if every condition is met, ``holds partly`` if some are, ``not measured`` if there are none.

    Args:
        conditions: how many there are, of which some may not have been measured.
    """
    if not met:
        return "not measured"
    return "holds" if all(met) and len(met) >= conditions else "holds partly" if any(met) else "does not hold"


def above(
    first: tuple[str, str], second: tuple[str, str], *, margin: float = 0.0, groups: Sequence[str] = ("all",)
) -> Judge:
    """Judge that a (setting, method) isn't behind another.

    The condition: the interval of the second's zero-shot score less the first's lies above minus `margin` points, in each
    task and kind of languages, in ``all`` where the benchmark has no unseen ones. Without a margin it is a gain in the sense
    of `gains`.
    """

    def judge(figures: Figures) -> Finding:
        kinds = groups if figures.unseen else ["all"]
        found = chosen(figures.compare(first, second), kinds)
        met = [d.low > -margin if margin else gains(figures, d) for d in found]
        shown = evidence(found)
        return Finding(verdict(met, len(ORDER) * len(kinds)), shown, _unfinished(figures, first, second))

    return judge


def gains(figures: Figures, difference: Difference) -> bool:
    """Whether a difference's interval lies above zero, and it is more than what seeds differ by in such languages."""
    return difference.low > 0 and difference.points > figures.noise(difference.task, difference.languages)


def madx_on_unseen(figures: Figures) -> Finding:
    """Judge that MAD-X's interval lies above Hyper-X on unseen languages, in each task."""
    if not figures.unseen:
        return Finding("not measured")
    return above((MIXED, "hyperx"), (MIXED, "madx"), groups=["unseen"])(figures)


def mlm(figures: Figures) -> Finding:
    """Judge in each task that the gain on unseen languages has an interval above zero, and is a gain above that on seen ones."""
    first, second = ((MIXED, figures.planner.with_text(text)) for text in ("none", "all"))
    found = figures.compare(first, second)
    met = []
    for task in ORDER:
        unseen, seen = find(found, task, "unseen"), find(found, task, "seen")
        met += [gains(figures, unseen)] if unseen else []
        met += [unseen.points > max(seen.points, 0)] if unseen and seen else []
    shown = evidence(chosen(found, ["seen", "unseen"]))
    return Finding(verdict(met, 2 * len(ORDER)), shown, _unfinished(figures, first, second))


def source_helps(figures: Figures) -> Finding:
    """Judge in each task that a relative is a gain to Hyper-X, above the change in cells whose relatives stay."""
    found = chosen(sources.effects(figures, "hyperx"), ["all"])
    stayed = chosen(sources.effects(figures, "hyperx", control=True), ["all"])
    met = []
    for d in found:
        other = find(stayed, d.task)
        met.append(gains(figures, d) and (other is None or d.points > abs(other.points)))
    shown = "; ".join([evidence(found), *(f"where relatives stay, {evidence([d])}" for d in stayed)])
    return Finding(verdict(met, len(ORDER)), shown if found else "", sources.unfinished(figures, ["hyperx"]))


def source_profits(figures: Figures) -> Finding:
    """Judge in each task that a relative is worth something to Hyper-X, and more than to fine-tuning."""
    met, parts = [], []
    sides = [sources.effects(figures, system) for system in sources.SYSTEMS]
    for task in ORDER:
        hyperx, finetune = (find(side, task) for side in sides)
        if hyperx and finetune:
            low, high = interval(hyperx.samples - finetune.samples)
            met.append(low > 0 and hyperx.points > 0)
            more = f"{hyperx.points - finetune.points:+.1f} ({low:+.1f} to {high:+.1f})"
            parts.append(f"{task.upper()} {hyperx.points:+.1f} against {finetune.points:+.1f}: {more}")
    return Finding(verdict(met, len(ORDER)), "; ".join(parts), sources.unfinished(figures))


def few_shot_gains(figures: Figures) -> Finding:
    """Judge that Hyper-X's gain over no sentences has an interval above zero, in each task and number up to `FEW`."""
    counts = [size for size in few_shot.planned_sizes(figures) if size <= FEW]
    met, shown = _few_shot(figures, {size: (("hyperx", 0), ("hyperx", size)) for size in counts})
    return Finding(verdict(met, len(ORDER) * len(counts)), "; ".join(shown), few_shot.unfinished(figures))


def few_shot_leads(figures: Figures) -> Finding:
    """Judge that Hyper-X's lead has an interval above zero, in each task and number, over fine-tuning and MAD-X."""
    conditions, parts, counts = [], [], few_shot.planned_sizes(figures)
    others = [system for system in few_shot.SYSTEMS if system != "hyperx"]
    for system in others:
        pairs = {size: ((system, size), ("hyperx", size)) for size in counts}
        met, shown = _few_shot(figures, pairs)
        conditions += met
        parts += [f"over {style.label(system)}, {line}" for line in shown]
    wanted = len(ORDER) * len(counts) * len(others)
    return Finding(verdict(conditions, wanted), "; ".join(parts), few_shot.unfinished(figures))


def small(figures: Figures) -> Finding:
    """Judge that a Hyper-X isn't behind the same with a larger `projection_size`, by `COMPETITIVE` points."""
    entries = figures.benchmark.methods.items()
    ours = {system: entry.method for system, entry in entries if isinstance(entry.method, HyperXConfig)}
    for (system, less), (other, more) in permutations(ours.items(), 2):
        same = more.model_copy(update={"projection_size": less.projection_size}) == less
        if same and less.projection_size < more.projection_size:
            return above((MIXED, other), (MIXED, system), margin=COMPETITIVE)(figures)
    return Finding("not measured", "the benchmark has Hyper-X in one size")


def parameters(figures: Figures) -> Finding:
    """Judge that Hyper-X trains `SIZE_RATIO` times less than MAD-X, and isn't behind by `COMPETITIVE` points in any task."""
    hyperx, madx = (figures.cost(MIXED, system) for system in ("hyperx", "madx"))
    found = chosen(figures.compare((MIXED, "madx"), (MIXED, "hyperx")), ["all"])
    if hyperx is None or madx is None or not found:
        return Finding("not measured")
    ratio = madx.trained / hyperx.trained
    shown = f"{number(hyperx.trained)} against {number(madx.trained)}: {ratio:.1f} times; {evidence(found)}"
    met = [ratio >= SIZE_RATIO, *(d.low > -COMPETITIVE for d in found)]
    return Finding(verdict(met, 1 + len(ORDER)) if ratio > 1 else "does not hold", shown, _costs_unfinished(figures))


def time(figures: Figures) -> Finding:
    """Judge that Hyper-X trains `TIME_RATIO` times faster than MAD-X; partly: faster. Times of unlike devices say nothing.

    Nor do a processor's by the clock, which other work on a shared machine lengthens; there its own time is compared.
    """
    hyperx, madx = (figures.cost(MIXED, system) for system in ("hyperx", "madx"))
    if hyperx is None or madx is None:
        return Finding("not measured")
    ours, theirs, kind = hyperx.seconds, madx.seconds, ""
    if hyperx.device.startswith("CPU"):
        if hyperx.processor is None or madx.processor is None:
            return Finding("not measured", "a run lacks its processor time")
        ours, theirs, kind = hyperx.processor, madx.processor, " of processor time"
    ratio = theirs / ours
    shown = f"{duration(ours)} against {duration(theirs)}{kind}: {ratio:.1f} times"
    if hyperx.device != madx.device:
        return Finding("not measured", f"{shown}, but on {text(hyperx.device)} and {text(madx.device)}")
    return Finding(verdict([ratio > 1, ratio >= TIME_RATIO]), shown, _costs_unfinished(figures))


def chosen(differences: Sequence[Difference], groups: Sequence[str]) -> list[Difference]:
    """Return both tasks' differences in kinds of languages, those that there are."""
    return [d for task in ORDER for group in groups if (d := find(differences, task, group))]


def evidence(differences: Iterable[Difference]) -> str:
    """Write differences out: ``NER, unseen: +1.2 (+0.8 to +1.6)``."""
    return "; ".join(f"{d.task.upper()}, {d.languages}: {_interval(d)}" for d in differences)


def _interval(difference: Difference) -> str:
    return f"{difference.points:+.1f} ({difference.low:+.1f} to {difference.high:+.1f})"


def _few_shot(
    figures: Figures, pairs: Mapping[int, tuple[tuple[str, int], tuple[str, int]]]
) -> tuple[list[bool], list[str]]:
    """Return whether each interval is above zero, and a line a task; pairs to compare are by number of sentences."""
    found = {size: few_shot.compare(figures, *pair) for size, pair in pairs.items()}
    met, lines = [], []
    for task in ORDER:
        by_size = {size: d for size in found if (d := find(found[size], task))}
        met += [d.low > 0 for d in by_size.values()]
        if by_size:
            lines.append(f"{task.upper()}: " + ", ".join(f"{_interval(d)} with {size}" for size, d in by_size.items()))
    return met, lines


def _unfinished(figures: Figures, *pairs: tuple[str, str]) -> bool:
    return any(figures.lacks(*pair) for pair in pairs)


def _costs_unfinished(figures: Figures) -> bool:
    return _unfinished(figures, (MIXED, "hyperx"), (MIXED, "madx"))
