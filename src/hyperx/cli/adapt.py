"""``hyperx adapt``."""

import math
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from hyperx.cli.options import LabelMap, TagColumn
from hyperx.errors import HyperXError
from hyperx.terminal import plain

if TYPE_CHECKING:
    from hyperx.adapt import Sentences
    from hyperx.results import Results, Row


def adapt(
    run: Annotated[
        str,
        typer.Argument(
            help="A run's or a saved Hyper-X model's folder, or a Hub id: owner/name or owner/name@revision."
        ),
    ],
    output: Annotated[Path, typer.Option(help="The folder of the grown model.")],
    data: Annotated[
        list[str] | None,
        typer.Option("--data", "-d", help="Sentences to train on: ner/yor=FILE, or raw text mlm/yor=FILE."),
    ] = None,
    test: Annotated[list[str] | None, typer.Option(help="Gold sentences to score: ner/yor=FILE.")] = None,
    language: Annotated[
        list[str] | None, typer.Option("--language", "-l", help="A new language without any data.")
    ] = None,
    sentences: Annotated[
        int | None, typer.Option(min=1, help="Take this many of each labelled file, the first.")
    ] = None,
    interpolate: Annotated[
        bool,
        typer.Option("--interpolate", help="Start new languages at their relatives' embeddings, also those with data."),
    ] = False,
    train: Annotated[
        str,
        typer.Option(help="embeddings: new ones and new heads alone, and all other cells stay as they are; or all."),
    ] = "embeddings",
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="1e-2 of embeddings, 3e-4 of all, unless given.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, max=65536)] = 16,
    seed: Annotated[int, typer.Option(min=0, max=2**31)] = 1,
    format: Annotated[str, typer.Option(help="Of labelled files; found unless given.")] = "auto",
    tag_column: TagColumn = None,
    label_map: LabelMap = None,
) -> None:
    """Grow a trained model: by a few labelled sentences, a new language, a new task.

    Example: hyperx adapt runs/quickstart --output runs/yoruba -d pos/yor=train.txt --sentences 20 --test pos/yor=test.txt
    """
    from hyperx.adapt import STEPS
    from hyperx.adapt_run import adapt_run
    from hyperx.cli.data import renamed, show_notices
    from hyperx.cli.progress import TrainingProgress
    from hyperx.config import TrainingConfig
    from hyperx.data.check import collected_notices
    from hyperx.gold import notices as told
    from hyperx.languages import normalize
    from hyperx.modeling import model_folder, read_config

    if train not in ("embeddings", "all"):
        raise HyperXError(f"there is no choice '{train}' of what to train; choose embeddings or all")
    if learning_rate is not None and not 0 < learning_rate < math.inf:
        raise HyperXError(f"a learning rate of {learning_rate} trains nothing; give one above 0, such as 0.01")
    model = read_config(model_folder(run, None))
    how: dict[str, Any] = {"format": format, "tag_column": tag_column, "label_map": renamed(label_map or [])}
    console = Console(stderr=True, highlight=False)
    with console.status("Reading the data") as status, collected_notices() as notices:
        training = TrainingConfig(steps=steps or STEPS, batch_size=batch_size, learning_rate=learning_rate)
        given = read(data or [], how, model.kinds, at_most=sentences)
        tests = read(test or [], how, model.kinds)
        result, before, after = adapt_run(
            run,
            output,
            given,
            tests=tests,
            training=training,
            train=train,  # type: ignore[arg-type]
            languages=[normalize(code) for code in language or ()],
            interpolate=interpolate,
            seed=seed,
            callbacks=[TrainingProgress(console, status)],
            progress=status.update,
        )
    show_notices(notices + told(model, given, tests), console)
    for new, weights in result.relatives.items():
        show_relatives(new, weights)
    show_scores(before, after)
    console.print(f"Saved in {plain(str(output))}: {', '.join(sorted(path.name for path in output.iterdir()))}")


def read(
    files: Iterable[str], how: dict[str, Any], kinds: dict[str, str], *, at_most: int | None = None
) -> "Sentences":
    """Read ``ner/yor=FILE``; files of one pair are joined, and raw text is taken whole."""
    from hyperx.data.read import read_sentences
    from hyperx.pairs import Pair
    from hyperx.tasks import build_task

    found: dict[Pair, list[Any]] = {}
    for text in files:
        name, equals, path = text.partition("=")
        if not equals or not path:
            raise HyperXError(f"'{text}' names no sentences; expected a pair and a file, such as ner/yor=train.txt")
        pair = Pair.parse(name)
        task = build_task(pair.task, kinds=kinds)
        rows = read_sentences(path, task=task, **({} if task.auxiliary else how))
        found.setdefault(pair, []).extend(islice(rows, None if task.auxiliary else at_most))
    return found


def show_relatives(language: str, weights: dict[str, float]) -> None:
    """Print the known languages that a new one's embedding is made of."""
    from hyperx.languages import name

    shares = ", ".join(f"{name(other)} {weight:.1%}" for other, weight in weights.items())
    Console(highlight=False).print(f"[bold]{name(language)}[/] starts at the embeddings of {shares}")


def show_scores(before: "Results", after: "Results") -> None:
    """Print each scored cell before and after; one that stayed as it was has one score."""
    from hyperx.languages import name

    table = Table("Cell", "", box=None, pad_edge=False)
    for column in ("Before", "After", "Difference"):
        table.add_column(column, justify="right")
    for row in after.rows:
        old = before.row(row.task, row.language)
        table.add_row(str(row.pair), name(row.language), *_change(old, row))
    if after.rows:
        Console(highlight=False).print(table)


def _change(old: "Row | None", row: "Row") -> tuple[str, str, str]:
    score = f"{row.score:.1f} ±{(row.high - row.low) / 2:.1f}"
    return ("–", score, "") if old is None else (f"{old.score:.1f}", score, f"{row.score - old.score:+.1f}")
