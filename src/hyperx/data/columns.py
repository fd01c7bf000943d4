"""A word and its tag a line, an empty line between sentences: CoNLL-2003, MasakhaNER, Universal NER, WikiANN."""

import logging
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from hyperx.data.annotation import Annotation
from hyperx.data.lines import read_lines
from hyperx.data.sentence import Sentence
from hyperx.errors import HyperXError

logger = logging.getLogger(__name__)

PEEK = 2000  # lines from which the columns are found
_COMMENT = re.compile(r"#\s*\S+\s*=|#\s*newdoc|#\s*newpar")
SIGNED = re.compile(r"#\S*=\S")  # a word such as '#a=b', or a comment
_WIKIANN = re.compile(r"[a-z]{2,3}(?:[-_][a-z]+)*:(?=.)")


class Layout(NamedTuple):
    """Where a file's words and tags are.

    Attributes:
        separator: a tab, or a space for any run of spaces.
        width: columns a line.
        word, tag: their columns, from 0.
        prefix: words bear WikiANN's ``lang:``.
    """

    separator: str
    width: int
    word: int
    tag: int
    prefix: bool


def read_columns(
    path: Path, *, task: Annotation, tag_column: int | None = None, wikiann: bool | None = None
) -> Iterator[Sentence]:
    """Yield sentences of two or more columns, separated by tabs or spaces.

    A line ``# key = value`` before a sentence is a comment, as is ``-DOCSTART-``; ``#a=b`` with a tag is a word, to an auxiliary
    task with as many columns as the words.

    Args:
        task: whose tags to look for; an auxiliary one takes the words only.
        tag_column: the tag's column, from 1; found, unless given.
        wikiann: words are written ``lang:word``; found, unless given.

    Raises:
        HyperXError: no column holds tags of the task, or a line has another number of columns than the first.
    """
    layout = find_layout(path, task=task, tag_column=tag_column, wikiann=wikiann)
    words: list[str] = []
    tags: list[str] = []
    start = 1
    for number, line in read_lines(path):
        if not line.strip(" \t"):
            if words:
                yield _sentence(words, tags, path, start, task)
            words, tags = [], []
            continue
        if _is_comment(line, layout.separator, task, within=bool(words), width=layout.width):
            continue
        fields = split_columns(line, layout.separator)
        if len(fields) == layout.width - 1 and line[0] == layout.separator and task.is_tag(fields[-1]):
            logger.warning("%s:%d: a tag without a word is passed over: %r", path, number, line)
            continue
        if len(fields) != layout.width:
            raise HyperXError(
                f"{path}:{number}: {len(fields)} columns, but {layout.width} on the lines before; expected a word and its "
                f"tag separated by a {'tab' if layout.separator == chr(9) else 'space'}: {line[:60]!r}"
            )
        if not words:
            start = number
        word = fields[layout.word]
        words.append(_WIKIANN.sub("", word, count=1) if layout.prefix else word)
        tags.append(fields[layout.tag])
    if words:
        yield _sentence(words, tags, path, start, task)


def find_layout(path: Path, *, task: Annotation, tag_column: int | None = None, wikiann: bool | None = None) -> Layout:
    """Find a file's columns from its first lines.

    Raises:
        HyperXError: no column holds tags of the task.
    """
    lines = [(number, line) for number, line in islice(read_lines(path), PEEK) if line.strip(" \t")]
    tabs = any("\t" in line for _, line in lines if not _COMMENT.match(line) or task.is_tag(line.split("\t")[-1]))
    separator = "\t" if tabs else " "
    rows = [
        (number, split_columns(line, separator))
        for number, line in lines
        if not _is_comment(line, separator, task, within=False)
    ]
    if not rows:
        raise HyperXError(f"{path} has no words in its first {PEEK:,} lines")
    number, first = rows[0]
    count = len(first)
    fitting = [fields for _, fields in rows if len(fields) == count]
    if count < 2 and not task.auxiliary:
        raise HyperXError(f"{path}:{number}: one column; expected a word and its tag, separated by a tab or a space")
    word = 1 if count > 2 and all(fields[0].isdigit() for fields in fitting) else 0
    if wikiann is None:
        wikiann = all(_WIKIANN.match(fields[word]) for fields in fitting)
    if tag_column is not None:
        if not 1 <= tag_column <= count:
            raise HyperXError(f"{path}:{number}: there is no column {tag_column}; the file has {count}")
        return Layout(separator, count, word, tag_column - 1, wikiann)
    return Layout(separator, count, word, _find_tags(path, number, fitting, word, task), wikiann)


def _find_tags(path: Path, number: int, rows: list[list[str]], word: int, task: Annotation) -> int:
    if task.auxiliary:
        return word
    count = len(rows[0])
    for column in reversed(range(count)):
        if column != word and all(task.is_tag(fields[column]) for fields in rows):
            return column
    if count == 2:
        return 1 - word  # the wrong tag is reported where it stands
    raise HyperXError(
        f"{path}:{number}: none of the {count} columns holds {task.name} tags only; say which one does, with tag_column"
    )


def split_columns(line: str, separator: str) -> list[str]:
    """Return a line's fields."""
    # Only tabs or plain spaces separate: a no-break space may be part of a word.
    return line.split("\t") if separator == "\t" else [field for field in line.strip(" ").split(" ") if field]


def _is_comment(line: str, separator: str, task: Annotation, *, within: bool, width: int | None = None) -> bool:
    if split_columns(line, separator)[0] == "-DOCSTART-":
        return True
    if not line.startswith("#") or within:
        return False
    fields = split_columns(line, separator)
    tagged = len(fields) > 1 and task.is_tag(fields[-1])
    if separator == "\t":
        return "\t" not in line or (bool(_COMMENT.match(line)) and not tagged)
    # An auxiliary task knows no tags to tell a word by, but a word has as many columns as the others.
    word = len(fields) == width if task.auxiliary else tagged
    return bool(_COMMENT.match(line)) and not (word and SIGNED.match(line))


def _sentence(words: list[str], tags: list[str], path: Path, start: int, task: Annotation) -> Sentence:
    return Sentence(tuple(words), None if task.auxiliary else tuple(tags), f"{path}:{start}")
