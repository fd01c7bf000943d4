"""The task-language matrix as text, PNG and HTML."""

from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hyperx.disk import write_whole, writing
from hyperx.errors import HyperXError
from hyperx.languages import name as language_name
from hyperx.results import Average, Results, Row, floor_notice
from hyperx.terminal import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UNITS = {"f1": "F1", "las": "LAS", "uas": "UAS", "ufeats": "UFeats", "macro_f1": "macro F1"}
MAX_DRAWN = 500
TELLING = 3  # cells from which a further one's score is foretold; two leave nearly all of 0 to 100 open
ZERO_SHOT, TEXT_ONLY = "○", "·"


def heading(results: Results, task: str) -> str:
    """Return a task's column heading, ``POS accuracy``."""
    metric = next(row.metric for row in results.rows if row.task == task)
    return f"{task.upper()} {UNITS.get(metric, metric)}"


def marks(row: Row | None, results: Results) -> str:
    """Return what stands beside a score: nothing for a trained cell."""
    if row is None or row.trained:
        return " "
    return TEXT_ONLY if row.language in results.text_only else ZERO_SHOT


def _any_text_only(results: Results) -> bool:
    return any(marks(row, results) == TEXT_ONLY for row in results.rows)


def ordered_languages(results: Results) -> list[str]:
    """Return the languages, those that the backbone has seen first, each group by English name."""
    seen = {row.language: row.seen for row in results.rows}
    return sorted(seen, key=lambda language: (seen[language] is False, language_name(language)))


def shown_averages(results: Results) -> list[tuple[str, list[Average | None]]]:
    """Return the averages to show, a label and a value a task; of seen and unseen languages where there are both."""
    groups = ["all", "seen", "unseen"] if len({row.seen for row in results.rows}) > 1 else ["all"]
    shown = []
    for cells in ("trained", "zero-shot"):
        for group in groups:
            averages = [results.average(task, cells, group) for task in results.tasks]
            if any(averages):
                shown.append((f"mean of {cells}" + ("" if group == "all" else f", {group}"), averages))
    return shown


def expectations(results: Results) -> str | None:
    """Return what zero-shot cells that were not scored can be expected to score, or None where nothing tells."""
    known = {heading(results, task): results.expected(task) for task in results.tasks}
    told = [f"{name} {expected}" for name, expected in known.items() if expected.cells >= TELLING]
    return f"A zero-shot cell without a test set can be expected to score: {'; '.join(told)}." if told else None


def print_matrix(results: Results, console: Console) -> None:
    """Print the matrix, its averages and a legend."""
    table = Table(
        box=None,
        pad_edge=False,
        title=plain(f"{results.run} ({results.method}, {results.split})"),
        title_justify="left",
    )
    table.add_column("Language", no_wrap=True)
    table.add_column("")
    shown = [(task, name) for task in results.tasks for name in ("", *other_names(results, task))]
    for task, name in shown:
        table.add_column(plain(UNITS.get(name, name) or heading(results, task)), no_wrap=True)
    for language in ordered_languages(results):
        rows = [results.row(task, language) for task in results.tasks]
        seen = next(row.seen for row in rows if row)
        table.add_row(
            f"{language_name(language)} [dim]{plain(language)}[/]",
            "[dim]unseen[/]" if seen is False else "",
            *(cell_text(results.row(task, language), results, name) for task, name in shown),
        )
    table.add_section()
    for label, averages in shown_averages(results):
        by_task = dict(zip(results.tasks, averages, strict=True))
        values = [None if name else by_task[task] for task, name in shown]
        texts = ["" if a is None else Text.assemble(*_figures(a), f"×{a.count}") for a in values]
        table.add_row(f"[bold]{label}[/]", "", *texts)
    console.print(table)
    legend = f"[bold]score[/] trained   [cyan]score {ZERO_SHOT}[/] zero-shot"
    if _any_text_only(results):
        legend += f"   [yellow]score {TEXT_ONLY}[/] zero-shot, raw text only"
    console.print(f"{legend}   ± half the 95 % interval")
    if told := expectations(results):
        console.print(f"[dim]{plain(told)}[/]")
    if notice := floor_notice(results):
        console.print(f"[bold red]![/] {plain(notice)}")


def other_names(results: Results, task: str) -> list[str]:
    """Return the names of a task's further figures."""
    return list(next(row.others for row in results.rows if row.task == task))


def cell_text(row: Row | None, results: Results, other: str = "") -> Text:
    """Return a cell: score, half interval and mark; or another figure of it."""
    if row is None or (other and other not in row.others):
        return Text("    –", style="dim")
    if other:
        return Text(f"{row.others[other]:5.1f}", style="dim")
    mark = marks(row, results)
    style = {" ": "bold", ZERO_SHOT: "cyan", TEXT_ONLY: "yellow"}[mark]
    return Text.assemble(*_figures(row, style), (mark, style))


def _figures(figures: Row | Average, style: str = "") -> tuple[tuple[str, str], tuple[str, str]]:
    """Return a score and half its interval, as wide as any, so that columns stand under each other."""
    return (f"{figures.score:5.1f}", style), (f" ±{(figures.high - figures.low) / 2:<4.1f} ", "dim")


def save_png(results: Results, path: Path) -> None:
    """Draw the matrix: a row a task, a column a language; zero-shot cells are outlined."""
    from matplotlib import rc_context

    languages, tasks = ordered_languages(results), results.tasks
    if not 0 < max(len(languages), len(tasks)) <= MAX_DRAWN:
        raise HyperXError(f"a picture can show 1 to {MAX_DRAWN} languages and tasks; write a page with --html instead")
    with rc_context({"text.parse_math": False}):  # a name with $ is no formula
        figure = _figure(results, languages, tasks)
    with writing(path):
        figure.savefig(path, format="png", bbox_inches="tight", pad_inches=0.15, facecolor="white")


def _figure(results: Results, languages: list[str], tasks: list[str]) -> "Figure":
    from matplotlib.figure import Figure  # not pyplot, whose backend is a notebook's own business

    figure = Figure(figsize=(0.6 * len(languages), 0.6 * len(tasks)), dpi=160)
    axes = figure.subplots()
    for y, task in enumerate(tasks):
        for x, language in enumerate(languages):
            _draw_cell(axes, x, y, results.row(task, language), text_only=language in results.text_only)
    _label_axes(axes, results, languages, tasks)
    axes.set_title(
        f"{results.run}: {results.method} on {results.backbone}", loc="left", fontsize=11, weight="bold", pad=22
    )
    axes.text(0, 1.04, _summary(results), transform=axes.transAxes, fontsize=8.5, color="0.35", va="bottom")
    axes.set_xlabel(_legend(results), loc="left", fontsize=8, color="0.35", labelpad=8)  # below the longest name
    return figure


def _draw_cell(axes: "Axes", x: int, y: int, row: Row | None, *, text_only: bool) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    centred: dict[str, Any] = {"ha": "center", "va": "center"}
    if row is None:
        axes.text(x, y, "–", color="0.6", **centred)
        return
    shade = 0.05 + 0.75 * row.score / 100
    colour = colormaps["YlGnBu"](shade)
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=1.5))
    ink, weight = "white" if shade > 0.6 else "0.1", "bold" if row.trained else "normal"
    axes.text(x, y, f"{row.score:.0f}", color=ink, weight=weight, fontsize=10, **centred)
    if not row.trained:
        line: dict[str, Any] = {"edgecolor": "#d9480f", "linewidth": 1.6, "linestyle": ":" if text_only else "-"}
        axes.add_patch(Rectangle((x - 0.42, y - 0.42), 0.84, 0.84, fill=False, **line))


def _label_axes(axes: "Axes", results: Results, languages: list[str], tasks: list[str]) -> None:
    seen = {row.language: row.seen for row in results.rows}
    labels = [f"{language_name(language)}{' *' if seen[language] is False else ''}" for language in languages]
    axes.set_xticks(range(len(languages)), labels, rotation=45, ha="right", rotation_mode="anchor", fontsize=9)
    axes.set_yticks(range(len(tasks)), [heading(results, task) for task in tasks], fontsize=10)
    axes.set_xlim(-0.5, len(languages) - 0.5)
    axes.set_ylim(len(tasks) - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _legend(results: Results) -> str:
    parts = ["bold: trained", "outlined: zero-shot"]
    if _any_text_only(results):
        parts.append("dotted outline: zero-shot, raw text only")
    if any(row.seen is False for row in results.rows):
        parts.append("*: unseen by the backbone")
    return "   ".join(parts)


def _summary(results: Results) -> str:
    lines = []
    for task in results.tasks:
        parts = []
        for cells in ("trained", "zero-shot"):
            average = results.average(task, cells)
            if average:
                parts.append(f"{cells} {average.score:.1f}")
        lines.append(f"{heading(results, task)}: {', '.join(parts)}")
    return "   ".join(lines)


_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --line: #8884; --soft: color-mix(in srgb, currentColor 65%, transparent); --zero: #d9480f; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: separate; border-spacing: 3px; }
th { text-align: left; font-weight: 500; padding: .2rem .7rem; white-space: nowrap; }
thead th { text-align: center; font-weight: 600; }
td { text-align: center; min-width: 6.5rem; padding: .3rem .6rem; border-radius: .35rem; border: 2px solid transparent;
     background: color-mix(in srgb, #1d6fa5 calc(var(--score) * .6%), transparent); font-variant-numeric: tabular-nums; }
td.trained { font-weight: 700; }
td.zero { border-color: var(--zero); }
td.text { border-color: var(--zero); border-style: dotted; }
td small, th small { color: var(--soft); font-weight: 400; }
td.none, tfoot td { background: none; }
tfoot tr:first-child > * { border-top: 1px solid var(--line); border-radius: 0; }
.key { display: inline-block; border: 2px solid transparent; border-radius: .35rem; padding: 0 .5rem; margin-right: .8rem; }
.key.zero { border-color: var(--zero); } .key.text { border-color: var(--zero); border-style: dotted; }
</style></head><body>
<h1>$title</h1>
<p>$subtitle</p>
<table><thead><tr><th scope="col">Language</th>$heads</tr></thead><tbody>
$body
</tbody><tfoot>
$foot
</tfoot></table>
<p>$legend</p>
<p>$expectations</p>
<p>$notice</p>
</body></html>
""")


def save_html(results: Results, path: Path) -> None:
    """Write the matrix as one page that needs nothing else."""
    body = []
    for language in ordered_languages(results):
        rows = [results.row(task, language) for task in results.tasks]
        unseen = " <small>unseen</small>" if next(row.seen for row in rows if row) is False else ""
        head = f'<th scope="row">{escape(language_name(language))} <small>{escape(language)}</small>{unseen}</th>'
        body.append(f"<tr>{head}{''.join(_html_cell(row, results) for row in rows)}</tr>")
    foot = []
    for label, averages in shown_averages(results):
        values = "".join(
            "<td></td>"
            if a is None
            else f"<td>{a.score:.1f} <small>{a.low:.1f}–{a.high:.1f}, {a.count} cells</small></td>"
            for a in averages
        )
        foot.append(f'<tr><th scope="row">{label.capitalize()}</th>{values}</tr>')
    legend = '<span class="key"><b>bold</b> trained</span><span class="key zero">zero-shot</span>'
    if _any_text_only(results):
        legend += '<span class="key text">zero-shot, raw text only</span>'
    page = _PAGE.substitute(
        title=escape(results.run),
        subtitle=escape(f"{results.method} on {results.backbone}, {results.split} sets, seed {results.seed}"),
        heads="".join(f'<th scope="col">{escape(heading(results, task))}</th>' for task in results.tasks),
        body="\n".join(body),
        foot="\n".join(foot),
        legend=legend,
        expectations=escape(expectations(results) or ""),
        notice=escape(floor_notice(results) or ""),
    )
    with writing(path):
        write_whole(path, page)


def _html_cell(row: Row | None, results: Results) -> str:
    if row is None:
        return '<td class="none">–</td>'
    kind = {" ": "trained", ZERO_SHOT: "zero", TEXT_ONLY: "text"}[marks(row, results)]
    title = (
        f"95 % interval {row.low:.1f} to {row.high:.1f}; {row.sentences:,} sentences; majority tag {row.majority:.1f}"
    )
    title += "".join(f"; {escape(UNITS.get(name, name))} {score:.1f}" for name, score in row.others.items())
    half = (row.high - row.low) / 2
    return f'<td class="{kind}" style="--score: {row.score:.0f}" title="{title}">{row.score:.1f} <small>±{half:.1f}</small></td>'
