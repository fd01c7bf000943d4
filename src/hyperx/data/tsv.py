"""A sentence and its label a line, separated by a tab."""

from collections.abc import Iterator
from pathlib import Path

from hyperx.data.annotation import Annotation
from hyperx.data.lines import read_lines
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError

TEXT, LABEL = ("text", "sentence"), "label"  # of a first line that names the columns


def read_tsv(path: Path, *, task: Annotation, label_column: int | None = None) -> Iterator[Sentence]:
    """Yield each line's text, split at white space, and its label.

    A first line with a column ``label`` (or the task's name) and one ``text`` or ``sentence`` names the columns; else there
    are two.

    Args:
        label_column: the label's, from 1; the last of two, unless given.

    Raises:
        HyperXError: a line has other columns than those, or its text or label is empty.
    """
    text: int | None = None
    label, width = 0, 0
    for number, line in read_lines(path):
        if not line.strip():
            continue
        fields = [field.strip() for field in line.split("\t")]
        source = f"{path}:{number}"
        if text is None:
            width = len(fields)
            named = _named(fields, task)
            text, label = named or _two(width, label_column, source)
            if named:
                continue
        if len(fields) != width or not fields[label] or not fields[text]:
            raise HyperXError(
                f"{source}: expected {width} columns with a text and its label, separated by tabs: {line[:60]!r}"
            )
        yield Sentence(tuple(fields[text].split()), (fields[label],), source)


def _named(fields: list[str], task: Annotation) -> tuple[int, int] | None:
    names = [field.lower() for field in fields]
    texts, labels = ([names.index(name) for name in wanted if name in names] for wanted in (TEXT, (task.name, LABEL)))
    return (texts[0], labels[0]) if texts and labels else None


def _two(width: int, label_column: int | None, source: str) -> tuple[int, int]:
    if width != 2 or label_column not in (None, 1, 2):
        raise HyperXError(
            f"{source}: {width} columns; expected a text and its label, separated by a tab, or a first line that names the "
            f"columns, '{TEXT[0]}' and '{LABEL}' among them"
        )
    label = 1 if label_column is None else label_column - 1
    return 1 - label, label
