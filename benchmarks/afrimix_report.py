"""The report of ``results/afrimix``: tables, verdicts with intervals, and curves, from the committed figures alone."""

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from hyperx.comparison import Difference, compare
from hyperx.languages import name as language_name
from hyperx.results import Results

FAMILIES = {
    "Bantu": "kin lug nya sna swa tsn xho zul",
    "Grassfields Bantu": "bbj",
    "Gbe, Akan": "ewe fon twi",
    "Yoruboid, Igboid": "ibo yor",
    "Mande, Gur, Atlantic": "bam mos wol",
    "Chadic, Nilotic, creole": "hau luo pcm",
}
COLOURS = {"hyperx": "#0072b2", "single": "#e69f00", "paper": "#009e73"}  # Okabe and Ito's, for the colour-blind
LABELS = {"hyperx": "Hyper-X, default", "single": "single adapter", "paper": "Hyper-X, paper"}


def write_report(folder: Path) -> None:
    """Write ``README.md`` and ``curves.png`` into the folder of the runs' figures."""
    runs = sorted(path.parent for path in folder.glob("*/results.json"))
    methods = {key: list(group) for key, group in groupby(sorted(runs, key=_system), key=_system)}
    partitions = sorted({run.name[:7] for run in runs})
    sections = []
    table = [header("Partition", "Task", "Cells", "single", "Hyper-X", "Difference", "95 % interval", "Runs")]
    differences: dict[str, list[Difference]] = {}
    for partition in partitions:
        single, hyperx = (_load(methods.get((partition, method), [])) for method in ("single", "hyperx"))
        seeds = min(len(single), len(hyperx))
        if seeds:
            differences[partition] = compare(single[:seeds], hyperx[:seeds])
            table += [
                row(partition, d.task.upper(), d.cells, *_cells(d), seeds)
                for d in differences[partition]
                if d.languages == "all"
            ]
    sections.append("## Hyper-X against one adapter for all\n\n" + "\n".join(table))
    sections.append("## Where conditioning pays\n\nZero-shot cells of both partitions.\n\n" + _analysis(differences))
    sections.append("## Language by language\n\nZero-shot cells.\n\n" + _by_language(differences))
    curves(methods, folder / "curves.png")
    sections.append("## Curves\n\n![The trained pairs' mean dev score by step](curves.png)")
    (folder / "README.md").write_text(
        "# AfriMix: the mixed partitions of 20 African languages and English\n\n"
        "Whole test sets; POS accuracy and NER span F1 in percent. Intervals are of a paired bootstrap over sentences.\n"
        "The adapters read the block's output alone (`norm_first: false`), the paper's form, not today's default; raw text of\n"
        "every language took a share of the steps.\n"
        "Made by `python -m benchmarks.afrimix`; a run's folder holds its results, log and matrix.\n\n"
        + "\n\n".join(sections)
        + "\n",
        encoding="utf-8",
    )


def _system(run: Path) -> tuple[str, str]:
    """``mixed-1-hyperx-seed2`` to its partition and method."""
    partition, method = run.name[:7], run.name[8:].rsplit("-", 1)[0]
    return partition, method


def _load(runs: Sequence[Path]) -> list[Results]:
    return [Results.load(run) for run in runs]


def header(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |\n|" + "---|" * len(cells)


def row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _cells(d: Difference) -> tuple[str, str, str, str]:
    points = f"**{d.points:+.1f}**" if d.significant else f"{d.points:+.1f}"
    return f"{d.first:.1f}", f"{d.second:.1f}", points, f"{d.low:+.1f} to {d.high:+.1f}"


def _zero_shot(differences: dict[str, list[Difference]], task: str) -> dict[str, Difference]:
    """Return a task's zero-shot cells by language; the partitions hide different ones."""
    groups = ("all", "seen", "unseen")
    return {
        d.languages: d
        for found in differences.values()
        for d in found
        if d.task == task and d.cells == "zero-shot" and d.languages not in groups
    }


def _analysis(differences: dict[str, list[Difference]]) -> str:
    seen = {"eng", "hau", "swa", "xho"}  # of XLM-R's languages, which multilingual-e5 starts from
    groups = {
        "seen by the backbone": [language for language in seen if language != "eng"],
        "unseen": sorted(
            language for members in FAMILIES.values() for language in members.split() if language not in seen
        ),
        **{family: members.split() for family, members in FAMILIES.items()},
    }
    lines = [
        header(
            "Languages",
            "POS: single",
            "Hyper-X",
            "Difference",
            "better in",
            "NER: single",
            "Hyper-X",
            "Difference",
            "better in",
        )
    ]
    for group, members in groups.items():
        cells: list[str] = []
        for task in ("pos", "ner"):
            found = [d for language, d in _zero_shot(differences, task).items() if language in members]
            if found:
                first, second = (sum(getattr(d, side) for d in found) / len(found) for side in ("first", "second"))
                better = sum(d.points > 0 for d in found)
                cells += [f"{first:.1f}", f"{second:.1f}", f"{second - first:+.1f}", f"{better} of {len(found)}"]
            else:
                cells += [""] * 4
        lines.append(row(group, *cells))
    return "\n".join(lines)


def _by_language(differences: dict[str, list[Difference]]) -> str:
    lines = [
        header(
            "Language",
            "POS: single",
            "Hyper-X",
            "Difference",
            "95 % interval",
            "NER: single",
            "Hyper-X",
            "Difference",
            "95 % interval",
        )
    ]
    tasks = [_zero_shot(differences, task) for task in ("pos", "ner")]
    for language in sorted(set().union(*tasks)):
        cells = [cell for found in tasks for cell in (_cells(found[language]) if language in found else [""] * 4)]
        lines.append(row(language_name(language), *cells))
    return "\n".join(lines)


def curves(methods: dict[tuple[str, str], list[Path]], path: Path) -> None:
    """Draw each method's mean dev score of the trained pairs by step, the seeds' range as a band."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    partitions = sorted({partition for partition, _ in methods})
    figure, panels = plt.subplots(
        1, len(partitions), figsize=(4.8 * len(partitions), 3.4), dpi=160, sharey=True, squeeze=False
    )
    for axes, partition in zip(panels[0], partitions, strict=True):
        for (_, method), runs in ((key, runs) for key, runs in methods.items() if key[0] == partition):
            logs = [json.loads((run / "log.json").read_text(encoding="utf-8")) for run in runs]
            scores = [{entry["step"]: entry["eval_score"] for entry in log if "eval_score" in entry} for log in logs]
            steps = sorted(set.intersection(*(set(score) for score in scores)))
            values = [[score[step] for score in scores] for step in steps]
            axes.plot(
                steps,
                [sum(v) / len(v) for v in values],
                marker="o",
                ms=3.5,
                color=COLOURS[method],
                label=LABELS[method],
            )
            axes.fill_between(
                steps, [min(v) for v in values], [max(v) for v in values], color=COLOURS[method], alpha=0.2, lw=0
            )
        axes.set_title(partition, loc="left", fontsize=10, weight="bold")
        axes.set_xlabel("steps of 16 sentences")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0][0].set_ylabel("mean dev score, trained pairs")
    panels[0][-1].legend(frameon=False, fontsize=9, loc="lower right")
    figure.tight_layout()
    figure.savefig(path, facecolor="white")
    plt.close(figure)
