"""The report on a benchmark's studies, from their committed figures alone."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from hyperx.languages import name as language_name
from hyperx.study.report import claims, efficiency, few_shot, mlm, paper, significance, sources, style, transfer
from hyperx.study.report.figures import Figures
from hyperx.study.report.markdown import page, text
from hyperx.study.runs import Planner

Section = Callable[[Figures, Path], str]
SECTIONS: dict[str, Section] = {
    "Transfer": transfer.section,
    "Significance": significance.section,
    "Efficiency": efficiency.section,
    "Raw text": mlm.section,
    "Sources": sources.section,
    "Few sentences": few_shot.section,
}


def write_report(planner: Planner, results: Path, output: Path) -> None:
    """Write a report as Markdown, its pictures in a folder of its name beside it, and a page that needs nothing else.

    Args:
        results: the folder of the figures, a folder a run.
        output: the Markdown file.

    Raises:
        HyperXError: there are no figures, or some can't be understood.
    """
    figures = Figures(planner, results)
    pictures = output.with_suffix("")
    title = f"{figures.benchmark.name}, {planner.scale}: the paper's comparisons"
    parts = [f"# {text(title)}", introduction(figures)]
    parts.append(f"## The paper's claims\n\n{claims.section(figures)}")
    parts.append(f"## Beside the paper\n\n{paper.section(figures)}")
    parts += [f"## {heading}\n\n{section(figures, pictures)}" for heading, section in SECTIONS.items()]
    parts.append(f"## Language by language\n\nZero-shot cells.\n\n{transfer.by_language(figures)}")
    parts.append(f"## Methods\n\n{methods(figures)}")
    if left := missing(figures):
        parts.append(f"## Missing runs\n\n{left}")
    markdown = "\n\n".join(parts) + "\n"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(markdown, encoding="utf-8")
    output.with_suffix(".html").write_text(page(markdown, output.parent, title=title), encoding="utf-8")


def introduction(figures: Figures) -> str:
    """Say what was trained, and how much of it is finished."""
    benchmark, training = figures.benchmark, figures.benchmark.scales[figures.planner.scale].training
    planned = set().union(*figures.plan.values())
    left = sum(map(len, figures.missing().values()))
    unseen = ""
    if figures.unseen:
        seen = sorted({benchmark.source, *benchmark.languages} - figures.unseen)
        names = ", ".join(text(language_name(language)) for language in seen)
        unseen = f", of which the backbone has seen {names}"
    lacking = (
        "; † marks a method that lacks runs of the setting, so that its mean is of some cells only" if left else ""
    )
    return (
        f"{len(benchmark.languages) + 1} languages{unseen}; {text(benchmark.backbone)}. "
        f"A run takes {training.steps:,} steps of {training.batch_size} sentences. POS accuracy and NER span F1 in percent, on "
        "whole test sets; means over languages, zero-shot unless said otherwise. "
        f"{len(planned) - left} of {len(planned)} runs are finished{lacking}."
        + "".join(f"\n\n{remark}" for remark in benchmark.remarks)
    )


def methods(figures: Figures) -> str:
    """Name the methods and what they are set to."""
    lines = []
    for system, entry in figures.benchmark.methods.items():
        values = entry.method.model_dump(mode="json", exclude_none=True)
        settings = ", ".join(f"{key} {value}" for key, value in values.items() if key != "name")
        training = figures.benchmark.scales[figures.planner.scale].methods.get(system, {})
        trained = "".join(f", {key} {value}" for key, value in training.items())
        lines.append(f"- {text(style.label(system))}: `{values['name']}`, {text(settings + trained)}")
    return "\n".join(lines)


def missing(figures: Figures) -> str:
    """Name the runs that are not finished, by study; those on few sentences by what they differ in."""
    lines = []
    for study, runs in figures.missing().items():
        names = Counter(re.sub(r"(few-shot-.+)-\d+-draw\d+", r"\1-*", run) for run in runs)
        shown = (f"`{name}`" + (f" ({count} runs)" if count > 1 else "") for name, count in names.items())
        lines.append(f"- {study}: {', '.join(shown)}")
    return "\n".join(lines)
