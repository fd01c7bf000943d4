"""``hyperx data``: what data there is, and whether it can be used."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from hyperx.cli.options import LabelMap, TagColumn
from hyperx.data.annotation import annotation
from hyperx.data.catalog import CORPORA, languages, load_splits, tasks
from hyperx.data.check import FileReport, check_file, collected_notices, count
from hyperx.errors import HyperXError
from hyperx.terminal import numbered, plain

app = typer.Typer(no_args_is_help=True, help="Check data, count it, and list the corpora known by name.")

Root = Annotated[Path | None, typer.Option(help="The folder of a corpus on disk; $HYPERX_DATA unless given.")]
MAX_NOTICES = 5


@app.command("list")
def list_corpora() -> None:
    """List the corpora that a run can name."""
    console = Console(highlight=False, soft_wrap=True)  # an address stays whole
    for corpus in CORPORA.values():
        console.print(f"[bold]{corpus.name}[/]: {', '.join(corpus.tasks)}; {corpus.licence}")
        console.print(f"  {corpus.description}", markup=False)


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument(help="Files of sentences.")],
    task: Annotated[
        str | None, typer.Option(help="pos, ner, parse or another; found from the tags unless given.")
    ] = None,
    format: Annotated[
        str, typer.Option(help="conllu, columns, wikiann, tsv, text or jsonl; found unless given.")
    ] = "auto",
    tag_column: TagColumn = None,
    label_map: LabelMap = None,
) -> None:
    """Read files as training would, and report what they hold; exit status 1 if one can't be used."""
    console = Console(highlight=False, soft_wrap=True)
    names = renamed(label_map or [])
    reports = [check_file(path, task=task, format=format, tag_column=tag_column, label_map=names) for path in paths]
    for report in reports:
        show(report, console)
    if any(report.error for report in reports):
        raise typer.Exit(1)


@app.command()
def stats(
    names: Annotated[list[str], typer.Argument(help="Corpora of `hyperx data list`, or files.")],
    root: Root = None,
) -> None:
    """Count sentences, words and entities: of each pair and split of a corpus, or of files."""
    table = Table("Data", "Split", box=None, pad_edge=False)
    for column in ("Sentences", "Words", "Words a sentence", "Entities"):
        table.add_column(column, justify="right")
    for name in names:
        for label, split, report in _file_reports(Path(name)) if Path(name).is_file() else _corpus_reports(name, root):
            table.add_row(
                plain(label),
                split,
                f"{report.sentences:,}",
                f"{report.words:,}",
                f"{report.words / max(report.sentences, 1):.1f}",
                f"{report.labels.total():,}" if annotation(report.task).spans else "",
            )
    Console(highlight=False).print(table)


def _file_reports(path: Path) -> Iterator[tuple[str, str, FileReport]]:
    report = check_file(path)
    if report.error:
        raise HyperXError(report.error)
    yield str(path), report.task, report


def _corpus_reports(corpus: str, root: Path | None) -> Iterator[tuple[str, str, FileReport]]:
    with collected_notices():  # `data check` shows them
        for task in tasks(corpus):
            for language in languages(corpus, task, root):
                for split, sentences in load_splits(corpus, task, language, root=root).items():
                    report = FileReport(Path(split), task)
                    count(report, sentences)
                    yield f"{task}/{language}", split, report


def show(report: FileReport, console: Console) -> None:
    """Print what a file holds."""
    name = plain(str(report.path))
    if report.error:
        console.print(f"[bold red]✗[/] {plain(report.error)}")
        return
    console.print(
        f"[bold green]✓[/] [bold]{name}[/]: {report.task}, {report.format}, "
        f"{numbered(report.sentences, 'sentence')}, {numbered(report.words, 'word')}"
    )
    if report.labels:
        console.print("  " + ", ".join(f"{plain(label)} {number:,}" for label, number in report.labels.most_common()))
    show_notices(report.notices, console)


def show_notices(notices: list[str], console: Console) -> None:
    """Print the first notices, and how many more there are."""
    for notice in notices[:MAX_NOTICES]:
        console.print(f"  [yellow]note[/] {plain(notice)}")
    if len(notices) > MAX_NOTICES:
        console.print(f"  [yellow]note[/] and {len(notices) - MAX_NOTICES:,} more like these; see hyperx data check")


def renamed(texts: Iterable[str]) -> dict[str, str]:
    """Read ``OLD=NEW`` options.

    Raises:
        HyperXError: one is none.
    """
    names = {}
    for text in texts:
        old, equals, new = text.partition("=")
        if not equals or not old or not new:
            raise HyperXError(f"'{text}' does not rename a label; expected OLD=NEW, such as DATE=O")
        names[old] = new
    return names
